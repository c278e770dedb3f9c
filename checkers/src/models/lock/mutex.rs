//! A lock that one process holds at a time, once.

use serde_json::{Value, json};

use super::{LockOp, sweep};
use crate::history::Operation;
use crate::linearizability::{Call, Decision, Model};

/// `acquire`, `release`; see the [module](super) for owners, failures and doubt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mutex;

impl Model for Mutex {
    type Op = LockOp;
    /// The holder.
    type State = Option<u32>;

    fn initial(&self) -> Option<u32> {
        None
    }

    fn parse(&self, operation: &Operation<'_>) -> Result<Option<LockOp>, String> {
        LockOp::parse(operation, "mutex").map(Some)
    }

    fn apply(&self, holder: &Option<u32>, op: &LockOp) -> Option<Option<u32>> {
        match *op {
            LockOp::Acquire { process } => holder.is_none().then_some(Some(process)),
            LockOp::Release { process } => (*holder == Some(process)).then_some(None),
        }
    }

    fn show(&self, holder: &Option<u32>) -> Value {
        holder.map_or_else(|| json!("free"), |process| json!(format!("held by {process}")))
    }

    fn describe(&self, op: &LockOp) -> String {
        op.describe()
    }

    fn decide(&self, calls: &[Call<LockOp>]) -> Option<Decision> {
        sweep::decide(self, calls)
    }
}
