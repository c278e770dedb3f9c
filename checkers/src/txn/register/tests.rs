//! Accept/reject twins for each anomaly, and what could be argued.

#![allow(clippy::unwrap_used)]

use super::super::notation::history;
use super::by_inference as rw_register;
use super::*;
use crate::finding::Verdict;

fn judge(line: &str, assumptions: Assumptions) -> CheckResult {
    let options = TxnOptions { assumptions, ..TxnOptions::default() };
    rw_register(&history(line), &options, &mut |_, _, _| None)
}

/// The counted anomalies, as `G0 2, G1a 1`.
fn found_with(line: &str, assumptions: Assumptions) -> String {
    let result = judge(line, assumptions);
    let counts = result.figures["anomalies"].as_object().unwrap().clone();
    let counts: Vec<String> = counts.iter().map(|(name, n)| format!("{name} {n}")).collect();
    assert_eq!(result.verdict == Verdict::Violated, !counts.is_empty(), "{line}");
    counts.join(", ")
}

fn found(line: &str) -> String {
    found_with(line, Assumptions::default())
}

const SEQUENTIAL: Assumptions =
    Assumptions { wfr_keys: false, sequential_keys: true, linearizable_keys: false };
const LINEARIZABLE: Assumptions =
    Assumptions { wfr_keys: false, sequential_keys: false, linearizable_keys: true };

#[test]
fn each_anomaly_is_found_and_its_twin_is_not() {
    for (line, expected) in [
        ("0-9 wx1 ry1 | 0-9 wy1 rx1", "G1c 1"),
        ("0-9 wx1 ry_ | 0-9 wy1 rx1", ""),
        ("0-1 p0 rx1 | 2-3 p0 wx1", "G1c-process 1"),
        ("0-1 rx1 | 2-3 wx1", "G1c-realtime 1"),
        ("0-9 wx1 wy1 | 0-9 rx1 ry_", "G-single 1"),
        ("0-9 wx1 wy1 | 0-9 rx1 ry1", ""),
        ("0-1 p0 wx1 | 2-3 p0 rx_", "G-single-process 1"),
        ("0-1 wx1 | 2-3 rx_", "G-single-realtime 1"),
        ("0-2 wx1 | 1-3 rx_", ""),
        ("0-9 wx1 | 0-9 wy1 | 0-9 rx1 ry_ | 0-9 rx_ ry1", "G-nonadjacent 1"),
        ("0-9 wx1 | 0-9 wy1 | 0-9 rx1 ry_ | 0-9 rx1 ry1", ""),
        ("0-9 rx_ wy1 | 0-9 ry_ wx1", "G2-item 1"),
        ("0-9 rx_ wy1 | 0-9 ry1 wx1", ""),
        ("0-9 wx1 | 0-9 rx1 wx2 wy1 | 0-9 ry1 rx1", "G-single 1"),
        ("0-9 wx1 | 0-9 rx1 wx2 wy1 | 0-9 ry1 rx2", ""),
        ("0-1! wx1 | 2-3 rx1", "G1a 1"),
        ("0-9 wx1 wx2 | 0-9 rx1", "G1b 1"),
        ("0-9 rx1 wx1", "future-read 1"),
        ("0-9 wx1 rx_", "internal 1"),
        ("0-9 wx1 rx1", ""),
        ("0-9 wx1 | 0-9 rx_ rx1", "internal 1"),
        ("0-9 rx7", "phantom-read 1"),
        ("0-9 rx_ wx1 | 0-9 rx_ wx2", "G2-item 1, lost-update 1"),
        ("0-9 rx_ wx1 | 0-9 rx1 wx2", ""),
        ("0-? wx1 wy1 | 2-3 rx1 ry_", "G-single 1"),
        ("0-? wx1 | 2-3 rx_", ""),
    ] {
        assert_eq!(found(line), expected, "{line}");
    }
}

#[test]
fn assumptions_find_more() {
    let stale = "0-1 wx1 | 2-3 wx2 | 4-5 rx1";
    assert_eq!(found(stale), "");
    assert_eq!(found_with(stale, LINEARIZABLE), "cyclic-versions 1");
    let stale = "0-1 wx1 | 2-3 wx2 wy1 | 3-9 ry1 rx1";
    assert_eq!(found(stale), "");
    assert_eq!(found_with(stale, LINEARIZABLE), "G-single 1");
    let mine = "0-1 p0 wx1 | 2-3 p0 wx2 wy1 | 0-9 ry1 rx1";
    assert_eq!(found(mine), "");
    assert_eq!(found_with(mine, SEQUENTIAL), "G-single 1");
    let fresh = "0-1 wx1 | 2-3 wx2 wy1 | 3-9 ry1 rx2";
    assert_eq!(found_with(fresh, LINEARIZABLE), "");
    assert_eq!(
        found_with("0-1 p0 rx1 | 2-3 p0 rx_ | 0-9 wx1", SEQUENTIAL),
        "G-single-process 1, \
                                                                             cyclic-versions 1"
    );
}

#[test]
fn a_value_written_twice_leaves_it_open() {
    for line in ["0-1 wx1 | 2-3 wx1 | 4-5 rx1", "0-1 wx_ | 2-3 rx_"] {
        let Verdict::Unknown(reason) = judge(line, Assumptions::default()).verdict else {
            panic!("{line}");
        };
        assert!(reason.ends_with("was written to key \"x\" more than once"), "{reason}");
    }
    assert_eq!(found("0-1! wx1 | 2-3 wx1 | 4-5 rx1"), "");
}

#[test]
fn an_anti_dependency_says_how_it_is_known() {
    let result = judge("0-9 wx1 wy1 | 0-9 rx1 ry_", Assumptions::default());
    let prose = result.findings[0].prose.join("\n");
    let because = "because T2 read null of key \"y\", which T1's write of 1 replaced, as the \
                   initial state comes first";
    assert!(prose.contains(because), "{prose}");
}
