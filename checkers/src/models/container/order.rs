//! What an algorithm hands back, and sorting in linear time.

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

/// `0..count` by `key`, which is at most `greatest`; equal ones stay in order.
pub(super) fn sorted(count: usize, greatest: u32, key: impl Fn(usize) -> u32) -> Vec<u32> {
    let mut first = vec![0_u32; greatest as usize + 2];
    for item in 0..count {
        first[key(item) as usize + 1] += 1;
    }
    for place in 1..first.len() {
        first[place] += first[place - 1];
    }
    let mut sorted = vec![0; count];
    for item in 0..count {
        let place = &mut first[key(item) as usize];
        sorted[*place as usize] = item as u32;
        *place += 1;
    }
    sorted
}
