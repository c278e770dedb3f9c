//! The stream of operations which a test performs.

use serde_json::Value;

/// An operation about to be performed, in the vocabulary of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// `read`, `write`, `cas`, `txn`, …
    pub f: String,
    pub key: Option<Value>,
    /// Arguments: `null` for a read, the value for a write, `[old, new]` for a cas, a list of
    /// micro-operations for a txn; what others take, their workload says.
    pub value: Value,
}

/// The key of [`Invocation::probe`].
const PROBE_KEY: &str = "isobar-probe";

impl Invocation {
    pub fn of(f: &str, key: Option<Value>, value: Value) -> Self {
        Self { f: f.to_owned(), key, value }
    }

    /// The read of a key that nobody writes: whether it is answered tells if clients work at all.
    pub fn probe() -> Self {
        Self::of("read", Some(PROBE_KEY.into()), Value::Null)
    }

    /// Whether the operation may change the state of the system.
    pub fn changes_state(&self) -> bool {
        match (self.f.as_str(), &self.value) {
            ("read", _) => false,
            ("txn", Value::Array(micros)) => {
                micros.iter().any(|micro| micro.get(0).is_none_or(|f| f != "r"))
            }
            _ => true,
        }
    }
}

/// Draws operations from one seed.
///
/// The stream of functions, keys and written values depends on the seed alone. What depends on
/// the run (the expected value of a compare-and-set) is filled in from `observe`d completions.
pub trait Workload: Send {
    /// What has to be there before the load begins; performed one by one, outside of the history.
    fn preparation(&mut self) -> Vec<Invocation> {
        Vec::new()
    }

    /// The next operation for `worker`; `None` when the workload has no more.
    fn next(&mut self, worker: u32) -> Option<Invocation>;

    /// Learns from a completed operation what later operations may expect.
    fn observe(&mut self, invocation: &Invocation, outcome: &crate::Outcome);

    /// Reads at the end of the run, when all faults are healed: every object once.
    fn final_reads(&mut self) -> Vec<Invocation>;
}
