//! A register whose values are numbers given to them: judged in a fraction of the memory.

use serde_json::Value;

use super::register::sources;
use super::{Budget, Call, Decision, Model, Outcome, RegisterOp, Sources, sandwich, zones};
use crate::history::Operation;

/// As [`Register`](super::Register); 0 stands for null. Nobody sees its words: whoever numbered
/// the values says what was found.
pub(super) struct Numbered;

impl Model for Numbered {
    type Op = RegisterOp<u32>;
    type State = u32;

    fn initial(&self) -> u32 {
        0
    }

    fn parse(&self, _: &Operation<'_>) -> Result<Option<RegisterOp<u32>>, String> {
        Err("its values are numbers already".to_owned())
    }

    fn apply(&self, state: &u32, op: &RegisterOp<u32>) -> Option<u32> {
        let fits = op.sees().is_none_or(|value| value == state);
        fits.then(|| *op.sets().unwrap_or(state))
    }

    fn show(&self, state: &u32) -> Value {
        (*state).into()
    }

    fn describe(&self, op: &RegisterOp<u32>) -> String {
        format!("{op:?}")
    }

    fn reads_only(&self, op: &RegisterOp<u32>) -> bool {
        matches!(op, RegisterOp::Read(_))
    }

    fn observed(&self, op: &RegisterOp<u32>) -> Option<Value> {
        op.sees().map(|&value| value.into())
    }

    fn written(&self, op: &RegisterOp<u32>) -> Option<Value> {
        op.sets().map(|&value| value.into())
    }

    fn unmoored(&self, op: &RegisterOp<u32>) -> RegisterOp<u32> {
        op.sets().map_or_else(|| op.clone(), |&value| RegisterOp::Write(value))
    }

    fn sources(&self, calls: &[Call<RegisterOp<u32>>]) -> Option<Sources> {
        Some(sources(calls))
    }

    fn decide(&self, calls: &[Call<RegisterOp<u32>>]) -> Option<Decision> {
        zones::decide(calls)
    }

    fn search(&self, calls: &[Call<RegisterOp<u32>>], budget: &mut Budget) -> Option<Outcome> {
        sandwich::search(calls, budget)
    }
}
