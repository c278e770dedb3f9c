//! Porcupine's six labelled kv logs: every verdict must be right, and quick.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use isobar_checkers::models::Kv;
use isobar_checkers::{
    Budget, Event, EventType, History, Nanos, Process, Verdict, certificates, linearizable,
};
use serde_json::{Map, Value, json};

/// `ISOBAR_SHARED`, or `../shared` beside the workspace.
fn folder() -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    let shared = std::env::var_os("ISOBAR_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join("histories/porcupine-kv");
    if folder.is_dir() {
        return Some(folder);
    }
    let needed = std::env::var_os("ISOBAR_REQUIRE_LAB").is_some_and(|value| value == "1");
    assert!(!needed, "no folder {}: set ISOBAR_SHARED", folder.display());
    eprintln!("skipped: no folder {} (set ISOBAR_SHARED to the shared folder)", folder.display());
    None
}

/// `{:process 0, :type :ok, :f :append, :key "0", :value "x 0 0 y"}`
fn event(index: usize, line: &str) -> Event {
    let after = |name: &str| line.split_once(name).unwrap().1;
    let word = |name: &str| after(name).split([',', '}', ' ']).next().unwrap();
    let value = after(":value ").trim_end_matches('}');
    Event {
        index: index as u64,
        time: Nanos(index as u64),
        process: Process::Client(word(":process ").parse().unwrap()),
        kind: if word(":type :") == "invoke" { EventType::Invoke } else { EventType::Ok },
        f: word(":f :").to_owned(),
        key: Some(json!(word(":key "))),
        value: if value == "nil" { Value::Null } else { serde_json::from_str(value).unwrap() },
        node: None,
        error: None,
        extra: Map::new(),
    }
}

#[test]
#[ignore = "equal strings leave some keys to the search, which takes gigabytes"]
fn every_labelled_log_is_judged_right() {
    let Some(folder) = folder() else { return };
    let labels = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let mut judged = 0;
    let mut total = Duration::ZERO;
    for label in labels.lines() {
        let (name, expected) = label.split_once('\t').unwrap();
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let events: Vec<Event> =
            text.lines().enumerate().map(|(index, line)| event(index, line)).collect();
        let history = History::from_events(events).unwrap();
        let start = Instant::now();
        let result = linearizable(&history, &Kv, &Budget::default());
        total += start.elapsed();
        let right = if expected == "true" { Verdict::Valid } else { Verdict::Violated };
        assert_eq!(result.verdict, right, "{name}: {}", result.summary);
        // Equal strings in one log (c10-bad) leave some keys to the search.
        eprintln!("{name}\t{} keys searched", result.figures["keys_searched"]);
        if right == Verdict::Valid {
            for certificate in certificates(&history, &Kv, &Budget::default()).unwrap() {
                assert_eq!(certificate.verify(&history, &Kv), Ok(()), "{name}");
            }
        } else {
            let finding = &result.findings[0];
            assert!(finding.witness.is_some(), "{name}: {finding:?}");
            eprintln!("{name}\t{} operations\t{}", finding.operations.len(), finding.anomaly);
        }
        judged += 1;
    }
    eprintln!("checked in {total:?}");
    assert_eq!(judged, 6);
}
