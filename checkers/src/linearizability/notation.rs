//! One line per history, for tests: `"0-3 w1, 1-2 r1, 4-? w2, 5-6 c1:2, 7-8! w3, 9-10 r_"`.
//!
//! Each item is an interval of times and what was done in it: `w` a write, `r` a read and its
//! result, `c` a compare-and-set, `_` null. `?` crashed, `!` failed. `@k` at the end gives a key.
//! Processes are numbered by item.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::history::{
    Event, EventType, FaultWindow, History, InjectOutcome, Nanos, Operation, OwnedOperation,
    Process,
};

fn value(text: &str) -> Value {
    if text == "_" { Value::Null } else { json!(text.parse::<i64>().unwrap()) }
}

pub(crate) fn history(line: &str) -> History {
    let mut events = Vec::new();
    for (process, item) in (0..).zip(line.split(',')) {
        let (times, what) = item.trim().split_once(' ').unwrap();
        let (what, key) = match what.split_once('@') {
            Some((what, key)) => (what, Some(json!(key))),
            None => (what, None),
        };
        let (start, end) = times.split_once('-').unwrap();
        let (end, failed) = (end.trim_end_matches('!'), end.ends_with('!'));
        let (f, argument, result) = match what.split_at(1) {
            ("r", result) => ("read", Value::Null, value(result)),
            ("w", text) => ("write", value(text), value(text)),
            ("c", pair) => {
                let (old, new) = pair.split_once(':').unwrap();
                let pair = json!([value(old), value(new)]);
                ("cas", pair.clone(), pair)
            }
            other => panic!("no such operation: {other:?}"),
        };
        let mut event = Event {
            index: events.len() as u64,
            time: Nanos(start.parse().unwrap()),
            process: Process::Client(process),
            kind: EventType::Invoke,
            f: f.to_owned(),
            key,
            value: argument,
            node: None,
            error: None,
            extra: Map::new(),
        };
        events.push(event.clone());
        if end != "?" {
            event.index += 1;
            event.time = Nanos(end.parse().unwrap());
            event.kind = if failed { EventType::Fail } else { EventType::Ok };
            event.value = result;
            events.push(event);
        }
    }
    History::from_events(events).unwrap()
}

/// The history with its operations changed.
pub(crate) fn edited(history: History, edit: impl FnOnce(&mut Vec<OwnedOperation>)) -> History {
    let mut operations: Vec<OwnedOperation> = history.operations().map(Operation::owned).collect();
    edit(&mut operations);
    let mut edited = History::from_operations(operations);
    (edited.faults, edited.end, edited.remarks) = (history.faults, history.end, history.remarks);
    edited
}

/// Adds a fault, installed with evidence, from one time to another or to the end.
pub(crate) fn with_fault(mut history: History, fault: &str, from: u64, to: Option<u64>) -> History {
    history.faults.push(FaultWindow {
        id: history.faults.len() as u32,
        fault: fault.to_owned(),
        nodes: vec!["n1".to_owned()],
        detail: Map::new(),
        outcome: InjectOutcome::Installed,
        from: Nanos(from),
        installed_at: Some(Nanos(from)),
        heal_from: to.map(Nanos),
        to: to.map(Nanos),
        evidence: BTreeMap::from([("n1".to_owned(), "2 rules".to_owned())]),
        heal_evidence: BTreeMap::new(),
        settled_ms: None,
        dirty: None,
    });
    history
}
