//! `clocks.jsonl`: readings of the nodes' clocks.

use std::path::Path;

use isobar_checkers::Nanos;
use serde::{Deserialize, Serialize};

/// How far a node's clock was from the controller's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockReading {
    /// On the history's clock.
    pub time: Nanos,
    pub node: String,
    /// Positive where the node is ahead.
    pub offset_ms: f64,
    /// The most by which the offset may be wrong: half of a round trip.
    pub error_ms: f64,
}

impl ClockReading {
    pub const FILE: &str = "clocks.jsonl";

    /// All of a run, in the order of the file; none where there is no such file. Lines that are no
    /// readings are left out, as the last one of a run that was cut short may be.
    pub fn of_run(directory: &Path) -> Vec<Self> {
        let text = std::fs::read_to_string(directory.join(Self::FILE)).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}
