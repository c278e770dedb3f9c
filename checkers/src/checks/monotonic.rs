//! Values which only ever grow (after Jepsen's `monotonic` and Elle's monotonic keys).
//!
//! `inc` → the new value; `read` → the value, or `{"x": 3, "y": 4}` for several such values
//! at once. Two things are asked, both of which every order of the increments grants:
//!
//! * **per process**, a value never goes back (monotonic reads, and reads of one's own increments);
//! * **across processes**, reads of the same keys are comparable: the state grows in every key or
//!   stays, so of two states one is at least the other in all keys. Reads are sorted by their sum
//!   and neighbours compared, O(n log n).
//!
//! Going back between processes in real time is measured only: whoever promises linearizability
//! is judged by `linearizable`.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::chain::incomparable;
use super::evidence::{Case, Evidence, name, unjudged, who};
use super::parts::{Op, Spelt, by_key, end_rank, is_ok, stranger};
use crate::finding::{Against, CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "monotonic";

/// What one operation found, by the name of the value; "" where there is only one.
struct State<'a> {
    op: Op<'a>,
    values: BTreeMap<&'a str, i128>,
}

/// *Violated* by `nonmonotonic-read` (within a process) and `incomparable-reads`. Figures:
/// `reads`, `back_in_real_time` (values smaller than one that had been seen before they were asked
/// for).
pub fn monotonic(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let (mut reads, mut back) = (0, 0);
    for part in by_key(history) {
        let mut states = Vec::new();
        for op in part.operations {
            match op.f {
                "inc" | "read" if !is_ok(op) => continue,
                "inc" | "read" => {}
                _ => return unjudged(CHECK, stranger(op, "inc or read")),
            }
            match values(op) {
                Ok(values) => states.push(State { op, values }),
                Err(problem) => return unjudged(CHECK, problem),
            }
        }
        reads += states.len();
        per_process(part.key, &states, &mut evidence);
        across(part.key, &states, &mut evidence);
        back += back_in_real_time(&states);
    }
    let verdict = match reads {
        0 => Verdict::Unknown("no value was read".to_owned()),
        _ => Verdict::Valid,
    };
    let summary = format!("{reads} values were followed, {back} went back in real time");
    let figures = [("reads", json!(reads)), ("back_in_real_time", json!(back))];
    evidence.finish(verdict, summary, figures)
}

/// Null counts as nothing yet.
fn values(op: Op<'_>) -> Result<BTreeMap<&str, i128>, String> {
    let number = |value: &Value| match value {
        Value::Null => Ok(i128::MIN),
        value => value.as_i64().map(i128::from).ok_or_else(|| {
            format!("op {}: {value} cannot be compared; expected an integer", op.index.0)
        }),
    };
    match &op.result {
        Value::Object(map) => {
            map.iter().map(|(name, value)| Ok((name.as_str(), number(value)?))).collect()
        }
        value => Ok(BTreeMap::from([("", number(value)?)])),
    }
}

fn per_process<'a>(key: Option<&'a Value>, states: &[State<'a>], evidence: &mut Evidence<'a>) {
    let mut greatest: FxHashMap<(u32, &str), (i128, Op<'a>)> = FxHashMap::default();
    for state in states {
        for (&which, &value) in &state.values {
            let slot = (state.op.process, which);
            match greatest.get(&slot).copied() {
                Some((most, before)) if value < most => {
                    let case = || Case {
                        key,
                        title: format!(
                            "{} went back from {most} to {}",
                            who(state.op),
                            tell(value)
                        ),
                        argument: format!(
                            "Its process had seen {most} in {}, and the value only grows.",
                            name(before)
                        ),
                        about: vec![before, state.op],
                    };
                    let which = if which.is_empty() { "the value" } else { which };
                    let what = format!("{which} as {} found it", name(state.op));
                    evidence.add("nonmonotonic-read", case).against(
                        what,
                        format!("{most} or more"),
                        tell(value),
                    );
                }
                _ => {
                    greatest.insert(slot, (value, state.op));
                }
            }
        }
    }
}

fn tell(value: i128) -> String {
    if value == i128::MIN { "nothing".to_owned() } else { value.to_string() }
}

fn across<'a>(key: Option<&'a Value>, states: &[State<'a>], evidence: &mut Evidence<'a>) {
    let mut groups: BTreeMap<Vec<&str>, Vec<&State<'a>>> = BTreeMap::new();
    for state in states.iter().filter(|state| state.values.len() > 1) {
        groups.entry(state.values.keys().copied().collect()).or_default().push(state);
    }
    for states in groups.into_values() {
        // Absent counts as less than anything, but must not swallow the other summands.
        let size = |state: &State<'_>| -> i128 {
            state.values.values().map(|&value| value.max(-(1 << 70))).sum()
        };
        let below = |a: &State<'_>, b: &State<'_>| {
            a.values.values().zip(b.values.values()).all(|(a, b)| a <= b)
        };
        for (a, b) in incomparable(states, size, below) {
            let case = || Case {
                key,
                title: format!("{} and {} cannot both be states", name(a.op), name(b.op)),
                argument: "Each is ahead of the other in one value and behind in another, though \
                           all values only grow: neither state can have come first."
                    .to_owned(),
                about: vec![a.op, b.op],
            };
            let told = evidence.add("incomparable-reads", case);
            let orders = [(a, b), (b, a)];
            orders.iter().fold(told, |told, (first, second)| behind(first, second, told));
        }
    }
}

/// Why `second` cannot have come after `first`.
fn behind<'e>(first: &State<'_>, second: &State<'_>, told: Against<'e>) -> Against<'e> {
    let pairs = first.values.iter().zip(second.values.values());
    let Some(((which, had), found)) = pairs.into_iter().find(|((_, had), found)| had > found)
    else {
        return told;
    };
    told.against(
        format!("{which}, if {} came first", name(first.op)),
        format!("{} or more in {}", tell(*had), name(second.op)),
        tell(*found),
    )
}

fn back_in_real_time(states: &[State<'_>]) -> usize {
    let mut ended: Vec<&State<'_>> = states.iter().collect();
    ended.sort_by_key(|state| end_rank(state.op));
    let mut ended = ended.into_iter().peekable();
    let mut greatest: FxHashMap<&str, i128> = FxHashMap::default();
    let mut back = 0;
    for state in states {
        while let Some(earlier) = ended.next_if(|e| end_rank(e.op) < state.op.invoked_rank) {
            for (&which, &value) in &earlier.values {
                let most = greatest.entry(which).or_insert(value);
                *most = value.max(*most);
            }
        }
        let values = &state.values;
        let behind = |(&which, &value): (&&str, &i128)| {
            greatest.get(which).is_some_and(|&most| value < most)
        };
        back += usize::from(values.iter().any(behind));
    }
    back
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::notation::{found, history};
    use super::*;

    #[test]
    fn accepts_what_grows() {
        let text = "0-1 p0 inc -> 1\n 2-3 p0 read -> 1\n 4-5 p1 inc -> 2\n 6-7 p0 read -> 1\n
                    8-9 p2 read -> null";
        let result = monotonic(&history(text));
        assert_eq!(found(&result), "valid");
        assert_eq!(result.figures["back_in_real_time"], 2);
        let many = "0-1 p0 read -> {\"x\":1,\"y\":null}\n 2-3 p1 read -> {\"y\":2,\"x\":1}";
        assert_eq!(found(&monotonic(&history(many))), "valid");
    }

    #[test]
    fn rejects_what_goes_back() {
        let text = "0-1 p0 inc -> 2\n 2-3 p0 read -> 1";
        assert_eq!(found(&monotonic(&history(text))), "nonmonotonic-read 1");
        let text = "0-1 p0 read -> {\"x\":1,\"y\":0}\n 2-3 p1 read -> {\"x\":0,\"y\":1}";
        assert_eq!(found(&monotonic(&history(text))), "incomparable-reads 1");
    }

    #[test]
    fn what_cannot_be_compared_is_unknown() {
        assert_eq!(found(&monotonic(&history("0-1 p0 read -> \"x\""))), "unknown");
        assert_eq!(found(&monotonic(&history("0-1 p0 push 1"))), "unknown");
        assert_eq!(found(&monotonic(&history("0-? p0 inc"))), "unknown");
    }

    proptest! {
        #[test]
        fn agrees_with_all_pairs(reads in prop::collection::vec((0..3, 0..3, 0..3), 1..7)) {
            let mut text = String::new();
            for (process, (x, y, z)) in reads.iter().enumerate() {
                let read = format!("{{\"x\":{x},\"y\":{y},\"z\":{z}}}");
                text.push_str(&format!("0-1 p{process} read -> {read}\n"));
            }
            let below = |a: &(i32, i32, i32), b: &(i32, i32, i32)| {
                a.0 <= b.0 && a.1 <= b.1 && a.2 <= b.2
            };
            let pairs = reads.iter().flat_map(|a| reads.iter().map(move |b| (a, b)));
            let apart = pairs.into_iter().any(|(a, b)| !below(a, b) && !below(b, a));
            let result = monotonic(&history(&text));
            prop_assert_eq!(result.verdict == Verdict::Violated, apart);
        }
    }
}
