//! A key with a string, to which can be appended.

mod chains;
mod choice;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::history::{Completion, Operation};
use crate::linearizability::{Call, Decision, Model};

/// `get` → string, `put` string, `append` string. An absent key is the empty string, and a get of
/// null means the same: the key was not there. (It is a value, no wildcard.)
///
/// ```text
/// append "a"  |-----|
/// append "b"  |-----|
/// get "ab"            |--|
/// get "ba"                  |--|     a violation: a is in front of b
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Kv;

/// What an operation on a key did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KvOp {
    /// Found the string; an absent key is the empty one.
    Get(String),
    /// Set the string.
    Put(String),
    /// Put the string behind the one that was there.
    Append(String),
}

impl Model for Kv {
    type Op = KvOp;
    type State = String;

    fn initial(&self) -> String {
        String::new()
    }

    fn parse(&self, operation: &Operation<'_>) -> Result<Option<KvOp>, String> {
        match operation.f() {
            "get" if operation.completion() == Completion::Info => Ok(None),
            "get" => Ok(Some(KvOp::Get(string("a get of", &operation.result())?))),
            "put" => Ok(Some(KvOp::Put(string("a put of", &operation.argument())?))),
            "append" => Ok(Some(KvOp::Append(string("an append of", &operation.argument())?))),
            other => Err(format!("`{other}` is nothing a kv does; expected get, put or append")),
        }
    }

    fn apply(&self, state: &String, op: &KvOp) -> Option<String> {
        let mut next = state.clone();
        self.advance(&mut next, op).then_some(next)
    }

    fn advance(&self, state: &mut String, op: &KvOp) -> bool {
        match op {
            KvOp::Get(value) => return value == state,
            KvOp::Put(value) => state.clone_from(value),
            KvOp::Append(value) => state.push_str(value),
        }
        true
    }

    fn show(&self, state: &String) -> Value {
        json!(state)
    }

    fn describe(&self, op: &KvOp) -> String {
        match op {
            KvOp::Get(value) => format!("got {value:?}"),
            KvOp::Put(value) => format!("put {value:?}"),
            KvOp::Append(value) => format!("appended {value:?}"),
        }
    }

    fn reads_only(&self, op: &KvOp) -> bool {
        match op {
            KvOp::Get(_) => true,
            KvOp::Append(value) => value.is_empty(),
            KvOp::Put(_) => false,
        }
    }

    fn observed(&self, op: &KvOp) -> Option<Value> {
        match op {
            KvOp::Get(value) => Some(json!(value)),
            KvOp::Put(_) | KvOp::Append(_) => None,
        }
    }

    fn accumulates(&self) -> bool {
        true
    }

    fn decide(&self, calls: &[Call<KvOp>]) -> Option<Decision> {
        chains::decide(calls)
    }
}

fn string(what: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        other => Err(format!("{what} {other}; expected a string")),
    }
}
