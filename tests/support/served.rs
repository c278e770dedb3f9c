//! A store written by hand, and `isobar serve` over it.

#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A run as `run.json`, `results.json` and `faults.jsonl` tell it.
#[derive(Clone, Debug)]
pub struct Written {
    pub test: String,
    /// Such as `2026-11-28T10:00:00Z`.
    pub began: String,
    pub seed: u64,
    /// Each once, against the check `linearizable`; none makes a valid run.
    pub anomalies: Vec<String>,
    pub faults: Vec<String>,
}

impl Written {
    pub fn new(test: &str, began: &str, anomalies: &[&str]) -> Self {
        let anomalies = anomalies.iter().map(|name| (*name).to_owned()).collect();
        Self { test: test.to_owned(), began: began.to_owned(), seed: 7, anomalies, faults: vec![] }
    }

    pub fn with_fault(mut self, name: &str) -> Self {
        self.faults.push(name.to_owned());
        self
    }

    /// The folder's name below that of the test.
    pub fn folder(&self) -> String {
        let stamp: String = self.began.chars().filter(|c| !"-:".contains(*c)).collect();
        format!("{stamp}-{}", self.seed)
    }

    /// Writes it below `store`.
    pub fn write(&self, store: &Path) -> PathBuf {
        let path = store.join(&self.test).join(self.folder());
        fs::create_dir_all(&path).unwrap();
        let meta = json!({
            "schema": 1, "isobar_version": "0.1.0", "name": self.test, "seed": self.seed,
            "started_at": self.began, "reach": {"local": {"nodes": 3}}, "lab": null,
            "nodes": [{"name": "n1", "address": "127.0.0.1"}], "system": "toy",
            "system_version": null, "arrivals_missed": 0, "complete": true,
            "phases": [{"name": "safety", "from": 0, "to": 12_000_000_000_u64}],
            "reproduce": format!("isobar demo --seed {}", self.seed),
        });
        let counts = json!({"invoked": 1234, "ok": 1230, "fail": 3, "info": 1});
        let verdict =
            json!({"verdict": if self.anomalies.is_empty() { "valid" } else { "violated" }});
        let finding = |anomaly: &String| {
            json!({
                "anomaly": anomaly, "key": "k1", "title": "a read was wrong", "prose": [],
                "operations": [4], "from": 3_000_000_000_u64, "to": 4_000_000_000_u64, "faults": [],
                "witness": null,
            })
        };
        let findings: Vec<Value> = self.anomalies.iter().map(finding).collect();
        let check = json!({"check": "linearizable", "verdict": verdict, "summary": "as it is",
            "figures": {}, "findings": findings});
        let results = json!({"schema": 1, "verdict": verdict, "complete": true,
            "operations": counts, "checks": [check], "trouble": []});
        let mut journal =
            json!({"event": "begin", "version": 1, "run": "r", "privileged": false}).to_string();
        for (id, fault) in self.faults.iter().enumerate() {
            let open = json!({"event": "open", "id": id, "fault": fault, "undo": {"n1": "true"}});
            let there = json!({"event": "installed", "id": id, "evidence": {"n1": "seen"}});
            let healed = json!({"event": "healed", "id": id});
            journal.push_str(&format!("\n{open}\n{there}\n{healed}"));
        }
        fs::write(path.join("run.json"), meta.to_string()).unwrap();
        fs::write(path.join("results.json"), results.to_string()).unwrap();
        fs::write(path.join("faults.jsonl"), format!("{journal}\n")).unwrap();
        path
    }
}

/// The program, serving; ended when this is dropped.
pub struct Served {
    child: Child,
    /// `127.0.0.1:41234`
    pub address: String,
    /// As printed, to open.
    pub url: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Of a header, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Served {
    pub fn over(store: &Path) -> Self {
        Self::with(store, &["--listen", "127.0.0.1:0"])
    }

    pub fn with(store: &Path, args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_isobar"))
            .arg("--store")
            .arg(store)
            .arg("--quiet")
            .arg("serve")
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let url = url.trim().to_owned();
        let address = url.split('/').nth(2).expect("an address is printed").to_owned();
        Self { child, address, url }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its exit code, when it has ended.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.address))
    }

    /// Sends a request as it is; `Connection: close` is added.
    pub fn ask(&self, request: &str) -> Answer {
        let port = self.address.rsplit(':').next().unwrap();
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        stream.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: bytes[end + 4..].to_vec() }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
