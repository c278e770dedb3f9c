//! A worker: performs one operation at a time against one node, as a logical process.
//!
//! After an operation of which nobody knows how it ended, the process is retired: it can never
//! say anything again. The worker goes on as process + concurrency, with a new connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use isobar_checkers::{EventType, Nanos, Process};
use isobar_workloads::{Client, Connect, Context, Invocation, Outcome, Workload};
use serde_json::Value;
use tokio::time::timeout;

use crate::run::{Entry, Recorder};

/// How long a worker waits before it tries again to reach a node which refused a connection.
const RECONNECT_AFTER: Duration = Duration::from_millis(100);

/// What all workers of a run share.
pub struct Shared {
    pub connect: Arc<dyn Connect>,
    pub workload: Mutex<Box<dyn Workload>>,
    pub recorder: Arc<Recorder>,
    /// An operation without an answer for so long is given up.
    pub timeout: Duration,
    /// Of the run, for traces: see [`Context`].
    pub run: u64,
    /// The number of workers: the distance between a retired process and its successor.
    pub concurrency: u32,
}

impl Shared {
    pub fn workload(&self) -> MutexGuard<'_, Box<dyn Workload>> {
        self.workload.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One client thread of the test.
pub struct Worker {
    /// From 0 to concurrency − 1.
    pub number: u32,
    process: u32,
    node: String,
    address: String,
    client: Option<Box<dyn Client>>,
    shared: Arc<Shared>,
}

impl Worker {
    /// A worker bound to the node called `node`, whose clients connect to `address`.
    pub fn new(number: u32, node: String, address: String, shared: Arc<Shared>) -> Self {
        Self { number, process: number, node, address, client: None, shared }
    }

    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Draws the next operation and performs it; `false` when the workload has no more.
    pub async fn step(&mut self, scheduled: Option<Nanos>) -> bool {
        let next = self.shared.workload().next(self.number);
        match next {
            Some(invocation) => {
                self.perform(&invocation, scheduled).await;
                true
            }
            None => false,
        }
    }

    /// Performs one operation and records both ends of it; whether it was ok.
    pub async fn perform(&mut self, invocation: &Invocation, scheduled: Option<Nanos>) -> bool {
        let argument = invocation.value.clone();
        let index = self.record(EventType::Invoke, invocation, argument, None, scheduled);
        let context = Context { run: self.shared.run, process: self.process, index };
        let (outcome, reached) = self.attempt(invocation, &context).await;
        let ok = matches!(outcome, Outcome::Ok(_));
        self.shared.workload().observe(invocation, &outcome);
        let argument = invocation.value.clone();
        match outcome {
            Outcome::Ok(value) => {
                let answer = self.client.as_ref().and_then(|client| client.answer());
                let answer = answer.map(str::to_owned);
                self.record(EventType::Ok, invocation, value, answer, None);
            }
            Outcome::Fail(error) => {
                self.record(EventType::Fail, invocation, argument, Some(error), None);
            }
            Outcome::Info(error) => {
                self.record(EventType::Info, invocation, argument, Some(error), None);
                self.process += self.shared.concurrency;
                self.client = None;
            }
        }
        if !reached {
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
        ok
    }

    /// The outcome, and whether the node could be reached at all.
    async fn attempt(&mut self, invocation: &Invocation, context: &Context) -> (Outcome, bool) {
        let limit = self.shared.timeout;
        let mut client = match self.client.take() {
            Some(client) => client,
            None => match timeout(limit, self.shared.connect.connect(&self.address)).await {
                Ok(Ok(client)) => client,
                // Nothing was sent, so nothing happened.
                Ok(Err(error)) => return (Outcome::Fail(error.to_string()), false),
                Err(_) => return (Outcome::Fail(self.silence("to connect", limit)), true),
            },
        };
        client.begin(context);
        match timeout(limit, client.invoke(invocation)).await {
            Ok(outcome) => {
                let reached = client.reached();
                self.client = Some(client).filter(|client| !client.broken());
                (outcome, reached)
            }
            // The client is dropped: a late answer must not be taken for the next one's.
            Err(_) => (Outcome::indeterminate(invocation, self.silence("", limit)), true),
        }
    }

    fn silence(&self, doing: &str, limit: Duration) -> String {
        format!("no answer {doing} within {} ms", limit.as_millis()).replace("  ", " ")
    }

    /// Records an event; its index.
    fn record(
        &self,
        kind: EventType,
        invocation: &Invocation,
        value: Value,
        error: Option<String>,
        scheduled: Option<Nanos>,
    ) -> u64 {
        self.shared.recorder.record(Entry {
            process: Process::Client(self.process),
            kind,
            f: invocation.f.clone(),
            key: invocation.key.clone(),
            value,
            node: Some(self.node.clone()),
            error,
            scheduled,
        })
    }
}

/// Performs an operation outside of the history, by a client of its own.
///
/// # Errors
/// Why it was not ok.
pub async fn perform_unrecorded(
    shared: &Shared,
    address: &str,
    invocation: &Invocation,
) -> Result<(), String> {
    let performed = async {
        let mut client =
            shared.connect.connect(address).await.map_err(|error| error.to_string())?;
        match client.invoke(invocation).await {
            Outcome::Ok(_) => Ok(()),
            Outcome::Fail(reason) | Outcome::Info(reason) => Err(reason),
        }
    };
    let silence = |_| format!("no answer within {} ms", shared.timeout.as_millis());
    timeout(shared.timeout, performed).await.map_err(silence)?
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
