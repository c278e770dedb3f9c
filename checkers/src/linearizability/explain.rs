//! A contradiction as a [`Finding`]: its name, the argument in words, and the witness.

use serde_json::Value;

use super::search::{Outcome, search};
use super::wording::{Wording, capital};
use super::{Budget, Call, Contradiction, Model, Reason, general};
use crate::finding::{Blocked, Finding, Step, Witness};
use crate::history::{Completion, History, Nanos};
use crate::topics;

/// Configurations for the witness: it is of few calls.
const WITNESS_STATES: u64 = 10_000;
/// Configurations times calls: states may be as big as the calls are many.
const WITNESS_WORK: u64 = 2_000_000;
/// Operations told one by one; a longer argument tells the last ones.
const SENTENCES_MAX: usize = 12;
/// Operations listed, and steps of a witness; of more, the last ones.
const LISTED_MAX: usize = 200;

pub(super) fn finding<M: Model>(
    history: &History,
    model: &M,
    key: Option<&Value>,
    calls: &[Call<M::Op>],
    contradiction: &Contradiction,
) -> Finding {
    let about = &contradiction.calls;
    let words = Wording::new(history, model, calls, about);
    let culprit = culprit(&words, contradiction.reason, about);
    let name = name(&words, key, contradiction.reason);
    let (from, to) = span(history, calls, contradiction);
    let mut prose: Vec<String> = Vec::new();
    if about.len() > SENTENCES_MAX {
        prose.push(format!("{} operations come first.", about.len() - SENTENCES_MAX));
    }
    prose.extend(last(about, SENTENCES_MAX).iter().map(|&call| words.sentence(call)));
    prose.extend(argument(&words, key, contradiction.reason));
    let on = key.map_or_else(String::new, |key| format!(" on key {key}"));
    let title = format!(
        "{}{on} {}, {}",
        words.who(culprit),
        words.what(culprit),
        although(name, contradiction.reason)
    );
    Finding {
        anomaly: topics::known(name).to_owned(),
        key: key.cloned(),
        title,
        prose,
        operations: last(about, LISTED_MAX)
            .iter()
            .map(|&call| words.operation(call).index())
            .collect(),
        from,
        to,
        faults: history.faults_during(from, to),
        witness: witness(&words, contradiction),
        cycle: None,
        contrast: Vec::new(),
    }
}

/// Real time from the first invocation of a contradiction to the last thing known of it.
pub(super) fn span<O>(
    history: &History,
    calls: &[Call<O>],
    contradiction: &Contradiction,
) -> (Nanos, Nanos) {
    let times = contradiction.calls.iter().flat_map(|&call| {
        let operation = history.operation(calls[call as usize].operation);
        [Some(operation.invoked_at()), operation.completed_at()]
    });
    let (mut from, mut to) = (Nanos(u64::MAX), Nanos(0));
    for time in times.flatten() {
        (from, to) = (from.min(time), to.max(time));
    }
    (from.min(to), to)
}

fn last<T>(all: &[T], count: usize) -> &[T] {
    &all[all.len().saturating_sub(count)..]
}

/// The operation which the title names.
fn culprit<M: Model>(words: &Wording<'_, M>, reason: Reason, about: &[u32]) -> u32 {
    match reason {
        Reason::NeverWritten { call }
        | Reason::BeforeWritten { call, .. }
        | Reason::Replaced { call, .. }
        | Reason::NoOrder { call }
        | Reason::Rule { call, .. }
        | Reason::TwoSuccessors { second: call, .. }
        | Reason::ComesBack { late: call, .. } => call,
        Reason::Circle => about
            .iter()
            .copied()
            .max_by_key(|&call| words.operation(call).invoked_rank())
            .unwrap_or(0),
    }
}

fn name<M: Model>(words: &Wording<'_, M>, key: Option<&Value>, reason: Reason) -> &'static str {
    match reason {
        Reason::NeverWritten { call } => never_written(words, key, call),
        Reason::BeforeWritten { .. } => "future-read",
        Reason::Replaced { call, .. } if words.reads_only(call) => "stale-read",
        Reason::Replaced { .. } | Reason::TwoSuccessors { .. } => "lost-update",
        Reason::Circle => "cyclic-versions",
        Reason::ComesBack { late, first, last, .. } if words.reads_only(late) => {
            if first == last && is_lost(words, first, late) { "lost-write" } else { "stale-read" }
        }
        Reason::ComesBack { .. } => "lost-update",
        Reason::Rule { rule, .. } => rule.anomaly,
        Reason::NoOrder { .. } => "non-linearizable",
    }
}

/// Nobody wrote it, or only operations that failed did, or it was too early.
fn never_written<M: Model>(words: &Wording<'_, M>, key: Option<&Value>, call: u32) -> &'static str {
    let value = words.observed(call);
    let end = words.calls[call as usize].completed;
    if words.calls.iter().any(|other| {
        other.invoked > end && value.is_some() && words.model.written(&other.op) == value
    }) {
        return "future-read";
    }
    if failed_writer(words, key, call).is_some() { "dirty-read" } else { "phantom-read" }
}

/// The index of an operation that failed to write what `call` found.
fn failed_writer<M: Model>(words: &Wording<'_, M>, key: Option<&Value>, call: u32) -> Option<u32> {
    let value = words.observed(call)?;
    let failed = words.history.operations().find(|operation| {
        operation.completion() == Completion::Fail
            && operation.key().as_ref() == key
            && words
                .model
                .parse(operation)
                .ok()
                .flatten()
                .is_some_and(|op| words.model.written(&op).as_ref() == Some(&value))
    });
    failed.map(|operation| operation.index().0)
}

/// An acknowledged write is lost, not only unseen by some read, when nobody ever saw its value
/// and reads by two processes after it give the value before, the last read of all among them.
fn is_lost<M: Model>(words: &Wording<'_, M>, write: u32, late: u32) -> bool {
    let call = &words.calls[write as usize];
    let (value, before) = (words.model.written(&call.op), words.observed(late));
    let observed = |other: &Call<M::Op>| words.model.observed(&other.op);
    if call.is_open() || value.is_none() || words.calls.iter().any(|other| observed(other) == value)
    {
        return false;
    }
    let after = (0..)
        .zip(words.calls)
        .filter(|(number, other)| words.reads_only(*number) && call.precedes(other));
    let reads: Vec<(u32, &Call<M::Op>)> = after.collect();
    let again = |(_, other): &&(u32, &Call<M::Op>)| observed(other) == before;
    let mut readers: Vec<u32> =
        reads.iter().filter(again).map(|&(number, _)| words.operation(number).process()).collect();
    readers.sort_unstable();
    readers.dedup();
    readers.len() > 1 && reads.last().is_some_and(|(_, last)| observed(last) == before)
}

/// The second half of the title.
fn although(name: &str, reason: Reason) -> &'static str {
    match (name, reason) {
        (_, Reason::Rule { rule, .. }) => rule.although,
        ("phantom-read", _) => "which nobody ever wrote",
        ("dirty-read", _) => "which only operations that failed tried to write",
        ("future-read", _) => "before that could have been written",
        ("lost-write", _) => "although an acknowledged write had replaced it: that write is lost",
        ("stale-read", _) => "although that had been replaced before it began",
        ("cyclic-versions", _) => "but what it found was made from what it wrote",
        (_, Reason::TwoSuccessors { .. }) => "although another one had replaced the same value",
        ("lost-update", _) => "although what it found had been replaced before it began",
        _ => "which no order of the operations explains",
    }
}

/// Why `call` can have found only what was written by one of the operations told.
fn only_once<M: Model>(words: &Wording<'_, M>, call: u32) -> String {
    let value = words.observed(call);
    let written = |other: &&Call<M::Op>| words.model.written(&other.op) == value;
    let shown = words.value(call);
    let initial = words.model.show(&words.model.initial());
    let writes = words.calls.iter().filter(written).count();
    match (value.as_ref() == Some(&initial), writes) {
        (_, _) if value.is_none() => format!("{shown} was there only once"),
        (true, 0) => format!("{shown} was never written"),
        (false, 1) => format!("{shown} was written only once"),
        _ => format!("Every other write of {shown} had been replaced before or began after"),
    }
}

const END: &str = "So no order of these operations agrees with real time: a contradiction.";

/// From the operations to the contradiction.
fn argument<M: Model>(words: &Wording<'_, M>, key: Option<&Value>, reason: Reason) -> Vec<String> {
    match reason {
        Reason::NeverWritten { call } => {
            let value = words.value(call);
            let failed = failed_writer(words, key, call).map(|op| {
                format!("Op {op} would have written {value}, but it failed: it did not happen.")
            });
            let nobody =
                format!("No operation that happened, or may have happened, wrote {value} before.");
            failed.into_iter().chain([nobody, END.to_owned()]).collect()
        }
        Reason::BeforeWritten { call, writer } => vec![
            format!(
                "{} completed at {}, before {} was invoked at {}.",
                capital(&words.name(call)),
                words.completed(call),
                words.name(writer),
                words.invoked(writer)
            ),
            format!(
                "But {} is not there without {}, which {} wrote. {}. {END}",
                words.value(call),
                words.last_value(writer),
                words.name(writer),
                only_once(words, call)
            ),
        ],
        Reason::Replaced { call, by } => vec![format!(
            "{} follows {} by compare-and-set, so when {} completed at {}, {} had been replaced; \
             yet {} was invoked at {} and found it. {END}",
            words.last_value(by),
            words.value(call),
            words.name(by),
            words.completed(by),
            words.value(call),
            words.name(call),
            words.invoked(call)
        )],
        Reason::TwoSuccessors { first, second } => vec![format!(
            "{}, and {} and {} both replaced it: the later of them cannot have found it. {END}",
            only_once(words, first),
            words.name(first),
            words.name(second)
        )],
        Reason::Circle => vec![format!(
            "Each of them found what another one of them wrote, so none can be the first. {END}"
        )],
        Reason::ComesBack { early, late, first, last } => {
            comes_back(words, early, late, first, last)
        }
        Reason::Rule { rule, .. } => vec![rule.argument.to_owned(), END.to_owned()],
        Reason::NoOrder { call } => {
            let writes = "Other writes of the values found here had been replaced before or began \
                          after."
                .to_owned();
            let impossible = format!(
                "In every order of these operations that agrees with real time, {} is impossible \
                 at each moment from {} to {}. {END}",
                words.name(call),
                words.invoked(call),
                words.completed(call)
            );
            // Only types with a value have writes of it.
            let has_value = words.observed(call).is_some();
            has_value.then_some(writes).into_iter().chain([impossible]).collect()
        }
    }
}

fn comes_back<M: Model>(
    words: &Wording<'_, M>,
    early: Option<u32>,
    late: u32,
    first: u32,
    last: u32,
) -> Vec<String> {
    let (ours, theirs) = (words.value(late), words.last_value(first));
    let mut prose = vec![match early {
        None => format!("{ours} is the initial value: it came before {theirs}."),
        Some(early) => format!(
            "{} completed at {}, before {} was invoked at {}, so {} came before {}.",
            capital(&words.name(early)),
            words.completed(early),
            words.name(last),
            words.invoked(last),
            words.last_value(early),
            words.last_value(last)
        ),
    }];
    let linked = early.is_some_and(|early| words.last_value(early) != ours);
    if linked || words.last_value(last) != theirs {
        prose.push("Values linked by compare-and-sets follow one another without a gap.".into());
    }
    prose.push(format!(
        "{} completed at {}, before {} was invoked at {}, so by then {theirs} had replaced {ours}.",
        capital(&words.name(first)),
        words.completed(first),
        words.name(late),
        words.invoked(late)
    ));
    prose.push(format!("{}, so {ours} cannot come back. {END}", only_once(words, late)));
    prose
}

/// The longest order of the calls of the contradiction, and why it goes no further.
fn witness<M: Model>(words: &Wording<'_, M>, contradiction: &Contradiction) -> Option<Witness> {
    let model = words.model;
    let about = &contradiction.calls;
    if about.len() > LISTED_MAX {
        return None;
    }
    let calls = among(words, contradiction);
    let states = WITNESS_STATES.min(WITNESS_WORK / calls.len().max(1) as u64);
    let outcome = search(model, &calls, &mut Budget { states, ..Budget::default() });
    let Outcome::Violated(partial) = outcome else { return None };
    let mut state = model.initial();
    let mut linearization = Vec::with_capacity(partial.order.len());
    let mut done = vec![false; calls.len()];
    for place in partial.order.iter().map(|&place| place as usize) {
        state = model.apply(&state, &calls[place].op)?;
        done[place] = true;
        let operation = words.operation(about[place]).index();
        linearization.push(Step { operation, state: model.show(&state) });
    }
    let stuck = partial.stuck?;
    let end = calls[stuck as usize].completed;
    let shown = model.show(&state);
    let mut blocked = Vec::new();
    for (place, call) in calls.iter().enumerate().filter(|(place, _)| !done[*place]) {
        if call.invoked > end {
            continue;
        }
        let observed = model.observed(&call.op);
        let reason = if model.apply(&state, &call.op).is_some() {
            format!("possible, but then {} is not", words.name(about[stuck as usize]))
        } else if let Some(value) = observed {
            format!("it found {value}, but the value is {shown}")
        } else {
            format!("{} is impossible in {shown}", model.describe(&call.op))
        };
        blocked.push(Blocked { operation: words.operation(about[place]).index(), reason });
    }
    linearization.drain(..linearization.len().saturating_sub(LISTED_MAX));
    Some(Witness { linearization, state: shown, blocked })
}

/// The calls of a contradiction as it takes them.
pub(super) fn among<M: Model>(
    words: &Wording<'_, M>,
    contradiction: &Contradiction,
) -> Vec<Call<M::Op>> {
    let model = words.model;
    let about = &contradiction.calls;
    let written: Vec<Option<Value>> = about
        .iter()
        .map(|&call| model.written(&words.calls[call as usize].op))
        .chain([Some(model.show(&model.initial()))])
        .collect();
    let take = |(place, &number): (u32, &u32)| {
        let mut call = words.calls[number as usize].clone();
        match contradiction.reason {
            Reason::NoOrder { call: stuck } => return general::until(&call, words.calls, stuck),
            Reason::NeverWritten { .. } | Reason::Rule { .. } => {}
            _ => {
                let observed = model.observed(&call.op);
                if observed.is_some() && !written.contains(&observed) {
                    call.op = model.unmoored(&call.op);
                }
            }
        }
        if contradiction.effective.contains(&number) {
            // No two events share a rank.
            call.completed = Call::<M::Op>::END - place;
        }
        call
    };
    (0..).zip(about).map(take).collect()
}
