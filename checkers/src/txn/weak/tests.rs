//! Each level accepts what it allows and rejects what it does not; and all agree with brute force.

#![allow(clippy::unwrap_used)]

use super::super::drawn::draw;
use super::super::notation::history;
use super::brute::holds;
use super::*;
use crate::generate::Random;
use crate::history::History;

/// The anomalies found at a level, or the verdict.
fn found(line: &str, level: Level) -> String {
    let result = check(&history(line), level);
    let mut names: Vec<&str> = result.findings.iter().map(|f| f.anomaly.as_str()).collect();
    names.sort_unstable();
    if names.is_empty() { result.verdict.word().to_owned() } else { names.join(", ") }
}

#[test]
fn levels_tell_the_textbook_anomalies_apart() {
    use Level::*;
    let vanishes = "p0 wx1 wy1 | p1 wx2 wy2 | p2 rx2 ry1 | p3 rx1 ry2";
    let fractured = "p0 wx1 wy1 | p1 rx_ ry1";
    let lost_own = "p0 wx1 | p0 rx_";
    let question = "p0 wx1 | p1 rx1 wy1 | p2 ry1 | p2 rx_";
    let cases = [
        (vanishes, ReadCommitted, "conflict-cycle"),
        (fractured, ReadCommitted, "valid"),
        (fractured, ReadAtomic, "fractured-read"),
        ("p0 wx1 wy1 | p1 ry1 rx_", ReadCommitted, "observed-transaction-vanishes"),
        (lost_own, ReadCommitted, "valid"),
        (lost_own, ReadAtomic, "read-your-writes"),
        (question, ReadAtomic, "valid"),
        (question, Causal, "causally-stale-read"),
        (question, Pram, "valid"),
        ("p0 wx1 | p0 wy1 | p2 ry1 | p2 rx_", Pram, "out-of-session-order"),
        ("p0 wx1 | p1 wx2 | p2 rx1 | p2 rx2 | p3 rx2 | p3 rx1", Pram, "valid"),
        ("p0 wx1 | p1 wx2 | p2 rx1 | p2 rx2 | p3 rx2 | p3 rx1", Causal, "conflict-cycle"),
        ("p0 wx1 ry1 | p1 wy1 rx1", ReadCommitted, "cyclic-causality"),
        ("p0 rx_ wx1 | p1 rx_ wx2", Causal, "valid"),
        ("p0 wx1 | p1 wy1 | p2 rx1 ry_ | p3 rx_ ry1", Causal, "valid"),
    ];
    for (line, level, expected) in cases {
        assert_eq!(found(line, level), expected, "{line} {}", level.name());
    }
}

#[test]
fn session_guarantees_have_twins() {
    use Level::*;
    let cases = [
        ("p0 wx1 | p1 wx2 | p2 rx1 | p2 rx2 | p2 rx2", MonotonicReads, "valid"),
        ("p0 wx1 | p1 wx2 | p2 rx1 | p2 rx2 | p2 rx1", MonotonicReads, "monotonic-reads"),
        ("p0 wx1 | p2 rx1 | p2 rx_", MonotonicReads, "monotonic-reads"),
        ("p0 wx1 | p0 wx2 | p0 rx2 | p0 rx1", MonotonicReads, "monotonic-reads"),
        ("p0 wx1 | p0 rx_", MonotonicReads, "valid"),
        ("p0 wx1 | p1 wx2 | p0 rx2", ReadYourWrites, "valid"),
        ("p0 wx1 | p0 rx_", ReadYourWrites, "read-your-writes"),
        ("p0 wx1 | p0 wx2 | p0 rx1", ReadYourWrites, "read-your-writes"),
        ("p1 wx1 | p0 rx1 wx2 | p0 rx1", ReadYourWrites, "read-your-writes"),
        ("p0 wx1 | p0 wy1 | p1 ry1 rx1", MonotonicWrites, "valid"),
        ("p0 wx1 | p0 wy1 | p1 ry1 rx_", MonotonicWrites, "monotonic-writes"),
        ("p0 wx1 | p0 wx2 | p0 wy1 | p1 ry1 rx1", MonotonicWrites, "monotonic-writes"),
        ("p0 wx1 | p1 rx1 | p1 wy1 | p2 ry1 rx1", WritesFollowReads, "valid"),
        ("p0 wx1 | p1 rx1 | p1 wy1 | p2 ry1 rx_", WritesFollowReads, "writes-follow-reads"),
        ("p0 wx1 | p3 rx1 wx2 | p1 rx2 wy1 | p2 ry1 rx1", WritesFollowReads, "writes-follow-reads"),
    ];
    for (line, level, expected) in cases {
        assert_eq!(found(line, level), expected, "{line} {}", level.name());
    }
}

#[test]
fn who_crashed_follows_its_session_and_precedes_nobody() {
    use Level::*;
    let after = "0-1 p0 wx1 | 2-? p0 wy2 | 4-5 p0 wz3 | 6-7 p1 ry2 rx_";
    let before = "0-? p0 wx1 | 2-3 p0 wy2 | 4-5 p2 rx1 | 6-7 p1 ry2 rx_";
    let read = "0-1 p2 wx1 | 2-3 p0 rx1 | 4-? p0 wy2 | 6-7 p0 wz3 | 8-9 p1 ry2 rx_";
    let cases = [
        (after, ReadAtomic, "valid"),
        (after, Causal, "causally-stale-read"),
        (after, Pram, "out-of-session-order"),
        (after, MonotonicWrites, "monotonic-writes"),
        (before, Causal, "valid"),
        (before, MonotonicWrites, "valid"),
        (read, WritesFollowReads, "writes-follow-reads"),
    ];
    for (line, level, expected) in cases {
        assert_eq!(found(line, level), expected, "{line} {}", level.name());
    }
}

#[test]
fn reads_of_nothing_are_told_where_they_matter() {
    use Level::*;
    let cases = [
        ("wx1 rx2", ReadCommitted, "internal"),
        ("0-1! wx1 | rx1", ReadCommitted, "G1a"),
        ("wx1 wx2 | rx1", ReadCommitted, "G1b"),
        ("rx1", Causal, "garbage-read"),
        ("rx1 wx1", Causal, "future-read"),
        ("rx1", MonotonicReads, "valid"),
        ("wx1 | wx2 | rx1 rx2", ReadCommitted, "valid"),
        ("wx1 | wx2 | rx1 rx2", ReadAtomic, "conflict-cycle, non-repeatable-read"),
        ("wx1 | wx1 | rx1", Causal, "unknown"),
        ("wx1 | wx1 | rx1 | rx7", Causal, "garbage-read"),
        ("ax1", Causal, "unknown"),
        ("0-? p0 wx1 | 1-2 p1 rx_", Causal, "valid"),
        ("0-? p0 wx1 | 1-2 p1 rx1 | 3-4 p1 rx_", Causal, "causally-stale-read"),
    ];
    for (line, level, expected) in cases {
        assert_eq!(found(line, level), expected, "{line} {}", level.name());
    }
}

#[test]
fn a_contradiction_is_told_from_its_premises() {
    let result = check(&history("p0 wx1 | p1 rx1 wy1 | p2 ry1 | p2 rx_"), Level::Causal);
    let finding = &result.findings[0];
    assert_eq!(
        finding.title,
        "op 3 (process 2) read x = null although it knew of op 0, which \
                               wrote x = 1 later"
    );
    let argument: Vec<&str> = finding.prose[4..].iter().map(String::as_str).collect();
    let expected = [
        "Op 0 comes before op 1, which read x = 1 from it.",
        "Op 1 comes before op 2, which read y = 1 from it.",
        "Op 2 comes before op 3 in the same session.",
        "Op 3 knew of op 0, which wrote x = 1, and read x = null, the initial value: but nothing \
         comes before the initial value. A contradiction.",
    ];
    assert_eq!(argument, expected);
}

/// Compares every level with its definition; returns how many were valid of each.
fn against_brute_force(seeds: std::ops::Range<u64>) -> Vec<usize> {
    let mut valid = vec![0; Level::ALL.len()];
    for seed in seeds {
        let line = draw(&mut Random(seed), 6);
        let history: History = history(&line);
        let txns = Transactions::of(&history).unwrap();
        for (level, valid) in Level::ALL.into_iter().zip(&mut valid) {
            let verdict = check(&history, level).verdict;
            let expected = holds(&txns, level);
            *valid += usize::from(expected);
            // Not all violations of this one are found; none is invented.
            if level == Level::WritesFollowReads && !expected {
                continue;
            }
            let right = if expected { Verdict::Valid } else { Verdict::Violated };
            assert_eq!(verdict, right, "{} of seed {seed}: {line}", level.name());
        }
    }
    valid
}

#[test]
fn every_level_agrees_with_its_definition() {
    let valid = against_brute_force(0..400);
    assert!(valid.iter().all(|&valid| (40..400).contains(&valid)), "{valid:?}");
}

#[test]
#[ignore = "minutes in a debug build"]
fn many_histories_agree_with_the_definitions() {
    let valid = against_brute_force(1_000..101_000);
    assert!(valid.iter().all(|&valid| valid > 10_000), "{valid:?}");
}
