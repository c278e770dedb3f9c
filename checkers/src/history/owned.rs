//! A history from whole operations rather than from events.

use super::columns::{Columns, KEYLESS, Keys, NEVER};
use super::values::Interner;
use super::{Completion, History, Nanos, OwnedOperation, ValueId, ranking};

impl History {
    /// From operations in any order, ranked by their times as in [`pairing`](super::pairing):
    /// for systems that record calls rather than events. Nothing is asked of processes. An ok or
    /// fail without a completion time counts as info.
    pub fn from_operations(operations: impl IntoIterator<Item = OwnedOperation>) -> Self {
        let mut names = Interner::default();
        let mut columns = Columns::default();
        let mut keys = Keys::default();
        let mut end = 0;
        for operation in operations {
            let place = columns.len() as u32;
            let key = operation.key.map_or(KEYLESS, |key| keys.number(names.value(&key)));
            let (completion, ended_at) = match (operation.completion, operation.completed_at) {
                (known @ (Completion::Ok | Completion::Fail), Some(time)) => (known, Some(time)),
                _ => (Completion::Info, operation.gave_up_at),
            };
            // Ranks are positions until all are known: two for each operation.
            columns.invoked.push(place * 2);
            columns.ended.push(ended_at.map_or(NEVER, |_| place * 2 + 1));
            columns.f.push(names.text(&operation.f));
            columns.key.push(key);
            columns.argument.push(names.value(&operation.argument));
            columns.result.push(names.value(&operation.result));
            columns.completion.push(completion);
            columns.index.push(operation.index.0);
            columns.process.push(operation.process);
            let node = operation.node.map_or(ValueId::NULL, |node| names.text(&node));
            columns.node.push(node);
            columns.invoked_at.push(operation.invoked_at.0);
            columns.ended_at.push(ended_at.unwrap_or_default().0);
            columns.scheduled.extend(operation.scheduled_at.map(|time| (place, time.0)));
            columns.errors.extend(operation.error.map(|error| (place, names.text(&error))));
            end = end.max(operation.invoked_at.0).max(ended_at.unwrap_or_default().0);
        }
        ranking::rank(&mut columns, Vec::new());
        columns.sort();
        let values = names.finish();
        Self { columns, keys: keys.order, values, end: Nanos(end), ..Self::default() }
    }
}
