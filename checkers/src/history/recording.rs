//! A history written straight into its columns, by who sees to it that the rules of
//! [`pairing`](super::pairing) hold: each event comes after the one before it, 1 µs later.

use super::columns::{Begun, Columns, KEYLESS, Keys};
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
        let Invocation { process, node, f, key, argument } = invocation;
        let key = key.map_or(KEYLESS, |key| self.keys.number(key));
        let (rank, index, time) = (self.events, self.events, u64::from(self.events) * TICK);
        self.events += 1;
        self.columns.begin(Begun { f, key, argument, rank, index, process, node, time })
    }

    /// The operation at a place, open so far, ends now.
    pub(crate) fn complete(&mut self, place: u32, completion: Completion, result: ValueId) {
        let (place, time) = (place as usize, u64::from(self.events) * TICK);
        self.columns.end(place, completion, self.events, time);
        self.columns.result[place] = result;
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
