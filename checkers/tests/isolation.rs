//! Histories of thousands of transactions with a known execution: it, or another, is found, however
//! little client times say; and one stale read is told by a handful of transactions.

#![allow(clippy::unwrap_used)]

use isobar_checkers::generate::{Load, Snapshots, rw_register};
use isobar_checkers::txn::{exact, weak};
use isobar_checkers::{CheckResult, Verdict};

const LOAD: Load = Load { operations: 1_500, clients: 40, crashes: 0, seed: 11 };

fn shape(age: u64, noise: u64) -> Snapshots {
    Snapshots { keys: 60, length: (1, 4), writes_percent: 60, age, noise, stale_from: None }
}

fn judged(shape: &Snapshots, level: exact::Level) -> CheckResult {
    exact::check(&rw_register(&LOAD, shape), level, &exact::Budget::default())
}

#[test]
fn what_has_an_execution_is_valid() {
    use exact::Level::*;
    let mut forced = 0;
    for noise in [0, 3, 30] {
        for level in [Serializable, StrongSessionSerializable, StrictSerializable] {
            let result = judged(&shape(0, noise), level);
            assert_eq!(result.verdict, Verdict::Valid, "{} noise {noise}", level.name());
            forced += result.figures["forced"].as_u64().unwrap();
        }
        let levels = [SnapshotIsolation, StrongSessionSnapshotIsolation, StrongSnapshotIsolation];
        for level in levels {
            let result = judged(&shape(20, noise), level);
            assert_eq!(result.verdict, Verdict::Valid, "{} noise {noise}", level.name());
        }
    }
    assert!(forced > 0, "the guess was always right: nothing was mended");
}

#[test]
fn a_stale_read_is_told_by_a_few_transactions() {
    use exact::Level::*;
    for level in [StrictSerializable, StrongSnapshotIsolation] {
        let age = if level == StrictSerializable { 0 } else { 20 };
        let shape = Snapshots { stale_from: Some(73), ..shape(age, 3) };
        let result = judged(&shape, level);
        assert_eq!(result.verdict, Verdict::Violated, "{}", level.name());
        let finding = &result.findings[0];
        assert!(finding.operations.len() <= 6, "{finding:?}");
        assert_eq!(result, judged(&shape, level), "the same answer every time");
    }
}

#[test]
fn weak_levels_follow_from_strong_ones() {
    for noise in [0, 30] {
        let history = rw_register(&Load { seed: 5, ..LOAD }, &shape(20, noise));
        for level in weak::Level::ALL {
            let result = weak::check(&history, level);
            assert_eq!(result.verdict, Verdict::Valid, "{}: {}", level.name(), result.summary);
        }
    }
}
