//! An operation: an invocation and its completion, or the lack of one.

use serde_json::Value;

use super::{Nanos, OpIndex};

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Completion {
    /// It happened between invocation and completion.
    Ok,
    /// It did not happen.
    Fail,
    /// Unknown: `info`, or no completion at all.
    Info,
}

/// An invocation with its completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub index: OpIndex,
    pub process: u32,
    pub f: String,
    pub key: Option<Value>,
    /// What was asked: the invocation's value.
    pub argument: Value,
    pub completion: Completion,
    /// What came back: the completion's value, null where there is none.
    pub result: Value,
    pub invoked_at: Nanos,
    /// When an open loop meant it to begin, if it did not begin at once: `"scheduled"` in the file.
    pub scheduled_at: Option<Nanos>,
    /// `None` while nobody knows: the operation may take effect at any time after its invocation.
    /// An info completion's time is kept in `gave_up_at`.
    pub completed_at: Option<Nanos>,
    pub gave_up_at: Option<Nanos>,
    /// Position of the invocation among all events, and of an ok or fail completion: the order
    /// that counts when two times are equal.
    pub invoked_rank: u32,
    pub completed_rank: Option<u32>,
    pub node: Option<String>,
    pub error: Option<String>,
}

impl Operation {
    /// Where latency counts from: the time it should have begun, so that a system which holds
    /// its clients up cannot hide it (no coordinated omission).
    pub fn due_at(&self) -> Nanos {
        self.scheduled_at.unwrap_or(self.invoked_at).min(self.invoked_at)
    }
}
