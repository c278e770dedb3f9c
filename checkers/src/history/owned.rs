//! A history from whole operations rather than from events.

use super::columns::{Begun, Columns, KEYLESS, Keys};
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
            let key = operation.key.map_or(KEYLESS, |key| keys.number(names.value(&key)));
            let (completion, ended_at) = match (operation.completion, operation.completed_at) {
                (known @ (Completion::Ok | Completion::Fail), Some(time)) => (known, Some(time)),
                _ => (Completion::Info, operation.gave_up_at),
            };
            // Ranks are positions until all are known: two for each operation.
            let rank = columns.len() as u32 * 2;
            let place = columns.begin(Begun {
                f: names.text(&operation.f),
                key,
                argument: names.value(&operation.argument),
                rank,
                index: operation.index.0,
                process: operation.process,
                node: operation.node.map_or(ValueId::NULL, |node| names.text(&node)),
                time: operation.invoked_at.0,
            });
            columns.result[place as usize] = names.value(&operation.result);
            if let Some(time) = ended_at {
                columns.end(place as usize, completion, rank + 1, time.0);
            }
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
