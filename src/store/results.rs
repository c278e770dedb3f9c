//! `results.json`: the verdicts.

use isobar_checkers::history::{Completion, History};
use isobar_checkers::{CheckResult, EventType, Verdict};
use serde::{Deserialize, Serialize};

/// Everything that was decided about one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Version of this file's format; 1.
    pub schema: u32,
    /// Of all checks together.
    pub verdict: Verdict,
    /// Whether the history is of a whole run; otherwise it was judged as far as it goes.
    pub complete: bool,
    /// Invocations by clients, and how they ended.
    pub operations: OperationCounts,
    /// In the order of the specification, then the built-in ones (`stats`, `vacuity`).
    pub checks: Vec<CheckResult>,
    /// Trouble that was not the system's: faults left behind, nodes lost, logs not collected.
    pub trouble: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationCounts {
    pub invoked: u64,
    pub ok: u64,
    pub fail: u64,
    pub info: u64,
}

impl Results {
    pub const SCHEMA: u32 = 1;
}

impl OperationCounts {
    /// Of a whole history.
    pub fn of(history: &History) -> Self {
        let mut counts = Self::default();
        for operation in history.operations() {
            counts.invoked += 1;
            match operation.completion() {
                Completion::Ok => counts.ok += 1,
                Completion::Fail => counts.fail += 1,
                Completion::Info => counts.info += 1,
            }
        }
        counts
    }

    /// Counts one event of a client.
    pub fn add(&mut self, kind: EventType) {
        match kind {
            EventType::Invoke => self.invoked += 1,
            EventType::Ok => self.ok += 1,
            EventType::Fail => self.fail += 1,
            EventType::Info => self.info += 1,
        }
    }
}
