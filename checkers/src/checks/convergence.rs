//! Convergence: after the last heal, how long until every node answers alike.
//!
//! An answer is *behind* when it is certainly stale (see `versions`); in a register whose values
//! repeat, when it was asked for after the last update of the key had ended and it is not what most
//! nodes answer in the end. A node has converged at its first answer after the last one that was
//! behind. It **never** did when no other answer came after that one, or when the answer was asked
//! for after all updates of the whole history had ended and the key was not read there again:
//! a single late answer about another key does not excuse that.
//!
//! A node that was not read after the heal is not judged. O(n log n).

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Value, json};

use super::evidence::{Case, Evidence, capital, shown, unjudged, who};
use super::parts::{Op, Part, Spelt, by_key, end_rank, is_fail, is_ok, operations, precedes};
use super::versions::Versions;
use crate::finding::{CheckResult, Verdict};
use crate::history::{FaultWindow, History, Nanos};
use crate::latency::milliseconds;

const CHECK: &str = "convergence";

/// *Violated* by `no-convergence`, and by `slow-convergence` when `within` is given. *Unknown*
/// when no fault was healed, or no node was read since. Figures: `healed_ms` (since the run
/// began), `converged_ms_max`, `converged_ms_by_node` (since the heal), `answers_behind`.
pub fn convergence(history: &History, within: Option<Nanos>) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let unknown = |reason: &str| Verdict::Unknown(reason.to_owned());
    let healed = match last_heal(&history.faults) {
        Ok(healed) => healed,
        Err(reason) => return evidence.finish(unknown(reason), reason.to_owned(), []),
    };
    let mut nodes: BTreeMap<&str, Vec<Answer<'_>>> = BTreeMap::new();
    for part in by_key(history) {
        match answers(&part, healed) {
            Ok(answers) => {
                for (node, answer) in answers {
                    nodes.entry(node).or_default().push(answer);
                }
            }
            Err(problem) => return unjudged(CHECK, problem),
        }
    }
    let updates = operations(history).filter(|op| op.f != "read" && !is_fail(op));
    let settled = updates.map(|op| op.completed_rank.unwrap_or(op.invoked_rank)).max();
    let mut by_node = BTreeMap::new();
    let mut behind = 0;
    for (&node, answers) in &mut nodes {
        answers.sort_by_key(|answer| end_rank(answer.op));
        behind += answers.iter().filter(|answer| answer.behind).count();
        match converged(answers, settled.unwrap_or(0)) {
            Ok(at) => {
                let took = Nanos(at.unwrap_or(healed).0.saturating_sub(healed.0));
                by_node.insert(node, milliseconds(took));
                if let Some(within) = within.filter(|&within| took > within) {
                    evidence.add("slow-convergence", || slow(node, answers, took, within));
                }
            }
            Err(answer) => {
                evidence.add("no-convergence", || never(node, answer, healed));
            }
        }
    }
    let longest = by_node.values().copied().fold(0.0, f64::max);
    let verdict = match nodes.is_empty() {
        true => unknown("no node was read after the last heal"),
        false => Verdict::Valid,
    };
    let summary = format!(
        "{} of {} nodes answer alike, the last since {longest} ms after the last heal",
        by_node.len(),
        nodes.len()
    );
    let figures = [
        ("healed_ms", json!(milliseconds(healed))),
        ("converged_ms_max", json!(longest)),
        ("converged_ms_by_node", json!(by_node)),
        ("answers_behind", json!(behind)),
    ];
    evidence.finish(verdict, summary, figures)
}

/// When everything was mended.
fn last_heal(faults: &[FaultWindow]) -> Result<Nanos, &'static str> {
    let there = faults.iter().filter(|fault| fault.overlaps(Nanos(0), Nanos(u64::MAX)));
    let ends: Option<Vec<Nanos>> = there.map(|fault| fault.to).collect();
    let ends = ends.ok_or("a fault was never healed")?;
    ends.into_iter().max().ok_or("there was no fault to recover from")
}

/// What a node answered after the heal.
struct Answer<'a> {
    key: Option<&'a Value>,
    op: Op<'a>,
    behind: bool,
    /// Whether the key was read on the node afterwards.
    again: bool,
}

fn answers<'a>(part: &Part<'a>, healed: Nanos) -> Result<Vec<(&'a str, Answer<'a>)>, String> {
    let versions = Versions::of(part)?;
    let reads = part.operations.iter().copied().filter(|op| is_ok(op) && op.f == "read");
    let reads: Vec<Op<'a>> = reads.filter(|op| op.invoked_at >= healed).collect();
    let behind: FxHashSet<u32> = match &versions {
        Some(versions) => versions.stale().iter().map(|stale| stale.read.invoked_rank).collect(),
        None => odd_ones(part, &reads),
    };
    let mut last: FxHashMap<&str, u32> = FxHashMap::default();
    for read in &reads {
        if let Some(node) = &read.node {
            last.insert(node, read.invoked_rank);
        }
    }
    let answer = |op: Op<'a>| {
        let node = op.node?;
        let behind = behind.contains(&op.invoked_rank);
        let again = last.get(node).is_some_and(|&last| last > op.invoked_rank);
        Some((node, Answer { key: part.key, op, behind, again }))
    };
    Ok(reads.iter().copied().filter_map(answer).collect())
}

/// Reads asked for after all updates that differ from what most nodes answer in the end. With an
/// update whose outcome is unknown, the value may yet change, and nothing can be said.
fn odd_ones(part: &Part<'_>, reads: &[Op<'_>]) -> FxHashSet<u32> {
    let updates = || part.operations.iter().filter(|op| op.f != "read" && !is_fail(op));
    if updates().any(|op| !is_ok(op)) {
        return FxHashSet::default();
    }
    let settled = |read: &&Op<'_>| updates().all(|update| precedes(update, read));
    let settled: Vec<Op<'_>> = match updates().map(|op| end_rank(op)).max() {
        Some(end) => reads.iter().copied().filter(|read| read.invoked_rank > end).collect(),
        None => reads.iter().filter(settled).copied().collect(),
    };
    let last: FxHashMap<Option<&str>, &Value> =
        settled.iter().map(|read| (read.node, &read.result)).collect();
    let mut votes: FxHashMap<&Value, usize> = FxHashMap::default();
    last.values().for_each(|value| *votes.entry(value).or_default() += 1);
    let Some(most) = votes.values().max() else { return FxHashSet::default() };
    // Of equally common answers the one which was read last.
    let winner = settled.iter().rev().map(|read| &read.result);
    let winner = winner.into_iter().find(|value| votes.get(value) == Some(most));
    let odd = settled.iter().filter(|read| winner.is_some_and(|winner| *winner != read.result));
    odd.map(|read| read.invoked_rank).collect()
}

/// When the node had converged (`None`: it always had), or the answer which shows that it did not.
/// `answers` are in order of completion.
fn converged<'s, 'a>(
    answers: &'s [Answer<'a>],
    settled: u32,
) -> Result<Option<Nanos>, &'s Answer<'a>> {
    let Some(last) = answers.iter().rposition(|answer| answer.behind) else { return Ok(None) };
    let final_ones = answers.iter().filter(|answer| answer.op.invoked_rank > settled);
    if let Some(left) = final_ones.into_iter().find(|answer| answer.behind && !answer.again) {
        return Err(left);
    }
    match answers.get(last + 1) {
        Some(fresh) => Ok(fresh.op.completed_at),
        None => Err(&answers[last]),
    }
}

fn never<'a>(node: &str, answer: &Answer<'a>, healed: Nanos) -> Case<'a> {
    Case {
        key: answer.key,
        title: format!("{node} never answered like the others after the last heal"),
        argument: format!(
            "All faults were healed at {healed}. {} still found {}, which had been replaced, and \
             nothing shows that {node} ever caught up.",
            capital(&who(answer.op)),
            shown(&answer.op.result)
        ),
        about: vec![answer.op],
    }
}

fn slow<'a>(node: &str, answers: &[Answer<'a>], took: Nanos, within: Nanos) -> Case<'a> {
    let last = answers.iter().rfind(|answer| answer.behind);
    Case {
        key: None,
        title: format!("{node} answered like the others {took} after the last heal"),
        argument: format!("{within} was allowed; the last answer that was behind is shown."),
        about: last.map(|answer| answer.op).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::{found, history};
    use super::*;

    const BEGIN: &str = "0-1 p0 n1 write 1\n 2-10 fault partition\n 3-4 p0 n1 write 2\n";

    fn judged(text: &str) -> CheckResult {
        convergence(&history(&format!("{BEGIN}{text}")), None)
    }

    #[test]
    fn accepts_nodes_that_catch_up() {
        let text = "11-12 p0 n1 read -> 2\n 13-14 p1 n2 read -> 1\n 20-25 p1 n2 read -> 2";
        let result = judged(text);
        assert_eq!(found(&result), "valid");
        assert_eq!(result.figures["converged_ms_by_node"], json!({"n1": 0.0, "n2": 15.0}));
        assert_eq!(result.figures["answers_behind"], 1);
    }

    #[test]
    fn rejects_a_node_that_never_does() {
        let text = "11-12 p0 n1 read -> 2\n 13-14 p1 n2 read -> 1";
        assert_eq!(found(&judged(text)), "no-convergence 1");
        // An answer about another key does not show that this one was mended.
        let other = format!("{text}\n 15-16 p1 n2 read -> null @other");
        assert_eq!(found(&judged(&other)), "no-convergence 1");
    }

    #[test]
    fn rejects_a_node_that_is_late() {
        let text = "13-14 p1 n2 read -> 1\n 20-25 p1 n2 read -> 2";
        let history = history(&format!("{BEGIN}{text}"));
        assert_eq!(found(&convergence(&history, Some(Nanos(14_000_000)))), "slow-convergence 1");
        assert_eq!(found(&convergence(&history, Some(Nanos(15_000_000)))), "valid");
    }

    #[test]
    fn a_key_that_is_given_up_under_load_accuses_nobody() {
        let text = "11-12 p1 n2 read -> 1\n 13-14 p1 n2 read -> null @b\n 15-16 p0 n1 write 3 @b";
        assert_eq!(found(&judged(text)), "valid");
    }

    #[test]
    fn repeating_values_are_judged_once_all_is_settled() {
        let text = "5-6 p0 n1 write 1\n 11-12 p0 n1 read -> 1\n 11-12 p1 n2 read -> 2\n
                    13-14 p2 n3 read -> 1";
        assert_eq!(found(&judged(text)), "no-convergence 1");
        let crashed = format!("{text}\n 7-? p3 n1 write 2");
        assert_eq!(found(&judged(&crashed)), "valid");
    }

    #[test]
    fn without_a_heal_or_reads_nobody_knows() {
        assert_eq!(found(&convergence(&history("0-1 p0 n1 read -> null"), None)), "unknown");
        assert_eq!(found(&judged("11-12 p0 n1 write 3")), "unknown");
        assert_eq!(found(&judged("5-? fault kill\n 11-12 p0 n1 read -> 2")), "unknown");
    }
}
