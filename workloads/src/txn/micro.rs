//! One read or write inside a transaction.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a micro-operation does, named as in histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Function {
    /// Adds an element to the end of a list; an absent list is empty.
    #[serde(rename = "append")]
    Append,
    /// Replaces the value of a register.
    #[serde(rename = "w")]
    Write,
    /// Of a list or a register; absent is null.
    #[serde(rename = "r")]
    Read,
}

/// `["append", key, element]`, `["w", key, value]` or `["r", key, null]`; a read that was
/// performed has what it found in place of the null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Micro(pub Function, pub String, pub Value);

impl Micro {
    pub fn reads(&self) -> bool {
        self.0 == Function::Read
    }

    pub fn key(&self) -> &str {
        &self.1
    }

    /// The micro-operations of a `txn`'s value.
    ///
    /// # Errors
    /// What the value is instead.
    pub fn list(value: &Value) -> Result<Vec<Self>, String> {
        Vec::<Self>::deserialize(value).map_err(|error| {
            format!("{value} is not a list of [\"append\" | \"w\" | \"r\", key, value]: {error}")
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_transaction_is_read_and_written_as_in_histories() {
        let value = json!([["append", "x", 1], ["w", "y", "a"], ["r", "z", null]]);
        let micros = Micro::list(&value).unwrap();
        let expected = [
            Micro(Function::Append, "x".to_owned(), json!(1)),
            Micro(Function::Write, "y".to_owned(), json!("a")),
            Micro(Function::Read, "z".to_owned(), Value::Null),
        ];
        assert_eq!(micros, expected);
        assert_eq!(serde_json::to_value(micros).unwrap(), value);
    }

    #[test]
    fn what_is_no_transaction_is_said() {
        for wrong in [json!(1), json!([["q", "x", 1]]), json!([["r", "x"]]), json!([["r", 1, 1]])] {
            let error = Micro::list(&wrong).unwrap_err();
            assert!(error.contains("is not a list of [\"append\""), "{error}");
        }
    }
}
