//! The registers and lists: what the log says when it is applied in order.

use std::collections::BTreeMap;

use isobar_workloads::txn::{Micro, perform};
use serde_json::Value;

use super::log::Log;
use super::message::{Answer, Member, Operation};
use super::versions::{Snapshot, Versions};
use crate::spec::ToyBug;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// Index of the last entry applied.
    pub applied: u64,
    bug: ToyBug,
    keys: BTreeMap<String, Versions>,
}

impl Machine {
    pub fn new(bug: ToyBug) -> Self {
        Self { bug, ..Self::default() }
    }

    pub fn get(&self, key: &str) -> Value {
        self.keys.get(key).map_or(Value::Null, Versions::latest)
    }

    pub fn get_at(&self, key: &str, snapshot: &Snapshot) -> Value {
        self.keys.get(key).map_or(Value::Null, |versions| versions.at(snapshot))
    }

    pub fn changed_since(&self, key: &str, snapshot: &Snapshot) -> bool {
        self.keys.get(key).is_some_and(|versions| versions.changed_since(snapshot))
    }

    /// Applies the next entry of `log`; the answer for who proposed it. `None` at the log's end.
    pub fn step(&mut self, log: &Log) -> Option<Answer> {
        let entry = log.get(self.applied + 1)?;
        self.applied += 1;
        match &entry.operation {
            None | Some(Operation::Read { .. }) => Some(Answer::Ok(Value::Null)),
            Some(Operation::Write { key, value }) => {
                self.write(key, value);
                Some(Answer::Ok(Value::Null))
            }
            Some(Operation::Cas { key, old, new }) => {
                let current = self.get(key);
                if current != *old {
                    return Some(Answer::Fail(format!("the value is {current}, not {old}")));
                }
                self.write(key, new);
                Some(Answer::Ok(Value::Null))
            }
            Some(Operation::Txn { micros }) => Some(self.transact(micros)),
            Some(Operation::Commit { micros, snapshot }) => Some(self.commit(micros, snapshot)),
        }
    }

    fn write(&mut self, key: &str, value: &Value) {
        self.keys.entry(key.to_owned()).or_default().write(self.applied, value.clone());
    }

    fn transact(&mut self, micros: &[Micro]) -> Answer {
        match perform(micros, |key| self.get(key)) {
            Ok(performed) => {
                self.change(micros, None);
                answer(performed.micros)
            }
            Err(reason) => Answer::Fail(reason),
        }
    }

    /// Optimistic concurrency control: a transaction that read `snapshot` commits if nobody has
    /// changed its keys since. Planted: which keys are looked at.
    fn commit(&mut self, micros: &[Micro], snapshot: &Snapshot) -> Answer {
        let performed = match perform(micros, |key| self.get_at(key, snapshot)) {
            Ok(performed) => performed,
            Err(reason) => return Answer::Fail(reason),
        };
        let looked_at = |key: &str| match self.bug {
            // Planted: snapshot isolation, where the first committer of a *written* key wins.
            ToyBug::WriteSkew => performed.written.contains_key(key),
            // Planted: the other half, and what a read after a write would show.
            ToyBug::LostUpdate => !written_last(micros, key),
            _ => true,
        };
        let mut keys = micros.iter().map(Micro::key).filter(|key| looked_at(key));
        if let Some(key) = keys.find(|key| self.changed_since(key, snapshot)) {
            let conflict = Answer::Fail(format!("conflict: {key} has changed since it was read"));
            if self.bug == ToyBug::AbortedRead {
                // Planted: what it wrote is not undone.
                self.change(micros, Some(snapshot.site));
            }
            return conflict;
        }
        self.change(micros, Some(snapshot.site));
        answer(performed.micros)
    }

    fn change(&mut self, micros: &[Micro], site: Option<Member>) {
        for micro in micros.iter().filter(|micro| !micro.reads()) {
            let versions = self.keys.entry(micro.key().to_owned()).or_default();
            versions.change(self.applied, site, micro);
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

/// Whether `micros` write `key` and do not read it after that.
fn written_last(micros: &[Micro], key: &str) -> bool {
    let mut of_key = micros.iter().filter(|micro| micro.key() == key);
    of_key.by_ref().any(|micro| !micro.reads()) && of_key.all(|micro| !micro.reads())
}

/// The answer to a transaction that was performed.
pub fn answer(micros: Vec<Micro>) -> Answer {
    match serde_json::to_value(micros) {
        Ok(value) => Answer::Ok(value),
        // Lists of strings and JSON values always become JSON.
        Err(error) => Answer::Info(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

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

    fn micros(value: Value) -> Vec<Micro> {
        Micro::list(&value).unwrap()
    }

    #[test]
    fn a_transaction_is_performed_where_it_stands_or_not_at_all() {
        let txn = |value| Operation::Txn { micros: micros(value) };
        let log = log(vec![
            txn(json!([["append", "x", 1], ["w", "y", 2]])),
            txn(json!([["append", "x", 2], ["append", "y", 3]])),
            txn(json!([["r", "x", null], ["append", "x", 4], ["r", "x", null]])),
        ]);
        let mut machine = Machine::default();
        assert_eq!(
            machine.step(&log),
            Some(Answer::Ok(json!([["append", "x", 1], ["w", "y", 2]])))
        );
        assert!(matches!(machine.step(&log), Some(Answer::Fail(_))));
        let found = json!([["r", "x", [1]], ["append", "x", 4], ["r", "x", [1, 4]]]);
        assert_eq!(machine.step(&log), Some(Answer::Ok(found)));
    }

    /// What becomes of a transaction that read x and y, and writes y, when `changed` was changed
    /// in between; and the list y after it.
    fn raced(bug: ToyBug, changed: &str) -> (bool, Value) {
        let snapshot = Snapshot { index: 0, horizon: 0, site: 0 };
        let commit = |value| Operation::Commit { micros: micros(value), snapshot };
        let log = log(vec![
            commit(json!([["append", changed, 1]])),
            commit(json!([["r", "x", null], ["r", "y", null], ["append", "y", 2]])),
        ]);
        let mut machine = Machine::new(bug);
        machine.step(&log);
        let ok = matches!(machine.step(&log), Some(Answer::Ok(_)));
        (ok, machine.get("y"))
    }

    #[test]
    fn who_was_overtaken_fails_unless_a_bug_is_planted() {
        for bug in [ToyBug::LongFork, ToyBug::FracturedRead, ToyBug::DirtyRead] {
            assert_eq!(raced(bug, "x"), (false, Value::Null), "{bug:?}");
            assert_eq!(raced(bug, "y"), (false, json!([1])), "{bug:?}");
            assert_eq!(raced(bug, "z"), (true, json!([2])), "{bug:?}");
        }
        assert_eq!(raced(ToyBug::WriteSkew, "x"), (true, json!([2])));
        assert_eq!(raced(ToyBug::WriteSkew, "y"), (false, json!([1])));
        assert_eq!(raced(ToyBug::LostUpdate, "x"), (false, Value::Null));
        assert_eq!(raced(ToyBug::LostUpdate, "y"), (true, json!([1, 2])));
        assert_eq!(raced(ToyBug::AbortedRead, "x"), (false, json!([2])));
    }

    #[test]
    fn a_key_is_written_last_if_no_read_follows() {
        for (list, last) in [
            (json!([["r", "x", null], ["append", "x", 1]]), true),
            (json!([["append", "x", 1], ["append", "x", 2]]), true),
            (json!([["append", "x", 1], ["r", "y", null]]), true),
            (json!([["append", "x", 1], ["r", "x", null]]), false),
            (json!([["append", "x", 1], ["r", "x", null], ["append", "x", 2]]), false),
            (json!([["r", "x", null], ["append", "y", 1]]), false),
        ] {
            assert_eq!(written_last(&micros(list.clone()), "x"), last, "{list}");
        }
    }
}
