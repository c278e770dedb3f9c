//! A client of one node, and what it may say about an operation.

use async_trait::async_trait;
use serde_json::Value;

use crate::context::Context;
use crate::workload::Invocation;

/// What a client saw of one operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It happened; the value is the result (a read's value; for others what was asked).
    Ok(Value),
    /// It certainly did not happen, and never will.
    Fail(String),
    /// Nobody can say: it may have happened, and may still happen.
    Info(String),
}

impl Outcome {
    /// Nothing is known of an operation after `error`: *info* for one which changes state; *fail*
    /// for a read, since a read that returned nothing constrains nothing.
    pub fn indeterminate(invocation: &Invocation, error: impl Into<String>) -> Self {
        if invocation.changes_state() { Self::Info(error.into()) } else { Self::Fail(error.into()) }
    }
}

/// One connection to one node, owned by one worker.
///
/// The caller sets the deadline: it drops the client when an invocation takes too long, so an
/// implementation must be cancel-safe in the sense that dropping it closes its connection.
#[async_trait]
pub trait Client: Send {
    async fn invoke(&mut self, invocation: &Invocation) -> Outcome;

    /// Told before each invocation which operation it is, for clients that tell the system.
    fn begin(&mut self, _context: &Context) {}

    /// What was asked last and what the answer was, in words, where that says more than the
    /// outcome: `POST /api/entries → 201`.
    fn answer(&self) -> Option<&str> {
        None
    }

    /// Whether the last invocation reached the node at all: `false` of one that certainly was not
    /// sent. Its caller then waits a moment, lest it asks for nothing again and again.
    fn reached(&self) -> bool {
        true
    }

    /// Whether its connection is gone, so that it can do nothing any more and another one must be
    /// opened.
    fn broken(&self) -> bool {
        false
    }
}

/// Opens clients; one per kind of system.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Connects to `address` (`host:port`) and to nothing else.
    async fn connect(&self, address: &str) -> Result<Box<dyn Client>, ConnectError>;

    /// Whether clients of the node at `address` can work at all, tried before the load.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    async fn probe(&self, _address: &str) -> Result<(), String> {
        Ok(())
    }
}

/// The node could not be reached: the operation was not sent, so it did not happen.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect to {address}: {reason}")]
pub struct ConnectError {
    pub address: String,
    pub reason: String,
}
