//! Twins for every model: a history that it rules out, and one that it allows although the models
//! next above it do not. Transactions overlap, so that time orders none, unless it says otherwise.

#![allow(clippy::unwrap_used)]

use super::notation::history;
use super::{Model, TxnOptions, list_append, rw_register};
use crate::finding::Verdict;

/// Model, rejected, accepted.
type Twins = (&'static str, &'static str, &'static str);

const SKEW: &str = "0-9 rx[] ay1 | 0-9 ry[] ax1";
const FORK: &str = "0-9 ax1 | 0-9 ay1 | 0-9 rx[1] ry[] | 0-9 rx[] ry[1]";
/// The same, and no single reader can have read at two moments.
const CROSSED: &str = "0-9 ax1 | 0-9 ay1 | 0-9 rx[1] ry[] | 0-9 ry[1] rx[]";
const FRACTURED: &str = "0-9 ax1 ay1 | 0-9 rx[] ry[1]";
const VANISHED: &str = "0-9 ax1 ay1 | 0-9 ry[1] rx[]";
const DIRTY: &str = "0-1! ax1 | 2-3 rx[1]";
/// Nobody can have seen y without x, by hearsay.
const HEARSAY: &str = "0-9 ax1 | 0-9 rx[1] ay1 | 0-9 ry[1] rx[]";
const LOST: &str = "0-9 rx[] ax1 | 0-9 rx[] ax2 | 0-9 rx[1,2]";
const TURNED: &str = "0-9 ax1 ay1 | 0-9 ax2 ay2 | 0-9 rx[1,2] ry[2,1]";
const STALE: &str = "0-1 ax1 | 2-3 rx[]";
const OWN_STALE: &str = "0-1 p0 ax1 | 2-3 p0 rx[]";
/// Two readers of two independent writes, each the other way round, and each a reader only.
const READERS: &str = "0-9 ax1 | 0-9 ay1 rx[1] | 0-9 rx[] | 0-9 ry[1]";
/// Two moments: y before, x after both were written.
const TWO_MOMENTS: &str = "0-9 ax1 ay1 | 0-9 rx[] ry[1]";

const LISTS: &[Twins] = &[
    ("read-uncommitted", TURNED, DIRTY),
    ("read-committed", DIRTY, VANISHED),
    ("monotonic-atomic-view", VANISHED, FRACTURED),
    ("monotonic-view", "0-9 ax1 | 0-9 rx[1] ay1 | 0-9 ry[1] rx[]", TWO_MOMENTS),
    ("monotonic-snapshot-read", CROSSED, FORK),
    ("read-atomic", FRACTURED, HEARSAY),
    ("update-atomic", LOST, HEARSAY),
    ("causal-cerone", HEARSAY, FORK),
    ("prefix", FORK, LOST),
    ("cursor-stability", LOST, FRACTURED),
    ("cursor-stability", "0-9 rx[] ax1 | 0-9 ax2 | 0-9 rx[2,1]", SKEW),
    ("consistent-view", FRACTURED, FORK),
    ("forward-consistent-view", VANISHED, FORK),
    ("parallel-snapshot-isolation", LOST, FORK),
    ("update-serializable", SKEW, FORK),
    ("update-serializable", "0-9 ax1 ay1 | 0-9 rx[1] ry[]", READERS),
    ("snapshot-isolation", FORK, SKEW),
    ("repeatable-read", SKEW, READERS),
    ("view-serializable", SKEW, OWN_STALE),
    ("serializable", SKEW, OWN_STALE),
    ("monotonic-reads", "0-1 ax1 | 2-3 p0 rx[1] | 4-5 p0 rx[]", FRACTURED),
    ("monotonic-writes", "p0 ax1 | p0 ay1 | ry[1] rx[]", OWN_STALE),
    ("monotonic-writes", "p0 ax1 | p0 ax2 | p0 ay1 | ry[1] rx[1]", "p0 ax1 | p0 ay1 | rx[1] ry[]"),
    ("read-your-writes", OWN_STALE, STALE),
    ("writes-follow-reads", "ax1 | p1 rx[1] | p1 ay1 | ry[1] rx[]", OWN_STALE),
    ("PRAM", "p0 ax1 | p0 ay1 | p1 ry[1] | p1 rx[]", HEARSAY),
    ("causal", HEARSAY, FORK),
    ("sequential", OWN_STALE, STALE),
    ("linearizable", STALE, "0-2 ax1 | 1-3 rx[]"),
    ("strong-session-read-uncommitted", "0-1 p0 ax1 | 2-3 p0 ax2 | 4-5 rx[2,1]", DIRTY),
    ("strong-session-read-committed", "0-1 p0 rx[1] | 2-3 p0 ax1", OWN_STALE),
    ("strong-session-snapshot-isolation", OWN_STALE, STALE),
    ("strong-session-serializable", OWN_STALE, STALE),
    ("strong-read-uncommitted", "0-1 ax1 | 2-3 ax2 | 4-5 rx[2,1]", DIRTY),
    ("strong-read-committed", "0-1 rx[1] | 2-3 ax1", STALE),
    ("strong-snapshot-isolation", STALE, SKEW),
    ("strict-serializable", STALE, "0-2 ax1 | 1-3 rx[]"),
];

#[test]
fn every_model_has_twins_on_lists() {
    for &(name, rejected, accepted) in LISTS {
        let model = Model::parse(name).unwrap();
        let options = TxnOptions { models: vec![model], ..TxnOptions::default() };
        for (line, expected) in [(rejected, Verdict::Violated), (accepted, Verdict::Valid)] {
            let result = list_append(&history(line), &options);
            assert_eq!(result.verdict, expected, "{name}: {line}\n{}", result.summary);
            assert_eq!(result.findings.is_empty(), expected == Verdict::Valid, "{name}: {line}");
        }
    }
    for model in Model::all() {
        assert!(LISTS.iter().any(|twins| twins.0 == model.name()), "{model} has no twins");
    }
}

/// What no algorithm decides and no neighbour either is unknown, and says so.
const REGISTERS: &[Twins] = &[
    ("read-uncommitted", "0-9 rx7", "0-9 wx1 ry1 | 0-9 wy1 rx1"),
    ("read-committed", "0-1! wx1 | 2-3 rx1", "0-9 wx1 wy1 | 0-9 rx_ ry1"),
    ("monotonic-atomic-view", "0-9 wx1 wy1 | 0-9 ry1 rx_", "0-9 wx1 wy1 | 0-9 rx_ ry1"),
    ("read-atomic", "0-9 wx1 wy1 | 0-9 rx_ ry1", "0-9 wx1 | 0-9 rx1 wy1 | 0-9 ry1 rx_"),
    ("consistent-view", "0-9 wx1 wy1 | 0-9 rx_ ry1", "0-9 rx_ wy1 | 0-9 ry_ wx1"),
    ("parallel-snapshot-isolation", "0-9 rx_ wx1 | 0-9 rx_ wx2", "0-9 rx_ wy1 | 0-9 ry_ wx1"),
    ("repeatable-read", "0-9 rx_ wy1 | 0-9 ry_ wx1", "0-1 p0 wx1 | 2-3 p0 rx_"),
    ("view-serializable", "0-9 rx_ wy1 | 0-9 ry_ wx1", "0-1 p0 wx1 | 2-3 p0 rx_"),
    ("snapshot-isolation", "0-9 rx_ wx1 | 0-9 rx_ wx2", "0-9 rx_ wy1 | 0-9 ry_ wx1"),
    ("serializable", "0-9 rx_ wy1 | 0-9 ry_ wx1", "0-1 p0 wx1 | 2-3 p0 rx_"),
    ("causal", "0-9 wx1 | 0-9 rx1 wy1 | 0-9 ry1 rx_", "0-9 rx_ wy1 | 0-9 ry_ wx1"),
    ("PRAM", "p0 wx1 | p0 wy1 | p1 ry1 | p1 rx_", "0-9 wx1 | 0-9 rx1 wy1 | 0-9 ry1 rx_"),
    ("monotonic-reads", "0-1 wx1 | 2-3 p0 rx1 | 4-5 p0 rx_", "0-9 wx1 wy1 | 0-9 rx_ ry1"),
    ("monotonic-writes", "p0 wx1 | p0 wy1 | ry1 rx_", "p0 wx1 | p0 wy1 | rx1 ry_"),
    ("read-your-writes", "0-1 p0 wx1 | 2-3 p0 rx_", "0-1 wx1 | 2-3 rx_"),
    ("writes-follow-reads", "wx1 | p1 rx1 | p1 wy1 | ry1 rx_", "0-9 rx_ wy1 | 0-9 ry_ wx1"),
    ("sequential", "0-1 p0 wx1 | 2-3 p0 rx_", "0-1 wx1 | 2-3 rx_"),
    ("linearizable", "0-1 wx1 | 2-3 rx_", "0-2 wx1 | 1-3 rx_"),
    ("strong-session-snapshot-isolation", "0-1 p0 wx1 | 2-3 p0 rx_", "0-1 wx1 | 2-3 rx_"),
    ("strong-session-serializable", "0-1 p0 wx1 | 2-3 p0 rx_", "0-1 wx1 | 2-3 rx_"),
    ("strong-session-read-committed", "0-1 p0 rx1 | 2-3 p0 wx1", "0-1 p0 wx1 | 2-3 p0 rx_"),
    ("strong-read-committed", "0-1 rx1 | 2-3 wx1", "0-1 wx1 | 2-3 rx_"),
    ("strong-snapshot-isolation", "0-1 wx1 | 2-3 rx_", "0-9 rx_ wy1 | 0-9 ry_ wx1"),
    ("strict-serializable", "0-1 wx1 | 2-3 rx_", "0-2 wx1 | 1-3 rx_"),
];

#[test]
fn models_have_twins_on_registers() {
    for &(name, rejected, accepted) in REGISTERS {
        let model = Model::parse(name).unwrap();
        let options = TxnOptions { models: vec![model], ..TxnOptions::default() };
        for (line, expected) in [(rejected, Verdict::Violated), (accepted, Verdict::Valid)] {
            let result = rw_register(&history(line), &options);
            assert_eq!(result.verdict, expected, "{name}: {line}\n{}", result.summary);
            assert_eq!(result.findings.is_empty(), expected == Verdict::Valid, "{name}: {line}");
        }
    }
}

#[test]
fn what_lies_between_decided_models_is_unknown() {
    let long_fork = "0-9 wx1 | 0-9 wy1 | 0-9 rx1 ry_ | 0-9 rx_ ry1";
    let judged = |name: &str| {
        let models = vec![Model::parse(name).unwrap()];
        rw_register(&history(long_fork), &TxnOptions { models, ..TxnOptions::default() }).verdict
    };
    let Verdict::Unknown(reason) = judged("prefix") else { panic!("{:?}", judged("prefix")) };
    assert_eq!(
        reason,
        "prefix: no anomaly shows that it is violated, though read-atomic is kept; \
         snapshot-isolation is not: what lies between is not decided"
    );
    assert_eq!(judged("snapshot-isolation"), Verdict::Violated);
    assert_eq!(judged("causal"), Verdict::Valid);
}
