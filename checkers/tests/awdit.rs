//! AWDIT's labelled histories: the strongest of read committed, read atomic and causal that each
//! satisfies must be right.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;

use isobar_checkers::Verdict;
use isobar_checkers::history;
use isobar_checkers::txn::weak::{Level, check};

/// `ISOBAR_SHARED`, or `../shared` beside the workspace.
fn folder() -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    let shared = std::env::var_os("ISOBAR_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join("histories/awdit");
    if folder.is_dir() {
        return Some(folder);
    }
    let needed = std::env::var_os("ISOBAR_REQUIRE_LAB").is_some_and(|value| value == "1");
    assert!(!needed, "no folder {}: set ISOBAR_SHARED", folder.display());
    eprintln!("skipped: no folder {} (set ISOBAR_SHARED to the shared folder)", folder.display());
    None
}

#[test]
fn every_labelled_history_is_judged_right() {
    let Some(folder) = folder() else { return };
    let labels = fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let mut wrong = Vec::new();
    for line in labels.lines() {
        let (name, strongest) = line.split_once('\t').unwrap();
        let file = BufReader::new(File::open(folder.join(name)).unwrap());
        let history = history::read(name, file, None).unwrap();
        let levels = [Level::ReadCommitted, Level::ReadAtomic, Level::Causal];
        let kept = levels.iter().position(|level| level.name() == strongest);
        for (place, level) in levels.into_iter().enumerate() {
            let result = check(&history, level);
            let valid = kept.is_some_and(|kept| place <= kept);
            let right = if valid { Verdict::Valid } else { Verdict::Violated };
            if result.verdict != right {
                wrong.push(format!("{name}: {} is {:?}", level.name(), result.verdict));
            }
            if let Some(finding) = result.findings.first() {
                let size = finding.operations.len();
                eprintln!("{name}\t{}\t{size} operations\t{}", level.name(), finding.title);
            }
        }
    }
    assert_eq!(labels.lines().count(), 22);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
