//! The mechanical part of the house rules, so that nobody has to point them out.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// A file past this wants splitting.
const LINES_MAX: usize = 500;
/// A function past this wants splitting.
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;

#[test]
fn lines_files_and_functions_are_short_and_nothing_is_left_undone() {
    let mut found = Vec::new();
    for path in rust_files() {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
        check_lines(&name, &text, &mut found);
        check_functions(&name, &text, &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn check_lines(name: &str, text: &str, found: &mut Vec<String>) {
    let lines = text.lines().count();
    if lines > LINES_MAX {
        found.push(format!("{name}: {lines} lines, more than {LINES_MAX}"));
    }
    if !name.contains("tests") && !text.starts_with("//!") && !text.starts_with("#!") {
        found.push(format!("{name}: no `//!` header says what the module is for"));
    }
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        let width = line.chars().count();
        // A sample of a file's line is shown whole.
        if width > COLUMNS_MAX && !line.contains("{\"") {
            found.push(format!("{name}:{number}: {width} columns, more than {COLUMNS_MAX}"));
        }
        for word in [concat!("to", "do!("), concat!("db", "g!("), concat!("unimpl", "emented!(")] {
            if line.contains(word) {
                found.push(format!("{name}:{number}: `{word}…)` is left"));
            }
        }
    }
}

/// Relies on rustfmt: a function ends at the first `}` with the indentation of its `fn`.
fn check_functions(name: &str, text: &str, found: &mut Vec<String>) {
    let lines: Vec<&str> = text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let head = code.split("fn ").next().unwrap_or_default();
        let is_function = code.contains("fn ")
            && head
                .split_whitespace()
                .all(|word| ["pub", "pub(crate)", "pub(super)", "const", "async"].contains(&word));
        if !is_function {
            continue;
        }
        let end = lines[start..].iter().position(|l| {
            l.starts_with(&" ".repeat(indent(line)))
                && l.trim_start() == "}"
                && indent(l) == indent(line)
        });
        if let Some(length) = end.map(|end| end + 1).filter(|&length| length > FUNCTION_LINES_MAX) {
            let start = start + 1;
            found.push(format!("{name}:{start}: a function of {length} lines"));
        }
    }
}

/// All sources but generated ones.
fn rust_files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pending: Vec<PathBuf> = ["src", "tests", "checkers", "helper", "workloads"]
        .iter()
        .map(|folder| root.join(folder))
        .collect();
    let mut files = Vec::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
            pending.extend(entries.filter(|entry| !entry.ends_with("target")));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.to_string_lossy().contains("generated")
        {
            files.push(path);
        }
    }
    assert!(files.len() > 20, "the sources were not found");
    files
}
