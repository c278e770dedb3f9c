//! One line of a history: something began, or something ended.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::eight::Short;

/// Nanoseconds since the run began, on one monotonic clock of the controller.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Nanos(pub u64);

impl fmt::Display for Nanos {
    /// Seconds, to the millisecond or to the precision asked for: `4.102 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(3).min(9);
        let unit = 10_u64.pow(9 - digits as u32);
        let fraction = self.0 % 1_000_000_000 / unit;
        write!(f, "{}.{fraction:0digits$} s", self.0 / 1_000_000_000)
    }
}

/// An operation's name in a report: the index of its invocation event in the history.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct OpIndex(pub u32);

/// Who acted: a logical client thread, or the fault injector (Jepsen: nemesis).
///
/// Written as a number or as the string `"nemesis"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Process {
    /// A logical client thread, by number.
    Client(u32),
    /// The fault injector.
    Nemesis,
}

/// `invoke` begins an operation; `ok` (it happened), `fail` (it did not happen) and `info`
/// (unknown: it may have happened, or may still happen) complete it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventType {
    /// An operation begins.
    #[serde(alias = ":invoke")]
    Invoke,
    /// It happened.
    #[serde(alias = ":ok")]
    Ok,
    /// It did not happen.
    #[serde(alias = ":fail")]
    Fail,
    /// Unknown: it may have happened, or may still.
    #[serde(alias = ":info")]
    Info,
}

impl EventType {
    /// The type of this name, as histories of every notation have it.
    #[inline]
    pub(super) fn named(name: Short) -> Option<Self> {
        const INVOKE: Short = Short::literal(b"invoke");
        const OK: Short = Short::literal(b"ok");
        const FAIL: Short = Short::literal(b"fail");
        const INFO: Short = Short::literal(b"info");
        Some(match name {
            INVOKE => Self::Invoke,
            OK => Self::Ok,
            FAIL => Self::Fail,
            INFO => Self::Info,
            _ => return None,
        })
    }
}

/// One line of `history.jsonl`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Position in the history, from 0.
    pub index: u64,
    /// Stamped in the worker, right before sending and right after receiving.
    pub time: Nanos,
    /// Who acted.
    pub process: Process,
    /// `"type"` in the file.
    pub kind: EventType,
    /// The operation's function: `read`, `write`, `cas`, `txn`, …; for the nemesis, the fault.
    pub f: String,
    /// The object operated on, where the workload has many; a JSON null means the same as none.
    pub key: Option<Value>,
    /// Arguments, then results. `null` on a read means *absent*, a value like any other.
    pub value: Value,
    /// The node that the process talks to.
    pub node: Option<String>,
    /// Why a completion is fail or info. Of an ok, what was asked and answered, where that was
    /// recorded: `"answer"` in the file.
    pub error: Option<String>,
    /// Members which we do not know, kept in their order.
    pub extra: Map<String, Value>,
}

impl Serialize for Process {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Client(number) => serializer.serialize_u32(*number),
            Self::Nemesis => serializer.serialize_str("nemesis"),
        }
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("index", &self.index)?;
        map.serialize_entry("time", &self.time)?;
        map.serialize_entry("process", &self.process)?;
        map.serialize_entry("type", &self.kind)?;
        map.serialize_entry("f", &self.f)?;
        if let Some(key) = &self.key {
            map.serialize_entry("key", key)?;
        }
        map.serialize_entry("value", &self.value)?;
        if let Some(node) = &self.node {
            map.serialize_entry("node", node)?;
        }
        if let Some(error) = &self.error {
            let name = if self.kind == EventType::Ok { "answer" } else { "error" };
            map.serialize_entry(name, error)?;
        }
        for (name, value) in &self.extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
