//! Histories for tests and for the examples of the topics, an operation per line:
//!
//! ```text
//! 0-3  p0 n1 add 1              from 0 ms to 3 ms, process 0 on node n1
//! 1-2  p1 read -> [1] @k        what came back, on key "k"
//! 4-5! p0 add 2                 failed
//! 6-?  p0 add 3                 its outcome was never known
//! 6-7? p0 add 3                 given up at 7 ms: the process goes on
//! 2-9  fault partition {"grudge":{"n1":["n2"]}}
//! 5    crash n1 TypeError     a process ended by itself, and the end of its log
//! ```
//!
//! Without `->`, an operation gives back its argument.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::history::{
    Crash, Event, EventType, FaultWindow, History, InjectOutcome, Nanos, Process,
};

const MILLISECOND: u64 = 1_000_000;

fn time(text: &str) -> Nanos {
    Nanos(text.parse::<u64>().unwrap() * MILLISECOND)
}

fn json(text: &str) -> Value {
    let text = text.trim();
    if text.is_empty() { Value::Null } else { serde_json::from_str(text).unwrap() }
}

pub(crate) fn history(text: &str) -> History {
    let mut events = Vec::new();
    let (mut faults, mut crashes) = (Vec::new(), Vec::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (times, rest) = line.split_once(' ').unwrap();
        let rest = rest.trim();
        if let Some(what) = rest.strip_prefix("crash ") {
            let (node, log) = what.split_once(' ').unwrap();
            let (node, log) = (node.to_owned(), vec![log.to_owned()]);
            crashes.push(Crash { node, at: time(times), log });
            continue;
        }
        let (start, end) = times.split_once('-').unwrap();
        if let Some(what) = rest.strip_prefix("fault ") {
            faults.push(fault(faults.len(), what, time(start), end));
            continue;
        }
        let (process, rest) = rest.split_once(' ').unwrap();
        let is_node = |word: &str| word.starts_with('n') && word[1..].parse::<u32>().is_ok();
        let (node, rest) = match rest.trim().split_once(' ') {
            Some((word, after)) if is_node(word) => (Some(word.to_owned()), after.trim()),
            _ => (None, rest.trim()),
        };
        let (rest, key) = match rest.rsplit_once(" @") {
            Some((rest, key)) => (rest, Some(Value::from(key))),
            None => (rest, None),
        };
        let (call, result) = rest.split_once("->").unwrap_or((rest, ""));
        let (f, argument) = call.trim().split_once(' ').unwrap_or((call.trim(), ""));
        let invoke = Event {
            index: 0,
            time: time(start),
            process: Process::Client(process.trim_start_matches('p').parse().unwrap()),
            kind: EventType::Invoke,
            f: f.to_owned(),
            key,
            value: json(argument),
            node,
            error: None,
            extra: Map::new(),
        };
        if !end.starts_with('?') {
            let mut event = invoke.clone();
            event.time = time(end.trim_end_matches(['!', '?']));
            event.kind = match end.as_bytes().last() {
                Some(b'!') => EventType::Fail,
                Some(b'?') => EventType::Info,
                _ => EventType::Ok,
            };
            event.value = if rest.contains("->") { json(result) } else { event.value };
            events.push(event);
        }
        events.push(invoke);
    }
    events.sort_by_key(|event| (event.time, event.kind != EventType::Invoke));
    for (index, event) in events.iter_mut().enumerate() {
        event.index = index as u64;
    }
    let mut history = History::from_events(events).unwrap();
    history.faults = faults;
    history.crashes = crashes;
    history
}

fn fault(id: usize, what: &str, from: Nanos, end: &str) -> FaultWindow {
    let (name, detail) = what.trim().split_once(' ').unwrap_or((what.trim(), "{}"));
    let to = (end != "?").then(|| time(end));
    let Value::Object(detail) = json(detail) else { panic!("a fault is described by an object") };
    FaultWindow {
        id: id as u32,
        fault: name.to_owned(),
        nodes: vec!["n1".to_owned()],
        detail,
        outcome: InjectOutcome::Installed,
        from,
        installed_at: Some(from),
        heal_from: to,
        to,
        evidence: BTreeMap::from([("n1".to_owned(), "2 rules".to_owned())]),
        heal_evidence: BTreeMap::new(),
        settled_ms: None,
        dirty: None,
    }
}

/// How many findings of each anomaly, as the figures say.
pub(crate) fn found(result: &crate::CheckResult) -> String {
    let Some(Value::Object(counts)) = result.figures.get("anomalies") else {
        return result.verdict.word().to_owned();
    };
    let counts: Vec<String> = counts.iter().map(|(name, n)| format!("{name} {n}")).collect();
    if counts.is_empty() { result.verdict.word().to_owned() } else { counts.join(", ") }
}
