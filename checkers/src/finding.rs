//! Evidence as data. A [`Finding`] is made once; terminal text, JSON, JUnit and HTML are
//! renderings of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::history::{Nanos, OpIndex};

/// What a checker decided.
///
/// *Unknown* is never a success: it carries the reason (a budget used up, nothing to judge).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "reason", rename_all = "lowercase")]
pub enum Verdict {
    /// The promise was kept, as far as the history tells.
    Valid,
    /// The findings contradict the promise.
    Violated,
    /// Nobody knows, and why.
    Unknown(String),
}

impl Verdict {
    /// `valid`, `violated` or `unknown`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Violated => "violated",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The verdict of several checks together: violated > unknown > valid.
    pub fn of_all<'a>(verdicts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::Valid;
        for verdict in verdicts {
            match (&all, verdict) {
                (_, Self::Violated) => return Self::Violated,
                (Self::Valid, Self::Unknown(_)) => all = verdict.clone(),
                _ => {}
            }
        }
        all
    }
}

/// The answer of one check over a whole history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check's name as the specification has it, e.g. `linearizable`, `availability`.
    pub check: String,
    /// What was decided.
    pub verdict: Verdict,
    /// One sentence for the terminal: what was claimed and what was seen.
    pub summary: String,
    /// Measured values by name, units last (`recovery_ms_max`, `ok_share`).
    pub figures: BTreeMap<String, Value>,
    /// The evidence; of many, the most telling.
    pub findings: Vec<Finding>,
}

/// One piece of evidence against the system (or about the run itself).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The field's name for it: `stale-read`, `lost-write`, `G-single`, `low-availability`, …
    pub anomaly: String,
    /// The object it happened on, if the history has keys.
    pub key: Option<Value>,
    /// One sentence which names the operation at fault.
    pub title: String,
    /// The argument, a sentence per item, from the premises to the contradiction.
    pub prose: Vec<String>,
    /// The operations of the smallest witness, in order of invocation.
    pub operations: Vec<OpIndex>,
    /// Real time spanned by `operations`.
    pub from: Nanos,
    /// The end of that time.
    pub to: Nanos,
    /// Faults (by id) in force during `from..to`.
    pub faults: Vec<u32>,
    /// How far an order of events goes, and why it goes no further; for linearizability.
    pub witness: Option<Witness>,
    /// What comes before what, in a circle; for transactions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<Cycle>,
    /// What should have been seen, and what was; for sets, queues, banks and identifiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contrast: Vec<Contrast>,
}

/// One thing that was seen other than it must be; in words, for a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// `element 5`, `all balances together`
    pub what: String,
    /// What should have been seen.
    pub expected: String,
    /// What was.
    pub seen: String,
}

/// Takes contrasts for a finding that was just made; for one that is only counted, none.
pub(crate) struct Against<'f>(pub Option<&'f mut Vec<Contrast>>);

impl Against<'_> {
    /// What should have been seen against what was.
    pub(crate) fn against(
        self,
        what: impl Into<String>,
        expected: impl Into<String>,
        seen: impl Into<String>,
    ) -> Self {
        self.against_what(|| [what.into(), expected.into(), seen.into()])
    }

    /// The same, asked for only when it will be told: what, expected, seen.
    pub(crate) fn against_what(mut self, row: impl FnOnce() -> [String; 3]) -> Self {
        if let Some(contrast) = &mut self.0 {
            let [what, expected, seen] = row();
            contrast.push(Contrast { what, expected, seen });
        }
        self
    }
}

/// Transactions each of which must come before the next, and the last before the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cycle {
    /// The transactions, in the order of the circle.
    pub nodes: Vec<CycleNode>,
    /// Edge n leads from node n to the next.
    pub edges: Vec<CycleEdge>,
}

/// A transaction of a cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CycleNode {
    /// In the argument: `T1`.
    pub name: String,
    /// Its invocation.
    pub operation: OpIndex,
    /// Its micro-operations as a list of JSON, with what they read if that is known.
    pub micros: Value,
}

/// Why one transaction comes before another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CycleEdge {
    /// Places in [`Cycle::nodes`].
    pub from: usize,
    /// Where the edge ends.
    pub to: usize,
    /// What orders the two.
    pub kind: Dependency,
    /// The object it is about.
    pub key: Option<Value>,
    /// What the micro-operations at its ends wrote or read.
    pub from_value: Option<Value>,
    /// The same at the other end.
    pub to_value: Option<Value>,
    /// Places of these among the micro-operations of their transactions.
    pub from_micro: Option<usize>,
    /// The same at the other end.
    pub to_micro: Option<usize>,
    /// `T2 observed T1's append of 5 to key "x"`
    pub because: String,
}

/// What kind of order an edge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dependency {
    /// One wrote the version after the other's.
    Ww,
    /// One read what the other wrote.
    Wr,
    /// One read a version that the other overwrote.
    Rw,
    /// One process did both, one after the other.
    Process,
    /// One was over before the other began.
    Realtime,
}

impl Dependency {
    /// `ww`, …, `realtime`
    pub fn word(self) -> &'static str {
        match self {
            Self::Ww => "ww",
            Self::Wr => "wr",
            Self::Rw => "rw",
            Self::Process => "process",
            Self::Realtime => "realtime",
        }
    }
}

/// The longest partial linearization of a violated history and why each next operation is illegal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Witness {
    /// Operations in an order that can be right.
    pub linearization: Vec<Step>,
    /// The state of the object after the last step.
    pub state: Value,
    /// What could come next by real time, and cannot.
    pub blocked: Vec<Blocked>,
}

/// One linearized operation and the state it leaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its invocation.
    pub operation: OpIndex,
    /// The state of the object after it.
    pub state: Value,
}

/// An operation that cannot come next, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blocked {
    /// Its invocation.
    pub operation: OpIndex,
    /// In words: what it found, and what was there.
    pub reason: String,
}
