//! A run: load and faults against a cluster, recorded.

mod recorder;

pub use recorder::{Clock, Entry, FLUSH_EVERY, Recorder, RecorderError};
