//! A run while it goes on, from what its directory already has: the history, `run.json` and the
//! log. The run does not know that it is watched.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use isobar_checkers::{EventType, Nanos, Process};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::{MissedTickBehavior, interval};
use tokio_stream::wrappers::ReceiverStream;

use super::answer::guarded;
use super::follow::Follower;
use super::place::Place;
use crate::spec;
use crate::store::{LOG, OperationCounts, RunDirectory};

/// How often a watcher is told.
const EVERY: Duration = Duration::from_millis(500);
/// Seconds of the chart.
const SECONDS: usize = 120;
/// Lines of the log that are sent at first.
const LOG_LINES: usize = 200;
const SECOND: u64 = 1_000_000_000;

/// What a watcher is told; times in milliseconds of the run's clock.
#[derive(Debug, Serialize)]
pub struct Snapshot {
    /// `running`; `judged`, with the verdict; `cut-short`: it was killed and has no verdict.
    pub state: &'static str,
    pub verdict: Option<&'static str>,
    pub phase: String,
    pub elapsed_ms: u64,
    /// How long the load under faults lasts.
    pub total_ms: Option<u64>,
    pub operations: OperationCounts,
    /// The last two minutes, the earliest second first.
    pub rates: VecDeque<Rates>,
    pub faults: Vec<InForce>,
    /// New lines of the log.
    pub log: Vec<String>,
}

/// Completions in one second of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rates {
    pub second: u64,
    pub ok: u64,
    pub fail: u64,
    pub info: u64,
}

/// A fault that is there, or may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InForce {
    pub id: u64,
    pub fault: String,
    pub nodes: Vec<String>,
    pub since_ms: u64,
    /// `begins`, `installed`, `indeterminate`, `ends`.
    pub state: String,
}

/// What one watcher has seen so far.
#[derive(Debug)]
pub struct Watch {
    directory: RunDirectory,
    history: Follower,
    log: Follower,
    total: Option<Duration>,
    elapsed: Nanos,
    operations: OperationCounts,
    rates: VecDeque<Rates>,
    faults: BTreeMap<u64, InForce>,
}

/// The part of an event that is shown.
#[derive(Deserialize)]
struct Line {
    time: u64,
    process: Process,
    #[serde(rename = "type")]
    kind: EventType,
}

/// What an event of the nemesis says.
#[derive(Deserialize)]
struct Told {
    f: String,
    value: Value,
}

impl Watch {
    pub fn of(directory: RunDirectory) -> Self {
        let history = Follower::of(directory.file("history.jsonl"));
        let log = Follower::of(directory.file(LOG));
        let (elapsed, operations) = (Nanos(0), OperationCounts::default());
        let (rates, faults) = (VecDeque::new(), BTreeMap::new());
        Self { directory, history, log, total: None, elapsed, operations, rates, faults }
    }

    /// What is new since the last look.
    pub fn look(&mut self) -> Snapshot {
        // Asked first: what ends after this is seen the next time.
        let running = self.directory.is_running();
        let verdict = self.directory.results().ok().map(|results| results.verdict.word());
        let mut history = std::mem::replace(&mut self.history, Follower::of("".into()));
        history.lines(|line| self.take(line));
        self.history = history;
        let mut log = VecDeque::new();
        self.log.lines(|line| {
            log.push_back(String::from_utf8_lossy(line).into_owned());
            if log.len() > LOG_LINES {
                log.pop_front();
            }
        });
        let phases = self.directory.meta().map(|meta| meta.phases).unwrap_or_default();
        let phase = phases.last().map_or("set-up", |phase| phase.name.as_str());
        let state = match (running, verdict) {
            (true, _) => "running",
            (false, Some(_)) => "judged",
            (false, None) => "cut-short",
        };
        Snapshot {
            state,
            verdict: verdict.filter(|_| !running),
            phase: phase.to_owned(),
            elapsed_ms: self.elapsed.0 / 1_000_000,
            total_ms: self.total().map(|total| total.as_millis() as u64),
            operations: self.operations,
            rates: self.rates.clone(),
            faults: self.faults.values().cloned().collect(),
            log: log.into(),
        }
    }

    /// By the specification, which is written before anything else.
    fn total(&mut self) -> Option<Duration> {
        if self.total.is_none() {
            let text = self.directory.read_text("spec.yaml").ok()?;
            self.total = spec::parse("spec.yaml", &text).ok().map(|spec| spec.load.time.0);
        }
        self.total
    }

    fn take(&mut self, text: &[u8]) {
        // What is no event is for the checker to complain about.
        let Ok(Line { time, process, kind }) = serde_json::from_slice(text) else { return };
        self.elapsed = Nanos(time);
        match process {
            Process::Client(_) => {
                self.operations.add(kind);
                self.count(time / SECOND, kind);
            }
            Process::Nemesis => {
                if let Ok(told) = serde_json::from_slice(text) {
                    self.nemesis(time, kind, &told);
                }
            }
        }
    }

    fn count(&mut self, second: u64, kind: EventType) {
        let last = self.rates.back().map(|rates| rates.second);
        // Seconds without an answer are there too; after a long silence only those shown.
        let first =
            last.map_or(second, |last| last + 1).max((second + 1).saturating_sub(SECONDS as u64));
        for second in first..=second {
            self.rates.push_back(Rates { second, ..Rates::default() });
            if self.rates.len() > SECONDS {
                self.rates.pop_front();
            }
        }
        let Some(rates) = self.rates.back_mut() else { return };
        match kind {
            EventType::Invoke => {}
            EventType::Ok => rates.ok += 1,
            EventType::Fail => rates.fail += 1,
            EventType::Info => rates.info += 1,
        }
    }

    /// A fault counts from its being begun until its being undone.
    fn nemesis(&mut self, time: u64, kind: EventType, told: &Told) {
        let text = |name: &str| told.value.get(name).and_then(Value::as_str).unwrap_or_default();
        let Some(id) = told.value.get("id").and_then(Value::as_u64) else { return };
        match (text("phase"), kind, text("outcome")) {
            ("inject", EventType::Invoke, _) => {
                let nodes = told.value.get("nodes").and_then(Value::as_array);
                let names = nodes.into_iter().flatten().filter_map(Value::as_str);
                let fault = InForce {
                    id,
                    fault: told.f.clone(),
                    nodes: names.map(str::to_owned).collect(),
                    since_ms: time / 1_000_000,
                    state: "begins".to_owned(),
                };
                self.faults.insert(id, fault);
            }
            ("inject", _, "skipped") | ("heal", EventType::Info, "healed") => {
                self.faults.remove(&id);
            }
            ("inject", _, outcome) => self.is_now(id, outcome),
            ("heal", EventType::Invoke, _) => self.is_now(id, "ends"),
            ("heal", _, outcome) => self.is_now(id, outcome),
            _ => {}
        }
    }

    fn is_now(&mut self, id: u64, state: &str) {
        if let Some(fault) = self.faults.get_mut(&id) {
            state.clone_into(&mut fault.state);
        }
    }
}

/// Tells a watcher until the run has ended or nobody listens.
pub fn send(place: Place) -> Response {
    let (sender, receiver) = channel(1);
    tokio::spawn(tell(Watch::of(place.directory), sender));
    let events = Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default());
    guarded(events.into_response())
}

async fn tell(mut watch: Watch, listener: Sender<Result<Event, Infallible>>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let looked = tokio::task::spawn_blocking(move || {
            let snapshot = watch.look();
            (watch, snapshot)
        });
        let Ok((back, snapshot)) = looked.await else { return };
        watch = back;
        // JSON of one line, whatever is in it: numbers and texts alone cannot fail.
        let Ok(text) = serde_json::to_string(&snapshot) else { return };
        if listener.send(Ok(Event::default().data(text))).await.is_err()
            || snapshot.state != "running"
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::store::RunLog;

    #[test]
    fn a_run_is_followed_from_its_beginning_to_its_end() {
        let store = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(store.path(), "a", "now", 1).unwrap();
        let log = RunLog::create(&run).unwrap();
        let mut watch = Watch::of(run.clone());
        let first = watch.look();
        assert_eq!((first.state, first.phase.as_str(), first.elapsed_ms), ("running", "set-up", 0));
        log.line("safety");
        let event = |time: u64, process: Value, kind: &str, value: Value| {
            let event = json!({"index": 0, "time": time, "process": process, "type": kind,
                "f": "partition", "value": value});
            format!("{event}\n")
        };
        let history = [
            event(SECOND / 2, json!(0), "invoke", json!(1)),
            event(
                SECOND,
                json!("nemesis"),
                "invoke",
                json!({"id": 3, "phase": "inject", "nodes": ["n1", "n2"]}),
            ),
            event(
                SECOND,
                json!("nemesis"),
                "info",
                json!({"id": 3, "phase": "inject", "outcome": "installed"}),
            ),
            event(4 * SECOND, json!(0), "ok", json!(1)),
        ]
        .concat();
        run.write("history.jsonl", history.as_bytes()).unwrap();
        let then = watch.look();
        assert_eq!((then.operations.invoked, then.operations.ok, then.elapsed_ms), (1, 1, 4000));
        let seconds: Vec<(u64, u64)> = then.rates.iter().map(|r| (r.second, r.ok)).collect();
        assert_eq!(seconds, [(0, 0), (1, 0), (2, 0), (3, 0), (4, 1)]);
        assert_eq!((then.faults[0].state.as_str(), then.faults[0].nodes.len()), ("installed", 2));
        assert!(then.log.len() == 1 && then.log[0].ends_with("safety"), "{:?}", then.log);
        let heal = event(
            5 * SECOND,
            json!("nemesis"),
            "info",
            json!({"id": 3, "phase": "heal", "outcome": "healed"}),
        );
        run.write("history.jsonl", format!("{history}{heal}").as_bytes()).unwrap();
        let healed = watch.look();
        assert!(healed.faults.is_empty() && healed.log.is_empty());
        drop(log);
        assert_eq!(watch.look().state, "cut-short");
    }

    #[test]
    fn a_long_silence_does_not_fill_the_memory() {
        let store = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(store.path(), "a", "now", 1).unwrap();
        let line = |time: u64| {
            format!(
                "{}\n",
                json!({"time": time, "process": 0, "type": "ok", "f": "read", "value": null})
            )
        };
        let text = line(0) + &line(u64::MAX / 2);
        run.write("history.jsonl", text.as_bytes()).unwrap();
        assert_eq!(Watch::of(run).look().rates.len(), SECONDS);
    }
}
