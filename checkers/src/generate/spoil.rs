//! Makes valid histories violated, by a result or two.

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::history::{Completion, History, Operation, ValueId};

/// The first `read` past nine tenths whose key had surely been written finds null, as at first.
/// False if there was none.
pub fn stale_read(history: &mut History) -> bool {
    let from = history.len() * 9 / 10;
    // Per key, when something was first known to have been written.
    let mut written: FxHashMap<Option<ValueId>, u32> = FxHashMap::default();
    let mut found = None;
    for operation in history.operations() {
        let Some(rank) = operation.completed_rank() else { continue };
        if operation.completion() != Completion::Ok {
            continue;
        }
        let key = operation.key_id();
        if operation.f() != "read" {
            let first = written.entry(key).or_insert(rank);
            *first = rank.min(*first);
        } else if operation.place() >= from
            && written.get(&key).is_some_and(|&rank| rank < operation.invoked_rank())
        {
            found = Some(operation.place());
            break;
        }
    }
    if let Some(place) = found {
        history.columns.result[place] = ValueId::NULL;
    }
    found.is_some()
}

/// The last operation that asked for nothing is given what the first one of its kind was given.
/// False if there were not two.
pub fn rewind(history: &mut History) -> bool {
    let Some(last) = (0..history.len()).rfind(|&place| gives(history, place)) else {
        return false;
    };
    let f = history.operation(last).f_id();
    let alike = |&place: &usize| history.operation(place).f_id() == f && gives(history, place);
    let Some(first) = (0..last).find(alike) else { return false };
    history.columns.result[last] = history.columns.result[first];
    true
}

/// Exchanges what two operations were given that asked for nothing: the first and the last of the
/// second half. False if there were not two.
pub fn exchange(history: &mut History) -> bool {
    let half = history.len() / 2..history.len();
    let first = half.clone().find(|&place| gives(history, place));
    let last = half.rev().find(|&place| gives(history, place));
    let (Some(first), Some(last)) = (first, last) else { return false };
    history.columns.result.swap(first, last);
    first < last
}

/// The last `contains` that found an element which was surely there did not find it. False if
/// there was none, or no other that found nothing.
pub fn deny(history: &mut History) -> bool {
    let mut added: FxHashMap<ValueId, u32> = FxHashMap::default();
    let mut removed: FxHashMap<ValueId, u32> = FxHashMap::default();
    for operation in history.operations() {
        let element = operation.argument_id();
        match (operation.f(), operation.completed_rank()) {
            ("add", Some(rank)) => drop(added.insert(element, rank)),
            ("remove", _) => drop(removed.insert(element, operation.invoked_rank())),
            _ => {}
        }
    }
    let answers = |operation: &Operation<'_>, found: bool| {
        operation.f() == "contains" && operation.result() == Value::Bool(found)
    };
    let surely = |operation: &Operation<'_>| {
        let element = operation.argument_id();
        let there = added.get(&element).is_some_and(|&rank| rank < operation.invoked_rank());
        let gone = removed.get(&element).copied().unwrap_or(u32::MAX);
        there && operation.completed_rank().is_some_and(|rank| rank < gone)
    };
    let absent = history.operations().find(|operation| answers(operation, false));
    let was_there = |operation: &Operation<'_>| answers(operation, true) && surely(operation);
    let present = history.operations().rev().find(was_there);
    let (Some(absent), Some(present)) = (absent, present) else { return false };
    let (absent, place) = (absent.result_id(), present.place());
    history.columns.result[place] = absent;
    true
}

/// The last release of a lock was an acquisition: its process has it twice. False if there was
/// none.
pub fn hold_twice(history: &mut History) -> bool {
    let ok = |place: usize, f: &str| {
        let operation = history.operation(place);
        operation.completion() == Completion::Ok && operation.f() == f
    };
    let release = (0..history.len()).rfind(|&place| ok(place, "release"));
    let acquire = (0..history.len()).find(|&place| ok(place, "acquire"));
    let (Some(release), Some(acquire)) = (release, acquire) else { return false };
    let f = history.operation(acquire).f_id();
    history.columns.f.set(release, f);
    true
}

/// Whether an operation asked for nothing and was given something.
fn gives(history: &History, place: usize) -> bool {
    let columns = &history.columns;
    columns.completion[place] == Completion::Ok
        && columns.argument[place].is_null()
        && !columns.result[place].is_null()
}
