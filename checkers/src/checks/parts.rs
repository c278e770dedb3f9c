//! What the checks read: operations, by key.

use std::ops::Deref;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::history::{Completion, History, Nanos, OpIndex, Operation, ValueId};

/// An operation of the history under judgement.
pub(crate) type Op<'a> = &'a SpeltOperation<'a>;

/// A history whose values are spelt out: these checks look at whole values, and at each more than
/// once. The rest of it is reached as before.
pub(crate) struct Spelt<'a> {
    history: &'a History,
    pub operations: Vec<SpeltOperation<'a>>,
}

/// An operation with its place in the order of events.
#[derive(Debug)]
pub(crate) struct SpeltOperation<'a> {
    pub index: OpIndex,
    pub process: u32,
    pub f: &'a str,
    /// Of all operations on it.
    pub key: Option<Arc<Value>>,
    pub argument: Value,
    pub completion: Completion,
    pub result: Value,
    pub invoked_at: Nanos,
    pub due_at: Nanos,
    /// Of an ok or a fail.
    pub completed_at: Option<Nanos>,
    pub node: Option<&'a str>,
    /// Of an ok, what was asked and answered; else why it is none.
    pub remark: Option<&'a str>,
    pub invoked_rank: u32,
    pub completed_rank: Option<u32>,
}

impl<'a> Spelt<'a> {
    pub fn of(history: &'a History) -> Self {
        let mut keys: FxHashMap<ValueId, Arc<Value>> = FxHashMap::default();
        let mut key = |id: ValueId| {
            Arc::clone(keys.entry(id).or_insert_with(|| Arc::new(history.values().get(id))))
        };
        let seen = |operation: Operation<'a>| SpeltOperation {
            index: operation.index(),
            process: operation.process(),
            f: operation.f(),
            key: operation.key_id().map(&mut key),
            argument: operation.argument(),
            completion: operation.completion(),
            result: operation.result(),
            invoked_at: operation.invoked_at(),
            due_at: operation.due_at(),
            completed_at: operation.completed_at(),
            node: operation.node(),
            remark: operation.error(),
            invoked_rank: operation.invoked_rank(),
            completed_rank: operation.completed_rank(),
        };
        Self { history, operations: history.operations().map(seen).collect() }
    }
}

impl Deref for Spelt<'_> {
    type Target = History;

    fn deref(&self) -> &History {
        self.history
    }
}

/// The operations on one key, in order of invocation.
pub(crate) struct Part<'a> {
    pub key: Option<&'a Value>,
    pub operations: Vec<Op<'a>>,
}

/// In order of invocation.
pub(crate) fn operations<'a>(history: &'a Spelt<'_>) -> impl Iterator<Item = Op<'a>> {
    history.operations.iter()
}

/// In order of the keys' first use.
pub(crate) fn by_key<'a>(history: &'a Spelt<'_>) -> Vec<Part<'a>> {
    let mut numbers: FxHashMap<Option<&Value>, usize> = FxHashMap::default();
    let mut parts: Vec<Part<'a>> = Vec::new();
    for op in operations(history) {
        let key = op.key.as_deref();
        let number = *numbers.entry(key).or_insert_with(|| {
            parts.push(Part { key, operations: Vec::new() });
            parts.len() - 1
        });
        parts[number].operations.push(op);
    }
    parts
}

pub(crate) fn is_ok(op: Op<'_>) -> bool {
    op.completion == Completion::Ok
}

pub(crate) fn is_fail(op: Op<'_>) -> bool {
    op.completion == Completion::Fail
}

/// The rank at which `op` was known to be over: never, while nobody knows.
pub(crate) fn end_rank(op: Op<'_>) -> u32 {
    if is_ok(op) { op.completed_rank.unwrap_or(u32::MAX) } else { u32::MAX }
}

/// Whether `earlier` was known to be over before `later` began.
pub(crate) fn precedes(earlier: Op<'_>, later: Op<'_>) -> bool {
    end_rank(earlier) < later.invoked_rank
}

/// The members of a list that was read; null is an empty one.
///
/// # Errors
/// Names the operation whose value is no list.
pub(crate) fn list(op: Op<'_>) -> Result<&[Value], String> {
    match &op.result {
        Value::Array(items) => Ok(items),
        Value::Null => Ok(&[]),
        other => Err(format!("op {}: a `{}` of {other}; expected a list", op.index.0, op.f)),
    }
}

/// For an operation that a check does not know.
pub(crate) fn stranger(op: Op<'_>, expected: &str) -> String {
    format!("op {}: `{}` is nothing this check knows; expected {expected}", op.index.0, op.f)
}
