//! What a transaction finds and leaves, given what its keys hold.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Function, Micro};

/// A transaction performed on a state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Performed {
    /// With what the reads found.
    pub micros: Vec<Micro>,
    /// What the transaction leaves in the keys that it wrote.
    pub written: BTreeMap<String, Value>,
}

/// Performs `micros` in order on what `state` says a key holds (null: absent). A read sees the
/// transaction's own writes before it.
///
/// # Errors
/// An append to what is no list; then the transaction must not happen.
pub fn perform(micros: &[Micro], state: impl Fn(&str) -> Value) -> Result<Performed, String> {
    let mut performed = Performed::default();
    for Micro(function, key, value) in micros {
        let own = performed.written.get(key);
        let held = || own.cloned().unwrap_or_else(|| state(key));
        let (found, left) = match function {
            Function::Read => (held(), None),
            Function::Write => (value.clone(), Some(value.clone())),
            Function::Append => (value.clone(), Some(appended(key, held(), value)?)),
        };
        performed.micros.push(Micro(*function, key.clone(), found));
        if let Some(left) = left {
            performed.written.insert(key.clone(), left);
        }
    }
    Ok(performed)
}

fn appended(key: &str, list: Value, element: &Value) -> Result<Value, String> {
    match list {
        Value::Null => Ok(json!([element])),
        Value::Array(mut list) => {
            list.push(element.clone());
            Ok(Value::Array(list))
        }
        other => Err(format!("cannot append to {key}: it holds {other}, which is no list")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn on(state: Value, micros: Value) -> Result<(Value, Value), String> {
        let held = |key: &str| state.get(key).cloned().unwrap_or_default();
        let performed = perform(&Micro::list(&micros).unwrap(), held)?;
        Ok((serde_json::to_value(performed.micros).unwrap(), json!(performed.written)))
    }

    #[test]
    fn reads_see_the_state_and_the_transactions_own_writes_before_them() {
        let micros = json!([
            ["r", "x", null],
            ["append", "x", 2],
            ["r", "x", null],
            ["r", "y", null],
            ["append", "y", 3],
            ["append", "x", 4],
            ["w", "z", 5],
            ["r", "z", null]
        ]);
        let (found, written) = on(json!({"x": [1], "z": 1}), micros).unwrap();
        let expected = json!([
            ["r", "x", [1]],
            ["append", "x", 2],
            ["r", "x", [1, 2]],
            ["r", "y", null],
            ["append", "y", 3],
            ["append", "x", 4],
            ["w", "z", 5],
            ["r", "z", 5]
        ]);
        assert_eq!(found, expected);
        assert_eq!(written, json!({"x": [1, 2, 4], "y": [3], "z": 5}));
    }

    #[test]
    fn an_append_to_what_is_no_list_is_refused() {
        let error = on(json!({"x": 1}), json!([["append", "x", 2]])).unwrap_err();
        assert_eq!(error, "cannot append to x: it holds 1, which is no list");
        assert!(on(json!({}), json!([["w", "x", 1], ["append", "x", 2]])).is_err());
    }
}
