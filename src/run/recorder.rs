//! Writes the history while it happens.
//!
//! An event is stamped and numbered under one lock, in the worker that saw it: right before
//! sending and right after receiving. So the file is in real-time order. A thread writes what has
//! gathered every [`FLUSH_EVERY`]: at most so much is lost when the controller is killed.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use isobar_checkers::{Event, EventType, Nanos, Process};
use serde_json::{Map, Value};

use crate::store::OperationCounts;

/// The longest time an event stays out of the file.
pub const FLUSH_EVERY: Duration = Duration::from_millis(50);

/// The one monotonic clock of a run.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn now(&self) -> Nanos {
        Nanos(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// The history could not be written; the run has to end, since what follows would be unseen.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}; the history is whole up to this point")]
pub struct RecorderError {
    path: PathBuf,
    source: io::Error,
}

/// What is recorded of one event; time and index are given by the recorder.
#[derive(Clone, Debug)]
pub struct Entry {
    pub process: Process,
    pub kind: EventType,
    pub f: String,
    pub key: Option<Value>,
    pub value: Value,
    pub node: Option<String>,
    /// Why it is fail or info; of an ok what was asked and answered.
    pub error: Option<String>,
    /// When the operation should have begun, if that was earlier (open loop).
    pub scheduled: Option<Nanos>,
}

/// What became of an injection or a heal, for a person.
#[derive(Clone, Debug, PartialEq)]
pub struct NemesisNote {
    time: Nanos,
    fault: String,
    value: Value,
}

impl NemesisNote {
    pub fn fault(&self) -> &str {
        &self.fault
    }

    /// `installed`, `skipped`, `healed`, …
    pub fn outcome(&self) -> &str {
        self.value.get("outcome").and_then(Value::as_str).unwrap_or_default()
    }
}

impl fmt::Display for NemesisNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |name: &str| self.value.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("phase") == "crash" {
            return write!(f, "{} {} on {}", self.time, self.fault, text("node"));
        }
        let id = self.value.get("id").cloned().unwrap_or_default();
        write!(f, "{} {} #{id} {}", self.time, self.fault, text("outcome"))?;
        match self.value.get("evidence").and_then(Value::as_object) {
            Some(evidence) if text("phase") == "inject" && !evidence.is_empty() => {
                let nodes: Vec<&str> = evidence.keys().map(String::as_str).collect();
                write!(f, " on {}", nodes.join(" "))
            }
            _ if text("phase") == "settle" => match self.value.get("settled_ms") {
                Some(Value::Number(ms)) => write!(f, " after {ms} ms"),
                _ => Ok(()),
            },
            _ if !text("why").is_empty() => write!(f, ": {}", text("why")),
            _ => Ok(()),
        }
    }
}

struct State {
    lines: Vec<u8>,
    next_index: u64,
    counts: OperationCounts,
    nemesis: Vec<NemesisNote>,
    failure: Option<io::Error>,
}

/// Takes events from all workers and from the nemesis. Cheap to share by reference.
pub struct Recorder {
    clock: Clock,
    path: PathBuf,
    state: Arc<Mutex<State>>,
    stop: Option<Sender<()>>,
    writer: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Creates `path`, which must not exist, and starts the writing thread.
    pub fn create(path: &Path, clock: Clock) -> Result<Self, RecorderError> {
        let file = File::create_new(path)
            .map_err(|source| RecorderError { path: path.to_owned(), source })?;
        let state = Arc::new(Mutex::new(State {
            lines: Vec::new(),
            next_index: 0,
            counts: OperationCounts::default(),
            nemesis: Vec::new(),
            failure: None,
        }));
        let (stop, stopped) = channel();
        let shared = Arc::clone(&state);
        let writer = std::thread::spawn(move || {
            let mut file = file;
            loop {
                let last = stopped.recv_timeout(FLUSH_EVERY) != Err(RecvTimeoutError::Timeout);
                flush(&shared, &mut file);
                if last {
                    break;
                }
            }
        });
        let path = path.to_owned();
        Ok(Self { clock, path, state, stop: Some(stop), writer: Some(writer) })
    }

    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Stamps and records an event, now; its index.
    pub fn record(&self, entry: Entry) -> u64 {
        let mut state = self.lock();
        let time = self.clock.now();
        let mut extra = Map::new();
        if let Some(scheduled) = entry.scheduled {
            extra.insert("scheduled".to_owned(), scheduled.0.into());
        }
        if let Process::Client(_) = entry.process {
            state.counts.add(entry.kind);
        }
        let event = Event {
            index: state.next_index,
            time,
            process: entry.process,
            kind: entry.kind,
            f: entry.f,
            key: entry.key,
            value: entry.value,
            node: entry.node,
            error: entry.error,
            extra,
        };
        let index = state.next_index;
        state.next_index += 1;
        // Writing JSON to memory fails only for maps with keys that are no strings: not here.
        if serde_json::to_writer(&mut state.lines, &event).is_ok() {
            state.lines.push(b'\n');
        }
        index
    }

    /// Records what the nemesis did.
    pub fn nemesis(&self, kind: EventType, fault: &str, value: Value) {
        let told = (kind == EventType::Info).then(|| (fault.to_owned(), value.clone()));
        let time = self.clock.now();
        self.record(Entry {
            process: Process::Nemesis,
            kind,
            f: fault.to_owned(),
            key: None,
            value,
            node: None,
            error: None,
            scheduled: None,
        });
        if let Some((fault, value)) = told {
            self.lock().nemesis.push(NemesisNote { time, fault, value });
        }
    }

    /// What became of faults since the last call.
    pub fn take_nemesis(&self) -> Vec<NemesisNote> {
        std::mem::take(&mut self.lock().nemesis)
    }

    pub fn counts(&self) -> OperationCounts {
        self.lock().counts
    }

    /// Whether the file could be written so far.
    pub fn healthy(&self) -> Result<(), RecorderError> {
        match &self.lock().failure {
            None => Ok(()),
            Some(source) => Err(RecorderError {
                path: self.path.clone(),
                source: io::Error::new(source.kind(), source.to_string()),
            }),
        }
    }

    /// Writes what is left and closes the file.
    pub fn finish(mut self) -> Result<OperationCounts, RecorderError> {
        self.join();
        self.healthy()?;
        Ok(self.counts())
    }

    fn join(&mut self) {
        drop(self.stop.take());
        if let Some(writer) = self.writer.take() {
            // A panic of the writer has nothing left to say: its state shows the failure.
            let _ = writer.join();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.join();
    }
}

fn flush(state: &Mutex<State>, file: &mut File) {
    let (lines, failed) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut state.lines), state.failure.is_some())
    };
    // After a failure the last line may be torn: nothing may follow it.
    if lines.is_empty() || failed {
        return;
    }
    if let Err(error) = file.write_all(&lines) {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failure.get_or_insert(error);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn entry(process: u32) -> Entry {
        Entry {
            process: Process::Client(process),
            kind: EventType::Invoke,
            f: "read".to_owned(),
            key: None,
            value: Value::Null,
            node: None,
            error: None,
            scheduled: None,
        }
    }

    #[test]
    fn events_of_many_threads_are_numbered_and_timed_in_one_order() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history.jsonl");
        let recorder = Recorder::create(&path, Clock::start()).unwrap();
        std::thread::scope(|scope| {
            for process in 0..8 {
                let recorder = &recorder;
                scope.spawn(move || {
                    for _ in 0..500 {
                        recorder.record(entry(process));
                    }
                });
            }
        });
        assert_eq!(recorder.finish().unwrap().invoked, 4000);
        let text = std::fs::read_to_string(path).unwrap();
        let mut last = 0;
        for (index, line) in text.lines().enumerate() {
            let event: Value = serde_json::from_str(line).unwrap();
            assert_eq!(event["index"], index);
            let time = event["time"].as_u64().unwrap();
            assert!(time >= last, "line {index} goes back in time");
            last = time;
        }
        assert_eq!(text.lines().count(), 4000);
    }

    #[test]
    fn what_was_recorded_reaches_the_file_while_the_run_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history.jsonl");
        let recorder = Recorder::create(&path, Clock::start()).unwrap();
        recorder.record(entry(0));
        let start = Instant::now();
        while std::fs::metadata(&path).unwrap().len() == 0 {
            assert!(start.elapsed() < Duration::from_secs(10), "nothing was written");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
