//! Values numbered from 0, in the order of their first mention.

use rustc_hash::FxHashMap;

use super::ValueId;

const NONE: u32 = u32::MAX;

/// A table where the names of values lie close together, as those of integers counted up do: its
/// memory is then read nearly in order. Where they do not, they are hashed.
pub(crate) struct Numbers {
    integers: Near,
    others: Near,
    far: FxHashMap<ValueId, u32>,
    count: u32,
    mentions: usize,
}

impl Numbers {
    /// For about so many mentions.
    pub(crate) fn with_mentions(mentions: usize) -> Self {
        let (integers, others) = (Near::default(), Near::default());
        Self { integers, others, far: FxHashMap::default(), count: 0, mentions }
    }

    /// The number of a value, and whether it is new.
    #[inline]
    pub(crate) fn number(&mut self, value: ValueId) -> (u32, bool) {
        let next = self.count;
        let near = if value.is_integer() { &mut self.integers } else { &mut self.others };
        // Once something is hashed tables do not grow: it would have a place in them.
        let most = if self.far.is_empty() { SPARSE * (next as usize + 1) } else { 0 };
        let number = match near.slot(value.raw(), most) {
            Some(slot) => {
                if *slot == NONE {
                    *slot = next;
                }
                *slot
            }
            None => {
                if self.far.is_empty() {
                    self.far.reserve(self.mentions / 2);
                }
                *self.far.entry(value).or_insert(next)
            }
        };
        self.count += u32::from(number == next);
        (number, number == next)
    }
}

/// Places in a table for each value there is, at most.
const SPARSE: usize = 16;

/// Numbers by distance from the first name, before and after it by turns.
#[derive(Default)]
struct Near {
    first: Option<u32>,
    numbers: Vec<u32>,
}

impl Near {
    /// `None`: it lies beyond the table, which may grow to `most` places.
    #[inline]
    fn slot(&mut self, name: u32, most: usize) -> Option<&mut u32> {
        let first = *self.first.get_or_insert(name);
        let twice = 2 * name.abs_diff(first) as usize;
        let place = if name > first { twice - 1 } else { twice };
        if place >= self.numbers.len() {
            if place >= most {
                return None;
            }
            let room = (place + 1).max(2 * self.numbers.len()).min(most);
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
            let mut numbers = Numbers::with_mentions(60);
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
