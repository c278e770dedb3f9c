//! A history written straight into its columns, by who sees to it that the rules of
//! [`pairing`](super::pairing) hold: each event comes after the one before it, 1 µs later.

use super::columns::{Columns, KEYLESS, Keys, NEVER};
use super::values::Interner;
use super::{Completion, History, Nanos, ValueId};

/// From one event to the next, in ns.
const TICK: u64 = 1_000;

/// What begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Invocation {
    pub process: u32,
    /// A text, or null.
    pub node: ValueId,
    /// A text.
    pub f: ValueId,
    pub key: Option<ValueId>,
    pub argument: ValueId,
}

#[derive(Default)]
pub(crate) struct Recording {
    names: Interner,
    columns: Columns,
    keys: Keys,
    events: u32,
}

impl Recording {
    pub(crate) fn with_capacity(operations: usize) -> Self {
        Self { columns: Columns::with_capacity(operations), ..Self::default() }
    }

    pub(crate) fn text(&mut self, text: &str) -> ValueId {
        self.names.text(text)
    }

    pub(crate) fn integer(&mut self, number: i64) -> ValueId {
        self.names.integer(number)
    }

    pub(crate) fn array(&mut self, items: &[ValueId]) -> ValueId {
        self.names.array(items)
    }

    /// Any value.
    pub(crate) fn value(&mut self, value: &serde_json::Value) -> ValueId {
        self.names.value(value)
    }

    /// The place of the operation that begins now.
    pub(crate) fn invoke(&mut self, invocation: Invocation) -> u32 {
        let columns = &mut self.columns;
        let place = columns.len() as u32;
        columns.f.push(invocation.f);
        columns.key.push(invocation.key.map_or(KEYLESS, |key| self.keys.number(key)));
        columns.argument.push(invocation.argument);
        columns.result.push(ValueId::NULL);
        columns.completion.push(Completion::Info);
        columns.invoked.push(self.events);
        columns.ended.push(NEVER);
        columns.index.push(self.events);
        columns.process.push(invocation.process);
        columns.node.push(invocation.node);
        columns.invoked_at.push(u64::from(self.events) * TICK);
        columns.ended_at.push(0);
        self.events += 1;
        place
    }

    /// The operation at a place, open so far, ends now.
    pub(crate) fn complete(&mut self, place: u32, completion: Completion, result: ValueId) {
        let (columns, place) = (&mut self.columns, place as usize);
        columns.completion[place] = completion;
        columns.result[place] = result;
        columns.ended[place] = self.events;
        columns.ended_at[place] = u64::from(self.events) * TICK;
        self.events += 1;
    }

    pub(crate) fn finish(self) -> History {
        History {
            columns: self.columns,
            keys: self.keys.order,
            values: self.names.finish(),
            end: Nanos(u64::from(self.events.saturating_sub(1)) * TICK),
            ..History::default()
        }
    }
}
