//! An operation: an invocation and its completion, or the lack of one.

use std::fmt;

use serde_json::Value;

use super::{History, Nanos, OpIndex, ValueId};

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Completion {
    /// It happened between invocation and completion.
    Ok,
    /// It did not happen.
    Fail,
    /// Unknown: `info`, or no completion at all.
    Info,
}

/// An invocation with its completion: a place in the columns of a [`History`].
#[derive(Clone, Copy)]
pub struct Operation<'a> {
    pub(super) history: &'a History,
    pub(super) place: usize,
}

impl<'a> Operation<'a> {
    /// Its place in the history: the order of invocation.
    pub fn place(self) -> usize {
        self.place
    }

    /// The index of its invocation.
    pub fn index(self) -> OpIndex {
        OpIndex(self.history.columns.index(self.place))
    }

    /// The client that asked for it.
    pub fn process(self) -> u32 {
        self.history.columns.process(self.place)
    }

    /// The function: `read`, `write`, `txn`, …
    pub fn f(self) -> &'a str {
        self.history.values.text(self.f_id()).unwrap_or_default()
    }

    /// The name of its function.
    pub fn f_id(self) -> ValueId {
        self.history.columns.f.get(self.place)
    }

    /// The object operated on, where the workload has many.
    pub fn key(self) -> Option<Value> {
        self.key_id().map(|key| self.history.values.get(key))
    }

    /// The name of its key.
    pub fn key_id(self) -> Option<ValueId> {
        self.history.keys.get(self.history.columns.key(self.place) as usize).copied()
    }

    /// What was asked: the invocation's value.
    pub fn argument(self) -> Value {
        self.history.values.get(self.argument_id())
    }

    /// The name of its argument.
    pub fn argument_id(self) -> ValueId {
        self.history.columns.argument[self.place]
    }

    /// How it ended; *info* also where it never did.
    pub fn completion(self) -> Completion {
        self.history.columns.completion[self.place]
    }

    /// What came back: the completion's value, null where there is none.
    pub fn result(self) -> Value {
        self.history.values.get(self.result_id())
    }

    /// The name of its result.
    pub fn result_id(self) -> ValueId {
        self.history.columns.result[self.place]
    }

    /// When it was asked for.
    pub fn invoked_at(self) -> Nanos {
        Nanos(self.history.columns.invoked_at(self.place))
    }

    /// When an open loop meant it to begin, if it did not begin at once: `"scheduled"` in the file.
    pub fn scheduled_at(self) -> Option<Nanos> {
        let scheduled = &self.history.columns.scheduled;
        let found = scheduled.binary_search_by_key(&(self.place as u32), |entry| entry.0).ok()?;
        Some(Nanos(scheduled[found].1))
    }

    /// Where latency counts from: the time it should have begun, so that a system which holds
    /// its clients up cannot hide it (no coordinated omission).
    pub fn due_at(self) -> Nanos {
        self.scheduled_at().unwrap_or(self.invoked_at()).min(self.invoked_at())
    }

    /// `None` while nobody knows: the operation may take effect at any time after its invocation.
    /// An info completion's time is kept in [`gave_up_at`](Self::gave_up_at).
    pub fn completed_at(self) -> Option<Nanos> {
        self.ended_at().filter(|_| self.completion() != Completion::Info)
    }

    /// When its client gave up on it, not knowing what became of it.
    pub fn gave_up_at(self) -> Option<Nanos> {
        self.ended_at().filter(|_| self.completion() == Completion::Info)
    }

    fn ended_at(self) -> Option<Nanos> {
        let columns = &self.history.columns;
        let is_there = columns.ended[self.place] != super::columns::NEVER;
        is_there.then(|| Nanos(columns.ended_at(self.place)))
    }

    /// Position of the invocation among all events: the order that counts when two times are
    /// equal.
    pub fn invoked_rank(self) -> u32 {
        self.history.columns.invoked[self.place]
    }

    /// Position of an ok or fail completion among all events.
    pub fn completed_rank(self) -> Option<u32> {
        let rank = self.history.columns.ended[self.place];
        let known = rank != super::columns::NEVER && self.completion() != Completion::Info;
        known.then_some(rank)
    }

    /// Position of the completion among all events, of an info too.
    pub(crate) fn ended_rank(self) -> Option<u32> {
        let rank = self.history.columns.ended[self.place];
        (rank != super::columns::NEVER).then_some(rank)
    }

    /// The node that the process talked to.
    pub fn node(self) -> Option<&'a str> {
        self.history.values.text(self.history.columns.node.get(self.place))
    }

    /// Why a completion is fail or info.
    pub fn error(self) -> Option<&'a str> {
        let errors = &self.history.columns.errors;
        let found = errors.binary_search_by_key(&(self.place as u32), |entry| entry.0).ok()?;
        self.history.values.text(errors[found].1)
    }

    /// By itself, outside of its history.
    pub fn owned(self) -> OwnedOperation {
        OwnedOperation {
            index: self.index(),
            process: self.process(),
            f: self.f().to_owned(),
            key: self.key(),
            argument: self.argument(),
            completion: self.completion(),
            result: self.result(),
            invoked_at: self.invoked_at(),
            scheduled_at: self.scheduled_at(),
            completed_at: self.completed_at(),
            gave_up_at: self.gave_up_at(),
            node: self.node().map(str::to_owned),
            error: self.error().map(str::to_owned),
        }
    }
}

impl fmt::Debug for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.owned().fmt(f)
    }
}

/// An operation by itself, for histories made in memory: see
/// [`History::from_operations`](super::History::from_operations).
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedOperation {
    /// The index of its invocation.
    pub index: OpIndex,
    /// The client that asked for it.
    pub process: u32,
    /// The function: `read`, `write`, …
    pub f: String,
    /// The object operated on, where there are many.
    pub key: Option<Value>,
    /// The invocation's value.
    pub argument: Value,
    /// How it ended.
    pub completion: Completion,
    /// The completion's value, null where there is none.
    pub result: Value,
    /// When it was asked for.
    pub invoked_at: Nanos,
    /// When it should have been, if that was earlier.
    pub scheduled_at: Option<Nanos>,
    /// Of an ok or a fail.
    pub completed_at: Option<Nanos>,
    /// Of an info.
    pub gave_up_at: Option<Nanos>,
    /// The node that it was sent to.
    pub node: Option<String>,
    /// Why it failed, or is unknown.
    pub error: Option<String>,
}

impl OwnedOperation {
    /// See [`Operation::due_at`].
    pub fn due_at(&self) -> Nanos {
        self.scheduled_at.unwrap_or(self.invoked_at).min(self.invoked_at)
    }
}
