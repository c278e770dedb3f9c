//! Whether every event's index is there once.

use rustc_hash::FxHashSet;

/// Bits kept beyond the events seen so far: indexes leave gaps.
const SLACK: u64 = 1 << 20;

/// The indexes seen: a bit each where they are dense, as they nearly always are.
#[derive(Default)]
pub(super) struct Indexes {
    seen: u64,
    dense: Vec<u64>,
    sparse: FxHashSet<u64>,
}

impl Indexes {
    /// Whether `index` is new.
    pub(super) fn insert(&mut self, index: u64) -> bool {
        self.seen += 1;
        let (word, bit) = ((index / 64) as usize, 1 << (index % 64));
        if word >= self.dense.len() {
            if index > self.seen * 4 + SLACK {
                return self.sparse.insert(index);
            }
            self.dense.resize(word + 1, 0);
        }
        let new = self.dense[word] & bit == 0;
        self.dense[word] |= bit;
        new && (self.sparse.is_empty() || !self.sparse.contains(&index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_index_is_new_once() {
        let mut indexes = Indexes::default();
        let far = SLACK + 1000;
        for index in [0, 1, 3, u64::MAX, far, 2] {
            assert!(indexes.insert(index), "{index}");
        }
        for index in 4..2000 {
            assert!(indexes.insert(index), "{index}");
        }
        for index in [0, 3, 1999, u64::MAX, far] {
            assert!(!indexes.insert(index), "{index}");
        }
    }
}
