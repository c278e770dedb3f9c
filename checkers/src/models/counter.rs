//! A counter: `add` a number, `read` the sum.

use serde_json::{Value, json};

use super::element::integer;
use crate::history::{Completion, Operation};
use crate::linearizability::Model;

/// `add` n (an integer, which may be negative), `read` → sum. It starts at 0, and a read of null
/// is a read of a counter that nobody has created yet: 0.
///
/// ```text
/// add 1  |-----|
/// read 0         |--|     a violation: the add was acknowledged before
/// ```
///
/// Adds commute, but which of them a read includes is a subset-sum problem: NP-hard in the number
/// of adds in flight. So the general search decides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counter;

/// What an operation on a counter did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CounterOp {
    /// Added so much, or took it away.
    Add(i128),
    /// Found the sum.
    Read(i128),
}

impl Model for Counter {
    type Op = CounterOp;
    type State = i128;

    fn initial(&self) -> i128 {
        0
    }

    fn parse(&self, operation: &Operation<'_>) -> Result<Option<CounterOp>, String> {
        match operation.f() {
            "add" => Ok(Some(CounterOp::Add(number("an add of", &operation.argument())?))),
            "read" if operation.completion() == Completion::Info => Ok(None),
            "read" if operation.result().is_null() => Ok(Some(CounterOp::Read(0))),
            "read" => Ok(Some(CounterOp::Read(number("a read of", &operation.result())?))),
            other => Err(format!("`{other}` is nothing a counter does; expected add or read")),
        }
    }

    fn apply(&self, state: &i128, op: &CounterOp) -> Option<i128> {
        match op {
            CounterOp::Add(number) => state.checked_add(*number),
            CounterOp::Read(sum) => (sum == state).then_some(*state),
        }
    }

    fn show(&self, state: &i128) -> Value {
        i64::try_from(*state).map_or_else(|_| json!(state.to_string()), |state| json!(state))
    }

    fn describe(&self, op: &CounterOp) -> String {
        match op {
            CounterOp::Add(number) => format!("added {number}"),
            CounterOp::Read(sum) => format!("read {sum}"),
        }
    }

    fn reads_only(&self, op: &CounterOp) -> bool {
        matches!(op, CounterOp::Read(_) | CounterOp::Add(0))
    }

    fn accumulates(&self) -> bool {
        true
    }
}

fn number(what: &str, value: &Value) -> Result<i128, String> {
    let found = value.as_number().and_then(integer);
    found.ok_or_else(|| format!("{what} {value}; expected an integer"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Counter;
    use crate::models::testing::{accepts, rejects, violated_by_type};

    #[test]
    fn accepts_valid_histories() {
        for line in [
            "0-1 add 1, 2-3 read -> 1",
            "0-1 read -> null, 2-3 add 5, 4-5 add -2, 6-7 read -> 3",
            "0-9 add 1, 1-2 read -> 0, 3-4 read -> 1",
            "0-? add 1, 1-2 read -> 0, 3-4 read -> 1",
            "0-1! add 1, 2-3 read -> 0",
            "0-9 add 1, 0-9 add 2, 1-2 read -> 2, 3-4 read -> 3",
        ] {
            accepts(&Counter, line);
        }
    }

    #[test]
    fn rejects_invalid_histories() {
        for line in [
            "0-1 add 1, 2-3 read -> 0",
            "0-1 add 1, 2-3 read -> 2",
            "0-9 add 1, 1-2 read -> 1, 3-4 read -> 0",
            "0-? add 1, 1-2 read -> 1, 3-4 read -> 0",
            "0-1! add 1, 2-3 read -> 1",
            "0-9 add 1, 0-9 add 2, 1-2 read -> 2, 3-4 read -> 1",
        ] {
            rejects(&Counter, line);
        }
    }

    #[test]
    fn what_is_no_counter_is_said() {
        let told = violated_by_type(&Counter, "0-1 add \"x\"");
        assert_eq!(told, "op 0: an add of \"x\"; expected an integer");
        let told = violated_by_type(&Counter, "0-1 inc 1");
        assert_eq!(told, "op 0: `inc` is nothing a counter does; expected add or read");
    }
}
