//! Causal reverse (Jepsen's `causal-reverse`): a read sees a later write but not an earlier one
//! which was acknowledged before the later one began. Serializability allows it, strict
//! serializability does not.
//!
//! `write` (or `add`, `insert`) of distinct elements, `read` → list of the elements there. Per
//! read, the acknowledged writes are walked in order of completion to the first that it misses:
//! at most one step more than it has elements, so O(input).

use rustc_hash::FxHashSet;
use serde_json::{Value, json};

use super::evidence::{Case, Evidence, capital, name, shown, unjudged, who};
use super::parts::{Op, Part, Spelt, by_key, end_rank, is_fail, is_ok, list, stranger};
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "causal-reverse";

/// *Violated* by `causal-reverse`. *Unknown* when an element is written twice, or nothing was
/// read. Figures: `reads`, `writes`.
pub fn causal_reverse(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let (mut reads, mut writes) = (0, 0);
    for part in by_key(history) {
        match judge(&part, &mut evidence) {
            Ok((read, written)) => {
                reads += read;
                writes += written;
            }
            Err(problem) => return unjudged(CHECK, problem),
        }
    }
    let verdict = match reads {
        0 => Verdict::Unknown("no read was ok".to_owned()),
        _ => Verdict::Valid,
    };
    let summary = format!("{reads} reads were held against the order of {writes} writes");
    evidence.finish(verdict, summary, [("reads", json!(reads)), ("writes", json!(writes))])
}

fn judge<'a>(part: &Part<'a>, evidence: &mut Evidence<'a>) -> Result<(usize, usize), String> {
    let mut written = rustc_hash::FxHashMap::default();
    let mut reads = Vec::new();
    for &op in &part.operations {
        match op.f {
            "write" | "add" | "insert" if is_fail(op) => {}
            "write" | "add" | "insert" => {
                if written.insert(&op.argument, op).is_some() {
                    let element = shown(&op.argument);
                    return Err(format!("op {}: {element} is written again", op.index.0));
                }
            }
            "read" if is_ok(op) => reads.push((op, list(op)?)),
            "read" => {}
            _ => return Err(stranger(op, "write or read")),
        }
    }
    let mut by_completion: Vec<Op<'a>> = written.values().copied().filter(|op| is_ok(op)).collect();
    by_completion.sort_by_key(|op| end_rank(op));
    let count = reads.len();
    for (read, elements) in reads {
        let seen: FxHashSet<&Value> = elements.iter().collect();
        let Some(&missed) = by_completion.iter().find(|op| !seen.contains(&op.argument)) else {
            continue;
        };
        let writes = seen.iter().filter_map(|&element| written.get(element).copied());
        let Some(last) = writes.max_by_key(|op| op.invoked_rank) else { continue };
        if last.invoked_rank > end_rank(missed) {
            let case = || Case {
                key: part.key,
                title: format!(
                    "{} has {} but not {}, written before it",
                    who(read),
                    shown(&last.argument),
                    shown(&missed.argument)
                ),
                argument: format!(
                    "{} was acknowledged before {} began, so whoever sees the effect of {} must \
                     see that of {}.",
                    capital(&name(missed)),
                    name(last),
                    name(last),
                    name(missed)
                ),
                about: vec![missed, last, read],
            };
            evidence.add("causal-reverse", case).against(
                shown(&missed.argument),
                format!("there, since {} is", shown(&last.argument)),
                format!("not there, by {}", name(read)),
            );
        }
    }
    Ok((count, written.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::notation::{found, history};
    use super::*;

    #[test]
    fn accepts_prefixes_of_real_time() {
        let text = "0-1 p0 write 1\n 2-5 p0 write 2\n 3-4 p1 write 3\n 2-9 p2 read -> [1, 3]\n
                    6-7 p3 read -> [1, 2]\n 0-1 p4 read -> []";
        assert_eq!(found(&causal_reverse(&history(text))), "valid");
    }

    #[test]
    fn rejects_a_later_write_without_the_earlier() {
        let text = "0-1 p0 write 1\n 2-3 p1 write 2\n 2-9 p2 read -> [2]";
        assert_eq!(found(&causal_reverse(&history(text))), "causal-reverse 1");
        let crashed = "0-1 p0 write 1\n 2-? p1 write 2\n 2-9 p2 read -> [2]";
        assert_eq!(found(&causal_reverse(&history(crashed))), "causal-reverse 1");
    }

    #[test]
    fn what_cannot_be_judged_is_unknown() {
        assert_eq!(found(&causal_reverse(&history("0-1 p0 write 1\n 2-3 p0 write 1"))), "unknown");
        assert_eq!(found(&causal_reverse(&history("0-1 p0 write 1"))), "unknown");
        assert_eq!(found(&causal_reverse(&history("0-1 p0 push 1"))), "unknown");
    }

    proptest! {
        #[test]
        fn agrees_with_all_pairs(
            times in prop::collection::vec((0_u64..12, 1_u64..5, prop::bool::weighted(0.8)), 1..6),
            read in prop::collection::vec(any::<bool>(), 6),
        ) {
            let mut text = String::from("30-31 p9 read -> [");
            let seen: Vec<String> =
                (0..times.len()).filter(|&e| read[e]).map(|e| e.to_string()).collect();
            text.push_str(&format!("{}]\n", seen.join(",")));
            for (element, (start, length, ok)) in times.iter().enumerate() {
                let end = if *ok { (start + length).to_string() } else { "?".to_owned() };
                text.push_str(&format!("{start}-{end} p{element} write {element}\n"));
            }
            let earlier = |a: usize, b: usize| times[a].2 && times[a].0 + times[a].1 < times[b].0;
            let all = 0..times.len();
            let reversed = all.clone().any(|a| {
                !read[a] && all.clone().any(|b| read[b] && earlier(a, b))
            });
            let result = causal_reverse(&history(&text));
            prop_assert_eq!(result.verdict == Verdict::Violated, reversed);
        }
    }
}
