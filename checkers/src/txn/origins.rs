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

/// The origin of every value that was written, by key and value.
pub(super) struct Origins {
    /// Per key where its values begin, and the end.
    starts: Vec<u32>,
    all: Vec<(ValueId, Origin)>,
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
        let all = vec![(ValueId::NULL, Origin::Many); starts[txns.keys().len()] as usize];
        Self { next: starts.clone(), origins: Origins { starts, all } }
    }

    /// How many values there is room for.
    pub(super) fn len(&self) -> usize {
        self.origins.all.len()
    }

    pub(super) fn add(&mut self, key: u32, value: ValueId, origin: Origin) {
        let next = &mut self.next[key as usize];
        self.origins.all[*next as usize] = (value, origin);
        *next += 1;
    }

    /// In order, each value of a key once.
    pub(super) fn finish(self) -> Origins {
        let Origins { mut starts, mut all } = self.origins;
        let (mut len, mut start) = (0, 0);
        for (key, end) in self.next.into_iter().enumerate().take(starts.len() - 1) {
            let next = starts[key + 1] as usize;
            let values = &mut all[start..end as usize];
            // Equal ones stay in the order in which they were written.
            values.sort_by_key(|&(value, _)| value);
            starts[key] = len as u32;
            for place in start..end as usize {
                let (value, origin) = all[place];
                if len > starts[key] as usize && all[len - 1].0 == value {
                    all[len - 1].1 = all[len - 1].1.or(origin);
                } else {
                    all[len] = (value, origin);
                    len += 1;
                }
            }
            start = next;
        }
        if let Some(end) = starts.last_mut() {
            *end = len as u32;
        }
        all.truncate(len);
        Origins { starts, all }
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
        values.get(place).filter(|found| found.0 == value).map(|found| found.1)
    }
}

/// The first place of a value that is not less than `value`, sought in growing steps from `hint`.
fn near(values: &[(ValueId, Origin)], value: ValueId, hint: usize) -> usize {
    let hint = hint.min(values.len());
    let is_less = |entry: &(ValueId, Origin)| entry.0 < value;
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
            let values: Vec<(ValueId, Origin)> =
                numbers.iter().map(|&n| (ValueId::from_raw(n), Origin::Version(n))).collect();
            let expected = numbers.iter().filter(|&&number| number < sought).count();
            for hint in 0..=values.len() + 2 {
                prop_assert_eq!(near(&values, ValueId::from_raw(sought), hint), expected);
            }
        }
    }
}
