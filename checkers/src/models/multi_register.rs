//! Several registers, read and written together.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::element::Element;
use crate::history::{Completion, Operation};
use crate::linearizability::Model;

/// `txn` [["r", name, value], ["w", name, value], …]: reads and writes of registers, all at one
/// moment, in the order given; a read sees writes ahead of it in its own transaction. `"read"` and
/// `"write"` are the same. Every register begins as null, and null is a value like any other.
///
/// ```text
/// w x=1, w y=1   |-----|
/// r x=1, r y=0           |--|     a violation: half of a transaction
/// ```
///
/// What was read is in the completion; after a transaction in doubt only its writes are known.
#[derive(Clone, Copy, Debug, Default)]
pub struct MultiRegister;

/// A part of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MicroOp {
    /// Found the value of one register.
    Read(Element, Value),
    /// Set the value of one register.
    Write(Element, Value),
}

impl Model for MultiRegister {
    type Op = Vec<MicroOp>;
    type State = BTreeMap<Element, Value>;

    fn initial(&self) -> Self::State {
        BTreeMap::new()
    }

    fn parse(&self, operation: &Operation<'_>) -> Result<Option<Vec<MicroOp>>, String> {
        if operation.f() != "txn" {
            let f = &operation.f();
            return Err(format!("`{f}` is nothing a multi-register does; expected txn"));
        }
        let in_doubt = operation.completion() == Completion::Info;
        let value = if in_doubt { &operation.argument() } else { &operation.result() };
        let wrong =
            || format!("a txn of {value}; expected a list of [\"r\", name, value] and [\"w\", …]");
        let parts = value.as_array().ok_or_else(wrong)?;
        let mut op = Vec::with_capacity(parts.len());
        for part in parts {
            let [Value::String(f), name, value] = part.as_array().ok_or_else(wrong)?.as_slice()
            else {
                return Err(wrong());
            };
            let name = Element(name.clone());
            match f.as_str() {
                "r" | "read" if in_doubt => {}
                "r" | "read" => op.push(MicroOp::Read(name, value.clone())),
                "w" | "write" => op.push(MicroOp::Write(name, value.clone())),
                _ => return Err(wrong()),
            }
        }
        Ok((!op.is_empty()).then_some(op))
    }

    fn apply(&self, state: &Self::State, op: &Vec<MicroOp>) -> Option<Self::State> {
        let mut state = state.clone();
        for part in op {
            match part {
                MicroOp::Read(name, value) => {
                    if state.get(name).unwrap_or(&Value::Null) != value {
                        return None;
                    }
                }
                // A register of null is as one never written.
                MicroOp::Write(name, Value::Null) => {
                    state.remove(name);
                }
                MicroOp::Write(name, value) => {
                    state.insert(name.clone(), value.clone());
                }
            }
        }
        Some(state)
    }

    fn show(&self, state: &Self::State) -> Value {
        let name = |name: &Value| name.as_str().map_or_else(|| name.to_string(), str::to_owned);
        let shown: Map<String, Value> =
            state.iter().map(|(register, value)| (name(&register.0), value.clone())).collect();
        Value::Object(shown)
    }

    fn describe(&self, op: &Vec<MicroOp>) -> String {
        let part = |part: &MicroOp| match part {
            MicroOp::Read(name, value) => format!("read {} = {value}", name.0),
            MicroOp::Write(name, value) => format!("wrote {} = {value}", name.0),
        };
        op.iter().map(part).collect::<Vec<_>>().join(", ")
    }

    fn reads_only(&self, op: &Vec<MicroOp>) -> bool {
        op.iter().all(|part| matches!(part, MicroOp::Read(..)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::MultiRegister;
    use crate::models::testing::{accepts, rejects, violated_by_type};

    #[test]
    fn accepts_valid_histories() {
        for line in [
            r#"0-1 txn [["w","x",1],["w","y",1]], 2-3 txn [["r","x",1],["r","y",1]]"#,
            r#"0-1 txn [["r","x",null],["w","x",1],["r","x",1]], 2-3 txn [["r","x",1]]"#,
            r#"0-9 txn [["w","x",1],["w","y",1]], 2-3 txn [["r","x",null],["r","y",null]]"#,
            r#"0-? txn [["r","x",7],["w","x",1]], 2-3 txn [["r","x",1]]"#,
            r#"0-? txn [["w","x",1]], 2-3 txn [["r","x",null]]"#,
            r#"0-1! txn [["w","x",1]], 2-3 txn [["r","x",null]]"#,
            r#"0-1 txn [["w",3,1]], 2-3 txn [["w",3,null]], 4-5 txn [["r",3,null]]"#,
        ] {
            accepts(&MultiRegister, line);
        }
    }

    #[test]
    fn rejects_invalid_histories() {
        for line in [
            r#"0-1 txn [["w","x",1],["w","y",1]], 2-3 txn [["r","x",1],["r","y",null]]"#,
            r#"0-1 txn [["w","x",1],["r","x",null]]"#,
            r#"0-9 txn [["w","x",1],["w","y",1]], 2-3 txn [["r","x",1],["r","y",null]]"#,
            r#"0-? txn [["w","x",1]], 2-3 txn [["r","x",1]], 4-5 txn [["r","x",null]]"#,
            r#"0-1! txn [["w","x",1]], 2-3 txn [["r","x",1]]"#,
        ] {
            rejects(&MultiRegister, line);
        }
    }

    #[test]
    fn what_is_no_transaction_is_said() {
        let told = violated_by_type(&MultiRegister, r#"0-1 txn [["x","y",1]]"#);
        assert!(told.ends_with("expected a list of [\"r\", name, value] and [\"w\", …]"), "{told}");
    }
}
