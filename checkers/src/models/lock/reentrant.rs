//! A lock that its holder may acquire again.

use serde_json::{Value, json};

use super::{LockOp, sweep};
use crate::history::Operation;
use crate::linearizability::{Call, Decision, Model};

/// `acquire`, `release`, as many of one as of the other; see the [module](super).
#[derive(Clone, Copy, Debug)]
pub struct ReentrantMutex {
    /// How often one process may hold it at once.
    pub holds_max: u32,
}

impl Default for ReentrantMutex {
    /// Without a limit.
    fn default() -> Self {
        Self { holds_max: u32::MAX }
    }
}

impl Model for ReentrantMutex {
    type Op = LockOp;
    /// The holder, and how many times it holds the lock.
    type State = Option<(u32, u32)>;

    fn initial(&self) -> Self::State {
        None
    }

    fn parse(&self, operation: &Operation<'_>) -> Result<Option<LockOp>, String> {
        LockOp::parse(operation, "reentrant mutex").map(Some)
    }

    fn apply(&self, state: &Self::State, op: &LockOp) -> Option<Self::State> {
        match (*op, *state) {
            (LockOp::Acquire { process }, None) if self.holds_max > 0 => Some(Some((process, 1))),
            (LockOp::Acquire { process }, Some((holder, holds))) => (holder == process
                && holds < self.holds_max)
                .then_some(Some((holder, holds.saturating_add(1)))),
            (LockOp::Release { process }, Some((holder, holds))) if holder == process => {
                Some((holds > 1).then(|| (holder, holds - 1)))
            }
            _ => None,
        }
    }

    fn show(&self, state: &Self::State) -> Value {
        match state {
            None => json!("free"),
            Some((holder, 1)) => json!(format!("held by {holder}")),
            Some((holder, holds)) => json!(format!("held by {holder}, {holds} times")),
        }
    }

    fn describe(&self, op: &LockOp) -> String {
        op.describe()
    }

    fn accumulates(&self) -> bool {
        true
    }

    fn decide(&self, calls: &[Call<LockOp>]) -> Option<Decision> {
        sweep::decide(self, calls)
    }
}
