//! How much a check may cost.

/// Limits per key, in units that do not depend on the machine: the same history gets the same
/// answer everywhere. Past one of them the answer is *unknown*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Configurations searched: the measure of time. A core does some millions in a second.
    pub states: u64,
    /// Memory for configurations and for the orders that led to them, at any one time. What is
    /// proportional to the history comes on top.
    pub bytes: u64,
}

impl Budget {
    /// Takes `states` away. False: they are not there; nothing is left.
    pub(super) fn spend(&mut self, states: u64) -> bool {
        let enough = self.states >= states;
        self.states = self.states.saturating_sub(states);
        enough
    }

    /// Runs `search` with one `part`th of the states left, and takes away what it used.
    pub(super) fn share<T>(&mut self, part: u64, search: impl FnOnce(&mut Self) -> T) -> T {
        let given = self.states / part;
        let mut share = Self { states: given, ..*self };
        let found = search(&mut share);
        self.states -= given - share.states;
        found
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { states: 100_000_000, bytes: 1 << 30 }
    }
}
