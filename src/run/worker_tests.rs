#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;

use async_trait::async_trait;
use isobar_checkers::history::{Completion, History, jsonl};
use isobar_workloads::ConnectError;
use serde_json::json;

use super::*;
use crate::run::Clock;

/// What the node does with the next operation.
#[derive(Clone, Copy, Debug)]
enum Act {
    Answer,
    Unsure,
    Silence,
    Refuse,
    HangUp,
}

/// A node that does as it is told, once per operation, and whether the connection to it is gone.
struct Script(Arc<Mutex<VecDeque<Act>>>, bool);

#[async_trait]
impl Connect for Script {
    async fn connect(&self, address: &str) -> Result<Box<dyn Client>, ConnectError> {
        let mut acts = self.0.lock().unwrap();
        if let Some(Act::Refuse) = acts.front() {
            acts.pop_front();
            let address = address.to_owned();
            return Err(ConnectError { address, reason: "refused".to_owned() });
        }
        Ok(Box::new(Script(Arc::clone(&self.0), false)))
    }
}

#[async_trait]
impl Client for Script {
    async fn invoke(&mut self, invocation: &Invocation) -> Outcome {
        assert!(!self.1, "used after it broke");
        let act = self.0.lock().unwrap().pop_front().unwrap();
        match act {
            Act::HangUp => {
                self.1 = true;
                Outcome::indeterminate(invocation, "hung up")
            }
            Act::Answer => Outcome::Ok(invocation.value.clone()),
            Act::Unsure => Outcome::indeterminate(invocation, "cut off"),
            Act::Silence | Act::Refuse => std::future::pending().await,
        }
    }

    fn broken(&self) -> bool {
        self.1
    }
}

/// Always the same operation.
struct Same(Invocation);

impl Workload for Same {
    fn next(&mut self, _worker: u32) -> Option<Invocation> {
        Some(self.0.clone())
    }

    fn observe(&mut self, _invocation: &Invocation, _outcome: &Outcome) {}

    fn final_reads(&mut self) -> Vec<Invocation> {
        Vec::new()
    }
}

/// The history of worker 1 of 4 performing `f` as often as the node has acts.
fn history(f: &str, acts: &[Act]) -> History {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.jsonl");
    let recorder = Arc::new(Recorder::create(&path, Clock::start()).unwrap());
    let value = if f == "read" { Value::Null } else { json!(7) };
    let shared = Arc::new(Shared {
        connect: Arc::new(Script(Arc::new(Mutex::new(acts.iter().copied().collect())), false)),
        workload: Mutex::new(Box::new(Same(Invocation { f: f.to_owned(), key: None, value }))),
        recorder: Arc::clone(&recorder),
        timeout: Duration::from_millis(30),
        run: 1,
        concurrency: 4,
    });
    let mut worker = Worker::new(1, "n1".to_owned(), "n1:1".to_owned(), Arc::clone(&shared));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        for _ in acts {
            assert!(worker.step(None).await);
        }
    });
    drop((worker, shared));
    Arc::into_inner(recorder).unwrap().finish().unwrap();
    jsonl::read("test", std::io::BufReader::new(std::fs::File::open(path).unwrap())).unwrap()
}

fn told(history: &History) -> Vec<(u32, Completion)> {
    history.operations().map(|op| (op.process(), op.completion())).collect()
}

#[test]
fn a_process_that_does_not_know_is_retired() {
    let history = history("write", &[Act::Answer, Act::Unsure, Act::Answer, Act::Silence]);
    use Completion::{Info, Ok};
    assert_eq!(told(&history), [(1, Ok), (1, Info), (5, Ok), (5, Info)]);
    let error = history.operation(3).error();
    assert_eq!(error, Some("no answer within 30 ms"));
}

#[test]
fn a_read_without_an_answer_fails_and_its_process_goes_on() {
    let history = history("read", &[Act::Silence, Act::Unsure, Act::Answer]);
    use Completion::{Fail, Ok};
    assert_eq!(told(&history), [(1, Fail), (1, Fail), (1, Ok)]);
}

#[test]
fn after_a_connection_broke_the_next_operation_has_another() {
    let history = history("read", &[Act::HangUp, Act::Answer, Act::HangUp, Act::Answer]);
    use Completion::{Fail, Ok};
    assert_eq!(told(&history), [(1, Fail), (1, Ok), (1, Fail), (1, Ok)]);
}

#[test]
fn an_operation_that_was_never_sent_did_not_happen() {
    let history = history("write", &[Act::Refuse]);
    assert_eq!(told(&history), [(1, Completion::Fail)]);
    let error = history.operation(0).error();
    assert_eq!(error, Some("cannot connect to n1:1: refused"));
}
