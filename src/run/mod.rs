//! A run: load and faults against a cluster, recorded.
//!
//! ```text
//! test ──▶ field (nodes, system) ──▶ load (workers) ──▶ recorder ──▶ history.jsonl
//!      └─▶ timeline (run.json)   └─▶ fault::Injector ─▶┘
//! ```

mod clients;
mod clocks;
mod failure;
mod field;
mod load;
mod outage;
mod progress;
mod recorder;
mod supervisor;
mod test;
mod timeline;
mod worker;
mod workload;

pub use failure::RunFailure;
pub use field::{complaint, connect, examine, system};
pub use outage::{Outage, outage};
pub use progress::{Progress, Verbosity};
pub use recorder::{Clock, Entry, FLUSH_EVERY, NemesisNote, Recorder, RecorderError};
pub use test::{Finished, Options, run_test};
