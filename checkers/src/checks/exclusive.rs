//! A thing that has at most one holder at a time, such as the one side of a one-to-one relation:
//! giving it to another takes it from the one before.
//!
//! `add` holder, `read` → the list of all who hold it now, from one state of the system. An
//! acknowledged add may be undone only by a later one, so that from then on there is exactly one
//! holder. O(n).

use rustc_hash::FxHashSet;
use serde_json::{Value, json};

use super::evidence::{Case, Evidence, name, some, unjudged, who};
use super::parts::{Op, Part, Spelt, by_key, precedes};
use super::set::Growth;
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "exclusive";

/// *Violated* by `not-exclusive` (a read with several holders), `lost-element` (a read without one
/// after an acknowledged add), `unexpected-element`, `dirty-read` and `future-read` (a holder that
/// cannot be). *Unknown* where no key was read. Figures: `keys`, `reads`, `holders_max`.
pub fn exclusive(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let (mut keys, mut reads, mut holders_max) = (0, 0, 0);
    for part in by_key(history) {
        let growth = match Growth::of(&part) {
            Ok(growth) => growth,
            Err(problem) => return unjudged(CHECK, problem),
        };
        keys += usize::from(!growth.reads.is_empty());
        reads += growth.reads.len();
        holders_max =
            holders_max.max(growth.reads.iter().map(|(_, held)| held.len()).max().unwrap_or(0));
        judge(&part, &growth, &mut evidence);
    }
    let verdict = match reads {
        0 => Verdict::Unknown("no read was ok".to_owned()),
        _ => Verdict::Valid,
    };
    let summary = format!("{reads} reads of {keys} things found at most {holders_max} holders");
    let figures =
        [("keys", json!(keys)), ("reads", json!(reads)), ("holders_max", json!(holders_max))];
    evidence.finish(verdict, summary, figures)
}

fn judge<'a>(part: &Part<'a>, growth: &Growth<'a>, evidence: &mut Evidence<'a>) {
    let mut accused = FxHashSet::default();
    let acknowledged = growth.adders.values().filter_map(|adders| adders.acknowledged);
    let first = acknowledged.min_by_key(|add| add.completed_rank);
    for &(read, held) in &growth.reads {
        growth.judge_read(part.key, (read, held), &mut accused, evidence);
        let several: FxHashSet<&Value> = held.iter().collect();
        if several.len() > 1 {
            evidence.add("not-exclusive", || shared(part.key, growth, read, held)).against(
                "holders",
                "at most one",
                some(held),
            );
        }
        if let Some(add) = first.filter(|add| held.is_empty() && precedes(add, read)) {
            evidence
                .add("lost-element", || missing(part.key, add, read))
                .against("holders", "one", "none");
        }
    }
}

fn shared<'a>(
    key: Option<&'a Value>,
    growth: &Growth<'a>,
    read: Op<'a>,
    held: &'a [Value],
) -> Case<'a> {
    let gave = held.iter().filter_map(|holder| growth.adders.get(holder)?.first);
    Case {
        key,
        title: format!("{} found {} holders at once", who(read), held.len()),
        argument: format!(
            "{} hold it at the same time, but giving it to one takes it from the other.",
            some(held)
        ),
        about: gave.chain([read]).collect(),
    }
}

fn missing<'a>(key: Option<&'a Value>, add: Op<'a>, read: Op<'a>) -> Case<'a> {
    Case {
        key,
        title: format!("{} found no holder", who(read)),
        argument: format!(
            "{} was acknowledged before {} began, and whatever came later gave it to another, \
             never to nobody.",
            super::evidence::capital(&name(add)),
            name(read)
        ),
        about: vec![add, read],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::notation::{found, history};
    use super::*;

    fn judged(text: &str) -> String {
        found(&exclusive(&history(text)))
    }

    #[test]
    fn accepts_one_holder_after_another() {
        assert_eq!(judged("0-1 p0 add 1\n 2-3 p0 add 2\n 4-5 p1 read -> [2]"), "valid");
        assert_eq!(judged("0-9 p0 add 1\n 2-3 p1 read -> []\n 4-5 p1 read -> [1]"), "valid");
        assert_eq!(judged("0-? p0 add 1\n 2-3 p1 read -> [1]\n 4-5 p1 read -> []"), "valid");
        assert_eq!(judged("0-1 p0 add 1 @a\n 2-3 p0 add 1 @b\n 4-5 p1 read -> [1] @a"), "valid");
    }

    #[test]
    fn rejects_two_holders_none_and_strangers() {
        assert_eq!(
            judged("0-1 p0 add 1\n 0-1 p1 add 2\n 4-5 p1 read -> [1, 2]"),
            "not-exclusive 1"
        );
        assert_eq!(judged("0-1 p0 add 1\n 4-5 p1 read -> []"), "lost-element 1");
        assert_eq!(judged("0-1! p0 add 1\n 4-5 p1 read -> [1]"), "dirty-read 1");
        assert_eq!(judged("0-1 p0 add 1\n 4-5 p1 read -> [7]"), "unexpected-element 1");
    }

    #[test]
    fn unread_is_unknown() {
        assert_eq!(judged("0-1 p0 add 1"), "unknown");
        assert_eq!(judged("0-1 p0 read -> 7"), "unknown");
    }

    /// Whether some order of the adds, each read between two of them, explains every read: by
    /// trying all. (start, end or none, Ok(added) or Err(read)).
    type Deed = (u32, Option<u32>, Result<i64, Vec<i64>>);

    fn explained(deeds: &[Deed], done: u32, held: Option<i64>) -> bool {
        let open = |at: &usize| done & (1 << at) == 0;
        let left: Vec<usize> = (0..deeds.len()).filter(open).collect();
        if left.iter().all(|&at| deeds[at].1.is_none()) {
            return true;
        }
        let deadline = left.iter().filter_map(|&at| deeds[at].1).min().unwrap_or(u32::MAX);
        left.iter().filter(|&&at| deeds[at].0 < deadline).any(|&at| match &deeds[at].2 {
            Ok(added) => explained(deeds, done | 1 << at, Some(*added)),
            Err(read) => read.iter().copied().eq(held) && explained(deeds, done | 1 << at, held),
        })
    }

    proptest! {
        /// The rules are necessary, not sufficient: what they reject, no order explains.
        #[test]
        fn never_accuses_what_some_order_explains(ops in prop::collection::vec(
            (0_u32..12, 1_u32..6, 0_u8..4, prop::sample::subsequence(vec![1_i64, 2], 0..=2)), 1..7)
        ) {
            let (mut text, mut deeds) = (String::new(), Vec::<Deed>::new());
            for (process, (start, length, kind, read)) in ops.iter().enumerate() {
                // Odd ends and even starts: no two events at one time.
                let (start, end) = (2 * start, 2 * (start + length) + 1);
                let added = i64::try_from(process).unwrap_or(0) % 2 + 1;
                match kind {
                    0 => text.push_str(&format!("{start}-{end} p{process} add {added}\n")),
                    1 => text.push_str(&format!("{start}-? p{process} add {added}\n")),
                    _ => text.push_str(&format!("{start}-{end} p{process} read -> {read:?}\n")),
                }
                deeds.push(match kind {
                    0 => (start, Some(end), Ok(added)),
                    1 => (start, None, Ok(added)),
                    _ => (start, Some(end), Err(read.clone())),
                });
            }
            let result = exclusive(&history(&text));
            if result.verdict == Verdict::Violated {
                prop_assert!(!explained(&deeds, 0, None), "{}\n{}", text, result.summary);
            }
        }
    }
}
