//! Small histories, and the pages that `isobar check --report` makes of them.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

const MS: u64 = 1_000_000;

/// A history in isobar's own lines.
#[derive(Default)]
pub struct Recorded {
    events: Vec<Value>,
}

impl Recorded {
    /// An operation that was ok: process, function, key, argument, result, from and to in ms. It
    /// is known as twice its place.
    pub fn ok(
        self,
        process: u32,
        f: &str,
        key: Option<&str>,
        (argument, result): (Value, Value),
        (from, to): (u64, u64),
    ) -> Self {
        self.ended(process, "ok", f, key, (argument, result), (from, to))
    }

    pub fn ended(
        mut self,
        process: u32,
        kind: &str,
        f: &str,
        key: Option<&str>,
        (argument, result): (Value, Value),
        (from, to): (u64, u64),
    ) -> Self {
        let node = format!("n{}", process % 3 + 1);
        for (kind, value, at) in [("invoke", argument, from), (kind, result, to)] {
            let mut event = json!({"time": at * MS, "process": process, "type": kind, "f": f,
                "value": value, "node": node});
            if let Some(key) = key {
                event["key"] = json!(key);
            }
            self.events.push(event);
        }
        self
    }

    /// A partition that was installed, with evidence.
    pub fn partition(mut self, id: u32, from: u64, to: u64) -> Self {
        let grudge = json!({"n1": ["n2", "n3"], "n2": ["n1"], "n3": ["n1"]});
        let nodes = ["n1", "n2", "n3"];
        let proof = json!({"n1": "rule 1: 42 packets dropped"});
        for (kind, at, value) in [
            ("invoke", from, json!({"phase": "inject", "nodes": nodes, "grudge": grudge})),
            ("info", from, json!({"phase": "inject", "outcome": "installed", "evidence": proof})),
            ("invoke", to, json!({"phase": "heal"})),
            ("info", to, json!({"phase": "heal", "outcome": "healed", "evidence": proof})),
        ] {
            let mut value = value;
            value["id"] = json!(id);
            self.events.push(json!({"time": at * MS, "process": "nemesis", "type": kind,
                "f": "partition", "value": value}));
        }
        self
    }

    /// In order of time, numbered.
    fn lines(mut self) -> String {
        self.events.sort_by_key(|event| event["time"].as_u64());
        let line = |(index, mut event): (usize, Value)| {
            event["index"] = json!(index);
            format!("{event}\n")
        };
        self.events.into_iter().enumerate().map(line).collect()
    }

    /// Judged as `model`, by the command that anybody would use.
    pub fn page(self, model: &str) -> Page {
        let folder = tempfile::tempdir().unwrap();
        let history = folder.path().join("history.jsonl");
        std::fs::write(&history, self.lines()).unwrap();
        let path = folder.path().join("page.html");
        let output = Command::new(env!("CARGO_BIN_EXE_isobar"))
            .arg("check")
            .args(model.split(' '))
            .arg("--report")
            .args([&path, &history])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "not violated: {told}");
        Page { path, _folder: folder }
    }
}

/// A page on the disk, as long as this lives.
pub struct Page {
    pub path: PathBuf,
    _folder: TempDir,
}
