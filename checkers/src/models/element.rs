//! A JSON value with an order, to be kept in sorted containers.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Null < booleans < numbers < strings < arrays < objects, each by content. The order has no
/// meaning; it agrees with equality. It descends as deep as a value is nested, which its reader
/// limits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Element(pub Value);

impl PartialOrd for Element {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Element {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => compare_numbers(a, b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let unequal = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|o| o.is_ne());
            unequal.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        // Members have an order of appearance, which equality ignores: compare them sorted.
        (Value::Object(a), Value::Object(b)) => {
            let sorted = |map: &serde_json::Map<String, Value>| {
                let mut members: Vec<(String, Element)> = map
                    .iter()
                    .map(|(name, value)| (name.clone(), Element(value.clone())))
                    .collect();
                members.sort();
                members
            };
            sorted(a).cmp(&sorted(b))
        }
        _ => kind(a).cmp(&kind(b)),
    }
}

/// Integers by value before all other numbers.
fn compare_numbers(a: &Number, b: &Number) -> Ordering {
    match (integer(a), integer(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => {
            let float = |number: &Number| number.as_f64().unwrap_or_default();
            // Zeros of either sign are equal.
            (float(a) + 0.0).total_cmp(&(float(b) + 0.0))
        }
    }
}

/// The number, if it was written as an integer.
pub(super) fn integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_order_agrees_with_equality() {
        let text = r#"[null, false, true, -5, 0, 3, 18446744073709551615, -0.0, 0.0, 2.5, "", "a",
            [], [1], [1, null], {}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, {"b": 1}]"#;
        let values: Vec<Value> = serde_json::from_str(text).unwrap();
        let values: Vec<Element> = values.into_iter().map(Element).collect();
        for (i, a) in values.iter().enumerate() {
            for (j, b) in values.iter().enumerate() {
                assert_eq!(a.cmp(b).is_eq(), a == b, "{a:?} {b:?}");
                assert_eq!(a.cmp(b), b.cmp(a).reverse(), "{a:?} {b:?}");
                assert!(i > j || a <= b, "{a:?} {b:?}");
            }
        }
    }
}
