//! What every client saw, in real-time order.
//!
//! A history is kept as columns (about 30 bytes an operation, values aside), whatever it was read
//! from; [`Operation`] is a view of one row.

pub mod awdit;
mod columns;
mod decode;
pub mod edn;
mod eight;
mod event;
mod fault;
mod format;
mod indexes;
pub mod json;
pub mod jsonl;
mod keying;
#[cfg(test)]
mod loose_tests;
mod narrow;
mod numbers;
mod operation;
mod own_indexes;
mod owned;
mod pairing;
mod pieces;
pub mod porcupine;
mod problem;
mod ranking;
mod read_error;
#[cfg(test)]
mod reader_tests;
mod recording;
mod renaming;
mod ring;
mod scan;
mod source;
#[cfg(test)]
mod tests;
pub mod text;
mod values;

pub use event::{Event, EventType, Nanos, OpIndex, Process};
pub use fault::{Crash, FaultWindow, InjectOutcome};
pub use format::{Format, read};
pub(crate) use numbers::{Numbered, numbered};
pub use operation::{Completion, Operation, OwnedOperation};
pub use pairing::HistoryBuilder;
pub use problem::{HistoryError, Problem};
pub use read_error::ReadError;
pub(crate) use recording::{Invocation, Recording};
pub use values::{ValueId, Values};

/// A whole history, its events paired.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// In order of invocation.
    pub(crate) columns: columns::Columns,
    /// The keys, in order of first use; `columns.key(_)` gives places here.
    pub(crate) keys: Vec<ValueId>,
    values: Values,
    /// In order of injection.
    pub faults: Vec<FaultWindow>,
    /// Processes of the system that ended by themselves, in order of time.
    pub crashes: Vec<Crash>,
    /// Time of the last event.
    pub end: Nanos,
    /// Whether nothing is known of time but the order within each process. Ranks of different
    /// processes then mean nothing, and nothing that speaks of real time can be judged.
    pub untimed: bool,
    /// What was tolerated while reading, for a person: a torn last line, with its number.
    pub remarks: Vec<String>,
}

impl History {
    /// How many operations.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is no operation.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The operation at a place, in order of invocation, less than [`len`](Self::len).
    pub fn operation(&self, place: usize) -> Operation<'_> {
        Operation { history: self, place }
    }

    /// In order of invocation.
    pub fn operations(
        &self,
    ) -> impl ExactSizeIterator<Item = Operation<'_>> + DoubleEndedIterator + Clone {
        (0..self.len()).map(|place| self.operation(place))
    }

    /// What the ids of operations stand for.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Ids of the faults that may have been in force at some time in `from..=to`.
    pub fn faults_during(&self, from: Nanos, to: Nanos) -> Vec<u32> {
        let during = |window: &&FaultWindow| window.overlaps(from, to);
        self.faults.iter().filter(during).map(|window| window.id).collect()
    }
}
