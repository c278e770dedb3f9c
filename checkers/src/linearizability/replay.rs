//! Re-checks a linearization, independently of whatever found it: one pass over the calls.

use serde_json::Value;

use super::{Call, Model, call};
use crate::history::{History, OpIndex};

/// A linearization of the operations on one key: the proof of a *valid* verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The object, where the history has many.
    pub key: Option<Value>,
    /// Failed operations and reads in doubt are no part of it.
    pub order: Vec<OpIndex>,
}

impl Certificate {
    /// Whether the order obeys the model and real time and leaves out nothing that completed.
    ///
    /// # Errors
    /// What is wrong, naming the operation.
    pub fn verify<M: Model>(&self, history: &History, model: &M) -> Result<(), String> {
        let of_key = history.operations().filter(|op| op.key() == self.key);
        let calls = call::calls(model, of_key)?;
        let index = |call: &Call<M::Op>| history.operation(call.operation).index();
        let mut places: Vec<(OpIndex, u32)> = calls.iter().map(index).zip(0..).collect();
        places.sort_unstable();
        let place = |name: &OpIndex| {
            let found = places.binary_search_by_key(name, |&(name, _)| name);
            let unknown = |_| format!("op {} is none of this key's", name.0);
            found.map(|found| places[found].1).map_err(unknown)
        };
        let order: Result<Vec<u32>, String> = self.order.iter().map(place).collect();
        replay(model, &calls, &order?)
            .map_err(|(call, problem)| format!("op {} {problem}", index(&calls[call]).0))
    }
}

/// As [`Certificate::verify`], over calls; an error has the place of the call.
pub(super) fn replay<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    order: &[u32],
) -> Result<(), (usize, &'static str)> {
    let mut done = vec![false; calls.len()];
    let mut state = model.initial();
    let mut latest = 0;
    for place in order.iter().map(|&number| number as usize) {
        let call = &calls[place];
        if std::mem::replace(&mut done[place], true) {
            return Err((place, "is there twice"));
        }
        if call.completed < latest {
            return Err((place, "completed before an operation ahead of it was invoked"));
        }
        latest = latest.max(call.invoked);
        if !model.advance(&mut state, &call.op) {
            return Err((place, "cannot happen in its state"));
        }
    }
    match calls.iter().zip(&done).position(|(call, done)| !done && !call.is_open()) {
        Some(missing) => Err((missing, "is missing")),
        None => Ok(()),
    }
}
