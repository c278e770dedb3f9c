//! What every client saw, in real-time order.

mod event;
mod fault;
mod operation;

pub use event::{Event, EventType, Nanos, OpIndex, Process};
pub use fault::{FaultWindow, InjectOutcome};
pub use operation::{Completion, Operation};

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
