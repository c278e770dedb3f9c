//! The transactions of a history as columns: the micro-operations of all lie side by side.
//!
//! A `txn` has a list of micro-operations as its value: `["append", key, element]` and
//! `["r", key, [element, …]]` on lists, `["w", key, value]` and `["r", key, value]` on registers.
//! What counts is the completion's list where the transaction is ok, and otherwise the
//! invocation's: then nobody knows what its reads found.
//!
//! **null** read of a list is the empty list; read of a register it is the initial state, a value
//! like any other.

use rayon::prelude::*;
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

/// In place of a transaction, or of something else with a number, where there is none.
pub(crate) const NONE: u32 = u32::MAX;

/// Room for one.
const NOTHING: Micro = Micro { word: 0, value: ValueId::NULL };

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
        let size = history.len().div_ceil(threads()).max(1);
        let mut ends = vec![0; history.len()];
        let lengths = ends.par_chunks_mut(size).enumerate();
        lengths.for_each(|(part, lengths)| find_lengths(history, part * size, lengths));
        let mut micros = vec![NOTHING; add_up(&mut ends)?];
        let mut parts = parts(history, &ends, &mut micros, size);
        all(parts.par_iter_mut().map(Part::fill))?;
        let keys = number(&mut parts)?;
        Ok(Self { history, keys, micros, ends })
    }

    /// Of a history without any.
    pub(super) fn none(history: &'a History) -> Self {
        Self { history, keys: Vec::new(), micros: Vec::new(), ends: Vec::new() }
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

/// The most that is done at a time: some of it is done once more by each thread.
const THREADS_MAX: usize = 8;

/// How much is done at a time; in tests always something.
pub(super) fn threads() -> usize {
    if cfg!(test) { 3 } else { rayon::current_num_threads().min(THREADS_MAX) }
}

/// The first error of any part.
fn all(parts: impl IndexedParallelIterator<Item = Result<(), TxnError>>) -> Result<(), TxnError> {
    let parts: Vec<_> = parts.collect();
    parts.into_iter().collect()
}

/// The micro-operations of an operation, by name, if it is a transaction; and whether it is ok.
fn items(history: &History, place: usize) -> Result<(&[ValueId], bool), TxnError> {
    let (operation, values) = (history.operation(place), history.values());
    let op = operation.index().0;
    if operation.f() != "txn" {
        return Err(TxnError::NoTxn { op, f: operation.f().to_owned() });
    }
    let ok = operation.completion() == Completion::Ok;
    let list = if ok { operation.result_id() } else { operation.argument_id() };
    let items = values.elements(list);
    items
        .map(|items| (items, ok))
        .ok_or_else(|| TxnError::NoList { op, value: values.get(list).to_string() })
}

/// How many micro-operations there are in each transaction from `first` on, up to the first
/// operation that is none.
fn find_lengths(history: &History, first: usize, lengths: &mut [u32]) {
    for (place, length) in (first..).zip(lengths) {
        let Ok((items, _)) = items(history, place) else { return };
        *length = items.len() as u32;
    }
}

/// From lengths to ends; how many micro-operations there are in all.
fn add_up(lengths: &mut [u32]) -> Result<usize, TxnError> {
    let mut sum = 0;
    for length in lengths {
        sum += *length as usize;
        *length = sum as u32;
    }
    if sum > MICROS_MAX { Err(TxnError::TooMany) } else { Ok(sum) }
}

/// Some transactions, one after the other.
struct Part<'a, 'b> {
    history: &'a History,
    first: usize,
    /// Where the micro-operations of each end, among those of all.
    ends: &'b [u32],
    micros: &'b mut [Micro],
    /// By number, in order of first use.
    keys: Vec<ValueId>,
}

/// All transactions, so many at a time.
fn parts<'a, 'b>(
    history: &'a History,
    ends: &'b [u32],
    mut micros: &'b mut [Micro],
    size: usize,
) -> Vec<Part<'a, 'b>> {
    let mut start = 0;
    let part = |(part, ends): (usize, &'b [u32])| {
        let end = ends.last().map_or(start, |&end| end as usize);
        let (these, rest) = std::mem::take(&mut micros).split_at_mut(end - start);
        (micros, start) = (rest, end);
        Part { history, first: part * size, ends, micros: these, keys: Vec::new() }
    };
    ends.chunks(size).enumerate().map(part).collect()
}

impl Part<'_, '_> {
    /// Spells the micro-operations out, with numbers of keys that count for this part alone.
    fn fill(&mut self) -> Result<(), TxnError> {
        let mut functions = Functions::of(self.history);
        let mut numbers = FxHashMap::default();
        let mut next = self.micros.iter_mut();
        for place in self.first..self.first + self.ends.len() {
            let (items, ok) = items(self.history, place)?;
            for (nth, (&item, micro)) in items.iter().zip(&mut next).enumerate() {
                let (f, key, value) = functions.micro(item).ok_or_else(|| {
                    let op = self.history.operation(place).index().0;
                    let micro = self.history.values().get(item).to_string();
                    TxnError::NoMicro { op, place: nth + 1, micro }
                })?;
                let new = self.keys.len() as u32;
                let key_number = *numbers.entry(key).or_insert(new);
                if key_number == new {
                    self.keys.push(key);
                    if new >= KEYS_MAX {
                        return Err(TxnError::TooMany);
                    }
                }
                let unknown = f == Function::Read && !ok;
                let value = if unknown { ValueId::NULL } else { value };
                *micro = Micro::new(f, key_number, value);
            }
        }
        Ok(())
    }

    fn renumber(&mut self, numbers: &[u32]) {
        for micro in &mut *self.micros {
            *micro = Micro::new(micro.f(), numbers[micro.key() as usize], micro.value);
        }
    }
}

/// Numbers the keys of all parts in order of first use: the keys by number.
fn number(parts: &mut [Part<'_, '_>]) -> Result<Vec<ValueId>, TxnError> {
    let (mut keys, mut known) = (Vec::new(), FxHashMap::default());
    let mut number = |key: &ValueId| {
        let new = keys.len() as u32;
        let number = *known.entry(*key).or_insert(new);
        if number == new {
            keys.push(*key);
        }
        number
    };
    let numbers: Vec<Vec<u32>> =
        parts.iter().map(|part| part.keys.iter().map(&mut number).collect()).collect();
    // The first part has the numbers that it gave.
    let others = parts.par_iter_mut().zip(&numbers).skip(1);
    others.for_each(|(part, numbers)| part.renumber(numbers));
    if keys.len() > KEYS_MAX as usize { Err(TxnError::TooMany) } else { Ok(keys) }
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
