//! The replicated log, kept whole: a run is minutes long, so nothing is ever compacted.

use super::message::Entry;

/// Entries are counted from 1; index 0 stands before the first, with term 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log(Vec<Entry>);

impl Log {
    pub fn last_index(&self) -> u64 {
        self.0.len() as u64
    }

    pub fn last_term(&self) -> u64 {
        self.0.last().map_or(0, |entry| entry.term)
    }

    pub fn get(&self, index: u64) -> Option<&Entry> {
        self.0.get(usize::try_from(index.checked_sub(1)?).ok()?)
    }

    pub fn term_at(&self, index: u64) -> Option<u64> {
        if index == 0 { Some(0) } else { self.get(index).map(|entry| entry.term) }
    }

    /// Up to `limit` entries after `index`.
    pub fn after(&self, index: u64, limit: usize) -> &[Entry] {
        let from = usize::try_from(index).unwrap_or(usize::MAX).min(self.0.len());
        &self.0[from..self.0.len().min(from.saturating_add(limit))]
    }

    pub fn push(&mut self, entry: Entry) -> u64 {
        self.0.push(entry);
        self.last_index()
    }

    pub fn truncate(&mut self, length: u64) {
        self.0.truncate(usize::try_from(length).unwrap_or(usize::MAX));
    }

    /// Where a leader should try next when our log does not have `term` at `index`: before the
    /// whole term that stands there, so that a long tail costs one message per term, not per
    /// entry (Raft, section 5.3).
    pub fn before_conflict(&self, index: u64) -> u64 {
        let mut index = index.min(self.last_index() + 1);
        let conflicting = self.get(index).map(|entry| entry.term);
        while index > 0 && self.get(index).map(|entry| entry.term) == conflicting {
            index -= 1;
        }
        index
    }

    /// Whether a log that ends so has everything that ours may have committed.
    pub fn not_newer_than(&self, last_term: u64, last_index: u64) -> bool {
        (self.last_term(), self.last_index()) <= (last_term, last_index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(terms: &[u64]) -> Log {
        Log(terms.iter().map(|term| Entry { term: *term, operation: None }).collect())
    }

    #[test]
    fn a_conflict_steps_back_over_a_whole_term() {
        assert_eq!(log(&[1, 1, 2, 2, 2]).before_conflict(4), 2);
        assert_eq!(log(&[1, 1]).before_conflict(9), 2);
        assert_eq!(log(&[2]).before_conflict(1), 0);
        assert_eq!(log(&[]).before_conflict(3), 0);
    }

    #[test]
    fn the_later_term_counts_before_the_longer_log() {
        assert!(log(&[1, 1, 1]).not_newer_than(2, 1));
        assert!(!log(&[1, 2]).not_newer_than(1, 9));
        assert!(log(&[1]).not_newer_than(1, 1));
        assert!(!log(&[1, 1]).not_newer_than(1, 1));
    }

    #[test]
    fn entries_after_an_index_are_limited() {
        let log = log(&[1, 2, 3]);
        assert_eq!(log.after(1, 1).iter().map(|e| e.term).collect::<Vec<_>>(), [2]);
        assert!(log.after(3, 5).is_empty() && log.after(99, 5).is_empty());
        assert_eq!((log.term_at(0), log.term_at(3), log.term_at(4)), (Some(0), Some(3), None));
    }
}
