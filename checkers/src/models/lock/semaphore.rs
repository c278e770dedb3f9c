//! A lock that so many processes may hold at a time.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{LockOp, sweep};
use crate::history::Operation;
use crate::linearizability::{Call, Decision, Model};

/// `acquire` and `release` of one permit; a process may hold several. See the [module](super).
#[derive(Clone, Copy, Debug)]
pub struct Semaphore {
    /// How many may be held at once.
    pub permits: u32,
}

impl Model for Semaphore {
    type Op = LockOp;
    /// Permits by process, those who hold any.
    type State = BTreeMap<u32, u32>;

    fn initial(&self) -> Self::State {
        BTreeMap::new()
    }

    fn parse(&self, operation: &Operation<'_>) -> Result<Option<LockOp>, String> {
        LockOp::parse(operation, "semaphore").map(Some)
    }

    fn apply(&self, state: &Self::State, op: &LockOp) -> Option<Self::State> {
        let mut next = state.clone();
        self.advance(&mut next, op).then_some(next)
    }

    fn advance(&self, state: &mut Self::State, op: &LockOp) -> bool {
        match op {
            LockOp::Acquire { process } => {
                let held: u64 = state.values().map(|&held| u64::from(held)).sum();
                *state.entry(*process).or_default() += 1;
                held < u64::from(self.permits)
            }
            LockOp::Release { process } => match state.get_mut(process) {
                Some(1) => state.remove(process).is_some(),
                Some(held) => {
                    *held -= 1;
                    true
                }
                None => false,
            },
        }
    }

    fn show(&self, state: &Self::State) -> Value {
        let held: Map<String, Value> =
            state.iter().map(|(process, held)| (process.to_string(), json!(held))).collect();
        json!({ "held": held })
    }

    fn describe(&self, op: &LockOp) -> String {
        match op {
            LockOp::Acquire { .. } => "acquired a permit".to_owned(),
            LockOp::Release { .. } => "released a permit".to_owned(),
        }
    }

    fn accumulates(&self) -> bool {
        true
    }

    fn decide(&self, calls: &[Call<LockOp>]) -> Option<Decision> {
        sweep::decide(self, calls)
    }
}
