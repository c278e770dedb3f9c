//! A run done again: its operations and its faults at the times they were, and the least of both
//! that still shows what was found.
//!
//! ```text
//! run directory ──▶ Schedule (faults + operations) ──▶ run_test ──▶ run directory
//!                      └──▶ shrink: fewer faults, fewer operations, run again;
//!                           then again and again: is the finding in most runs of the least?
//! ```

mod frequency;
mod least;
mod minimise;
mod schedule;
mod script;
mod shrink;

pub use frequency::{Frequency, Steady, steadiest};
pub use least::{LeastHistory, least_history};
pub use schedule::{PLAN, PlannedOperation, Request, Schedule, ScheduleError, touched};
pub use script::Script;
pub use shrink::{Attempt, Shrunk, shrink};
