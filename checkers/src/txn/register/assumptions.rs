//! What is assumed of the order in which the versions of a key came.

use crate::graph::Kinds;

/// One transaction read the one version and wrote the other.
pub(super) const WFR: Kinds = 1;
/// One process had to do with the one and then with the other.
pub(super) const SEQUENTIAL: Kinds = 2;
/// Somebody was done with the one before somebody else began with the other.
pub(super) const LINEARIZABLE: Kinds = 4;

/// What is assumed of the order of the versions of each key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assumptions {
    /// Who reads a version and then writes another replaces it, committed or not.
    pub wfr_keys: bool,
    /// Each key is sequentially consistent by itself.
    pub sequential_keys: bool,
    /// Each key is linearizable by itself.
    pub linearizable_keys: bool,
}

impl Assumptions {
    /// The kinds of edges between versions that order what was written as well.
    pub(super) fn kinds(self) -> Kinds {
        let kind = |assumed: bool, kind: Kinds| if assumed { kind } else { 0 };
        kind(self.wfr_keys, WFR)
            | kind(self.sequential_keys, SEQUENTIAL)
            | kind(self.linearizable_keys, LINEARIZABLE)
    }
}
