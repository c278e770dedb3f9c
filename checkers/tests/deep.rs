//! A million operations on one key: no stack overflows, and no pass over them is quadratic.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use isobar_checkers::{
    Budget, CheckResult, Event, EventType, History, Nanos, OwnedOperation, Process, Register,
    Verdict, linearizable,
};
use serde_json::{Map, Value, json};

const OPERATIONS: u64 = 1_000_000;
const PROCESSES: u64 = 4;

/// `PROCESSES` clients in rounds: all invoke, then all complete; `what` gives f, argument and
/// result of the nth operation.
fn rounds(what: impl Fn(u64) -> (&'static str, Value, Value)) -> History {
    let mut events = Vec::new();
    for round in 0..OPERATIONS / PROCESSES {
        for kind in [EventType::Invoke, EventType::Ok] {
            for process in 0..PROCESSES {
                let (f, argument, result) = what(round * PROCESSES + process);
                let index = events.len() as u64;
                events.push(Event {
                    index,
                    time: Nanos(index),
                    process: Process::Client(process as u32),
                    kind,
                    f: f.to_owned(),
                    key: None,
                    value: if kind == EventType::Invoke { argument } else { result },
                    node: None,
                    error: None,
                    extra: Map::new(),
                });
            }
        }
    }
    History::from_events(events).unwrap()
}

/// The history with one operation, counted from the end, changed.
fn edited(history: &History, from_end: usize, edit: impl Fn(&mut OwnedOperation)) -> History {
    let place = history.len() - from_end;
    History::from_operations(history.operations().map(|operation| {
        let mut owned = operation.owned();
        if operation.place() == place {
            edit(&mut owned);
        }
        owned
    }))
}

fn judge(history: &History) -> CheckResult {
    let start = std::time::Instant::now();
    let result = linearizable(history, &Register, &Budget::default());
    eprintln!("{:?}: {}", start.elapsed(), result.summary);
    result
}

#[test]
#[ignore = "about ten seconds in a debug build"]
fn one_chain_of_a_million_compare_and_sets() {
    let cas = |n| if n == 0 { Value::Null } else { json!(n) };
    let history = rounds(|n| ("cas", json!([cas(n), n + 1]), Value::Null));
    assert_eq!(judge(&history).verdict, Verdict::Valid);
    let history = edited(&history, 1, |last| {
        last.f = "read".to_owned();
        last.result = json!(OPERATIONS / 2);
    });
    let result = judge(&history);
    assert_eq!(result.verdict, Verdict::Violated);
    assert_eq!(result.findings[0].anomaly, "stale-read");
    assert!(result.findings[0].operations.len() <= 4, "{:?}", result.findings[0].operations);
}

#[test]
#[ignore = "about ten seconds in a debug build"]
fn a_million_unique_writes_and_reads() {
    // The last of each round writes; the next round reads it.
    let history = rounds(|n| match n % PROCESSES {
        3 => ("write", json!(n), json!(n)),
        _ if n < PROCESSES => ("read", Value::Null, Value::Null),
        process => ("read", Value::Null, json!(n - process - 1)),
    });
    assert_eq!(judge(&history).verdict, Verdict::Valid);
    let history = edited(&history, 2, |read| read.result = json!(OPERATIONS / 2 - 1));
    let result = judge(&history);
    assert_eq!(result.verdict, Verdict::Violated);
    assert_eq!(result.findings[0].operations.len(), 3);
}

#[test]
#[ignore = "about ten seconds in a debug build"]
fn a_million_repeating_writes_and_reads_searched() {
    let history = rounds(|n| match n % PROCESSES {
        3 => ("write", json!(n / PROCESSES % 5), Value::Null),
        _ if n < PROCESSES => ("read", Value::Null, Value::Null),
        _ => ("read", Value::Null, json!((n / PROCESSES - 1) % 5)),
    });
    assert_eq!(judge(&history).verdict, Verdict::Valid);
    let history = edited(&history, 2, |read| read.result = json!(77));
    let result = judge(&history);
    assert_eq!(result.verdict, Verdict::Violated);
    assert_eq!(result.findings[0].anomaly, "phantom-read");
}
