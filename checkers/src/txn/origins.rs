//! Where the values of registers come from: those of a key lie side by side in order, so that reads
//! one after the other look at places that are close.

use super::transactions::{Function, Transactions};
use crate::history::ValueId;

/// Who wrote a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Version(u32),
    Intermediate(u32),
    Aborted(u32),
    Many,
}

impl Origin {
    /// The more honest of two explanations; the first of two alike.
    fn or(self, other: Self) -> Self {
        let rank = |origin: &Self| match origin {
            Self::Many | Self::Version(_) => 2,
            Self::Intermediate(_) => 1,
            Self::Aborted(_) => 0,
        };
        match rank(&self).cmp(&rank(&other)) {
            std::cmp::Ordering::Less => other,
            std::cmp::Ordering::Equal if rank(&self) == 2 => Self::Many,
            _ => self,
        }
    }
}

/// A version, or with its highest bit a place in [`Origins::others`]: almost all are versions.
type Packed = u32;
const OTHER: Packed = 1 << 31;

/// The origin of every value that was written, by key and value.
pub(super) struct Origins {
    /// Per key where its values begin, and the end.
    starts: Vec<u32>,
    all: Vec<(ValueId, Packed)>,
    others: Vec<Origin>,
}

/// [`Origins`] while they are collected.
pub(super) struct Collected {
    origins: Origins,
    /// Per key where its next value goes.
    next: Vec<u32>,
}

impl Collected {
    /// Makes room for what was written to each key.
    pub(super) fn of(txns: &Transactions<'_>) -> Self {
        let mut starts = vec![0; txns.keys().len() + 1];
        for micro in txns.all_micros().iter().filter(|micro| micro.f() == Function::Write) {
            starts[micro.key() as usize + 1] += 1;
        }
        for key in 1..starts.len() {
            starts[key] += starts[key - 1];
        }
        let all = vec![(ValueId::NULL, 0); starts[txns.keys().len()] as usize];
        Self { next: starts.clone(), origins: Origins { starts, all, others: Vec::new() } }
    }

    /// How many values there is room for.
    pub(super) fn len(&self) -> usize {
        self.origins.all.len()
    }

    pub(super) fn add(&mut self, key: u32, value: ValueId, origin: Origin) {
        let next = &mut self.next[key as usize];
        self.origins.all[*next as usize] = (value, self.origins.pack(origin));
        *next += 1;
    }

    /// In order, each value of a key once.
    pub(super) fn finish(self) -> Origins {
        let Self { mut origins, next } = self;
        let (mut len, mut start) = (0, 0);
        for (key, end) in next.into_iter().enumerate().take(origins.starts.len() - 1) {
            let following = origins.starts[key + 1] as usize;
            // Equal ones stay in the order in which they were written.
            origins.all[start..end as usize].sort_by_key(|&(value, _)| value);
            origins.starts[key] = len as u32;
            for place in start..end as usize {
                let (value, origin) = origins.all[place];
                if len > origins.starts[key] as usize && origins.all[len - 1].0 == value {
                    let both = origins.origin(origins.all[len - 1].1).or(origins.origin(origin));
                    origins.all[len - 1].1 = origins.pack(both);
                } else {
                    origins.all[len] = (value, origin);
                    len += 1;
                }
            }
            start = following;
        }
        if let Some(end) = origins.starts.last_mut() {
            *end = len as u32;
        }
        origins.all.truncate(len);
        origins
    }
}

impl Origins {
    /// Who wrote `value` to `key`. `hint`: where a value of that key was found last, at first 0;
    /// those written at about the same time are near.
    pub(super) fn get(&self, key: u32, value: ValueId, hint: &mut u32) -> Option<Origin> {
        let range = self.starts[key as usize] as usize..self.starts[key as usize + 1] as usize;
        let values = &self.all[range];
        let place = near(values, value, *hint as usize);
        *hint = place as u32;
        values.get(place).filter(|found| found.0 == value).map(|found| self.origin(found.1))
    }

    fn origin(&self, packed: Packed) -> Origin {
        match packed & OTHER {
            0 => Origin::Version(packed),
            _ => self.others[(packed & !OTHER) as usize],
        }
    }

    /// There are fewer micro-operations than [`OTHER`].
    fn pack(&mut self, origin: Origin) -> Packed {
        if let Origin::Version(version) = origin {
            return version;
        }
        self.others.push(origin);
        OTHER | (self.others.len() - 1) as u32
    }
}

/// The first place of a value that is not less than `value`, sought in growing steps from `hint`.
fn near(values: &[(ValueId, Packed)], value: ValueId, hint: usize) -> usize {
    let hint = hint.min(values.len());
    let is_less = |entry: &(ValueId, Packed)| entry.0 < value;
    let mut step = 1;
    if values.get(hint).is_some_and(is_less) {
        let mut low = hint + 1;
        while values.get(low + step - 1).is_some_and(is_less) {
            low += step;
            step *= 2;
        }
        let high = (low + step - 1).min(values.len());
        return low + values[low..high].partition_point(is_less);
    }
    let mut high = hint;
    while high >= step && !is_less(&values[high - step]) {
        high -= step;
        step *= 2;
    }
    let low = high.saturating_sub(step);
    low + values[low..high].partition_point(is_less)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_is_the_same_from_everywhere(
            mut numbers in proptest::collection::btree_set(0_u32..60, 0..40),
            sought in 0_u32..60,
        ) {
            numbers.retain(|number| number % 7 != 0);
            let values: Vec<(ValueId, Packed)> =
                numbers.iter().map(|&number| (ValueId::from_raw(number), number)).collect();
            let expected = numbers.iter().filter(|&&number| number < sought).count();
            for hint in 0..=values.len() + 2 {
                prop_assert_eq!(near(&values, ValueId::from_raw(sought), hint), expected);
            }
        }
    }
}
