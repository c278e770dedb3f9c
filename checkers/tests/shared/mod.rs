//! Histories of other tools with known verdicts, in `../shared/histories` beside the workspace or
//! under `ISOBAR_SHARED`.

#![allow(clippy::unwrap_used, dead_code)]

#[path = "../../../tests/support/requirement.rs"]
mod requirement;

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use isobar_checkers::History;
use isobar_checkers::history;

/// A folder of histories; `None`, and said, where it is not.
pub fn folder(name: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    let shared = std::env::var_os("ISOBAR_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join("histories").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let missing = folder.display();
    requirement::met(Some(format!("no folder {missing} (ISOBAR_SHARED names the one above it)")));
    None
}

/// The files of a folder with their labels, as `expected.tsv` has them.
pub fn labelled(folder: &Path) -> Vec<(PathBuf, String)> {
    let labels = fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let pair = |line: &str| {
        let (name, label) = line.split_once('\t').unwrap();
        (folder.join(name), label.to_owned())
    };
    labels.lines().map(pair).collect()
}

/// Reads a history of whatever format.
pub fn read(path: &Path) -> History {
    let file = BufReader::new(File::open(path).unwrap());
    history::read(&path.display().to_string(), file, None).unwrap()
}
