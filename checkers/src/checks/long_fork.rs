//! Long forks (Jepsen's `long-fork`; Sovran et al., SOSP 2011, §3.1): two readers see two writes in
//! opposite orders. Parallel snapshot isolation allows it, snapshot isolation does not.
//!
//! Transactions are lists of `["w", key, value]` and `["r", key, value]`; each key is written at
//! most once, so that a key is either absent or has its one value. Reads of the same keys must
//! then form a chain: each sees what the smaller one sees. They are sorted by how much they see,
//! and neighbours compared: O(n log n).

use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::chain::incomparable;
use super::evidence::{Case, Evidence, name, shown, unjudged, who};
use super::parts::{Op, Spelt, is_fail, is_ok, operations};
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "long-fork";

/// What a transaction read of each of its keys; `seen` counts those that were there.
struct Snapshot<'a> {
    op: Op<'a>,
    values: Vec<&'a Value>,
    seen: usize,
}

/// *Violated* by `long-fork` and `phantom-read` (a value that nobody wrote). *Unknown* when a key
/// was written twice, or when no two reads can be compared. Figures: `reads`, `groups`, `writes`.
pub fn long_fork(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let (writes, groups) = match gather(history) {
        Ok(gathered) => gathered,
        Err(problem) => return unjudged(CHECK, problem),
    };
    let mut reads = 0;
    for (keys, snapshots) in &groups {
        reads += snapshots.len();
        let mut sound = Vec::new();
        for snapshot in snapshots {
            let strange = keys.iter().zip(&snapshot.values).find(|(key, value)| {
                !value.is_null() && writes.get(**key).is_none_or(|written| written != *value)
            });
            let Some((key, value)) = strange else {
                sound.push(snapshot);
                continue;
            };
            evidence
                .add("phantom-read", || Case {
                    key: Some(key),
                    title: format!(
                        "{} read {}, which nobody wrote",
                        who(snapshot.op),
                        shown(value)
                    ),
                    argument: format!("No write of key {} has {}.", shown(key), shown(value)),
                    about: vec![snapshot.op],
                })
                .against(format!("key {}", shown(key)), "what somebody wrote", shown(value));
        }
        let below = |a: &Snapshot<'_>, b: &Snapshot<'_>| {
            a.values.iter().zip(&b.values).all(|(a, b)| a.is_null() || a == b)
        };
        for (a, b) in incomparable(sound, |read| read.seen as i128, below) {
            let told = evidence.add("long-fork", || fork(keys, a, b));
            let first = |one, other| only(keys, one, other).map_or_else(String::new, shown);
            let (x, y) = (first(a, b), first(b, a));
            told.against(
                name(a.op),
                format!("{y} too, if {} is right", name(b.op)),
                format!("{x} alone"),
            )
            .against(
                name(b.op),
                format!("{x} too, if {} is right", name(a.op)),
                format!("{y} alone"),
            );
        }
    }
    let comparable = groups.iter().any(|(_, snapshots)| snapshots.len() > 1);
    let verdict = match comparable {
        true => Verdict::Valid,
        false => Verdict::Unknown("no two transactions read the same keys".to_owned()),
    };
    let count = groups.len();
    let summary = format!("{reads} reads of {count} groups of keys were compared");
    let figures =
        [("reads", json!(reads)), ("groups", json!(count)), ("writes", json!(writes.len()))];
    evidence.finish(verdict, summary, figures)
}

type Groups<'a> = Vec<(Vec<&'a Value>, Vec<Snapshot<'a>>)>;

/// The value written to each key, and the reads by their keys, both in order of first use.
fn gather<'a>(
    history: &'a Spelt<'_>,
) -> Result<(FxHashMap<&'a Value, &'a Value>, Groups<'a>), String> {
    let mut writes: FxHashMap<&Value, &Value> = FxHashMap::default();
    let mut numbers: FxHashMap<Vec<&Value>, usize> = FxHashMap::default();
    let mut groups: Groups<'_> = Vec::new();
    for op in operations(history).filter(|op| !is_fail(op)) {
        let asked = if is_ok(op) && !op.result.is_null() { &op.result } else { &op.argument };
        let Value::Array(steps) = asked else {
            return Err(format!("op {}: expected a list of reads and writes", op.index.0));
        };
        let mut pairs = Vec::new();
        for step in steps {
            match step.as_array().map(Vec::as_slice) {
                Some([f, key, value]) if f == "w" => {
                    if writes.insert(key, value).is_some() {
                        let key = shown(key);
                        return Err(format!("op {}: key {key} is written again", op.index.0));
                    }
                }
                Some([f, key, value]) if f == "r" => pairs.push((key, value)),
                _ => {
                    let expected = r#"expected ["r", key, value] or ["w", key, value]"#;
                    return Err(format!("op {}: {}; {expected}", op.index.0, shown(step)));
                }
            }
        }
        if pairs.len() < 2 || !is_ok(op) {
            continue;
        }
        pairs.sort_by_cached_key(|(key, _)| key.to_string());
        let (keys, values): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let seen = values.iter().filter(|value| !value.is_null()).count();
        let number = *numbers.entry(keys.clone()).or_insert_with(|| {
            groups.push((keys, Vec::new()));
            groups.len() - 1
        });
        groups[number].1.push(Snapshot { op, values, seen });
    }
    Ok((writes, groups))
}

/// The first key that `one` saw written and `other` did not.
fn only<'a>(keys: &[&'a Value], one: &Snapshot<'a>, other: &Snapshot<'a>) -> Option<&'a Value> {
    let pairs = keys.iter().zip(one.values.iter().zip(&other.values));
    let mut only = pairs.filter(|(_, (one, other))| !one.is_null() && other.is_null());
    only.next().map(|(key, _)| *key)
}

fn fork<'a>(keys: &[&'a Value], a: &Snapshot<'a>, b: &Snapshot<'a>) -> Case<'a> {
    let first = |one, other| only(keys, one, other).map_or_else(String::new, shown);
    let (x, y) = (first(a, b), first(b, a));
    Case {
        key: None,
        title: format!("{} and {} saw writes in opposite orders", name(a.op), name(b.op)),
        argument: format!(
            "{} saw the write of {x} but not yet that of {y}; {} saw that of {y} but not yet that \
             of {x}: no one order of the writes explains both.",
            who(a.op),
            who(b.op)
        ),
        about: vec![a.op, b.op],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::notation::{found, history};
    use super::*;

    const WRITES: &str = "0-9 p0 txn [[\"w\",\"x\",1]]\n 0-? p1 txn [[\"w\",\"y\",1]]\n";

    fn judged(reads: &str) -> String {
        found(&long_fork(&history(&format!("{WRITES}{reads}"))))
    }

    #[test]
    fn accepts_one_order() {
        let reads = "1-2 p2 txn [] -> [[\"r\",\"x\",1],[\"r\",\"y\",null]]\n
                     1-2 p3 txn [] -> [[\"r\",\"y\",null],[\"r\",\"x\",null]]\n
                     3-4 p3 txn [] -> [[\"r\",\"y\",1],[\"r\",\"x\",1]]";
        assert_eq!(judged(reads), "valid");
    }

    #[test]
    fn rejects_two_orders() {
        let reads = "1-2 p2 txn [] -> [[\"r\",\"x\",1],[\"r\",\"y\",null]]\n
                     1-2 p3 txn [] -> [[\"r\",\"y\",1],[\"r\",\"x\",null]]";
        assert_eq!(judged(reads), "long-fork 1");
        let phantom = "1-2 p2 txn [] -> [[\"r\",\"x\",1],[\"r\",\"y\",7]]\n
                       3-4 p2 txn [] -> [[\"r\",\"x\",1],[\"r\",\"y\",1]]";
        assert_eq!(judged(phantom), "phantom-read 1");
    }

    #[test]
    fn what_cannot_be_compared_is_unknown() {
        assert_eq!(judged("1-2 p2 txn [] -> [[\"r\",\"x\",1],[\"r\",\"y\",null]]"), "unknown");
        assert_eq!(judged("1-2 p2 txn [[\"w\",\"x\",2]]"), "unknown");
        assert_eq!(judged("1-2 p2 txn 7"), "unknown");
    }

    proptest! {
        /// A fork is found iff some two reads are incomparable.
        #[test]
        fn agrees_with_all_pairs(reads in prop::collection::vec(0_u8..16, 2..8)) {
            let mut text = String::new();
            for key in 0..4 {
                text.push_str(&format!("0-? p{key} txn [[\"w\",{key},1]]\n"));
            }
            for (place, bits) in reads.iter().enumerate() {
                let value = |key: u8| if (bits >> key) & 1 == 1 { "1" } else { "null" };
                let steps: Vec<String> =
                    (0..4_u8).map(|key| format!("[\"r\",{key},{}]", value(key))).collect();
                text.push_str(&format!("1-2 p{} txn [] -> [{}]\n", place + 9, steps.join(",")));
            }
            let pairs = reads.iter().flat_map(|a| reads.iter().map(move |b| (a, b)));
            let forked = pairs.into_iter().any(|(a, b)| a & !b != 0 && b & !a != 0);
            let result = long_fork(&history(&text));
            prop_assert_eq!(result.verdict == Verdict::Violated, forked);
        }
    }
}
