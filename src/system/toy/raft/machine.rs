//! The registers: what the log says when it is applied in order.

use std::collections::BTreeMap;

use serde_json::Value;

use super::log::Log;
use super::message::{Answer, Operation};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// Index of the last entry applied.
    pub applied: u64,
    registers: BTreeMap<String, Value>,
}

impl Machine {
    pub fn get(&self, key: &str) -> Value {
        self.registers.get(key).cloned().unwrap_or(Value::Null)
    }

    /// Applies the next entry of `log`; the answer for who proposed it. `None` at the log's end.
    pub fn step(&mut self, log: &Log) -> Option<Answer> {
        let entry = log.get(self.applied + 1)?;
        self.applied += 1;
        match &entry.operation {
            None | Some(Operation::Read { .. }) => Some(Answer::Ok(Value::Null)),
            Some(Operation::Write { key, value }) => {
                self.registers.insert(key.clone(), value.clone());
                Some(Answer::Ok(Value::Null))
            }
            Some(Operation::Cas { key, old, new }) => {
                let current = self.get(key);
                if current != *old {
                    return Some(Answer::Fail(format!("the value is {current}, not {old}")));
                }
                self.registers.insert(key.clone(), new.clone());
                Some(Answer::Ok(Value::Null))
            }
        }
    }

    /// The value of `key` if all of `log` were applied, committed or not.
    pub fn peek(&self, log: &Log, key: &str) -> Value {
        let mut value = self.get(key);
        for entry in log.after(self.applied, usize::MAX) {
            match &entry.operation {
                Some(Operation::Write { key: written, value: new }) if written == key => {
                    value = new.clone();
                }
                Some(Operation::Cas { key: written, old, new })
                    if written == key && value == *old =>
                {
                    value = new.clone();
                }
                _ => {}
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::system::toy::raft::Entry;

    fn log(operations: Vec<Operation>) -> Log {
        let mut log = Log::default();
        for operation in operations {
            log.push(Entry { term: 1, operation: Some(operation) });
        }
        log
    }

    fn cas(old: Value, new: Value) -> Operation {
        Operation::Cas { key: "x".to_owned(), old, new }
    }

    #[test]
    fn a_cas_from_null_creates_and_a_wrong_old_value_fails() {
        let log = log(vec![cas(Value::Null, json!(1)), cas(json!(7), json!(2))]);
        let mut machine = Machine::default();
        assert_eq!(machine.peek(&log, "x"), json!(1));
        assert_eq!(machine.step(&log), Some(Answer::Ok(Value::Null)));
        assert_eq!(machine.step(&log), Some(Answer::Fail("the value is 1, not 7".to_owned())));
        assert_eq!(machine.step(&log), None);
        assert_eq!((machine.get("x"), machine.get("y")), (json!(1), Value::Null));
    }
}
