//! The transactions of a history as columns: the micro-operations of all lie side by side.
//!
//! A `txn` has a list of micro-operations as its value: `["append", key, element]` and
//! `["r", key, [element, …]]` on lists, `["w", key, value]` and `["r", key, value]` on registers.
//! What counts is the completion's list where the transaction is ok, and otherwise the
//! invocation's: then nobody knows what its reads found.
//!
//! **null** read of a list is the empty list; read of a register it is the initial state, a value
//! like any other.

use rustc_hash::FxHashMap;
use thiserror::Error;

use crate::history::{Completion, History, Operation, ValueId, Values};

/// What a micro-operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Function {
    /// Adds an element to the end of a list.
    Append = 0,
    /// Replaces the value of a register.
    Write = 1,
    /// Of a list or a register.
    Read = 2,
}

/// A micro-operation, in 8 bytes: histories have tens of millions of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Micro {
    /// The function above the key.
    word: u32,
    /// The element appended, the value written, or what was read: unknown, and null, unless the
    /// transaction is ok.
    pub value: ValueId,
}

/// Bits of a word that are a key's.
const KEY_BITS: u32 = 30;
/// The most keys of a history.
const KEYS_MAX: u32 = 1 << KEY_BITS;
/// The most micro-operations.
const MICROS_MAX: usize = 1 << 31;

impl Micro {
    fn new(f: Function, key: u32, value: ValueId) -> Self {
        Self { word: (f as u32) << KEY_BITS | key, value }
    }

    /// What it does.
    #[inline]
    pub fn f(&self) -> Function {
        match self.word >> KEY_BITS {
            0 => Function::Append,
            1 => Function::Write,
            _ => Function::Read,
        }
    }

    /// Place in [`Transactions::keys`].
    #[inline]
    pub fn key(&self) -> u32 {
        self.word & (KEYS_MAX - 1)
    }
}

/// The transactions of a history, in order of invocation; named by their place in it.
pub struct Transactions<'a> {
    history: &'a History,
    keys: Vec<ValueId>,
    micros: Vec<Micro>,
    /// Per transaction, where its micro-operations end.
    ends: Vec<u32>,
}

/// An operation that is no transaction.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say what their fields are")]
pub enum TxnError {
    #[error("op {op}: `{f}` is no transaction; expected `txn`")]
    NoTxn { op: u32, f: String },
    #[error("op {op}: its value is {value}; expected a list of micro-operations")]
    NoList { op: u32, value: String },
    #[error(
        "op {op}: micro-operation {place}, {micro}, is nothing a transaction does; expected \
         [\"append\", key, element], [\"w\", key, value] or [\"r\", key, value]"
    )]
    NoMicro { op: u32, place: usize, micro: String },
    /// Beyond the numbers that there are.
    #[error("more than 2,147,483,648 micro-operations, or 1,073,741,824 keys")]
    TooMany,
}

impl<'a> Transactions<'a> {
    /// # Errors
    /// The first operation that is no transaction.
    pub fn of(history: &'a History) -> Result<Self, TxnError> {
        let mut all = Self {
            history,
            keys: Vec::new(),
            micros: Vec::with_capacity(history.len() * 2),
            ends: Vec::with_capacity(history.len()),
        };
        let mut functions = Functions::of(history);
        let mut numbers = FxHashMap::default();
        for operation in history.operations() {
            all.add(operation, &mut functions, &mut numbers)?;
        }
        Ok(all)
    }

    fn add(
        &mut self,
        operation: Operation<'_>,
        functions: &mut Functions<'_>,
        numbers: &mut FxHashMap<ValueId, u32>,
    ) -> Result<(), TxnError> {
        let (op, values) = (operation.index().0, self.history.values());
        if operation.f() != "txn" {
            return Err(TxnError::NoTxn { op, f: operation.f().to_owned() });
        }
        let ok = operation.completion() == Completion::Ok;
        let list = if ok { operation.result_id() } else { operation.argument_id() };
        let Some(items) = values.elements(list) else {
            return Err(TxnError::NoList { op, value: values.get(list).to_string() });
        };
        for (place, &item) in items.iter().enumerate() {
            let (f, key, value) = functions.micro(item).ok_or_else(|| {
                let micro = values.get(item).to_string();
                TxnError::NoMicro { op, place: place + 1, micro }
            })?;
            let keys = &mut self.keys;
            let key = *numbers.entry(key).or_insert_with(|| {
                keys.push(key);
                keys.len() as u32 - 1
            });
            let unknown = f == Function::Read && !ok;
            let value = if unknown { ValueId::NULL } else { value };
            if key >= KEYS_MAX {
                return Err(TxnError::TooMany);
            }
            self.micros.push(Micro::new(f, key, value));
        }
        if self.micros.len() > MICROS_MAX {
            return Err(TxnError::TooMany);
        }
        self.ends.push(self.micros.len() as u32);
        Ok(())
    }

    /// How many transactions there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The micro-operations of a transaction, in order.
    pub fn micros(&self, txn: usize) -> &[Micro] {
        let start = txn.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.micros[start as usize..self.ends[txn] as usize]
    }

    /// Place of its first micro-operation among those of all transactions.
    pub fn first_micro(&self, txn: usize) -> usize {
        txn.checked_sub(1).map_or(0, |before| self.ends[before] as usize)
    }

    /// Those of all transactions.
    pub fn all_micros(&self) -> &[Micro] {
        &self.micros
    }

    /// The keys by number, in order of first use.
    pub fn keys(&self) -> &[ValueId] {
        &self.keys
    }

    /// How a transaction ended.
    pub fn completion(&self, txn: usize) -> Completion {
        self.history.operation(txn).completion()
    }

    /// The operation that the transaction is.
    pub fn operation(&self, txn: usize) -> Operation<'a> {
        self.history.operation(txn)
    }

    /// The history that they are of.
    pub fn history(&self) -> &'a History {
        self.history
    }

    /// The values of that history.
    pub fn values(&self) -> &'a Values {
        self.history.values()
    }
}

/// Tells micro-operations apart by the names of their functions, which are interned: each is read
/// once.
struct Functions<'a> {
    values: &'a Values,
    /// Names that have been looked at.
    known: Vec<(ValueId, Function)>,
}

impl<'a> Functions<'a> {
    fn of(history: &'a History) -> Self {
        Self { values: history.values(), known: Vec::new() }
    }

    /// Function, key and value; `[f, key]` reads nothing yet.
    fn micro(&mut self, id: ValueId) -> Option<(Function, ValueId, ValueId)> {
        let (f, key, value) = match *self.values.elements(id)? {
            [f, key, value] => (f, key, value),
            [f, key] => (f, key, ValueId::NULL),
            _ => return None,
        };
        let known = self.known.iter().find(|(name, _)| *name == f);
        let f = match known {
            Some((_, known)) => *known,
            None => self.learn(f)?,
        };
        Some((f, key, value))
    }

    fn learn(&mut self, name: ValueId) -> Option<Function> {
        // Jepsen's JSON may keep the colon of a keyword.
        let f = match self.values.text(name)?.trim_start_matches(':') {
            "append" => Function::Append,
            "w" | "write" => Function::Write,
            "r" | "read" => Function::Read,
            _ => return None,
        };
        self.known.push((name, f));
        Some(f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::super::notation::history;
    use super::*;
    use crate::linearizability::notation as plain;

    #[test]
    fn what_counts_is_the_completion_of_an_ok_and_the_invocation_of_others() {
        let history = history("0-3 ax1 ry[1,2] | 1-? wz7 rx_ | 2-4! ry_");
        let all = Transactions::of(&history).unwrap();
        assert_eq!(all.len(), 3);
        let keys: Vec<_> = all.keys().iter().map(|&key| all.values().get(key)).collect();
        assert_eq!(keys, [json!("x"), json!("y"), json!("z")]);
        let micros: Vec<_> = (0..3)
            .flat_map(|txn| all.micros(txn))
            .map(|micro| (micro.f(), micro.key(), all.values().get(micro.value)))
            .collect();
        let expected = [
            (Function::Append, 0, json!(1)),
            (Function::Read, 1, json!([1, 2])),
            (Function::Write, 2, json!(7)),
            (Function::Read, 0, json!(null)),
            (Function::Read, 1, json!(null)),
        ];
        assert_eq!(micros, expected);
    }

    #[test]
    fn what_is_no_transaction_is_named() {
        let error = |history: &History| Transactions::of(history).map(|_| ()).unwrap_err();
        let register = plain::history("0-1 w1");
        assert_eq!(error(&register).to_string(), "op 0: `write` is no transaction; expected `txn`");
        let odd = history("0-1 ax1 qx2");
        assert!(error(&odd).to_string().starts_with("op 0: micro-operation 2, [\"q\",\"x\",2],"));
    }
}
