//! Values numbered from 0, in the order of their first mention.

use rustc_hash::FxHashMap;

use super::ValueId;

const NONE: u32 = u32::MAX;

/// A table where the names of values lie close together, as those of integers counted up do: its
/// memory is then read nearly in order. Only what lies far off is hashed.
pub(crate) struct Numbers {
    integers: Near,
    others: Near,
    far: FxHashMap<ValueId, u32>,
    count: u32,
}

impl Numbers {
    /// For about so many mentions. Tables take at most four times as many places.
    pub(crate) fn with_mentions(mentions: usize) -> Self {
        let most = 4 * mentions + 64;
        Self {
            integers: Near::new(most),
            others: Near::new(most),
            far: FxHashMap::default(),
            count: 0,
        }
    }

    /// The number of a value, and whether it is new.
    #[inline]
    pub(crate) fn number(&mut self, value: ValueId) -> (u32, bool) {
        let next = self.count;
        let near = if value.is_integer() { &mut self.integers } else { &mut self.others };
        let number = match near.slot(value.raw()) {
            Some(slot) => {
                if *slot == NONE {
                    *slot = next;
                }
                *slot
            }
            None => *self.far.entry(value).or_insert(next),
        };
        self.count += u32::from(number == next);
        (number, number == next)
    }
}

/// Numbers by distance from the first name, before and after it by turns.
struct Near {
    first: Option<u32>,
    numbers: Vec<u32>,
    most: usize,
}

impl Near {
    fn new(most: usize) -> Self {
        Self { first: None, numbers: Vec::new(), most }
    }

    /// `None`: it lies too far off.
    #[inline]
    fn slot(&mut self, name: u32) -> Option<&mut u32> {
        let first = *self.first.get_or_insert(name);
        let twice = 2 * name.abs_diff(first) as usize;
        let place = if name > first { twice - 1 } else { twice };
        if place >= self.numbers.len() {
            if place >= self.most {
                return None;
            }
            let room = (place + 1).max(2 * self.numbers.len()).min(self.most);
            self.numbers.resize(room, NONE);
        }
        self.numbers.get_mut(place)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::values::Interner;
    use super::*;

    proptest! {
        #[test]
        fn equal_values_have_equal_numbers_in_order(
            mentions in prop::collection::vec(
                prop_oneof![
                    (-20..20_i64).prop_map(Value::from),
                    (-1_000_000_000..1_000_000_000_i64).prop_map(Value::from),
                    any::<i64>().prop_map(Value::from),
                    "[a-c]{0,2}".prop_map(Value::from),
                    prop::collection::vec(0..3_i64, 0..2).prop_map(Value::from),
                    Just(Value::Null),
                ],
                0..60,
            ),
        ) {
            let mut names = Interner::default();
            let mut numbers = Numbers::with_mentions(1);
            let mut plain: Vec<Value> = Vec::new();
            for value in mentions {
                let known = plain.iter().position(|other| *other == value);
                let expected = (known.unwrap_or(plain.len()) as u32, known.is_none());
                prop_assert_eq!(numbers.number(names.value(&value)), expected);
                if known.is_none() {
                    plain.push(value);
                }
            }
        }
    }
}
