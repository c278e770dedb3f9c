//! An operation of one object, ready to be judged.

use super::Model;
use crate::history::{Completion, Operation};

/// An operation that happened or may have happened. Ranks are those of the history, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<O> {
    /// What it did.
    pub op: O,
    /// The rank of its invocation.
    pub invoked: u32,
    /// [`Call::OPEN`] while nobody knows: the call may take effect at any time, or never.
    pub completed: u32,
    /// Place in the history.
    pub operation: usize,
}

impl<O> Call<O> {
    /// Without a completion, as far as anybody knows.
    pub const OPEN: u32 = u32::MAX;
    /// Completed after everything else: it took effect, nobody knows when.
    pub(crate) const END: u32 = u32::MAX - 1;

    /// Whether this call ended before `other` began.
    pub fn precedes(&self, other: &Self) -> bool {
        self.completed < other.invoked
    }

    /// Whether it has no completion.
    pub fn is_open(&self) -> bool {
        self.completed == Self::OPEN
    }
}

/// The calls among `operations` that constrain anything, in order of invocation. A failed
/// operation did not happen; an open one that only reads is dropped.
///
/// # Errors
/// Names the first operation that the model does not know.
pub(super) fn calls<'a, M: Model>(
    model: &M,
    operations: impl Iterator<Item = Operation<'a>>,
) -> Result<Vec<Call<M::Op>>, String> {
    let mut calls = Vec::with_capacity(operations.size_hint().0);
    for operation in operations {
        if operation.completion() == Completion::Fail {
            continue;
        }
        let parsed = model.parse(&operation);
        let problem = |problem| format!("op {}: {problem}", operation.index().0);
        let Some(op) = parsed.map_err(problem)? else { continue };
        let completed = match (operation.completion(), operation.completed_rank()) {
            (Completion::Ok, Some(rank)) => rank.saturating_add(1),
            _ if model.reads_only(&op) => continue,
            _ => Call::<M::Op>::OPEN,
        };
        let invoked = operation.invoked_rank().saturating_add(1);
        calls.push(Call { op, invoked, completed, operation: operation.place() });
    }
    Ok(calls)
}
