//! Accept/reject twins for each anomaly, and what could be argued.

#![allow(clippy::unwrap_used)]

use super::super::notation::history;
use super::super::{Anomaly, Model};
use super::*;
use crate::finding::{Dependency, Verdict};

fn judge(line: &str) -> CheckResult {
    list_append(&history(line), &TxnOptions::default())
}

/// The counted anomalies, as `G0 2, G1a 1`.
fn found(line: &str) -> String {
    let result = judge(line);
    let counts = result.figures["anomalies"].as_object().unwrap().clone();
    let counts: Vec<String> = counts.iter().map(|(name, n)| format!("{name} {n}")).collect();
    assert_eq!(result.verdict == Verdict::Violated, !counts.is_empty(), "{line}");
    counts.join(", ")
}

#[test]
fn each_anomaly_is_found_and_its_twin_is_not() {
    // Transactions overlap unless their times say otherwise.
    for (line, expected) in [
        ("0-9 ax1 ay1 | 0-9 ax2 ay2 | 0-9 rx[1,2] ry[2,1]", "G0 1"),
        ("0-9 ax1 ay1 | 0-9 ax2 ay2 | 0-9 rx[1,2] ry[1,2]", ""),
        ("0-1 p0 ax1 | 2-3 p0 ax2 | 4-5 rx[2,1]", "G0-process 1"),
        ("0-1 ax1 | 2-3 ax2 | 4-5 rx[2,1]", "G0-realtime 1"),
        ("0-2 ax1 | 1-3 ax2 | 4-5 rx[2,1]", ""),
        ("0-9 ax1 ry[1] | 0-9 ay1 rx[1]", "G1c 1"),
        ("0-9 ax1 ry[] | 0-9 ay1 rx[1]", ""),
        ("0-1 p0 rx[1] | 2-3 p0 ax1", "G1c-process 1"),
        ("0-1 rx[1] | 2-3 ax1", "G1c-realtime 1"),
        ("0-2 rx[1] | 1-3 ax1", ""),
        ("0-9 ax1 ay1 | 0-9 rx[1] ry[]", "G-single 1"),
        ("0-9 ax1 ay1 | 0-9 rx[1] ry[1]", ""),
        ("0-1 p0 ax1 | 2-3 p0 rx[]", "G-single-process 1"),
        ("0-1 ax1 | 2-3 rx[]", "G-single-realtime 1"),
        ("0-2 ax1 | 1-3 rx[]", ""),
        ("0-9 ax1 | 0-9 ay1 | 0-9 rx[1] ry[] | 0-9 rx[] ry[1]", "G-nonadjacent 1"),
        ("0-9 ax1 | 0-9 ay1 | 0-9 rx[1] ry[] | 0-9 rx[1] ry[1]", ""),
        ("0-1 p0 ax1 | 2-3 p0 ry[] | 0-9 ay1 | 0-9 ry[1] rx[]", "G-nonadjacent-process 1"),
        ("0-1 ax1 | 2-3 ry[] | 0-9 ay1 | 0-9 ry[1] rx[]", "G-nonadjacent-realtime 1"),
        ("0-9 rx[] ay1 | 0-9 ry[] ax1", "G2-item 1"),
        ("0-9 rx[] ay1 | 0-9 ry[1] ax1", ""),
        ("0-1 p0 ay1 | 2-9 p0 rx[] | 0-9 ry[] ax1", "G2-item-process 1"),
        ("0-1 ay1 | 2-9 rx[] | 0-9 ry[] ax1", "G2-item-realtime 1"),
        ("0-1! ax1 | 2-3 rx[1]", "G1a 1"),
        ("0-1! ax1 | 2-3 rx[]", ""),
        ("0-9 ax1 ax2 | 0-9 rx[1] | 0-9 rx[1,2]", "G1b 1"),
        ("0-9 ax1 ax2 | 0-9 rx[1,2]", ""),
        ("0-1! ax1 | 2-3 ax2 | 4-5 rx[1,2]", "G1a 1, dirty-update 1"),
        ("0-1 ax1 | 2-3 rx[1,1]", "duplicate-elements 1"),
        ("0-9 ax1 | 0-9 ax2 | 0-9 rx[1] | 0-9 rx[2]", "incompatible-order 1"),
        ("0-9 ax1 | 0-9 ax2 | 0-9 rx[1] | 0-9 rx[1,2]", ""),
        ("0-9 ax1 ax2 | 0-9 rx[2,1]", "G1b 1, incompatible-order 1"),
        ("0-9 ax1 ax2 | 0-9 rx[2]", "G-single 1, incompatible-order 1"),
        ("0-9 rx[1] ax1", "future-read 1"),
        ("0-9 rx[] ax1", ""),
        ("0-9 ax1 rx[]", "internal 1"),
        ("0-9 ax1 rx[1]", ""),
        ("0-9 ax1 | 0-9 ax2 rx[1,2]", ""),
        ("0-9 ax1 | 0-9 rx[] rx[1]", "G-single 1, internal 1"),
        ("0-9 rx[7]", "phantom-read 1"),
    ] {
        assert_eq!(found(line), expected, "{line}");
    }
}

#[test]
fn a_lost_update_is_told_beside_its_cycle() {
    assert_eq!(found("0-9 rx[] ax1 | 0-9 rx[] ax2 | 10-11 rx[1,2]"), "G-single 1, lost-update 1");
    // Nobody read what came of it: which was second is open, that one was lost is not.
    assert_eq!(found("0-9 rx[] ax1 | 0-9 rx[] ax2"), "G-single 1, lost-update 1");
    assert_eq!(found("0-9 rx[] ax1 | 0-9 rx[1] ax2"), "");
}

#[test]
fn an_order_that_nobody_saw_may_be_impossible_either_way() {
    let result = judge("0-9 ax1 rx[1] | 0-9 ax5 rx[5]");
    assert_eq!(result.figures["anomalies"], serde_json::json!({"G-single": 1}));
    let prose = result.findings[0].prose.join(" ");
    assert!(prose.contains("append of 5 to key \"x\", to which it appended 1 itself"), "{prose}");
    // Write skew, but both also append to a third list.
    let skew = "0-9 rx[] ay1 az1 | 0-9 ry[] ax1 az2";
    assert_eq!(found(skew), "G-single 1");
    let prose = judge(skew).findings[0].prose.join(" ");
    assert!(prose.contains("in an order that nobody saw"), "{prose}");
    assert_eq!(found("0-9 rx[] ay1 az1 | 0-9 ry[] ax1 az2 | 9-9 rz[1]"), "G-single 1");
}

/// The process that read appended 1 before 9, which its list has without it.
#[test]
fn who_does_not_find_what_it_appended_first_is_not_pram_either() {
    let line = "0-1 p2 ax1 | 1-2 p0 ax5 | 2-3 p2 ax9 | 4-5 p2 rx[9,5]";
    for (model, expected) in [("read-your-writes", "violated"), ("PRAM", "violated")] {
        let models = vec![Model::parse(model).unwrap()];
        let result = list_append(&history(line), &TxnOptions { models, ..TxnOptions::default() });
        assert_eq!(result.verdict.word(), expected, "{model}");
    }
}

/// Models that no anomaly rules out are searched for as well: of what is violated, the weakest.
#[test]
fn a_violation_is_told_by_the_weakest_models_it_rules_out() {
    for (line, not) in [
        // A process does not find what it appended itself.
        ("0-1 p0 ax1 | 2-3 p0 rx[] | 4-5 p1 rx[1]", "read-your-writes"),
        ("0-1 p0 ax1 | 0-1 p1 rx[1] | 2-3 p1 rx[]", "monotonic-reads"),
        ("0-9 ax1 ay1 | 0-9 rx[1] ry[]", "monotonic-atomic-view"),
        ("0-9 ax1 ay1 | 0-9 rx[] ry[1]", "read-atomic"),
        ("0-1 p0 ax1 | 2-3 p1 rx[]", "linearizable"),
    ] {
        let result = judge(line);
        let weakest: Vec<_> = result.figures["not"].as_array().unwrap().iter().collect();
        assert!(weakest.iter().any(|&name| name == not), "{line}: {weakest:?}");
        assert_eq!(result.findings.len(), 1, "{line}: told once");
    }
    // Only what was asked about is blamed.
    let line = "0-1 p0 ax1 | 2-3 p0 rx[] | 4-5 p1 rx[1] | 10-19 ry[] az1 | 10-19 rz[] ay1";
    let models = vec![Model::parse("serializable").unwrap()];
    let result = list_append(&history(line), &TxnOptions { models, ..TxnOptions::default() });
    let anomalies: Vec<_> = result.findings.iter().map(|found| &found.anomaly).collect();
    assert_eq!(anomalies, ["G2-item"]);
    assert!(result.figures["not"].to_string().contains("read-your-writes"));
}

#[test]
fn what_nobody_read_comes_after_what_was_read() {
    // Write skew on lists that nobody read again.
    assert_eq!(found("0-9 ax1 | 1-9 rx[1] ay1 | 1-9 ry[] ax2"), "G2-item 1");
    assert_eq!(found("0-1 ax1 | 2-3 ax2 | 4-5 rx[1]"), "G-single-realtime 1");
}

#[test]
fn crashed_transactions_count_from_the_moment_they_are_seen() {
    assert_eq!(found("0-? ax1 | 2-3 rx[]"), "");
    assert_eq!(found("0-? ax1 | 2-3 rx[1] | 4-5 rx[]"), "G-single-realtime 1");
    // One element seen: all appends of that transaction happened.
    assert_eq!(found("0-? ax1 ay1 | 2-9 rx[1] ry[]"), "G-single 1");
    // What a process does after it gave up may come before what it gave up.
    assert_eq!(found("0-? p0 ax1 | 2-3 p0 rx[] | 4-5 rx[1]"), "");
}

#[test]
fn an_element_appended_twice_leaves_it_open() {
    let result = judge("0-1 ax1 | 2-3 ax1 | 4-5 rx[1]");
    let reason = "1 was appended to key \"x\" more than once: op 0 and op 1";
    assert_eq!(result.verdict, Verdict::Unknown(reason.to_owned()));
    // A failed one did not happen.
    assert_eq!(found("0-1! ax1 | 2-3 ax1 | 4-5 rx[1]"), "");
    assert_eq!(found("0-1 ax1 | 2-3 ax1 | 4-5 rx[]"), "G-single-realtime 2");
}

#[test]
fn what_is_no_list_is_not_judged() {
    for line in ["0-1 wx1", "0-1 rx1"] {
        assert!(matches!(judge(line).verdict, Verdict::Unknown(_)), "{line}");
    }
    assert_eq!(judge("0-1 rx_").verdict, Verdict::Valid);
}

#[test]
fn a_history_without_times_is_not_judged_for_them() {
    let mut history = history("0-1 ax1 | 2-3 rx[]");
    history.untimed = true;
    let with = |model: &str| TxnOptions {
        models: vec![Model::parse(model).unwrap()],
        ..TxnOptions::default()
    };
    let strict = list_append(&history, &with("strict-serializable"));
    assert!(matches!(strict.verdict, Verdict::Unknown(_)));
    let sessions = list_append(&history, &with("strong-session-serializable"));
    assert_eq!(sessions.verdict, Verdict::Valid);
}

#[test]
fn only_what_was_promised_is_a_violation() {
    let history = history("0-1 ax1 | 2-3 rx[]");
    let options = |models: &[&str], anomalies: &[&str]| TxnOptions {
        models: models.iter().map(|name| Model::parse(name).unwrap()).collect(),
        anomalies: anomalies.iter().map(|name| Anomaly::parse(name).unwrap()).collect(),
        ..TxnOptions::default()
    };
    let serializable = list_append(&history, &options(&["serializable"], &[]));
    assert_eq!(serializable.verdict, Verdict::Valid);
    assert_eq!(serializable.figures["anomalies-allowed"], serde_json::json!(["G-single-realtime"]));
    assert!(serializable.findings.is_empty());
    let strong = list_append(&history, &options(&["serializable", "strong-SI"], &[]));
    assert_eq!(strong.verdict, Verdict::Violated);
    let other = list_append(&history, &options(&[], &["G0"]));
    assert_eq!(other.verdict, Verdict::Valid);
    let this = list_append(&history, &options(&[], &["G-single-item-realtime"]));
    assert_eq!(this.verdict, Verdict::Violated);
}

#[test]
fn a_stale_read_is_argued_to_the_contradiction() {
    let result = judge("1000000-2000000 ax5 | 3000000-4000000 p7 rx[]");
    let finding = &result.findings[0];
    assert_eq!(
        finding.prose,
        [
            "Let T1 = {op 1, process 7, r \"x\" [], 0.003 s to 0.004 s}.",
            "Let T2 = {op 0, process 0, append \"x\" 5, 0.001 s to 0.002 s}.",
            "Then T1 < T2, because T1 did not observe T2's append of 5 to key \"x\".",
            "However, T2 < T1, because T2 completed at 0.002 s, 0.001 s before the invocation of \
             T1 at 0.003 s: a contradiction!",
        ]
    );
    let cycle = finding.cycle.as_ref().unwrap();
    let kinds: Vec<Dependency> = cycle.edges.iter().map(|edge| edge.kind).collect();
    assert_eq!(kinds, [Dependency::Rw, Dependency::Realtime]);
    assert_eq!((cycle.edges[0].from_micro, cycle.edges[0].to_micro), (Some(0), Some(0)));
    assert_eq!(cycle.edges[0].to_value, Some(serde_json::json!(5)));
    let not = serde_json::json!(["linearizable", "strong-snapshot-isolation"]);
    assert_eq!(result.figures["not"], not);
}

#[test]
fn two_orders_of_a_list_are_set_against_one_another() {
    let row = |line: &str| {
        let result = list_append(&history(line), &TxnOptions::default());
        let finding = result.findings.iter().find(|f| f.anomaly == "incompatible-order").unwrap();
        let row = &finding.contrast[0];
        [row.what.clone(), row.expected.clone(), row.seen.clone()]
    };
    let apart = row("0-9 ax1 | 0-9 ax2 | 0-9 rx[1] | 0-9 rx[2,1]");
    assert_eq!(apart[1..], ["[2, 1], or a beginning of it", "[1]"]);
    assert!(apart[0].starts_with("key \"x\", by op "), "{apart:?}");
    let turned = row("0-9 ax1 ax2 | 0-9 rx[2,1]");
    assert_eq!(turned[1..], ["1 before 2", "[2, 1]: 2 without it"]);
}
