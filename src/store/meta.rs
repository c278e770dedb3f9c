//! `run.json`: what was run, where, from which seed, and how far it got.

use isobar_checkers::Nanos;
use serde::{Deserialize, Serialize};

use crate::spec::Reach;

/// Written at the start of a run and again after each phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunMeta {
    /// Version of this file's format; 1.
    pub schema: u32,
    pub isobar_version: String,
    pub name: String,
    pub seed: u64,
    /// UTC, RFC 3339.
    pub started_at: String,
    /// UTC, RFC 3339: when the history's clock was at zero, by the controller's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_started_at: Option<String>,
    /// How the nodes are reached: for `lab`, the settings that reach that lab, so that
    /// `isobar heal` works from this file alone.
    pub reach: Reach,
    /// The lab which this run brought up, if any.
    pub lab: Option<String>,
    pub nodes: Vec<NodeMeta>,
    pub system: String,
    pub system_version: Option<String>,
    pub phases: Vec<Phase>,
    /// Workers side by side; 0 before the load began.
    #[serde(default)]
    pub workers: u32,
    /// Operations of an open loop that were not begun, since their worker was held up too long.
    pub arrivals_missed: u64,
    /// `None`: its clients send no traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceMeta>,
    /// One line for a shell that runs the same test with the same seed.
    pub reproduce: String,
    /// Whether the run came to its end; `false` in a run that was cut short.
    pub complete: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeMeta {
    pub name: String,
    pub address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// Which trace (W3C Trace Context) each operation is in the system's own tracing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceMeta {
    /// The first half of every id, 16 hexadecimal digits; the other half is the index of the
    /// operation's invocation in the history.
    pub prefix: String,
    /// Where one is looked up, with `{{trace}}` for its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A part of the run on the history's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// `safety`, `heal`, `recovery`, `final-reads`: set-up comes before the clock starts.
    pub name: String,
    pub from: Nanos,
    pub to: Option<Nanos>,
}

impl RunMeta {
    pub const SCHEMA: u32 = 1;
}
