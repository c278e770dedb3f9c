//! Faults as the history tells of them: from the first attempt to inject until healed.
//!
//! The nemesis writes up to five events per fault, tied together by `id`:
//!
//! ```json
//! {"process":"nemesis","type":"invoke","f":"partition","value":{"id":3,"phase":"inject","nodes":["n1"],"grudge":{"n1":["n2"]}}}
//! {"process":"nemesis","type":"info","f":"partition","value":{"id":3,"phase":"inject","outcome":"installed","evidence":{"n1":"2 rules"}}}
//! {"process":"nemesis","type":"invoke","f":"partition","value":{"id":3,"phase":"heal"}}
//! {"process":"nemesis","type":"info","f":"partition","value":{"id":3,"phase":"heal","outcome":"healed","evidence":{"n1":"31 packets dropped"}}}
//! {"process":"nemesis","type":"info","f":"partition","value":{"id":3,"phase":"settle","outcome":"settled","settled_ms":812}}
//! ```
//!
//! `outcome` of an injection: `installed`, `skipped` or `indeterminate`, the last two with `why`;
//! of a heal: `healed` or `dirty` (with `why`); of settling, which is when the nodes agree again:
//! `settled`, or `unsettled` when they had not within the limit. Members of the first value other
//! than `id`, `phase` and `nodes` describe the fault. A skipped fault has no `heal` events.
//!
//! A process of the system which ended though no fault ended it is told of by one event:
//!
//! ```json
//! {"process":"nemesis","type":"info","f":"process-crash","value":{"phase":"crash","node":"n2","log":["TypeError: …"]}}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Event, EventType, History, Nanos};

/// One injected fault and the time it may have been in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultWindow {
    /// Its number in the run, from 0.
    pub id: u32,
    /// `partition`, `kill`, `pause`, …
    pub fault: String,
    /// Nodes on which something was done.
    pub nodes: Vec<String>,
    /// What describes this injection: `grudge`, `split`, …
    pub detail: Map<String, Value>,
    /// Whether it was there.
    pub outcome: InjectOutcome,
    /// When the injection began.
    pub from: Nanos,
    /// When the injection was complete, evidence read back.
    pub installed_at: Option<Nanos>,
    /// When the heal began and when it was complete; absent in a history that was cut short.
    pub heal_from: Option<Nanos>,
    /// When the heal was complete.
    pub to: Option<Nanos>,
    /// Per node, what was read back after the injection, and after or during the heal.
    pub evidence: BTreeMap<String, String>,
    /// The same, after or during the heal.
    pub heal_evidence: BTreeMap<String, String>,
    /// From the heal until the nodes agreed on a leader, if they were seen to.
    pub settled_ms: Option<u64>,
    /// Whether the heal left a node dirty, and why.
    pub dirty: Option<String>,
}

/// A process of the system that ended by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// The node that it ran on.
    pub node: String,
    /// When it was seen to be gone.
    pub at: Nanos,
    /// The last lines of its log.
    pub log: Vec<String>,
}

/// Whether the fault was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "why", rename_all = "lowercase")]
pub enum InjectOutcome {
    /// It was in force, as evidence shows.
    Installed,
    /// It was left out, and why.
    Skipped(String),
    /// Some node may have it and some not, or nobody could read back evidence.
    Indeterminate(String),
}

impl FaultWindow {
    /// Whether the fault may have been in force at some time in `from..=to`. A skipped fault never
    /// was; one without an end lasts as long as the history.
    pub fn overlaps(&self, from: Nanos, to: Nanos) -> bool {
        let skipped = matches!(self.outcome, InjectOutcome::Skipped(_));
        !skipped && self.from <= to && self.to.is_none_or(|end| end >= from)
    }

    /// Whether the fault was seen to be there: installed, and something was read back.
    pub fn has_evidence(&self) -> bool {
        self.outcome == InjectOutcome::Installed && !self.evidence.is_empty()
    }
}

/// Gathers windows from the events of the nemesis.
#[derive(Default)]
pub(super) struct Windows {
    windows: Vec<FaultWindow>,
    crashes: Vec<Crash>,
    /// Events which do not follow the form above (another harness's): told, not judged.
    strange: u32,
}

impl Windows {
    pub(super) fn take(&mut self, event: Event) {
        if event.value.get("phase").is_some_and(|phase| phase == "crash") {
            self.crashes.push(crash(&event));
            return;
        }
        if self.pair(event).is_none() {
            self.strange += 1;
        }
    }

    fn pair(&mut self, event: Event) -> Option<()> {
        let Value::Object(mut value) = event.value else { return None };
        let id = u32::try_from(value.shift_remove("id")?.as_u64()?).ok()?;
        let phase = value.shift_remove("phase")?;
        let window = self.windows.iter_mut().find(|window| window.id == id);
        match (phase.as_str()?, event.kind, window) {
            ("inject", EventType::Invoke, None) => {
                self.windows.push(begun(id, event.f, event.time, value));
            }
            ("inject", EventType::Info, Some(window)) => {
                window.outcome = match value.get("outcome")?.as_str()? {
                    "installed" => InjectOutcome::Installed,
                    "skipped" => InjectOutcome::Skipped(why(&value)),
                    "indeterminate" => InjectOutcome::Indeterminate(why(&value)),
                    _ => return None,
                };
                if window.outcome == InjectOutcome::Installed {
                    window.installed_at = Some(event.time);
                }
                window.evidence = evidence(&value);
            }
            ("heal", EventType::Invoke, Some(window)) => {
                window.heal_from = Some(event.time);
            }
            ("heal", EventType::Info, Some(window)) => {
                window.to = Some(event.time);
                window.heal_evidence = evidence(&value);
                window.dirty = (value.get("outcome")?.as_str()? == "dirty").then(|| why(&value));
            }
            ("settle", EventType::Info, Some(window)) => {
                window.settled_ms = value.get("settled_ms").and_then(Value::as_u64);
            }
            _ => return None,
        }
        Some(())
    }

    pub(super) fn finish(self, history: &mut History) {
        history.faults = self.windows;
        history.crashes = self.crashes;
        if self.strange > 0 {
            history.remarks.push(format!(
                "{} nemesis events tell of no fault by id and phase: left out",
                self.strange
            ));
        }
    }
}

fn crash(event: &Event) -> Crash {
    let node = event.value.get("node").map(text).unwrap_or_default();
    let log = event.value.get("log").and_then(Value::as_array);
    let log = log.map(|lines| lines.iter().map(text).collect()).unwrap_or_default();
    Crash { node, at: event.time, log }
}

fn begun(id: u32, fault: String, from: Nanos, mut detail: Map<String, Value>) -> FaultWindow {
    let nodes = match detail.shift_remove("nodes") {
        Some(Value::Array(nodes)) => nodes.iter().map(text).collect(),
        _ => Vec::new(),
    };
    FaultWindow {
        id,
        fault,
        nodes,
        detail,
        outcome: InjectOutcome::Indeterminate("the history ends before the injection did".into()),
        from,
        installed_at: None,
        heal_from: None,
        to: None,
        evidence: BTreeMap::new(),
        heal_evidence: BTreeMap::new(),
        settled_ms: None,
        dirty: None,
    }
}

fn why(value: &Map<String, Value>) -> String {
    value.get("why").map_or_else(|| "no reason was recorded".to_owned(), text)
}

fn evidence(value: &Map<String, Value>) -> BTreeMap<String, String> {
    let Some(Value::Object(nodes)) = value.get("evidence") else { return BTreeMap::new() };
    nodes.iter().map(|(node, seen)| (node.clone(), text(seen))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
