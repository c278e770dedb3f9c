//! What every client saw, in real-time order.

mod decode;
mod event;
mod fault;
pub mod jsonl;
mod operation;
mod pairing;
pub mod porcupine;
mod read;
#[cfg(test)]
mod tests;

pub use event::{Event, EventType, Nanos, OpIndex, Process};
pub use fault::{FaultWindow, InjectOutcome};
pub use operation::{Completion, Operation};
pub use pairing::{HistoryError, Problem};
pub use read::ReadError;

/// A whole history, its events paired.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// In order of invocation.
    pub operations: Vec<Operation>,
    /// In order of injection.
    pub faults: Vec<FaultWindow>,
    /// Time of the last event.
    pub end: Nanos,
    /// What was tolerated while reading, for a person: a torn last line, with its number.
    pub remarks: Vec<String>,
}
