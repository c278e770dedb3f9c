//! Files of other tools are read whole: every line ends up in an operation.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use isobar_checkers::History;
use isobar_checkers::history::{self, Completion};

/// `ISOBAR_SHARED`, or `../shared` beside the workspace.
fn folder(name: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    let shared = std::env::var_os("ISOBAR_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join("histories").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let needed = std::env::var_os("ISOBAR_REQUIRE_LAB").is_some_and(|value| value == "1");
    assert!(!needed, "no folder {}: set ISOBAR_SHARED", folder.display());
    eprintln!("skipped: no folder {} (set ISOBAR_SHARED to the shared folder)", folder.display());
    None
}

fn read(path: &Path) -> History {
    let file = BufReader::new(File::open(path).unwrap());
    history::read(&path.display().to_string(), file, None).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let labels = fs::read_to_string(folder.join("expected.tsv")).unwrap();
    labels.lines().map(|line| folder.join(line.split('\t').next().unwrap())).collect()
}

#[test]
fn logs_of_porcupines_key_value_store() {
    let Some(folder) = folder("porcupine-kv") else { return };
    let files = files(&folder);
    assert_eq!(files.len(), 6);
    for path in files {
        let history = read(&path);
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        let completed = history.operations().filter(|op| op.completion() == Completion::Ok);
        assert_eq!(history.len() + completed.count(), lines, "{}", path.display());
        for operation in history.operations() {
            assert!(["get", "put", "append"].contains(&operation.f()), "{operation:?}");
            assert!(operation.key().is_some_and(|key| key.is_string()), "{operation:?}");
        }
    }
}

#[test]
fn sessions_of_awdit() {
    let Some(folder) = folder("awdit") else { return };
    let files = files(&folder);
    assert_eq!(files.len(), 22);
    for path in files {
        let history = read(&path);
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().filter(|line| line.starts_with(['r', 'w'])).count();
        let operations: usize =
            history.operations().map(|op| op.result().as_array().unwrap().len()).sum();
        assert_eq!(operations, lines, "{}", path.display());
        assert!(history.untimed);
    }
}
