//! One object of JSON → [`Event`]. Unknown members are kept, in their order.
//!
//! Written by hand, since `flatten` and `untagged` lose the place of an error.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde_json::{Map, Value};

use super::{Event, EventType, Nanos, Process};

const NAMES: &str = "`index`, `time` (ns), `process`, `type` and `f`";

struct ProcessVisitor;

impl Visitor<'_> for ProcessVisitor {
    type Value = Process;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a process: a number from 0 or \"nemesis\"")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Process, E> {
        u32::try_from(number)
            .map(Process::Client)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Process, E> {
        match text {
            "nemesis" | ":nemesis" => Ok(Process::Nemesis),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}

impl<'de> Deserialize<'de> for Process {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ProcessVisitor)
    }
}

/// The members of an event; others' events may lack an index, a time or a process.
pub(super) struct Members {
    pub index: Option<u64>,
    pub time: Option<Nanos>,
    pub process: Option<Process>,
    pub kind: EventType,
    f: String,
    key: Option<Value>,
    value: Value,
    node: Option<String>,
    error: Option<String>,
    extra: Map<String, Value>,
}

impl Members {
    /// 0 stands for an index or time that is missing.
    pub(super) fn into_event(self, process: Process) -> Event {
        Event {
            index: self.index.unwrap_or_default(),
            time: self.time.unwrap_or_default(),
            process,
            kind: self.kind,
            f: self.f,
            key: self.key,
            value: self.value,
            node: self.node,
            error: self.error,
            extra: self.extra,
        }
    }
}

/// The members as far as they were read.
#[derive(Default)]
struct Draft {
    index: Option<u64>,
    time: Option<Nanos>,
    process: Option<Process>,
    kind: Option<EventType>,
    f: Option<String>,
    key: Option<Value>,
    value: Option<Value>,
    node: Option<Option<String>>,
    error: Option<Value>,
    answer: Option<Value>,
    extra: Map<String, Value>,
}

fn missing<E: Error>(name: &str) -> E {
    E::custom(format!("`{name}` is missing: an event needs {NAMES}"))
}

impl Draft {
    /// Whether an event without `f`, as Elle's histories have them, is that of a transaction: its
    /// value is a list of micro-operations, or that of its invocation may have been.
    fn may_be_transaction(&self) -> bool {
        match &self.value {
            _ if self.process == Some(Process::Nemesis) => false,
            Some(Value::Array(items)) => items.iter().all(Value::is_array),
            None | Some(Value::Null) => self.kind != Some(EventType::Invoke),
            Some(_) => false,
        }
    }

    fn finish<E: Error>(self) -> Result<Members, E> {
        let f = match &self.f {
            Some(f) => f.strip_prefix(':').unwrap_or(f).to_owned(),
            None if self.may_be_transaction() => "txn".to_owned(),
            None => return Err(missing("f")),
        };
        let mut value = self.value.unwrap_or_default();
        if f == "txn" {
            strip_keywords(&mut value);
        }
        Ok(Members {
            index: self.index,
            time: self.time,
            process: self.process,
            kind: self.kind.ok_or_else(|| missing("type"))?,
            f,
            key: self.key.filter(|key| !key.is_null()),
            value,
            node: self.node.flatten(),
            error: self.error.or(self.answer).and_then(error_text),
            extra: self.extra,
        })
    }
}

/// `[":append", 1, 2]` → `["append", 1, 2]`: Clojure's keywords, in the one place where they can
/// be nothing else.
fn strip_keywords(value: &mut Value) {
    for operation in value.as_array_mut().into_iter().flatten() {
        if let Some(Value::String(name)) = operation.get_mut(0)
            && name.starts_with(':')
        {
            name.remove(0);
        }
    }
}

/// Others' errors are structured; ours are text.
fn error_text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

/// Reads one member, once; an error says which.
fn read<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    slot: &mut Option<T>,
    name: &str,
    map: &mut A,
) -> Result<(), A::Error> {
    let value = map.next_value().map_err(|error| A::Error::custom(format!("`{name}`: {error}")))?;
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(A::Error::custom(format!("`{name}` is there twice"))),
    }
}

struct EventVisitor;

impl<'de> Visitor<'de> for EventVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event: an object with {NAMES}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Draft::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "index" => read(&mut members.index, &name, &mut map)?,
                "time" => read(&mut members.time, &name, &mut map)?,
                "process" => read(&mut members.process, &name, &mut map)?,
                "type" => read(&mut members.kind, &name, &mut map)?,
                "f" => read(&mut members.f, &name, &mut map)?,
                "key" => read(&mut members.key, &name, &mut map)?,
                "value" => read(&mut members.value, &name, &mut map)?,
                "node" => read(&mut members.node, &name, &mut map)?,
                "error" => read(&mut members.error, &name, &mut map)?,
                "answer" => read(&mut members.answer, &name, &mut map)?,
                _ => {
                    let value = map.next_value()?;
                    members.extra.insert(name, value);
                }
            }
        }
        members.finish()
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EventVisitor)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Members::deserialize(deserializer)?;
        match (members.index, members.time, members.process) {
            (None, ..) => Err(missing("index")),
            (_, None, _) => Err(missing("time")),
            (.., None) => Err(missing("process")),
            (.., Some(process)) => Ok(members.into_event(process)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LINE: &str = r#"{"index":17,"time":12,"process":3,"type":"invoke","f":"cas","key":"k1","value":[1,2],"node":"n2","scheduled":11,"note":{"a":null}}"#;

    #[test]
    fn reads_what_it_writes_unknown_members_included() {
        let event: Event = serde_json::from_str(LINE).unwrap();
        assert_eq!(event.process, Process::Client(3));
        assert_eq!(event.extra.len(), 2);
        assert_eq!(serde_json::to_string(&event).unwrap(), LINE);
    }

    #[test]
    fn a_null_key_is_no_key_and_a_missing_value_is_null() {
        let text =
            r#"{"index":0,"time":0,"process":"nemesis","type":"info","f":"kill","key":null}"#;
        let event: Event = serde_json::from_str(text).unwrap();
        assert_eq!(event.key, None);
        assert_eq!(event.value, Value::Null);
        assert_eq!(event.process, Process::Nemesis);
    }

    #[test]
    fn errors_name_the_member_and_what_was_expected() {
        for (bad, expected) in [
            (LINE.replace("\"process\":3", "\"process\":\"x\""), "a number from 0 or \"nemesis\""),
            (LINE.replace("\"time\":12", "\"time\":-12"), "`time`"),
            (LINE.replace("\"time\":12,", ""), "`time` is missing"),
            (LINE.replace("invoke", "begin"), "`type`: unknown variant `begin`"),
            (LINE.replace("\"index\":17", "\"index\":17,\"index\":18"), "twice"),
            ("[1]".to_owned(), "an event: an object with"),
        ] {
            let error = serde_json::from_str::<Event>(&bad).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
