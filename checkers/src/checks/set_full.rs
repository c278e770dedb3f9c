//! A set that only grows, judged by all of its reads (Jepsen's `set-full`): what became of each
//! element, and how long it took.
//!
//! An element is *known* when an add of it was acknowledged or a read that has it completed,
//! whichever came first. Then it is
//!
//! * **lost**: a read invoked after it was known has it not, and every read that has it was over
//!   before that read began;
//! * **stale**: missed by a read invoked after it was known, and seen by the last reads;
//! * **stable**: seen by the last reads (stable latency: from known to the last read that missed
//!   it, at least 0);
//! * **never read**: no read was invoked after it was known, or it was never known.
//!
//! With no removal, a lost element and a stale one both contradict linearizability; the promise
//! may allow staleness. Jepsen's test of duplicates is inverted (it reports elements seen once);
//! here an element that one read has twice is a finding.
//!
//! Reads are scanned by descending invocation with the set of elements not yet missed, so that
//! each look-up finds an element of the read or settles one: O(input).

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Value, json};

use super::evidence::{Case, Evidence, name, shown, unjudged, who};
use super::parts::{Op, Spelt, by_key, end_rank};
use super::set::Growth;
use crate::finding::{CheckResult, Verdict};
use crate::history::{History, Nanos};
use crate::latency::{Latencies, milliseconds};

const CHECK: &str = "set-full";

/// What was promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetFullOptions {
    /// Whether an acknowledged element must be in every read from then on: stale ones are findings.
    pub linearizable: bool,
}

/// What the reads say of one element.
#[derive(Clone, Copy, Default)]
struct Seen<'a> {
    /// The first completion of a read that has it.
    first: Option<Op<'a>>,
    /// The last completion of one.
    last: Option<Op<'a>>,
    /// The missing read that was invoked last.
    missed: Option<Op<'a>>,
}

/// `add` element, `read` → list. *Violated* by `lost-element`, `duplicate-element`,
/// `unexpected-element`, `dirty-read`, `future-read` and, where linearizability was promised,
/// `stale-element`. *Unknown* when no element was ever stable. Figures: `attempts`, `stable`,
/// `lost`, `stale`, `never_read`, `stable_latency_ms_<quantile>`, `lost_latency_ms_<quantile>`.
pub fn set_full(history: &History, options: SetFullOptions) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let mut tally = Tally::default();
    for part in by_key(history) {
        let growth = match Growth::of(&part) {
            Ok(growth) => growth,
            Err(problem) => return unjudged(CHECK, problem),
        };
        let mut accused = FxHashSet::default();
        for &read in &growth.reads {
            growth.judge_read(part.key, read, &mut accused, &mut evidence);
        }
        let seen = scan(&growth);
        for &element in &growth.order {
            let acknowledged = growth.adders[element].acknowledged;
            let seen = seen.get(element).copied().unwrap_or_default();
            judge(part.key, element, acknowledged, seen, options, (&mut tally, &mut evidence));
        }
    }
    let Tally { attempts, stable, lost, stale, never_read, .. } = tally;
    let verdict = match (stable, never_read) {
        (0, _) => Verdict::Unknown("no element was seen by the last reads".to_owned()),
        _ => Verdict::Valid,
    };
    let summary = format!(
        "of {attempts} elements {stable} are stable ({stale} of them were stale for a time), \
         {lost} lost, {never_read} never read"
    );
    let mut figures = vec![
        ("attempts", json!(attempts)),
        ("stable", json!(stable)),
        ("lost", json!(lost)),
        ("stale", json!(stale)),
        ("never_read", json!(never_read)),
    ];
    let latencies =
        [("stable_latency_ms", tally.stable_after), ("lost_latency_ms", tally.lost_after)];
    for (name, latencies) in latencies {
        figures.push((name, quantiles(latencies)));
    }
    evidence.finish(verdict, summary, figures)
}

#[derive(Default)]
struct Tally {
    attempts: usize,
    stable: usize,
    lost: usize,
    stale: usize,
    never_read: usize,
    stable_after: Vec<u64>,
    lost_after: Vec<u64>,
}

/// `{"p50": …, "p95": …, "p99": …, "max": …}` in milliseconds; empty when there are none.
pub(super) fn quantiles(times: Vec<u64>) -> Value {
    let latencies = Latencies::of(times);
    let named = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)];
    let values = named
        .into_iter()
        .filter_map(|(name, share)| Some((name, milliseconds(latencies.quantile(share)?))));
    json!(values.collect::<BTreeMap<_, _>>())
}

fn scan<'a>(growth: &Growth<'a>) -> FxHashMap<&'a Value, Seen<'a>> {
    let mut seen: FxHashMap<&Value, Seen<'a>> = FxHashMap::default();
    let mut never_missed: Vec<&Value> = growth.order.clone();
    for &(read, elements) in growth.reads.iter().rev() {
        let elements: FxHashSet<&Value> = elements.iter().collect();
        for &element in &elements {
            let seen = seen.entry(element).or_default();
            if seen.first.is_none_or(|first| end_rank(read) < end_rank(first)) {
                seen.first = Some(read);
            }
            if seen.last.is_none_or(|last| end_rank(read) > end_rank(last)) {
                seen.last = Some(read);
            }
        }
        never_missed.retain(|&element| {
            let has = elements.contains(element);
            if !has {
                seen.entry(element).or_default().missed = Some(read);
            }
            has
        });
    }
    seen
}

fn judge<'a>(
    key: Option<&'a Value>,
    element: &'a Value,
    acknowledged: Option<Op<'a>>,
    seen: Seen<'a>,
    options: SetFullOptions,
    (tally, evidence): (&mut Tally, &mut Evidence<'a>),
) {
    tally.attempts += 1;
    let known = [acknowledged, seen.first].into_iter().flatten().min_by_key(|op| end_rank(op));
    let missed = seen
        .missed
        .filter(|missed| known.is_some_and(|known| end_rank(known) < missed.invoked_rank));
    match (known, missed) {
        (Some(known), Some(missed)) => {
            let since = known.completed_at.unwrap_or_default();
            let took = |until: Nanos| until.0.saturating_sub(since.0);
            let gone = seen.last.is_none_or(|last| end_rank(last) < missed.invoked_rank);
            if gone {
                tally.lost += 1;
                let last = seen.last.and_then(|last| last.completed_at);
                tally.lost_after.push(last.map_or(0, took));
                evidence.add("lost-element", || lost(key, element, known, seen, missed)).against(
                    shown(element),
                    "there",
                    format!("not there, by {}", name(missed)),
                );
                return;
            }
            tally.stale += 1;
            tally.stable += 1;
            tally.stable_after.push(took(missed.invoked_at));
            if options.linearizable {
                evidence.add("stale-element", || stale(key, element, known, missed)).against(
                    shown(element),
                    "there",
                    format!("not there, by {}", name(missed)),
                );
            }
        }
        _ if seen.last.is_some() => {
            tally.stable += 1;
            tally.stable_after.push(0);
        }
        _ => tally.never_read += 1,
    }
}

fn lost<'a>(
    key: Option<&'a Value>,
    element: &'a Value,
    known: Op<'a>,
    seen: Seen<'a>,
    missed: Op<'a>,
) -> Case<'a> {
    let shown = shown(element);
    let was_seen = match seen.last {
        Some(last) => format!("{} was the last read to have it", name(last)),
        None => "no read ever had it".to_owned(),
    };
    Case {
        key,
        title: format!("{shown} is lost: {} has it not", who(missed)),
        argument: format!(
            "{shown} was in the set when {} completed, before {} began, and nothing removes it; \
             {was_seen}.",
            name(known),
            name(missed)
        ),
        about: [Some(known), seen.last, Some(missed)].into_iter().flatten().collect(),
    }
}

fn stale<'a>(
    key: Option<&'a Value>,
    element: &'a Value,
    known: Op<'a>,
    missed: Op<'a>,
) -> Case<'a> {
    let shown = shown(element);
    Case {
        key,
        title: format!("{} missed {shown}, which later reads have", who(missed)),
        argument: format!(
            "{shown} was in the set when {} completed, before {} began.",
            name(known),
            name(missed)
        ),
        about: vec![known, missed],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::notation::{found, history};
    use super::*;

    fn strict(text: &str) -> CheckResult {
        set_full(&history(text), SetFullOptions { linearizable: true })
    }

    #[test]
    fn accepts_elements_that_stay() {
        let text = "0-5 p0 add 1\n 1-2 p1 read -> []\n 3-9 p2 read -> [1]\n 10-11 p1 read -> [1]";
        let result = strict(text);
        assert_eq!(found(&result), "valid");
        assert_eq!(result.figures["stable_latency_ms"]["max"], 0.0);
        assert_eq!(found(&strict("0-? p0 add 1\n 0-? p1 add 2\n 1-2 p2 read -> [1]")), "valid");
    }

    #[test]
    fn rejects_elements_that_go() {
        let seen = "0-1 p0 add 1\n 2-3 p1 read -> [1]\n 4-5 p1 read -> []";
        let result = strict(seen);
        assert_eq!(found(&result), "lost-element 1");
        assert_eq!(result.figures["lost_latency_ms"]["max"], 2.0);
        assert_eq!(found(&strict("0-1 p0 add 1\n 2-3 p1 read -> []")), "lost-element 1");
        let crashed = "0-? p0 add 1\n 2-3 p1 read -> [1]\n 4-5 p1 read -> []";
        assert_eq!(found(&strict(crashed)), "lost-element 1");
    }

    #[test]
    fn staleness_is_measured_and_forbidden_only_where_promised() {
        let text = "0-1 p0 add 1\n 4-5 p1 read -> []\n 6-7 p1 read -> [1]";
        assert_eq!(found(&strict(text)), "stale-element 1");
        let result = set_full(&history(text), SetFullOptions::default());
        assert_eq!(found(&result), "valid");
        assert_eq!(result.figures["stale"], 1);
        assert_eq!(result.figures["stable_latency_ms"]["max"], 3.0);
        // A read that lasts may have been before the one that misses it.
        let overlapping = "0-9 p0 add 1\n 1-8 p1 read -> [1]\n 2-3 p2 read -> []";
        assert_eq!(found(&strict(overlapping)), "valid");
    }

    /// jepsen.checker/set-full reports the elements seen once.
    #[test]
    fn an_element_twice_in_a_read_is_a_duplicate_and_once_is_none() {
        assert_eq!(found(&strict("0-1 p0 add 1\n 2-3 p1 read -> [1, 1]")), "duplicate-element 1");
        assert_eq!(found(&strict("0-1 p0 add 1\n 2-3 p1 read -> [1]")), "valid");
    }

    #[test]
    fn unread_is_unknown() {
        assert_eq!(found(&strict("0-1 p0 read -> []\n 2-3 p1 add 1")), "unknown");
        assert_eq!(found(&strict("2-3 p1 push 1")), "unknown");
    }

    /// The definition, read by read and element by element: (lost, stale).
    fn by_definition(history: &Spelt<'_>) -> (u64, u64) {
        let (mut lost, mut stale) = (0, 0);
        for element in 0..3 {
            let element = json!(element);
            let has = |op: &Op<'_>| op.result.as_array().is_some_and(|all| all.contains(&element));
            let ok = |f: &'static str| {
                history.operations.iter().filter(move |op| op.f == f && end_rank(op) < u32::MAX)
            };
            let adds = ok("add").filter(|op| op.argument == element);
            let known = adds.chain(ok("read").filter(has)).map(end_rank).min();
            let missing = ok("read").filter(|op| !has(op));
            let missing = missing.filter(|op| known.is_some_and(|known| known < op.invoked_rank));
            let Some(last) = missing.map(|op| op.invoked_rank).max() else { continue };
            if history.operations.iter().all(|op| op.f != "add" || op.argument != element) {
                continue;
            }
            match ok("read").filter(has).all(|op| end_rank(op) < last) {
                true => lost += 1,
                false => stale += 1,
            }
        }
        (lost, stale)
    }

    fn elements() -> impl Strategy<Value = Vec<i32>> {
        prop::sample::subsequence(vec![0, 1, 2], 0..=3)
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(ops in prop::collection::vec(
            (0_u64..20, 1_u64..6, 0_u8..8, 0_u8..4, elements()),
            1..10)
        ) {
            let mut text = String::new();
            for (process, (start, length, element, kind, read)) in ops.iter().enumerate() {
                let end = start + length;
                text.push_str(&match kind {
                    0 => format!("{start}-{end} p{process} add {}\n", element % 3),
                    1 => format!("{start}-? p{process} add {}\n", element % 3),
                    _ => format!("{start}-{end} p{process} read -> {read:?}\n"),
                });
            }
            let history = history(&text);
            let result = set_full(&history, SetFullOptions { linearizable: true });
            let figure = |name: &str| result.figures[name].as_u64().unwrap_or(99);
            prop_assert_eq!((figure("lost"), figure("stale")), by_definition(&Spelt::of(&history)));
        }
    }
}
