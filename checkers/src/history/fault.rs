//! Faults as the history tells of them: from the first attempt to inject until healed.
//!
//! The nemesis writes up to four events per fault, tied together by `id`:
//!
//! ```json
//! {"process":"nemesis","type":"invoke","f":"partition","value":{"id":3,"phase":"inject","nodes":["n1"],"grudge":{"n1":["n2"]}}}
//! {"process":"nemesis","type":"info","f":"partition","value":{"id":3,"phase":"inject","outcome":"installed","evidence":{"n1":"2 rules"}}}
//! {"process":"nemesis","type":"invoke","f":"partition","value":{"id":3,"phase":"heal"}}
//! {"process":"nemesis","type":"info","f":"partition","value":{"id":3,"phase":"heal","outcome":"healed","evidence":{"n1":"31 packets dropped"}}}
//! ```
//!
//! `outcome` of an injection: `installed`, `skipped` or `indeterminate`, the last two with `why`;
//! of a heal: `healed` or `dirty` (with `why`). Members of the first value other than `id`,
//! `phase` and `nodes` describe the fault. A skipped fault has no `heal` events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Nanos;

/// One injected fault and the time it may have been in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultWindow {
    pub id: u32,
    /// `partition`, `kill`, `pause`, …
    pub fault: String,
    /// Nodes on which something was done.
    pub nodes: Vec<String>,
    /// What describes this injection: `grudge`, `split`, …
    pub detail: Map<String, Value>,
    pub outcome: InjectOutcome,
    /// When the injection began.
    pub from: Nanos,
    /// When the injection was complete, evidence read back.
    pub installed_at: Option<Nanos>,
    /// When the heal began and when it was complete; absent in a history that was cut short.
    pub heal_from: Option<Nanos>,
    pub to: Option<Nanos>,
    /// Per node, what was read back after the injection, and after or during the heal.
    pub evidence: BTreeMap<String, String>,
    pub heal_evidence: BTreeMap<String, String>,
    /// Whether the heal left a node dirty, and why.
    pub dirty: Option<String>,
}

/// Whether the fault was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "why", rename_all = "lowercase")]
pub enum InjectOutcome {
    Installed,
    Skipped(String),
    /// Some node may have it and some not, or nobody could read back evidence.
    Indeterminate(String),
}
