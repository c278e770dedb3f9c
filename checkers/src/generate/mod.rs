//! Histories of any size whose verdict is known: to measure checkers, and to test your own.
//!
//! Each is made by a system that keeps its promise, used by clients at random: an operation takes
//! effect at a moment between its ends, and some crash. So it is valid; [`spoil`] makes it
//! violated. The same [`Load`] makes the same history. Ten million operations are written straight
//! into columns.
//!
//! ```
//! use isobar_checkers::generate::{Load, fifo_queue, spoil};
//! use isobar_checkers::models::FifoQueue;
//! use isobar_checkers::{Budget, Verdict, linearizable};
//!
//! let (model, budget) = (FifoQueue::default(), Budget::default());
//! let judge = |history: &_| linearizable(history, &model, &budget).verdict;
//! let mut history = fifo_queue(&Load { operations: 1_000, crashes: 3, ..Load::default() });
//! assert_eq!(judge(&history), Verdict::Valid);
//! spoil::exchange(&mut history);
//! assert_eq!(judge(&history), Verdict::Violated);
//! ```

pub mod cases;
mod containers;
mod counts;
mod elements;
mod groups;
mod lists;
mod locks;
mod logs;
mod random;
mod registers;
mod simulation;
mod snapshots;
pub mod spoil;

pub use containers::{fifo_queue, priority_queue, stack};
pub use counts::{counter, grow_only, unique_ids};
pub use elements::{element_set, growing_set, total_queue};
pub use groups::{bank, leaky_bank, long_fork, subkeys};
pub use lists::{Isolation, list_append};
pub use locks::{fenced_lock, mutex, semaphore};
pub use logs::{append_log, kv, watch};
pub use random::Random;
pub use registers::{Mix, few_values, unique_values, versioned};
pub use snapshots::{Snapshots, rw_register};

/// The most operations of a history: ranks of events, and names of values, are of 32 bits.
pub const OPERATIONS_MAX: u32 = 1 << 28;

/// Who uses a system, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// At most [`OPERATIONS_MAX`].
    pub operations: u32,
    /// At least 1; each has one operation at a time.
    pub clients: u32,
    /// How many operations crash, spread over all; half of them without effect.
    pub crashes: u32,
    /// Equal seeds make equal histories.
    pub seed: u64,
}

impl Default for Load {
    /// A thousand operations of 16 clients.
    fn default() -> Self {
        Self { operations: 1_000, clients: 16, crashes: 0, seed: 1 }
    }
}
