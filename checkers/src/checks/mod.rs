//! Checks with one purpose each: nothing lost, totals kept, versions in order. All are linear or
//! O(n log n), and each judges key by key where the history has keys.
//!
//! ```text
//! History ──▶ parts (by key) ──▶ one check ──▶ Evidence ──▶ CheckResult
//! ```
//!
//! A check accuses only of what no reading of the history excuses: a crashed operation may have
//! happened or not, whichever suits the system.

mod append_log;
mod atomic_visibility;
mod bank;
mod causal_reverse;
mod chain;
#[cfg(test)]
mod contrast_tests;
mod convergence;
mod counter;
mod evidence;
mod exclusive;
mod existence;
mod long_fork;
mod monotonic;
#[cfg(test)]
pub(crate) mod notation;
mod parts;
mod process_crash;
mod profile;
mod sequential;
mod sessions;
mod set;
mod set_full;
mod staleness;
mod total_queue;
mod unique_ids;
mod versions;
mod watch;

pub use append_log::append_log;
pub use atomic_visibility::atomic_visibility;
pub use bank::{BankOptions, bank};
pub use causal_reverse::causal_reverse;
pub use convergence::convergence;
pub use counter::counter;
pub use exclusive::exclusive;
pub use existence::existence;
pub use long_fork::long_fork;
pub use monotonic::monotonic;
pub use process_crash::process_crash;
pub use profile::profile;
pub use sequential::sequential;
pub use sessions::{sessions, versioned_sessions};
pub use set::set;
pub use set_full::{SetFullOptions, set_full};
pub use staleness::staleness;
pub use total_queue::total_queue;
pub use unique_ids::unique_ids;
pub use watch::watch;
