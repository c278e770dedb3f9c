//! Transactions of micro-operations, as one or two requests to one etcd node.
//!
//! ```text
//! only reads   one etcd transaction of ranges
//! blind writes one etcd transaction of puts
//! otherwise    1. one etcd transaction of ranges: what the keys hold, at one revision
//!              2. one etcd transaction of puts, if no key that was read has changed since (its
//!                 mod-revision is the same, 0 while it is absent)
//! ```
//! So a transaction takes effect at one moment, if at all: strict serializability, by optimistic
//! concurrency control. A comparison that fails is a definite *fail* and is not tried again: an
//! attempt is an operation in the history, and none is hidden. Before the second request nothing
//! has been written, so whatever ends the first is a *fail* too.
//!
//! Reads that a member may answer from its own copy (`linearizable: false`) show in transactions
//! which only read: what is old fails the comparison.

use std::collections::BTreeMap;

use serde_json::Value;

use super::client::{key_bytes_of, put, stored_value};
use super::error;
use super::generated::etcdserverpb::compare::{CompareResult, CompareTarget, TargetUnion};
use super::generated::etcdserverpb::{
    Compare, RangeRequest, RequestOp, TxnRequest, TxnResponse, request_op, response_op,
};
use super::traced::Kv;
use crate::txn::{Function, Micro, Performed, perform};
use crate::{Invocation, Outcome};

/// Performs `invocation`, a `txn`, on the node of `kv`.
pub(super) async fn transact(kv: &mut Kv, invocation: &Invocation, linearizable: bool) -> Outcome {
    let unsent = |reason: String| Outcome::Fail(format!("{reason} (never sent)"));
    let micros = match Micro::list(&invocation.value) {
        Ok(micros) => micros,
        Err(reason) => return unsent(reason),
    };
    let needed = needed_keys(&micros);
    let mut held = Held::default();
    if !needed.is_empty() {
        held = match kv.txn(ranges(&needed, linearizable)).await {
            Ok(answer) => match Held::of(&needed, answer.get_ref()) {
                Ok(held) => held,
                Err(reason) => return Outcome::Fail(reason),
            },
            Err(status) => {
                let text = error::describe(&status);
                return Outcome::Fail(format!("{text} (while reading: nothing was written)"));
            }
        };
    }
    let performed = match perform(&micros, |key| held.value(key)) {
        Ok(performed) => performed,
        Err(reason) => return Outcome::Fail(reason),
    };
    if performed.written.is_empty() {
        return found(performed);
    }
    let commit = match commit(&held, &performed) {
        Ok(commit) => commit,
        Err(reason) => return unsent(reason),
    };
    match kv.txn(commit).await {
        Ok(answer) if answer.get_ref().succeeded => found(performed),
        Ok(_) => Outcome::Fail("conflict: a key that was read has changed since".to_owned()),
        Err(status) => error::outcome(invocation, &status),
    }
}

/// Whose value decides what the transaction finds or leaves: of a key that is read or appended to
/// before it is written. In order of first use.
fn needed_keys(micros: &[Micro]) -> Vec<String> {
    let (mut needed, mut settled): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
    for micro in micros {
        let key = micro.key();
        if settled.contains(&key) {
            continue;
        }
        settled.push(key);
        if micro.0 != Function::Write {
            needed.push(key.to_owned());
        }
    }
    needed
}

fn ranges(keys: &[String], linearizable: bool) -> TxnRequest {
    let range = |key: &String| RequestOp {
        request: Some(request_op::Request::RequestRange(RangeRequest {
            key: key_bytes_of(key),
            serializable: !linearizable,
        })),
    };
    TxnRequest { compare: Vec::new(), success: keys.iter().map(range).collect() }
}

/// What the keys hold, each with its mod-revision: 0 for one that is absent.
#[derive(Debug, Default, PartialEq)]
struct Held(BTreeMap<String, (Value, i64)>);

impl Held {
    /// # Errors
    /// When the answer is not one range per key.
    fn of(keys: &[String], answer: &TxnResponse) -> Result<Self, String> {
        if answer.responses.len() != keys.len() {
            let count = answer.responses.len();
            return Err(format!("{count} answers to {} reads", keys.len()));
        }
        let mut held = Self::default();
        for (key, response) in keys.iter().zip(&answer.responses) {
            let Some(response_op::Response::ResponseRange(range)) = &response.response else {
                return Err(format!("no range in the answer to the read of {key}"));
            };
            let revision = range.kvs.first().map_or(0, |stored| stored.mod_revision);
            held.0.insert(key.clone(), (stored_value(range), revision));
        }
        Ok(held)
    }

    fn value(&self, key: &str) -> Value {
        self.0.get(key).map_or(Value::Null, |(value, _)| value.clone())
    }
}

/// Puts what the transaction leaves, if nothing of what it read has changed.
fn commit(held: &Held, performed: &Performed) -> Result<TxnRequest, String> {
    let unchanged = |(key, (_, revision)): (&String, &(Value, i64))| Compare {
        result: CompareResult::Equal.into(),
        target: CompareTarget::Mod.into(),
        key: key_bytes_of(key),
        target_union: Some(TargetUnion::ModRevision(*revision)),
    };
    let mut success = Vec::new();
    for (key, value) in &performed.written {
        let put = request_op::Request::RequestPut(put(key_bytes_of(key), value)?);
        success.push(RequestOp { request: Some(put) });
    }
    Ok(TxnRequest { compare: held.0.iter().map(unchanged).collect(), success })
}

/// The transaction happened, and found this.
fn found(performed: Performed) -> Outcome {
    match serde_json::to_value(performed.micros) {
        Ok(value) => Outcome::Ok(value),
        // Strings, numbers and lists of them always become JSON; the write is not ours to deny.
        Err(error) => Outcome::Info(error.to_string()),
    }
}

#[cfg(test)]
#[path = "txn_tests.rs"]
mod tests;
