//! The operations of a history, key by key.

use crate::history::{History, ValueId};

/// Places in the history, those of one key side by side and in order of invocation.
pub(super) struct Parts {
    places: Vec<u32>,
    /// Key (`None`: the operations without one) and where its places are; in order of first use.
    parts: Vec<(Option<ValueId>, std::ops::Range<usize>)>,
}

impl Parts {
    pub(super) fn of(history: &History) -> Self {
        // A counting sort; whoever has no key comes last.
        let keys = history.keys.len();
        let number = |key: u32| (key as usize).min(keys);
        let mut starts = vec![0_usize; keys + 2];
        for &key in &history.columns.key {
            starts[number(key) + 1] += 1;
        }
        for key in 0..=keys {
            starts[key + 1] += starts[key];
        }
        let mut next = starts.clone();
        let mut places = vec![0; history.len()];
        for (place, &key) in (0..).zip(&history.columns.key) {
            let slot = &mut next[number(key)];
            places[*slot] = place;
            *slot += 1;
        }
        let ranges = starts.windows(2).map(|pair| pair[0]..pair[1]).enumerate();
        let mut parts: Vec<_> = ranges
            .filter(|(_, range)| !range.is_empty())
            .map(|(key, range)| (history.keys.get(key).copied(), range))
            .collect();
        parts.sort_by_key(|(_, range)| places[range.start]);
        Self { places, parts }
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    pub(super) fn get(&self, part: usize) -> (Option<ValueId>, &[u32]) {
        let (key, range) = &self.parts[part];
        (*key, &self.places[range.clone()])
    }

    /// Numbers of the parts, the largest first: so no large one is left alone at the end.
    pub(super) fn by_size(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by_key(|&part| std::cmp::Reverse(self.parts[part].1.len()));
        order
    }
}
