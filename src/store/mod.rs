//! The run directory: everything a run leaves behind.
//!
//! ```text
//! runs/<name>/<UTC>-<seed>/  spec.yaml run.json history.jsonl faults.jsonl clocks.jsonl
//!                            results.json report.html junit.xml isobar.log plots/*.svg
//!                            nodes/<node>/…
//! ```

mod clocks;
mod directory;
mod log;
mod meta;
mod results;

pub use clocks::ClockReading;
pub use directory::{RunDirectory, StoreError, write_whole};
pub use log::{LOG, RunLog};
pub use meta::{NodeMeta, Phase, RunMeta, TraceMeta};
pub use results::{OperationCounts, Results};
