//! The words for operations and times in an explanation.

use serde_json::Value;

use super::{Call, Model};
use crate::history::{Completion, History, Nanos, Operation};

/// Speaks about the calls of one key.
pub(super) struct Wording<'a, M: Model> {
    pub history: &'a History,
    pub model: &'a M,
    pub calls: &'a [Call<M::Op>],
    /// Digits after the second: as many as it takes to tell the times apart.
    digits: usize,
}

impl<'a, M: Model> Wording<'a, M> {
    /// For an argument about the calls `about`.
    pub(super) fn new(
        history: &'a History,
        model: &'a M,
        calls: &'a [Call<M::Op>],
        about: &[u32],
    ) -> Self {
        let mut wording = Self { history, model, calls, digits: 3 };
        let times = |&call: &u32| {
            let operation = wording.operation(call);
            [Some(operation.invoked_at()), operation.completed_at()]
        };
        let mut times: Vec<Nanos> = about.iter().flat_map(times).flatten().collect();
        times.sort_unstable();
        times.dedup();
        for (digits, unit) in [(3, 1_000_000), (6, 1_000), (9, 1)] {
            wording.digits = digits;
            if times.windows(2).all(|pair| pair[0].0 / unit < pair[1].0 / unit) {
                break;
            }
        }
        wording
    }

    pub(super) fn operation(&self, call: u32) -> Operation<'a> {
        self.history.operation(self.calls[call as usize].operation)
    }

    pub(super) fn at(&self, time: Nanos) -> String {
        format!("{time:.*}", self.digits)
    }

    pub(super) fn invoked(&self, call: u32) -> String {
        self.at(self.operation(call).invoked_at())
    }

    pub(super) fn completed(&self, call: u32) -> String {
        self.operation(call)
            .completed_at()
            .map_or_else(|| "the end".to_owned(), |time| self.at(time))
    }

    /// `op 840`
    pub(super) fn name(&self, call: u32) -> String {
        format!("op {}", self.operation(call).index().0)
    }

    /// `op 840 (process 3 on n3)`
    pub(super) fn who(&self, call: u32) -> String {
        let operation = self.operation(call);
        let node = operation.node().map_or_else(String::new, |node| format!(" on {node}"));
        format!("{} (process {}{node})", self.name(call), operation.process())
    }

    /// `read 12`
    pub(super) fn what(&self, call: u32) -> String {
        self.model.describe(&self.calls[call as usize].op)
    }

    /// The value which the call belongs to: what it found, or else what it left.
    pub(super) fn value(&self, call: u32) -> String {
        let op = &self.calls[call as usize].op;
        let value = self.model.observed(op).or_else(|| self.model.written(op));
        value.map_or_else(|| "its value".to_owned(), |value| value.to_string())
    }

    /// The value which the call leaves or, if it only reads, found.
    pub(super) fn last_value(&self, call: u32) -> String {
        let op = &self.calls[call as usize].op;
        let value = self.model.written(op).or_else(|| self.model.observed(op));
        value.map_or_else(|| "its value".to_owned(), |value| value.to_string())
    }

    pub(super) fn observed(&self, call: u32) -> Option<Value> {
        self.model.observed(&self.calls[call as usize].op)
    }

    pub(super) fn reads_only(&self, call: u32) -> bool {
        self.model.reads_only(&self.calls[call as usize].op)
    }

    /// A whole sentence: who did what, and when.
    pub(super) fn sentence(&self, call: u32) -> String {
        let operation = self.operation(call);
        let (who, what) = (capital(&self.who(call)), self.what(call));
        match (operation.completion(), operation.completed_at()) {
            (Completion::Ok, Some(end)) if self.reads_only(call) => {
                format!("{who} {what}, from {} to {}.", self.invoked(call), self.at(end))
            }
            (Completion::Ok, Some(end)) => format!(
                "{who} {what}, from {}, and was acknowledged at {}.",
                self.invoked(call),
                self.at(end)
            ),
            _ => format!(
                "{who} {what}: invoked at {}, its outcome was never known.",
                self.invoked(call)
            ),
        }
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
