//! Many tests: specifications, times the values of a matrix, times repeats; spread over shards,
//! side by side, within a time. One table and one exit code at the end.

mod axes;
mod cell;
mod shard;
mod summary;

pub use axes::{Axes, AxesError, Axis};
pub use cell::{Cell, Ended, perform};
pub use shard::{Shard, ShardError};
pub use summary::Summary;
