//! `isobar bench` as a user runs it.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/requirement.rs"]
mod requirement;

use std::process::{Command, Output};

use isobar::lab::{kind_or_default, requirements};
use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isobar"));
    command.args(["bench", "check"]).args(arguments).output().unwrap()
}

#[test]
fn rows_are_measured_each_in_a_process_of_its_own() {
    let output = bench(&["mutex", "jsonl", "--size-max", "10000", "--output", "json"]);
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rows: Vec<&Value> = lines.iter().map(|line| &line["measured"]["row"]).collect();
    assert_eq!(rows, ["jsonl", "mutex"]);
    for line in &lines {
        assert_eq!(line["schema"], 1);
        assert_eq!(line["measured"]["operations"], 10_000);
        assert_eq!(line["measured"]["verdict"], "valid");
        assert!(line["measured"]["cpu_ms"].as_f64().unwrap() > 0.0, "{line}");
    }
}

#[test]
fn the_table_has_a_head_and_a_line_per_row() {
    let output = bench(&["fenced-lock", "--size-max", "10000"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("row "), "{text}");
    assert!(lines[1].starts_with("fenced-lock "), "{text}");
    assert_eq!(lines.len(), 2, "{text}");
}

#[test]
fn an_unknown_row_is_a_usage_error_that_lists_them() {
    let output = bench(&["stacks"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("no row `stacks`") && error.contains("fifo-queue"), "{error}");
}

#[test]
fn faults_of_every_family_are_timed_on_the_nodes_of_a_lab() {
    let missing = requirements(kind_or_default(None)).err().map(|error| error.to_string());
    if !requirement::met(missing) {
        return;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_isobar"));
    let arguments = ["bench", "fault", "--nodes", "3", "--count", "2", "--output", "json"];
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |family: &str| lines.iter().find(|line| line["measured"]["family"] == family).unwrap();
    for family in ["partition", "loss", "kill", "pause", "truncate"] {
        let line = of(family);
        assert_eq!(line["measured"]["took_ms"].as_array().unwrap().len(), 2, "{line}");
        assert_eq!(line["measured"]["undone_ms"].as_array().unwrap().len(), 2, "{line}");
        assert!(line["p50_ms"].as_f64().unwrap() > 1.0, "{line}");
        assert_eq!(line["met"], line["p50_ms"].as_f64().unwrap() <= 150.0, "{line}");
    }
    // What cannot be done here is told, not left out.
    assert!(lines.len() >= 10, "{lines:?}");
    let delay = of("delay");
    assert_eq!(delay["p50_ms"].is_null(), delay["measured"]["skipped"].is_string(), "{delay}");
}
