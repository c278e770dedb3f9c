//! Each level accepts what it allows and rejects what it does not, and agrees with brute force.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::generate::Random;
use crate::txn::drawn::{draw, draw_blind};
use crate::txn::notation::history;

fn judged(line: &str, level: Level) -> CheckResult {
    check(&history(line), level, &Budget::default())
}

/// The anomaly, or the verdict.
fn found(line: &str, level: Level) -> String {
    let result = judged(line, level);
    let names: Vec<&str> = result.findings.iter().map(|f| f.anomaly.as_str()).collect();
    if names.is_empty() { result.verdict.word().to_owned() } else { names.join(", ") }
}

#[test]
fn levels_tell_the_textbook_anomalies_apart() {
    use Level::*;
    let skew = "0-9 rx_ wy1 | 1-8 ry_ wx1";
    let stale = "0-1 p0 wx1 | 2-3 p0 rx_";
    let apart = "0-1 p0 wx1 | 2-3 p1 rx_";
    let fork = "0-9 wx1 | 0-9 wy1 | 0-9 rx1 ry_ | 0-9 rx_ ry1";
    let cases = [
        (skew, Serializable, "non-serializable"),
        (skew, SnapshotIsolation, "valid"),
        (stale, Serializable, "valid"),
        (stale, StrongSessionSerializable, "non-serializable-process"),
        (stale, StrictSerializable, "non-serializable-realtime"),
        (stale, SnapshotIsolation, "valid"),
        (stale, StrongSessionSnapshotIsolation, "non-snapshot-isolated-process"),
        (apart, StrongSessionSerializable, "valid"),
        (apart, StrongSessionSnapshotIsolation, "valid"),
        (apart, StrongSnapshotIsolation, "non-snapshot-isolated-realtime"),
        (fork, SnapshotIsolation, "non-snapshot-isolated"),
        ("0-9 wx1 | 0-9 rx1 wx2 | 0-9 rx1 wx3", SnapshotIsolation, "lost-update"),
        ("0-9 rx_ wx2 | 0-9 rx_ wx3", Serializable, "lost-update"),
        ("0-9 rx2 wx1 | 0-9 rx1 wx2", Serializable, "non-serializable"),
        ("0-9 wx1 wy1 | 0-9 wx2 wy2 | 0-9 rx1 ry2", Serializable, "non-serializable"),
        ("0-9 wx1 wy1 | 0-9 wx2 wy2 | 0-9 rx1 ry1", Serializable, "valid"),
        // Blind writes in two orders.
        ("0-9 wx1 | 0-9 wx2 | 0-9 wy1 | 0-9 rx1 ry_ | 0-9 rx2 ry1", Serializable, "valid"),
        ("0-? wx1 | 2-3 rx_", StrictSerializable, "valid"),
        ("0-? wx1 | 2-3 rx1 | 4-5 rx_", StrictSerializable, "non-serializable-realtime"),
        ("0-9 wx1 | 0-9 wx1 | 0-9 rx1", Serializable, "valid"),
        ("0-1 wx1 | 2-3 wx1 | 4-5 wx2 | 6-7 rx1", StrictSerializable, "unknown"),
        ("wx1 rx2", SnapshotIsolation, "internal"),
        ("ax1", Serializable, "unknown"),
    ];
    for (line, level, expected) in cases {
        assert_eq!(found(line, level), expected, "{line} {}", level.name());
    }
}

#[test]
fn a_contradiction_is_told_from_its_premises() {
    let result = judged("0-9 wx1 wy1 | 0-9 wz5 | 0-9 wx2 wy2 | 0-9 rx1 ry2", Level::Serializable);
    let finding = &result.findings[0];
    assert_eq!(finding.operations.len(), 3);
    assert_eq!(finding.title, "no order explains op 0, op 2, op 3");
    let expected = [
        "Op 2 wrote x before op 0, for otherwise: op 3 comes before op 2, which replaced the x it \
         read; op 2 comes before op 3, which read y = 2 from it.",
        "Suppose op 0 wrote y before op 2: op 0 wrote y before op 2; op 2 wrote x before op 0.",
        "Suppose op 2 wrote y before op 0: op 3 comes before op 0, which replaced the y it read; \
         op 0 comes before op 3, which read x = 1 from it.",
        "Neither is possible: a contradiction.",
    ];
    assert_eq!(finding.prose[3..].iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

/// What came of a comparison: by level how many were valid, and conflicts of the search in all.
#[derive(Default)]
struct Seen {
    valid: [usize; Level::ALL.len()],
    conflicts: u64,
}

/// Compares every level with brute force.
fn against_brute_force(seeds: std::ops::Range<u64>, line: impl Fn(&mut Random) -> String) -> Seen {
    let mut seen = Seen::default();
    for seed in seeds {
        let line = line(&mut Random(seed));
        let history = history(&line);
        let txns = Transactions::of(&history).unwrap();
        for (level, valid) in Level::ALL.into_iter().zip(&mut seen.valid) {
            let result = check(&history, level, &Budget::default());
            let expected = brute::holds(&txns, level.rules());
            *valid += usize::from(expected);
            let right = if expected { Verdict::Valid } else { Verdict::Violated };
            assert_eq!(result.verdict, right, "{} of seed {seed}: {line}", level.name());
            let conflicts = result.figures.get("conflicts").and_then(Value::as_u64);
            seen.conflicts += conflicts.unwrap_or(0);
        }
    }
    seen
}

#[test]
fn every_level_agrees_with_brute_force() {
    let Seen { valid, .. } = against_brute_force(0..300, |random| draw(random, 7));
    assert!(valid.iter().all(|valid| (30..300).contains(valid)), "{valid:?}");
}

#[test]
fn blind_writes_agree_with_brute_force() {
    let Seen { valid, conflicts } = against_brute_force(0..400, |random| draw_blind(random, 7));
    assert!(valid.iter().all(|valid| (8..400).contains(valid)), "{valid:?}");
    assert!(conflicts > 0, "nothing was left to search for");
}

#[test]
#[ignore = "minutes in a debug build"]
fn many_histories_agree_with_brute_force() {
    let Seen { valid, .. } = against_brute_force(1_000..101_000, |random| draw(random, 7));
    assert!(valid.iter().all(|&valid| valid > 10_000), "{valid:?}");
}

#[test]
#[ignore = "minutes in a release build"]
fn many_blind_writes_agree_with_brute_force() {
    let Seen { conflicts, .. } =
        against_brute_force(1_000..101_000, |random| draw_blind(random, 8));
    assert!(conflicts > 1_000, "{conflicts}");
}
