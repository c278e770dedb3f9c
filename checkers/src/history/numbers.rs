//! Values numbered from 0, in the order of their first mention.

use super::ValueId;

const NONE: u32 = u32::MAX;

/// Places in a table for each mention, at most; where there would be more, names are sorted.
const SPARSE: usize = 4;

/// Mentions of values by number.
pub(crate) struct Numbered {
    /// The number of each mention's value.
    pub numbers: Vec<u32>,
    /// The value of each number.
    pub values: Vec<ValueId>,
}

/// Numbers the values mentioned.
///
/// Nothing is hashed: a hash table of all values has each in a place far from that of the one
/// mentioned before, so every mention would wait for memory.
pub(crate) fn numbered(mentions: &[ValueId]) -> Numbered {
    let first = first_by_table(mentions).unwrap_or_else(|| first_by_sorting(mentions));
    let mut numbers = first;
    let mut values = Vec::new();
    for place in 0..numbers.len() {
        let first = numbers[place] as usize;
        numbers[place] = if first == place {
            values.push(mentions[place]);
            values.len() as u32 - 1
        } else {
            // An earlier place, so its number is there.
            numbers[first]
        };
    }
    Numbered { numbers, values }
}

/// For each mention the first one of the same value, where names lie close together, as those of
/// integers counted up do.
fn first_by_table(mentions: &[ValueId]) -> Option<Vec<u32>> {
    // Integers around zero, texts, arrays and so on lie far from each other.
    let class = |value: ValueId| value.raw() as usize >> 29;
    let mut ranges = [(u32::MAX, 0); 8];
    for &value in mentions {
        let (least, greatest) = &mut ranges[class(value)];
        *least = value.raw().min(*least);
        *greatest = value.raw().max(*greatest);
    }
    // The place of a name is its distance from the least of its class, after earlier classes.
    let mut starts = [0; 8];
    let mut size = 0;
    for (start, (least, greatest)) in starts.iter_mut().zip(ranges) {
        *start = size;
        size += (greatest as usize + 1).saturating_sub(least as usize);
    }
    if size / SPARSE > mentions.len() {
        return None;
    }
    let mut table = vec![NONE; size];
    let place = |value: ValueId| {
        let class = class(value);
        starts[class] + (value.raw() - ranges[class].0) as usize
    };
    let first = |(mention, &value): (u32, &ValueId)| {
        let first = &mut table[place(value)];
        *first = mention.min(*first);
        *first
    };
    Some((0..).zip(mentions).map(first).collect())
}

/// The same, whatever the names.
fn first_by_sorting(mentions: &[ValueId]) -> Vec<u32> {
    let name = |pair: u64| pair >> 32;
    let mut pairs: Vec<u64> =
        (0..).zip(mentions).map(|(place, value)| u64::from(value.raw()) << 32 | place).collect();
    pairs.sort_unstable();
    let mut first = vec![0; mentions.len()];
    for equal in pairs.chunk_by(|&a, &b| name(a) == name(b)) {
        for &pair in equal {
            first[pair as u32 as usize] = equal[0] as u32;
        }
    }
    first
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
            let ids: Vec<ValueId> = mentions.iter().map(|value| names.value(value)).collect();
            let Numbered { numbers, values } = numbered(&ids);
            let mut plain: Vec<Value> = Vec::new();
            for (value, number) in mentions.iter().zip(&numbers) {
                let known = plain.iter().position(|other| other == value);
                prop_assert_eq!(*number as usize, known.unwrap_or(plain.len()));
                if known.is_none() {
                    plain.push(value.clone());
                }
            }
            let of_plain: Vec<ValueId> = plain.iter().map(|value| names.value(value)).collect();
            prop_assert_eq!(values, of_plain);
            let by_table = first_by_table(&ids);
            prop_assert!(by_table.is_none_or(|first| first == first_by_sorting(&ids)));
        }
    }
}
