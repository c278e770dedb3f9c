//! The 102 labelled logs of Jepsen's etcd test: every verdict must be right.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "../../tests/support/requirement.rs"]
mod requirement;

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use isobar_checkers::history::porcupine;
use isobar_checkers::{Budget, Register, Verdict, certificates, linearizable};

/// `ISOBAR_SHARED`, or `../shared` beside the workspace.
fn folder() -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    let shared = std::env::var_os("ISOBAR_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join("histories/porcupine-etcd");
    if folder.is_dir() {
        return Some(folder);
    }
    let folder = folder.display();
    requirement::met(Some(format!("no folder {folder} (ISOBAR_SHARED names the one above it)")));
    None
}

#[test]
fn every_labelled_log_is_judged_right() {
    let Some(folder) = folder() else { return };
    let labels = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let mut judged = 0;
    for label in labels.lines() {
        let (name, expected) = label.split_once('\t').unwrap();
        let file = BufReader::new(File::open(folder.join(name)).unwrap());
        let history = porcupine::read(name, file).unwrap();
        let budget = Budget::default();
        let result = linearizable(&history, &Register, &budget);
        let right = if expected == "true" { Verdict::Valid } else { Verdict::Violated };
        assert_eq!(result.verdict, right, "{name}: {}", result.summary);
        if right == Verdict::Valid {
            for certificate in certificates(&history, &Register, &budget).unwrap() {
                assert_eq!(certificate.verify(&history, &Register), Ok(()), "{name}");
            }
        } else {
            let finding = &result.findings[0];
            assert!(finding.witness.is_some(), "{name}: {finding:?}");
            let (anomaly, count) = (&finding.anomaly, finding.operations.len());
            eprintln!("{name}\t{anomaly}\t{count} operations\t{}", finding.title);
        }
        judged += 1;
    }
    assert_eq!(judged, 102);
}
