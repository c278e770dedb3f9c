//! What a contradiction is made of, and what it is called.

#![allow(clippy::unwrap_used)]

use crate::finding::{Finding, Verdict};
use crate::linearizability::notation::{edited, history, with_fault};
use crate::linearizability::{Budget, Register, linearizable};

fn finding(line: &str) -> Finding {
    let result = linearizable(&history(line), &Register, &Budget::default());
    assert_eq!(result.verdict, Verdict::Violated, "{line}");
    assert_eq!(result.figures["keys_searched"], 0, "{line}");
    result.findings.into_iter().next().unwrap()
}

#[test]
fn anomalies_have_the_name_of_the_field() {
    for (line, name, operations) in [
        ("0-1 w1, 2-3 w2, 4-5 r1, 6-7 r2", "stale-read", 3),
        ("0-1 w1, 2-3 r_", "stale-read", 2),
        ("0-1 w1, 2-3 c1:2, 4-5 r1", "stale-read", 3),
        ("0-1 w1, 2-3 w2, 4-5 r1, 6-7 r1", "lost-write", 3),
        ("0-1 r1, 2-3 w1", "future-read", 2),
        ("0-1 w1, 2-3 c1:2, 0-1 r2", "future-read", 2),
        ("0-1 w1, 2-3 r9", "phantom-read", 1),
        ("0-1 w1, 2-3! w2, 4-5 r2", "dirty-read", 1),
        ("0-1 w1, 2-9 c1:2, 2-9 c1:3", "lost-update", 3),
        ("0-1 w1, 2-3 w2, 4-5 c1:3", "lost-update", 3),
        ("0-9 c1:2, 0-9 c2:1, 0-1 w5", "cyclic-versions", 2),
        ("0-9 c1:2, 0-9 c2:3, 0-9 c3:1", "cyclic-versions", 3),
    ] {
        let finding = finding(line);
        assert_eq!(
            (finding.anomaly.as_str(), finding.operations.len()),
            (name, operations),
            "{line}"
        );
    }
}

#[test]
fn four_operations_and_the_writers_of_what_they_read_are_enough() {
    let line = "0-40 w1, 0-40 w2, 1-2 r1, 3-4 r2, 10-11 r1, 12-13 r2, 5-6 r2, 14-15 r2, 50-51 w3, \
                52-53 r3, 54-55 r3";
    let finding = finding(line);
    assert_eq!(finding.anomaly, "stale-read");
    let indices: Vec<u32> = finding.operations.iter().map(|index| index.0).collect();
    // Both writers, two reads of 1 and one or two of 2: no less explains itself.
    assert!(indices.len() <= 6, "{indices:?}");
    assert!(indices.starts_with(&[0, 2]), "{indices:?}");
}

#[test]
fn a_long_chain_is_cut_to_the_links_that_matter() {
    let mut items = vec!["0-1 w1".to_owned()];
    items.extend((1..500).map(|value| format!("{0}-{0} c{value}:{1}", value * 2, value + 1)));
    items.push("2000-2001 r250".to_owned());
    let finding = finding(&items.join(", "));
    assert_eq!(finding.anomaly, "stale-read");
    assert_eq!(finding.operations.len(), 3, "{:?}", finding.prose);
}

#[test]
fn the_argument_can_be_read() {
    let ms = 1_000_000_u64;
    let line = format!(
        "{}-{} w12@k, {}-{} w17@k, {}-{} r12@k, {}-{} r17@k",
        4000 * ms,
        4002 * ms,
        4100 * ms,
        4102 * ms,
        4250 * ms,
        4252 * ms,
        4300 * ms,
        4301 * ms
    );
    let history = edited(history(&line), |operations| operations[2].node = Some("n3".to_owned()));
    let result = linearizable(&history, &Register, &Budget::default());
    let finding = &result.findings[0];
    assert_eq!(
        finding.title,
        "op 4 (process 2 on n3) on key \"k\" read 12, although that had been replaced before it \
         began"
    );
    assert_eq!(
        finding.prose,
        [
            "Op 0 (process 0) wrote 12, from 4.000 s, and was acknowledged at 4.002 s.",
            "Op 2 (process 1) wrote 17, from 4.100 s, and was acknowledged at 4.102 s.",
            "Op 4 (process 2 on n3) read 12, from 4.250 s to 4.252 s.",
            "Op 0 completed at 4.002 s, before op 2 was invoked at 4.100 s, so 12 came before 17.",
            "Op 2 completed at 4.102 s, before op 4 was invoked at 4.250 s, so by then 17 had \
             replaced 12.",
            "12 was written only once, so 12 cannot come back. So no order of these operations \
             agrees with real time: a contradiction.",
        ]
    );
    let witness = finding.witness.as_ref().unwrap();
    assert_eq!(witness.linearization.len(), 2);
    assert_eq!(witness.state, 17);
    assert_eq!(witness.blocked[0].reason, "it found 12, but the value is 17");
}

#[test]
fn a_fault_in_force_is_named() {
    let line = "0-1 w1, 2-3 w2, 4-5 r1";
    let history = with_fault(with_fault(history(line), "kill", 9, None), "pause", 3, Some(3));
    let result = linearizable(&history, &Register, &Budget::default());
    assert_eq!(result.findings[0].faults, [1]);
}
