//! What the tests of all models share: a line per history, and every order tried.
//!
//! A line: `"0-3 enqueue 1, 1-4 dequeue -> 1, 2-? dequeue, 5-6! enqueue 2, 7-8 read -> [1,2]"`,
//! items of `start-end f [argument] [-> result]`; without a result it is the argument. `?` crashed,
//! `!` failed, `#3` after the end: by process 3. Otherwise processes are numbered by item.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::history::{Event, EventType, History, Nanos, Process};
use crate::linearizability::{
    Budget, Call, Certificate, Model, certificates, linearizable, parsed,
};
use crate::{CheckResult, Verdict};

/// Commas inside of brackets and strings separate nothing.
fn items(line: &str) -> Vec<&str> {
    let (mut items, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0, false);
    for (place, letter) in line.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            ',' if depth == 0 && !quoted => {
                items.push(line[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    items.push(line[start..].trim());
    items
}

pub(crate) fn history(line: &str) -> History {
    let mut events = Vec::new();
    for (place, item) in (0..).zip(items(line)) {
        let (times, what) = item.split_once(' ').unwrap();
        let (times, process) = match times.split_once('#') {
            Some((times, process)) => (times, process.parse().unwrap()),
            None => (times, place + 100),
        };
        let (start, end) = times.split_once('-').unwrap();
        let (end, failed) = (end.trim_end_matches('!'), end.ends_with('!'));
        let (what, result) = match what.split_once(" -> ") {
            Some((what, result)) => (what, Some(serde_json::from_str(result).unwrap())),
            None => (what, None),
        };
        let (f, argument) = match what.split_once(' ') {
            Some((f, argument)) => (f, serde_json::from_str(argument).unwrap()),
            None => (what, Value::Null),
        };
        let mut event = Event {
            index: 2 * u64::from(place),
            time: Nanos(start.parse().unwrap()),
            process: Process::Client(process),
            kind: EventType::Invoke,
            f: f.to_owned(),
            key: None,
            value: argument.clone(),
            node: None,
            error: None,
            extra: Map::new(),
        };
        events.push(event.clone());
        event.index += 1;
        event.value = result.unwrap_or(argument);
        event.kind = if failed { EventType::Fail } else { EventType::Ok };
        if end == "?" {
            event.kind = EventType::Info;
        } else {
            event.time = Nanos(end.parse().unwrap());
        }
        events.push(event);
    }
    // Processes go on: a completion is before the next invocation of its process.
    events.sort_by_key(|event| (event.time, event.kind != EventType::Invoke));
    History::from_events(events).unwrap()
}

/// Tries every order, with nothing but [`Model::apply`].
pub(crate) fn is_linearizable<M: Model>(model: &M, calls: &[Call<M::Op>]) -> bool {
    fn extend<M: Model>(
        model: &M,
        calls: &[Call<M::Op>],
        done: &mut Vec<bool>,
        state: &M::State,
    ) -> bool {
        let left: Vec<usize> = (0..calls.len()).filter(|&call| !done[call]).collect();
        if left.iter().all(|&call| calls[call].is_open()) {
            return true;
        }
        left.iter().any(|&call| {
            if left.iter().any(|&other| calls[other].precedes(&calls[call])) {
                return false;
            }
            let Some(next) = model.apply(state, &calls[call].op) else { return false };
            done[call] = true;
            let found = extend(model, calls, done, &next);
            done[call] = false;
            found
        })
    }
    extend(model, calls, &mut vec![false; calls.len()], &model.initial())
}

fn judge<M: Model>(model: &M, line: &str) -> CheckResult {
    let history = history(line);
    let result = linearizable(&history, model, &Budget::default());
    agrees(model, &history).unwrap_or_else(|problem| panic!("{line}: {problem}"));
    result
}

pub(crate) fn accepts<M: Model>(model: &M, line: &str) {
    assert_eq!(judge(model, line).verdict, Verdict::Valid, "{line}");
}

/// The anomaly.
pub(crate) fn rejects<M: Model>(model: &M, line: &str) -> String {
    let result = judge(model, line);
    assert_eq!(result.verdict, Verdict::Violated, "{line}");
    result.findings[0].anomaly.clone()
}

/// What is said of a history of another type.
pub(crate) fn violated_by_type<M: Model>(model: &M, line: &str) -> String {
    let result = linearizable(&history(line), model, &Budget::default());
    assert!(matches!(result.verdict, Verdict::Unknown(_)), "{line}: {result:?}");
    result.summary
}

/// Whether verdict, certificate and contradiction are right: brute force agrees. True if the
/// algorithm of the type, rather than the general search, decided.
pub(crate) fn agrees<M: Model>(model: &M, history: &History) -> Result<bool, TestCaseError> {
    let calls = parsed(model, history).map_err(TestCaseError::fail)?;
    let expected = is_linearizable(model, &calls);
    let result = linearizable(history, model, &Budget::default());
    let right = if expected { Verdict::Valid } else { Verdict::Violated };
    prop_assert_eq!(&result.verdict, &right, "{:?}", result);
    if expected {
        let found = certificates(history, model, &Budget::default()).unwrap();
        prop_assert!(found.iter().all(|c: &Certificate| c.verify(history, model).is_ok()));
    } else {
        let finding = &result.findings[0];
        prop_assert!(finding.witness.is_some(), "no witness: {:?}", finding);
        prop_assert!(!finding.operations.is_empty());
    }
    Ok(model.decide(&calls).is_some())
}

pub(crate) fn many() -> ProptestConfig {
    ProptestConfig { cases: 100_000, max_shrink_iters: 10_000, ..ProptestConfig::default() }
}

pub(crate) fn some() -> ProptestConfig {
    ProptestConfig { cases: 2_000, ..many() }
}
