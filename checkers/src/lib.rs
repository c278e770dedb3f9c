//! Judges concurrent histories.
//!
//! A pure library: no clock, no randomness, no async, no I/O beyond its readers. Same history,
//! same budget, same answer.
//!
//! ```text
//! history::Event* ──▶ History (operations, fault windows) ──▶ checker ──▶ CheckResult
//! ```

pub mod availability;
pub mod checks;
pub mod finding;
pub mod history;
mod latency;
pub mod linearizability;
pub mod models;
pub mod stats;
pub mod topics;
pub mod txn;
pub mod vacuity;

pub use availability::{Thresholds, availability};
pub use finding::{Blocked, CheckResult, Finding, Step, Verdict, Witness};
pub use history::{
    Event, EventType, FaultWindow, History, HistoryBuilder, HistoryError, InjectOutcome, Nanos,
    OpIndex, Operation, OwnedOperation, Process, ReadError, ValueId, Values,
};
pub use linearizability::{Budget, Certificate, Model, Register, certificates, linearizable};
pub use stats::stats;
pub use vacuity::{Expectation, vacuity};
