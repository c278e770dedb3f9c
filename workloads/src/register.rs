//! Reads, writes and compare-and-sets of many independent registers.
//!
//! Keys keep the history of each register short, which is what makes linearizability decidable
//! (it is checked key by key); replacing them keeps memory bounded and lets a fault meet fresh
//! keys as well as old ones.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

use crate::draw::{Draw, pick};
use crate::{Invocation, Outcome, Workload};

/// Percent of operations which read.
const READ_PERCENT: u32 = 40;
/// Percent of operations which write; the rest compare and set.
const WRITE_PERCENT: u32 = 35;
/// Retired keys that [`Workload::final_reads`] still reads, the latest ones.
const RETIRED_READ_MAX: usize = 200;
/// Separates this stream from others drawn from the same seed.
const STREAM: &str = "isobar/register";

/// How to draw the operations of a [`Register`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterOptions {
    pub seed: u64,
    /// Keys in use at a time; 0 counts as 1.
    pub keys: u32,
    /// A key is replaced by a fresh one after so many operations; 0 counts as 1.
    pub ops_per_key: u32,
    /// Draw written values from `0..values` (0 counts as 1). `None`: every value written to a key
    /// is its own, counting from 1.
    pub values: Option<u32>,
    /// Whether to compare and set; otherwise those operations write.
    pub cas: bool,
}

/// The register workload: keys `k0`, `k1`, …, each `null` until it is written.
///
/// **What the seed determines.** The n-th call of `next` gives the n-th element of one sequence,
/// whichever worker asks: its function, key and written value are a pure function of the options
/// and n. So two runs of one seed perform the same sequence, though not the same worker need
/// perform the same element. The expected value of a cas is the only other part: random (of the
/// seed) in a small domain; else the value last observed for the key, so that many succeed.
///
/// **Derivation.** From the stream `isobar/register` four 32-bit words are drawn per operation, in
/// the order: key, function, written value, expected value.
#[derive(Debug)]
pub struct Register {
    options: RegisterOptions,
    draw: Draw,
    slots: Vec<Slot>,
    /// From each key in use to its slot.
    slot_by_key: HashMap<String, usize>,
    retired: VecDeque<String>,
    keys_created: u64,
}

/// One of the keys in use.
#[derive(Debug)]
struct Slot {
    key: String,
    ops: u32,
    /// The last unique value drawn for the key.
    value_last: u64,
    observed: Value,
}

impl Slot {
    fn written(&mut self, values: Option<u32>, word: u32) -> Value {
        if let Some(values) = values {
            return json!(pick(word, values));
        }
        self.value_last += 1;
        json!(self.value_last)
    }

    fn expected(&self, values: Option<u32>, word: u32) -> Value {
        values.map_or_else(|| self.observed.clone(), |values| json!(pick(word, values)))
    }
}

impl Register {
    pub fn new(options: RegisterOptions) -> Self {
        let mut register = Self {
            draw: Draw::new(options.seed, STREAM),
            slots: Vec::new(),
            slot_by_key: HashMap::new(),
            retired: VecDeque::new(),
            keys_created: 0,
            options,
        };
        for index in 0..register.options.keys.max(1) as usize {
            let slot = register.fresh(index);
            register.slots.push(slot);
        }
        register
    }

    /// A new key for the slot at `index`.
    fn fresh(&mut self, index: usize) -> Slot {
        let key = format!("k{}", self.keys_created);
        self.keys_created += 1;
        self.slot_by_key.insert(key.clone(), index);
        Slot { key, ops: 0, value_last: 0, observed: Value::Null }
    }

    fn replace(&mut self, index: usize) {
        let fresh = self.fresh(index);
        let old = std::mem::replace(&mut self.slots[index], fresh);
        self.slot_by_key.remove(&old.key);
        self.retired.push_back(old.key);
        if self.retired.len() > RETIRED_READ_MAX {
            self.retired.pop_front();
        }
    }
}

impl Workload for Register {
    fn next(&mut self, _worker: u32) -> Option<Invocation> {
        let words: [u32; 4] = std::array::from_fn(|_| self.draw.word());
        let index = pick(words[0], self.slots.len() as u32) as usize;
        let percent = pick(words[1], 100);
        let slot = &mut self.slots[index];
        let values = self.options.values.map(|values| values.max(1));

        let (f, value) = if percent < READ_PERCENT {
            ("read", Value::Null)
        } else if percent < READ_PERCENT + WRITE_PERCENT || !self.options.cas {
            ("write", slot.written(values, words[2]))
        } else {
            let expected = slot.expected(values, words[3]);
            ("cas", json!([expected, slot.written(values, words[2])]))
        };

        let key = Some(Value::String(slot.key.clone()));
        slot.ops += 1;
        if slot.ops >= self.options.ops_per_key {
            self.replace(index);
        }
        Some(Invocation { f: f.to_owned(), key, value })
    }

    fn observe(&mut self, invocation: &Invocation, outcome: &Outcome) {
        let Outcome::Ok(result) = outcome else { return };
        let Some(key) = invocation.key.as_ref().and_then(Value::as_str) else { return };
        let Some(&index) = self.slot_by_key.get(key) else { return };
        let seen = match invocation.f.as_str() {
            "read" => Some(result),
            "write" => Some(&invocation.value),
            "cas" => invocation.value.get(1),
            _ => None,
        };
        if let Some(seen) = seen {
            self.slots[index].observed = seen.clone();
        }
    }

    /// Every key in use, and the last 200 of those that were replaced.
    fn final_reads(&mut self) -> Vec<Invocation> {
        let in_use = self.slots.iter().map(|slot| &slot.key);
        self.retired
            .iter()
            .chain(in_use)
            .map(|key| Invocation {
                f: "read".to_owned(),
                key: Some(Value::String(key.clone())),
                value: Value::Null,
            })
            .collect()
    }
}

#[cfg(test)]
#[path = "register_tests.rs"]
mod tests;
