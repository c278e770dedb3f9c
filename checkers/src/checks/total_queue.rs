//! What goes in must come out (Jepsen's `total-queue`): enqueued and dequeued elements compared as
//! multisets, whatever their order.
//!
//! `enqueue` element; `dequeue` → element, or null for *empty*; `drain` → list. An acknowledged
//! element that nobody dequeued is *lost*, if the queue was seen to be empty (an ok drain, or a
//! dequeue which answered *empty*) by an operation that began after the element was acknowledged:
//! otherwise it may still wait. A crashed dequeue may have taken any one element and a crashed
//! drain any number, and they are believed to have taken what is missing. An element delivered
//! more often than it was put in is counted, not accused: queues often deliver at least once
//! (`-m unordered-queue` forbids it). O(n).

use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::evidence::{Case, Evidence, name, shown, some, unjudged, who};
use super::parts::{Op, Part, Spelt, by_key, end_rank, is_fail, is_ok, list, precedes, stranger};
use crate::finding::{CheckResult, Verdict};
use crate::history::{Completion, History};

const CHECK: &str = "total-queue";

/// One element's way through the queue.
#[derive(Default)]
struct Way<'a> {
    /// Enqueues that happened, in order of invocation.
    acknowledged: Vec<Op<'a>>,
    crashed: usize,
    failed: Option<Op<'a>>,
    taken: Vec<Op<'a>>,
}

/// *Violated* by `lost-element`, `unexpected-element` and `dirty-read` (only failed enqueues).
/// *Unknown* when elements are missing from a queue that was never seen to be empty. Figures:
/// `enqueued`, `dequeued`, `lost`, `recovered` (crashed enqueues that came out), `duplicated`,
/// `unaccounted` (missing, but crashed dequeues or an end too soon excuse it).
pub fn total_queue(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let mut tally = Tally::default();
    for part in by_key(history) {
        if let Err(problem) = judge(&part, &mut evidence, &mut tally) {
            return unjudged(CHECK, problem);
        }
    }
    let Tally { enqueued, dequeued, lost, recovered, duplicated, unaccounted, waiting } = tally;
    let verdict = match (enqueued + dequeued, waiting) {
        (0, _) => Verdict::Unknown("nothing went in or came out".to_owned()),
        (_, 0) => Verdict::Valid,
        (_, waiting) => Verdict::Unknown(format!(
            "{waiting} acknowledged elements did not come out of a queue which was not seen to be \
             empty since; drain it at the end"
        )),
    };
    let summary = format!("{enqueued} enqueues were acknowledged, {dequeued} elements came out");
    let figures = [
        ("enqueued", json!(enqueued)),
        ("dequeued", json!(dequeued)),
        ("lost", json!(lost)),
        ("recovered", json!(recovered)),
        ("duplicated", json!(duplicated)),
        ("unaccounted", json!(unaccounted)),
    ];
    evidence.finish(verdict, summary, figures)
}

#[derive(Default)]
struct Tally {
    enqueued: usize,
    dequeued: usize,
    lost: usize,
    recovered: usize,
    duplicated: usize,
    unaccounted: usize,
    waiting: usize,
}

/// What became of a queue as a whole.
#[derive(Default)]
struct Ways<'a> {
    by_element: FxHashMap<&'a Value, Way<'a>>,
    order: Vec<&'a Value>,
    /// The last operation, by invocation, that saw the queue empty.
    emptied: Option<Op<'a>>,
    dequeues_crashed: usize,
    drain_crashed: bool,
}

impl<'a> Ways<'a> {
    fn of(part: &Part<'a>) -> Result<Self, String> {
        let mut ways = Self::default();
        for &op in &part.operations {
            match (op.f, op.completion) {
                ("enqueue", _) => ways.enqueue(op),
                ("dequeue" | "drain", Completion::Fail) => {}
                ("dequeue", Completion::Info) => ways.dequeues_crashed += 1,
                ("drain", Completion::Info) => ways.drain_crashed = true,
                ("dequeue", Completion::Ok) if op.result.is_null() => ways.emptied = Some(op),
                ("dequeue", Completion::Ok) => ways.of_element(&op.result).taken.push(op),
                ("drain", Completion::Ok) => {
                    ways.emptied = Some(op);
                    list(op)?.iter().for_each(|element| ways.of_element(element).taken.push(op));
                }
                _ => return Err(stranger(op, "enqueue, dequeue or drain")),
            }
        }
        Ok(ways)
    }

    fn of_element(&mut self, element: &'a Value) -> &mut Way<'a> {
        self.by_element.entry(element).or_insert_with(|| {
            self.order.push(element);
            Way::default()
        })
    }

    fn enqueue(&mut self, op: Op<'a>) {
        let way = self.of_element(&op.argument);
        match (is_ok(op), is_fail(op)) {
            (true, _) => way.acknowledged.push(op),
            (_, true) => way.failed = Some(op),
            _ => way.crashed += 1,
        }
    }
}

fn judge<'a>(
    part: &Part<'a>,
    evidence: &mut Evidence<'a>,
    tally: &mut Tally,
) -> Result<(), String> {
    let ways = Ways::of(part)?;
    let mut missing = Vec::new();
    for &element in &ways.order {
        let way = &ways.by_element[element];
        tally.enqueued += way.acknowledged.len();
        tally.dequeued += way.taken.len();
        let (sure, tried) = (way.acknowledged.len(), way.acknowledged.len() + way.crashed);
        tally.recovered += way.taken.len().clamp(sure, tried) - sure;
        if tried == 0 {
            let op = way.taken.first().copied();
            op.into_iter().for_each(|op| strange(part.key, element, op, way, evidence));
            continue;
        }
        tally.duplicated += way.taken.len().saturating_sub(tried);
        let left = sure.saturating_sub(way.taken.len());
        // Of equal elements, those that were acknowledged first are taken to have come out.
        let mut acknowledged = way.acknowledged.clone();
        acknowledged.sort_by_key(|op| end_rank(op));
        missing.extend(acknowledged.into_iter().rev().take(left).map(|op| (element, op)));
    }
    let surely = |op: Op<'a>| ways.emptied.is_some_and(|emptied| precedes(op, emptied));
    let (gone, waiting): (Vec<_>, Vec<_>) = missing.into_iter().partition(|(_, op)| surely(op));
    let excuses = if ways.drain_crashed { usize::MAX } else { ways.dequeues_crashed };
    tally.unaccounted += waiting.len();
    tally.waiting += waiting.len().saturating_sub(excuses);
    if gone.len() <= excuses {
        tally.unaccounted += gone.len();
        return Ok(());
    }
    tally.lost += gone.len() - excuses;
    let more = match excuses {
        0 => String::new(),
        _ => format!(
            " {excuses} crashed dequeues may have taken as many; {} elements are missing: {}.",
            gone.len(),
            some(gone.iter().map(|(element, _)| *element))
        ),
    };
    for &(element, op) in &gone[excuses..] {
        evidence.add("lost-element", || lost(part.key, element, op, ways.emptied, &more)).against(
            shown(element),
            format!("taken out once; {} put it in", name(op)),
            "never",
        );
    }
    Ok(())
}

fn lost<'a>(
    key: Option<&'a Value>,
    element: &'a Value,
    op: Op<'a>,
    emptied: Option<Op<'a>>,
    more: &str,
) -> Case<'a> {
    let shown = shown(element);
    let end = emptied.map_or_else(|| "the end".to_owned(), name);
    Case {
        key,
        title: format!("{shown}, enqueued by {} and acknowledged, is lost", who(op)),
        argument: format!(
            "{shown} was in the queue before {end} found the queue empty, and no dequeue gave \
             it.{more}"
        ),
        about: [Some(op), emptied].into_iter().flatten().collect(),
    }
}

fn strange<'a>(
    key: Option<&'a Value>,
    element: &'a Value,
    op: Op<'a>,
    way: &Way<'a>,
    evidence: &mut Evidence<'a>,
) {
    let shown = shown(element);
    let anomaly = if way.failed.is_some() { "dirty-read" } else { "unexpected-element" };
    evidence
        .add(anomaly, || Case {
            key,
            title: format!("{} gave {shown}, which cannot have been there", who(op)),
            argument: match way.failed {
                Some(failed) => {
                    format!("Only {} would have put {shown} in, and it failed.", name(failed))
                }
                None => format!("Nobody ever tried to enqueue {shown}."),
            },
            about: way.failed.into_iter().chain([op]).collect(),
        })
        .against(shown.clone(), "never in the queue", format!("taken out by {}", name(op)));
}

#[cfg(test)]
mod tests {
    use super::super::notation::{found, history};
    use super::*;

    #[test]
    fn accepts_what_comes_out() {
        let text = "0-1 p0 enqueue 1\n 0-1 p1 enqueue 2\n 0-? p2 enqueue 3\n 2-3 p0 dequeue -> 2\n
                    4-5 p0 drain -> [1, 3]";
        let result = total_queue(&history(text));
        assert_eq!(found(&result), "valid");
        assert_eq!(result.figures["recovered"], 1);
        let late = "0-9 p0 enqueue 1\n 2-3 p1 dequeue -> null\n 10-11 p1 dequeue -> 1";
        assert_eq!(found(&total_queue(&history(late))), "valid");
    }

    #[test]
    fn rejects_what_does_not_come_out_or_never_went_in() {
        let lost = "0-1 p0 enqueue 1\n 2-3 p0 dequeue -> null";
        assert_eq!(found(&total_queue(&history(lost))), "lost-element 1");
        let twice = "0-1 p0 enqueue 1\n 0-1 p1 enqueue 1\n 2-3 p0 drain -> [1]";
        assert_eq!(found(&total_queue(&history(twice))), "lost-element 1");
        let strange = "0-1! p0 enqueue 1\n 2-3 p0 drain -> [1, 2]";
        assert_eq!(found(&total_queue(&history(strange))), "dirty-read 1, unexpected-element 1");
    }

    #[test]
    fn crashed_dequeues_excuse_as_many_elements() {
        let two = "0-1 p0 enqueue 1\n 0-1 p1 enqueue 2\n 2-? p2 dequeue\n 4-5 p0 drain -> []";
        let result = total_queue(&history(two));
        assert_eq!(found(&result), "lost-element 1");
        let one = "0-1 p0 enqueue 1\n 2-? p2 dequeue\n 4-5 p0 drain -> []";
        assert_eq!(found(&total_queue(&history(one))), "valid");
        let drain = "0-1 p0 enqueue 1\n 0-1 p1 enqueue 2\n 2-? p2 drain\n 4-5 p0 drain -> []";
        assert_eq!(found(&total_queue(&history(drain))), "valid");
    }

    #[test]
    fn what_may_still_wait_is_unknown() {
        assert_eq!(found(&total_queue(&history("0-1 p0 enqueue 1"))), "unknown");
        let early = "0-1 p1 dequeue -> null\n 2-3 p0 enqueue 1";
        assert_eq!(found(&total_queue(&history(early))), "unknown");
        assert_eq!(found(&total_queue(&history("0-1 p0 push 1"))), "unknown");
    }

    #[test]
    fn at_least_once_is_counted_only() {
        let text = "0-1 p0 enqueue 1\n 2-3 p0 dequeue -> 1\n 4-5 p0 drain -> [1]";
        let result = total_queue(&history(text));
        assert_eq!(found(&result), "valid");
        assert_eq!(result.figures["duplicated"], 1);
    }
}
