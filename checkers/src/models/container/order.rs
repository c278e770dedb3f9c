//! What an algorithm hands back.

use crate::linearizability::Rule;

/// A linearization, as places in the calls, of everything but the removes in doubt.
pub struct Plan(pub(super) Vec<u32>);

/// Values which by themselves have no linearization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub(super) rule: &'static Rule,
    /// The call that shows it best.
    pub(super) call: u32,
    /// Places in `Values::lives`.
    pub(super) lives: Vec<u32>,
    /// Calls besides those of the lives.
    pub(super) calls: Vec<u32>,
}
