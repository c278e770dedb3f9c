//! Runs made of data, for tests of what people read.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use isobar_checkers::history::{Completion, History, Operation, OwnedOperation};
use isobar_checkers::{
    Blocked, CheckResult, FaultWindow, Finding, InjectOutcome, Nanos, OpIndex, Step, Verdict,
    Witness,
};
use serde_json::{Value, json};

use super::Source;
use crate::spec::{LocalSpec, Reach, Roles};
use crate::store::{NodeMeta, OperationCounts, Phase, Results, RunMeta, TraceMeta};

const MS: u64 = 1_000_000;
const SPEC: &str = "version: 1\nname: etcd-register\nseed: 42\ncluster:\n  lab: { nodes: 5 }\n\
    system:\n  etcd: {}\nworkload:\n  register: { keys: 10, ops-per-key: 300 }\n\
    load: { concurrency: 3n, rate: 100/s, time: 30s }\nfaults:\n  \
    - partition: { split: { isolate: followers }, every: 10s, for: 5s }\nchecks:\n  \
    - linearizable: {}\n  - availability: { min-ok: 90%, recovery: 5s }\n";

/// The owned parts of a [`Source`].
pub struct Sample {
    pub meta: RunMeta,
    pub spec: String,
    pub results: Results,
    pub history: History,
}

impl Sample {
    pub fn source<'a>(&'a self, directory: &'a Path) -> Source<'a> {
        Source {
            meta: &self.meta,
            spec: &self.spec,
            results: &self.results,
            history: &self.history,
            directory,
        }
    }

    pub fn all() -> Vec<(&'static str, Self)> {
        vec![
            ("stale-read", Self::stale_read()),
            ("valid", Self::valid()),
            ("two-findings", Self::two_findings()),
            ("unknown", Self::unknown()),
            ("low-availability", Self::low_availability()),
            ("incomplete", Self::incomplete()),
            ("hostile", Self::hostile()),
        ]
    }

    /// What a run collects from its nodes.
    pub fn write_logs(&self, directory: &Path) {
        // A hostile name is no name of a folder.
        for node in self.meta.nodes.iter().filter(|node| !node.name.contains(['/', '\0'])) {
            let folder = directory.join("nodes").join(&node.name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("etcd.log"), "elected leader\n").unwrap();
        }
    }

    /// Thirty seconds of load without findings.
    pub fn valid() -> Self {
        let history = load();
        let operations = counts(&history);
        let checks = vec![
            check("linearizable", Verdict::Valid, "10 keys, 2,970 operations: all linearizable"),
            availability(Verdict::Valid, "97.6% of operations ok, at least 90% promised"),
            check("stats", Verdict::Valid, "every kind of operation succeeded"),
            check("vacuity", Verdict::Valid, "reads, writes and 3 faults with evidence"),
        ];
        let results = Results {
            schema: 1,
            verdict: Verdict::Valid,
            complete: true,
            operations,
            checks,
            trouble: Vec::new(),
        };
        Self { meta: meta(), spec: SPEC.to_owned(), results, history }
    }

    /// A follower cut off from the others answers from its own copy.
    pub fn stale_read() -> Self {
        let mut sample = Self::valid();
        let base = 100_000;
        let story = [
            op(base, 3, "n1", "write", json!(17), Completion::Ok, Value::Null, (16_000, 16_012)),
            op(
                base + 2,
                7,
                "n4",
                "write",
                json!(21),
                Completion::Ok,
                Value::Null,
                (16_020, 16_034),
            ),
            op(base + 3, 4, "n2", "read", Value::Null, Completion::Ok, json!(21), (16_041, 16_044)),
            op(base + 6, 9, "n5", "read", Value::Null, Completion::Ok, json!(17), (16_051, 16_053)),
        ];
        let indices: Vec<OpIndex> = story.iter().map(|op| op.index).collect();
        edit(&mut sample.history, |operations| operations.extend(story));
        let step =
            |place: usize, state: u64| Step { operation: indices[place], state: json!(state) };
        let finding = Finding {
            anomaly: "stale-read".to_owned(),
            key: Some(json!("k3")),
            title: "process 9 on n5 read 17 from k3 at 16.053 s, 19 ms after it was overwritten"
                .to_owned(),
            prose: vec![
                "Let op 100000 = write 17, op 100002 = write 21 and op 100006 = read → 17.".into(),
                "Op 100000 ended before op 100002 began, so 21 replaced 17.".into(),
                "Op 100002 ended at 16.034 s; op 100006 began at 16.051 s.".into(),
                "Op 100003 read 21 in between, so 21 was there to be seen.".into(),
                "However, op 100006 returned 17, which nobody wrote again: a contradiction.".into(),
            ],
            operations: indices.clone(),
            from: Nanos(16_000 * MS),
            to: Nanos(16_053 * MS),
            faults: vec![2],
            witness: Some(Witness {
                linearization: vec![step(0, 17), step(1, 21), step(2, 21)],
                state: json!(21),
                blocked: vec![Blocked {
                    operation: indices[3],
                    reason: "it read 17, but the register holds 21".to_owned(),
                }],
            }),
            cycle: None,
            contrast: Vec::new(),
        };
        sample.results.operations = counts(&sample.history);
        sample.results.verdict = Verdict::Violated;
        sample.results.checks[0] = CheckResult {
            findings: vec![finding],
            ..check("linearizable", Verdict::Violated, "1 of 10 keys is not linearizable: k3")
        };
        sample
    }

    /// Also a write of which nobody knows whether it happened, and a read that can never be right.
    pub fn two_findings() -> Self {
        let mut sample = Self::stale_read();
        let index = |place: u32| OpIndex(200_000 + place);
        let open =
            op(200_000, 2, "n4", "write", json!(5), Completion::Info, Value::Null, (1, 2001));
        let read = op(200_001, 2, "n4", "read", Value::Null, Completion::Ok, json!(6), (3, 9));
        let finding = Finding {
            anomaly: "dirty-read".to_owned(),
            key: Some(json!("k3")),
            title: "process 2 on n4 read 6 from k3, which nobody wrote".to_owned(),
            prose: vec!["op-200001 read 6, but no operation wrote 6: a contradiction.".to_owned()],
            operations: vec![index(0), index(1)],
            from: Nanos(MS),
            to: Nanos(9 * MS),
            faults: Vec::new(),
            witness: Some(Witness {
                linearization: Vec::new(),
                state: Value::Null,
                blocked: vec![Blocked {
                    operation: index(1),
                    reason: "it read 6, but the register is empty".to_owned(),
                }],
            }),
            cycle: None,
            contrast: Vec::new(),
        };
        sample.results.checks[0].findings.extend([finding.clone(), finding]);
        edit(&mut sample.history, |operations| operations.extend([open, read]));
        sample.results.operations = counts(&sample.history);
        sample
    }

    pub fn unknown() -> Self {
        let mut sample = Self::valid();
        let reason = "3 keys used up the budget of 1,000,000 configurations; set \
                      `linearizable: { budget-states: … }` higher";
        sample.results.verdict = Verdict::Unknown(format!("linearizable: {reason}"));
        sample.results.checks[0] = check(
            "linearizable",
            Verdict::Unknown(reason.to_owned()),
            "7 of 10 keys are linearizable, 3 undecided",
        );
        sample
    }

    pub fn low_availability() -> Self {
        let mut sample = Self::valid();
        let finding = Finding {
            anomaly: "slow-recovery".to_owned(),
            key: None,
            title: "n5 answered again 9.7 s after fault 2 ended, at most 5 s promised".to_owned(),
            prose: vec![
                "Fault 2 (partition) ended at 20.1 s.".to_owned(),
                "The next ok operation on n5 ended at 29.8 s.".to_owned(),
            ],
            operations: Vec::new(),
            from: Nanos(15_000 * MS),
            to: Nanos(29_900 * MS),
            faults: vec![2],
            witness: None,
            cycle: None,
            contrast: Vec::new(),
        };
        sample.results.verdict = Verdict::Violated;
        let summary = "recovery took 9.7 s on n5, at most 5 s promised";
        sample.results.checks[1] =
            CheckResult { findings: vec![finding], ..availability(Verdict::Violated, summary) };
        sample
    }

    /// The controller died in the middle of the second partition.
    pub fn incomplete() -> Self {
        let mut sample = Self::stale_read();
        sample.meta.complete = false;
        sample.meta.phases.truncate(2);
        sample.meta.phases[1].to = None;
        sample.results.complete = false;
        sample.results.trouble = vec!["n5 could not be reached to collect its logs".to_owned()];
        let end = Nanos(18_000 * MS);
        edit(&mut sample.history, |operations| operations.retain(|op| op.invoked_at < end));
        sample.history.faults.truncate(2);
        let cut = &mut sample.history.faults[1];
        (cut.heal_from, cut.to) = (None, None);
        cut.heal_evidence.clear();
        sample.history.end = end;
        sample.history.remarks = vec!["line 7,012 is torn and was left out".to_owned()];
        sample.results.operations = counts(&sample.history);
        sample
    }

    /// A database which answers with markup, controls, marks of direction and megabytes.
    pub fn hostile() -> Self {
        let mut sample = Self::stale_read();
        let evil = "</script></style><img src=x onerror=alert(1)>\"'`\u{202e}gnp\0\u{1b}[31m";
        let huge = "y".repeat(1 << 20);
        sample.meta.name = evil.to_owned();
        sample.meta.system = evil.to_owned();
        sample.meta.reproduce = format!("isobar run '{evil}'");
        sample.meta.nodes[0].name = evil.to_owned();
        sample.spec = format!("# {evil}\n# {{{{body}}}}\n# {huge}");
        sample.results.trouble = vec![evil.to_owned(), huge.clone()];
        edit(&mut sample.history, |operations| {
            for op in operations {
                op.node = Some(evil.to_owned());
                if op.index.0 >= 100_000 {
                    op.argument = json!(format!("{evil}{huge}"));
                    op.result = json!({evil: [huge.clone()]});
                    op.error = Some(evil.to_owned());
                }
                if op.index.0 % 3 == 0 {
                    op.key = Some(json!(evil));
                }
            }
        });
        for fault in &mut sample.history.faults {
            fault.fault = evil.to_owned();
            fault.detail.insert(evil.to_owned(), json!(evil));
            fault.evidence.insert(evil.to_owned(), huge.clone());
            fault.nodes = vec![evil.to_owned()];
        }
        let mut bad = sample.results.checks[0].clone();
        bad.check = evil.to_owned();
        bad.summary = format!("{evil}{huge}");
        bad.figures.insert(evil.to_owned(), json!(evil));
        let finding = &mut bad.findings[0];
        finding.anomaly = evil.to_owned();
        finding.key = Some(json!(evil));
        finding.title = format!("{evil}{huge}");
        finding.prose = vec![evil.to_owned(), huge.clone()];
        if let Some(witness) = &mut finding.witness {
            witness.state = json!(evil);
            witness.linearization[0].state = json!(huge);
            witness.blocked[0].reason = format!("{evil}{huge}");
        }
        let doubtful = check(evil, Verdict::Unknown(format!("{evil}{huge}")), evil);
        sample.results.checks = vec![bad, doubtful];
        sample
    }
}

fn check(name: &str, verdict: Verdict, summary: &str) -> CheckResult {
    CheckResult {
        check: name.to_owned(),
        verdict,
        summary: summary.to_owned(),
        figures: Default::default(),
        findings: Vec::new(),
    }
}

fn availability(verdict: Verdict, summary: &str) -> CheckResult {
    let mut result = check("availability", verdict, summary);
    result.figures.insert("ok_share".to_owned(), json!(0.976));
    result.figures.insert("recovery_ms_max".to_owned(), json!(3412));
    result
}

#[allow(clippy::too_many_arguments, reason = "a line of a story, read as one")]
fn op(
    index: u32,
    process: u32,
    node: &str,
    f: &str,
    argument: Value,
    completion: Completion,
    result: Value,
    (from_ms, to_ms): (u64, u64),
) -> OwnedOperation {
    let to = Nanos(to_ms * MS);
    let known = completion != Completion::Info;
    OwnedOperation {
        index: OpIndex(index),
        process,
        f: f.to_owned(),
        key: Some(json!("k3")),
        argument,
        completion,
        result,
        invoked_at: Nanos(from_ms * MS),
        scheduled_at: None,
        completed_at: known.then_some(to),
        gave_up_at: (!known).then_some(to),
        node: Some(node.to_owned()),
        error: (!known).then(|| "timed out after 2 s".to_owned()),
    }
}

/// A hundred operations per second for thirty seconds over ten keys, slower and less lucky on the
/// nodes which a fault has hit. Times come from multiplying by primes, not from a generator of
/// random numbers: snapshots stay the same for ever.
fn load() -> History {
    let faults = faults();
    let mut state = [0u64; 10];
    let mut operations = Vec::new();
    for number in 0..2970u64 {
        let at_ms = number * 10 + number * 7919 % 7;
        let node = number * 104_729 % 5;
        let key = (number * 31 % 10) as usize;
        let hit = faults.iter().any(|fault| {
            let to = fault.to.map_or(u64::MAX, |to| to.0);
            let name = format!("n{}", node + 1);
            (fault.from.0..to).contains(&(at_ms * MS)) && fault.nodes.contains(&name)
        });
        let slow = number * 48_271 % 97;
        let (completion, took_ms) = match slow % 5 {
            0 if hit => (Completion::Info, 2000),
            1 if hit => (Completion::Fail, 30 + slow),
            _ => (Completion::Ok, 1 + slow / 9 + if slow > 93 { 60 } else { 0 }),
        };
        let (f, argument, result) = match number % 3 {
            0 => {
                if completion == Completion::Ok {
                    state[key] = number;
                }
                ("write", json!(number), Value::Null)
            }
            1 => ("cas", json!([state[key], number]), Value::Null),
            _ if completion == Completion::Ok => ("read", Value::Null, json!(state[key])),
            _ => ("read", Value::Null, Value::Null),
        };
        let node_name = format!("n{}", node + 1);
        let process = (number % 15) as u32;
        let span = (at_ms, at_ms + took_ms);
        let index = (number * 2) as u32;
        let mut made = op(index, process, &node_name, f, argument, completion, result, span);
        made.key = Some(json!(format!("k{key}")));
        operations.push(made);
    }
    let mut history = History::from_operations(operations);
    (history.faults, history.end) = (faults, Nanos(30_000 * MS));
    history
}

/// Changes the operations and nothing else.
pub fn edit(history: &mut History, change: impl FnOnce(&mut Vec<OwnedOperation>)) {
    let mut operations: Vec<OwnedOperation> = history.operations().map(Operation::owned).collect();
    change(&mut operations);
    let mut edited = History::from_operations(operations);
    (edited.end, edited.faults) = (history.end, std::mem::take(&mut history.faults));
    edited.remarks = std::mem::take(&mut history.remarks);
    *history = edited;
}

fn faults() -> Vec<FaultWindow> {
    let evidence = |node: &str, text: &str| [(node.to_owned(), text.to_owned())].into();
    let partition = |id: u32, node: &str, from_ms: u64| FaultWindow {
        id,
        fault: "partition".to_owned(),
        nodes: vec![node.to_owned()],
        detail: json!({"split": "isolate", "grudge": {node: ["n1", "n2"]}})
            .as_object()
            .cloned()
            .unwrap(),
        outcome: InjectOutcome::Installed,
        from: Nanos(from_ms * MS),
        installed_at: Some(Nanos((from_ms + 90) * MS)),
        heal_from: Some(Nanos((from_ms + 5000) * MS)),
        to: Some(Nanos((from_ms + 5110) * MS)),
        evidence: evidence(node, "ISOBAR-IN: 4 rules, 4 in ip6tables"),
        heal_evidence: evidence(node, "1,204 packets dropped, chains gone"),
        settled_ms: Some(640),
        dirty: None,
    };
    let kill = FaultWindow {
        id: 3,
        fault: "kill".to_owned(),
        detail: Default::default(),
        evidence: evidence("n2", "pid 4711 is gone"),
        heal_evidence: evidence("n2", "pid 4820 answers"),
        to: Some(Nanos(21_900 * MS)),
        heal_from: Some(Nanos(21_000 * MS)),
        ..partition(3, "n2", 18_000)
    };
    let skipped = FaultWindow {
        id: 4,
        fault: "pause".to_owned(),
        nodes: vec!["n3".to_owned()],
        detail: Default::default(),
        outcome: InjectOutcome::Skipped("conflicts with kill 3 on n2".to_owned()),
        installed_at: None,
        heal_from: None,
        to: None,
        evidence: Default::default(),
        heal_evidence: Default::default(),
        settled_ms: None,
        ..partition(4, "n3", 20_000)
    };
    vec![partition(1, "n4", 5000), partition(2, "n5", 15_000), kill, skipped]
}

fn counts(history: &History) -> OperationCounts {
    let mut counts = OperationCounts::default();
    for op in history.operations() {
        counts.invoked += 1;
        match op.completion() {
            Completion::Ok => counts.ok += 1,
            Completion::Fail => counts.fail += 1,
            Completion::Info => counts.info += 1,
        }
    }
    counts
}

fn meta() -> RunMeta {
    let phase = |name: &str, from_ms: u64, to_ms: u64| Phase {
        name: name.to_owned(),
        from: Nanos(from_ms * MS),
        to: Some(Nanos(to_ms * MS)),
    };
    RunMeta {
        schema: 1,
        isobar_version: "0.1.0".to_owned(),
        name: "etcd-register".to_owned(),
        seed: 42,
        started_at: "2026-11-20T13:01:02Z".to_owned(),
        clock_started_at: Some("2026-11-20T13:01:03Z".to_owned()),
        reach: Reach::Local(LocalSpec { nodes: 5, roles: Roles::default() }),
        lab: None,
        nodes: (1..=5)
            .map(|n| NodeMeta {
                name: format!("n{n}"),
                address: format!("10.77.0.{n}"),
                role: None,
            })
            .collect(),
        system: "etcd".to_owned(),
        system_version: Some("3.4.23".to_owned()),
        workers: 0,
        arrivals_missed: 0,
        trace: Some(TraceMeta {
            prefix: "4bf92f3577b34da6".to_owned(),
            url: Some("https://traces.example/{{trace}}?from=isobar".to_owned()),
        }),
        phases: vec![
            phase("set-up", 0, 1200),
            phase("safety", 1200, 25_000),
            phase("recovery", 25_000, 30_000),
        ],
        reproduce: "isobar run examples/etcd-register.yaml --seed 42".to_owned(),
        complete: true,
    }
}
