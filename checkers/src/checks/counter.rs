//! A counter's bounds (Jepsen's `counter`): a read lies between what must and what may have been
//! added. Increments and decrements are summed apart, since they move opposite bounds.
//!
//! At a read: the least value has every increment acknowledged before the read began, and every
//! decrement begun before it ended; the greatest value the other way round. A failed add did not
//! happen; a crashed one may have, at any time after its invocation. One pass over the ranks of
//! the events: O(n log n). The bounds are necessary for linearizability, not sufficient.

use serde_json::{Value, json};

use super::evidence::{Case, Evidence, unjudged, who};
use super::parts::{Op, Part, Spelt, by_key, end_rank, is_fail, is_ok, stranger};
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "counter";

/// Sums up to a point of time.
#[derive(Clone, Copy, Default)]
struct Sums {
    /// Of increments begun and acknowledged.
    up_begun: i128,
    up_done: i128,
    /// Of decrements; not positive.
    down_begun: i128,
    down_done: i128,
}

enum Step<'a> {
    Begin(i128),
    Done(i128),
    ReadBegins(Op<'a>),
    ReadEnds(Op<'a>),
}

/// `add n` (n may be negative), `read` → n; 0 at first. *Violated* by `counter-out-of-bounds`.
/// Figures: `reads`, `adds`, `slack_max` (the widest bounds of a read).
pub fn counter(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let mut figures = Figures::default();
    for part in by_key(history) {
        if let Err(problem) = judge(&part, &mut evidence, &mut figures) {
            return unjudged(CHECK, problem);
        }
    }
    let Figures { reads, adds, slack_max } = figures;
    let verdict = match reads {
        0 => Verdict::Unknown("no read was ok".to_owned()),
        _ => Verdict::Valid,
    };
    let summary = format!("{reads} reads were compared with {adds} additions");
    let slack = u64::try_from(slack_max).unwrap_or(u64::MAX);
    let figures = [("reads", json!(reads)), ("adds", json!(adds)), ("slack_max", json!(slack))];
    evidence.finish(verdict, summary, figures)
}

#[derive(Default)]
struct Figures {
    reads: usize,
    adds: usize,
    slack_max: i128,
}

fn number(op: Op<'_>, value: &Value) -> Result<i128, String> {
    let number = value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
    number.ok_or_else(|| format!("op {}: `{}` of {value}; expected an integer", op.index.0, op.f))
}

fn judge<'a>(
    part: &Part<'a>,
    evidence: &mut Evidence<'a>,
    figures: &mut Figures,
) -> Result<(), String> {
    let mut steps = Vec::with_capacity(part.operations.len() * 2);
    for &op in part.operations.iter().filter(|op| !is_fail(op)) {
        match op.f {
            "add" => {
                let amount = number(op, &op.argument)?;
                figures.adds += 1;
                steps.push((op.invoked_rank, Step::Begin(amount)));
                if is_ok(op) {
                    steps.push((end_rank(op), Step::Done(amount)));
                }
            }
            "read" if is_ok(op) => {
                steps.push((op.invoked_rank, Step::ReadBegins(op)));
                steps.push((end_rank(op), Step::ReadEnds(op)));
            }
            "read" => {}
            _ => return Err(stranger(op, "add or read")),
        }
    }
    steps.sort_by_key(|(rank, _)| *rank);
    let mut sums = Sums::default();
    let mut open = rustc_hash::FxHashMap::default();
    for (_, step) in steps {
        match step {
            Step::Begin(amount) if amount < 0 => sums.down_begun += amount,
            Step::Begin(amount) => sums.up_begun += amount,
            Step::Done(amount) if amount < 0 => sums.down_done += amount,
            Step::Done(amount) => sums.up_done += amount,
            Step::ReadBegins(op) => {
                open.insert(op.invoked_rank, sums);
            }
            Step::ReadEnds(op) => {
                let before = open.remove(&op.invoked_rank).unwrap_or_default();
                let least = before.up_done + sums.down_begun;
                let most = sums.up_begun + before.down_done;
                figures.reads += 1;
                figures.slack_max = figures.slack_max.max(most - least);
                let seen = number(op, &op.result)?;
                if !(least..=most).contains(&seen) {
                    accuse(evidence, part.key, op, seen, (least, most));
                }
            }
        }
    }
    Ok(())
}

fn accuse<'a>(
    evidence: &mut Evidence<'a>,
    key: Option<&'a Value>,
    op: Op<'a>,
    seen: i128,
    (least, most): (i128, i128),
) {
    let expected = match least == most {
        true => least.to_string(),
        false => format!("{least} to {most}"),
    };
    evidence
        .add("counter-out-of-bounds", || Case {
            key,
            title: format!("{} read {seen}, outside of {least} to {most}", who(op)),
            argument: match seen < least {
                true => format!(
                    "Increments acknowledged before it began, and every decrement begun before it \
                 ended, make at least {least}: {} are missing.",
                    least - seen
                ),
                false => format!(
                    "Increments begun before it ended, and every decrement acknowledged before it \
                 began, make at most {most}: {} are too many.",
                    seen - most
                ),
            },
            about: vec![op],
        })
        .against("the counter", expected, seen.to_string());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::notation::{found, history};
    use super::*;
    use crate::history::Completion;

    #[test]
    fn accepts_what_may_have_been_added() {
        let text = "0-1 p0 add 2\n 2-9 p1 add 3\n 3-? p2 add 4\n 2-3! p3 add 50\n 4-5 p0 read -> 9";
        assert_eq!(found(&counter(&history(text))), "valid");
        let down = "0-1 p0 add 5\n 2-9 p1 add -3\n 3-4 p0 read -> 2\n 5-6 p0 read -> 5";
        assert_eq!(found(&counter(&history(down))), "valid");
    }

    #[test]
    fn rejects_what_cannot_have_been() {
        let lost = "0-1 p0 add 2\n 2-3 p1 add 3\n 4-5 p0 read -> 2";
        assert_eq!(found(&counter(&history(lost))), "counter-out-of-bounds 1");
        let failed = "0-1! p0 add 2\n 4-5 p0 read -> 2";
        assert_eq!(found(&counter(&history(failed))), "counter-out-of-bounds 1");
        let twice = "0-? p1 add 2\n 4-5 p0 read -> 4";
        assert_eq!(found(&counter(&history(twice))), "counter-out-of-bounds 1");
        let down = "0-1 p0 add -2\n 4-5 p0 read -> 0";
        assert_eq!(found(&counter(&history(down))), "counter-out-of-bounds 1");
    }

    #[test]
    fn what_is_no_counter_is_unknown() {
        assert_eq!(found(&counter(&history("0-1 p0 add \"x\"\n 2-3 p0 read -> 1"))), "unknown");
        assert_eq!(found(&counter(&history("0-1 p0 push 1"))), "unknown");
        assert_eq!(found(&counter(&history("0-1 p0 add 1"))), "unknown");
    }

    /// The definition: over each read, every add apart.
    fn wrong_reads(history: &Spelt<'_>) -> usize {
        let adds = |read: Op<'_>, sign: i64, sure: bool| -> i64 {
            let counts = |op: &Op<'_>| {
                op.f == "add"
                    && op.completion != Completion::Fail
                    && op.argument.as_i64().is_some_and(|n| n.signum() == sign)
                    && match sure {
                        true => end_rank(op) < read.invoked_rank,
                        false => op.invoked_rank < end_rank(read),
                    }
            };
            let adds = history.operations.iter().filter(counts);
            adds.filter_map(|op| op.argument.as_i64()).sum()
        };
        let reads = history.operations.iter().filter(|op| op.f == "read" && is_ok(op));
        let wrong = |read: &Op<'_>| {
            let least = adds(read, 1, true) + adds(read, -1, false);
            let most = adds(read, 1, false) + adds(read, -1, true);
            read.result.as_i64().is_none_or(|seen| seen < least || seen > most)
        };
        reads.filter(wrong).count()
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(ops in prop::collection::vec(
            (0_u64..20, 1_u64..6, 0_u8..4, -3_i64..4), 1..12)
        ) {
            let mut text = String::new();
            for (process, (start, length, kind, amount)) in ops.iter().enumerate() {
                let end = start + length;
                text.push_str(&match kind {
                    0 => format!("{start}-{end} p{process} add {amount}\n"),
                    1 => format!("{start}-? p{process} add {amount}\n"),
                    2 => format!("{start}-{end}! p{process} add {amount}\n"),
                    _ => format!("{start}-{end} p{process} read -> {amount}\n"),
                });
            }
            let history = history(&text);
            let result = counter(&history);
            let wrong = wrong_reads(&Spelt::of(&history));
            match ops.iter().any(|op| op.2 == 3) {
                true => {
                    let counted = result.figures["anomalies"].get("counter-out-of-bounds");
                    prop_assert_eq!(counted.and_then(Value::as_u64).unwrap_or(0), wrong as u64);
                }
                false => prop_assert_eq!(found(&result), "unknown"),
            }
        }
    }
}
