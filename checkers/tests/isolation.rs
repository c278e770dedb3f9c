//! Histories of thousands of transactions with a known execution: it, or another, is found, however
//! little client times say; and one stale read is told by a handful of transactions.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../benches/support/mod.rs"]
mod support;

use isobar_checkers::generate::Random;
use isobar_checkers::txn::{exact, weak};
use isobar_checkers::{CheckResult, Verdict};
use support::transaction_calls::{Transactions, history};

fn shape(count: usize, snapshot_age: u64, noise: u64) -> Transactions {
    Transactions {
        count,
        clients: 40,
        keys: 60,
        length: (1, 4),
        writes_percent: 60,
        snapshot_age,
        only_readers_lag: false,
        noise,
    }
}

fn judged(shape: &Transactions, stale: Option<usize>, level: exact::Level) -> CheckResult {
    let history = history(shape, stale, &mut Random(11));
    exact::check(&history, level, &exact::Budget::default())
}

#[test]
fn what_has_an_execution_is_valid() {
    use exact::Level::*;
    let mut forced = 0;
    for noise in [0, 3, 30] {
        for level in [Serializable, StrongSessionSerializable, StrictSerializable] {
            let result = judged(&shape(1_500, 0, noise), None, level);
            assert_eq!(result.verdict, Verdict::Valid, "{} noise {noise}", level.name());
            forced += result.figures["forced"].as_u64().unwrap();
        }
        let levels = [SnapshotIsolation, StrongSessionSnapshotIsolation, StrongSnapshotIsolation];
        for level in levels {
            let result = judged(&shape(1_500, 20, noise), None, level);
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
        let shape = shape(1_500, age, 3);
        let result = judged(&shape, Some(1_100), level);
        assert_eq!(result.verdict, Verdict::Violated, "{}", level.name());
        let finding = &result.findings[0];
        assert!(finding.operations.len() <= 6, "{finding:?}");
        assert_eq!(result, judged(&shape, Some(1_100), level), "the same answer every time");
    }
}

#[test]
fn weak_levels_follow_from_strong_ones() {
    for noise in [0, 30] {
        let history = history(&shape(1_500, 20, noise), None, &mut Random(5));
        for level in weak::Level::ALL {
            let result = weak::check(&history, level);
            assert_eq!(result.verdict, Verdict::Valid, "{}: {}", level.name(), result.summary);
        }
    }
}
