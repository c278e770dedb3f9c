//! Draws transactions from a seed.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::draw::{Draw, pick};
use crate::{Invocation, Outcome, Workload};

/// Retired keys that [`Workload::final_reads`] still reads, the latest ones.
const RETIRED_READ_MAX: usize = 200;

/// What transactions write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Elements at the end of lists: Elle's list-append.
    Append,
    /// Whole values: Elle's rw-register.
    Write,
}

impl Kind {
    /// Separates the streams of one seed from each other.
    fn stream(self) -> &'static str {
        match self {
            Self::Append => "isobar/append",
            Self::Write => "isobar/wr",
        }
    }

    /// Of the micro-operation.
    fn function(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Write => "w",
        }
    }
}

/// Which of the keys in use a micro-operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyDistribution {
    /// All alike.
    Uniform,
    /// Half of all take one key, half of the rest another, and so on (Elle's default): some keys
    /// in great contention, others hardly touched.
    Exponential,
}

/// How to draw the transactions of [`Txns`]. Zeros count as 1, but for the share of reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnOptions {
    pub seed: u64,
    pub kind: Kind,
    /// Keys in use at a time.
    pub keys: u32,
    /// The least and the most micro-operations in a transaction.
    pub txn_length: (u32, u32),
    /// A key is replaced by a fresh one when it would be written more often.
    pub max_writes_per_key: u32,
    /// Of 100 micro-operations, how many read.
    pub read_percent: u32,
    pub key_distribution: KeyDistribution,
}

/// Transactions on keys `k0`, `k1`, …, with Elle's semantics: every write to a key has a value of
/// its own, counting from 1, so that a value names the transaction that wrote it; keys retire, so
/// that lists stay short; each micro-operation is drawn for itself, so that a transaction may read
/// what it wrote, or write a key twice.
///
/// **What the seed determines.** The n-th call of `next` gives the n-th element of one sequence,
/// whichever worker asks: a pure function of the options and n, whatever was observed.
///
/// **Derivation.** From the stream `isobar/append` or `isobar/wr`, one 32-bit word per transaction
/// for its length and two per micro-operation, key and function. Exponentially, a word takes the
/// key that is as many places before the last as it has leading zeros, or else the first.
#[derive(Debug)]
pub struct Txns {
    options: TxnOptions,
    draw: Draw,
    slots: Vec<Slot>,
    retired: VecDeque<String>,
    keys_created: u64,
}

/// One of the keys in use.
#[derive(Debug)]
struct Slot {
    key: String,
    writes: u32,
}

impl Txns {
    pub fn new(options: TxnOptions) -> Self {
        let mut txns = Self {
            draw: Draw::new(options.seed, options.kind.stream()),
            slots: Vec::new(),
            retired: VecDeque::new(),
            keys_created: 0,
            options,
        };
        for _ in 0..txns.options.keys.max(1) {
            let slot = txns.fresh();
            txns.slots.push(slot);
        }
        txns
    }

    fn fresh(&mut self) -> Slot {
        let key = format!("k{}", self.keys_created);
        self.keys_created += 1;
        Slot { key, writes: 0 }
    }

    fn slot(&mut self) -> usize {
        let (word, slots) = (self.draw.word(), self.slots.len());
        match self.options.key_distribution {
            KeyDistribution::Uniform => pick(word, slots as u32) as usize,
            KeyDistribution::Exponential => {
                (slots - 1).saturating_sub(word.leading_zeros() as usize)
            }
        }
    }

    fn micro(&mut self) -> Value {
        let index = self.slot();
        if pick(self.draw.word(), 100) < self.options.read_percent {
            return json!(["r", self.slots[index].key, null]);
        }
        if self.slots[index].writes >= self.options.max_writes_per_key.max(1) {
            let fresh = self.fresh();
            self.retired.push_back(std::mem::replace(&mut self.slots[index], fresh).key);
            if self.retired.len() > RETIRED_READ_MAX {
                self.retired.pop_front();
            }
        }
        let slot = &mut self.slots[index];
        slot.writes += 1;
        json!([self.options.kind.function(), slot.key, slot.writes])
    }
}

impl Workload for Txns {
    fn next(&mut self, _worker: u32) -> Option<Invocation> {
        let (least, most) = self.options.txn_length;
        let least = least.max(1);
        let length = least + pick(self.draw.word(), most.max(least) - least + 1);
        let micros = (0..length).map(|_| self.micro()).collect();
        Some(txn(micros))
    }

    fn observe(&mut self, _invocation: &Invocation, _outcome: &Outcome) {}

    /// Every key in use and the last 200 of those that were replaced, one by one.
    fn final_reads(&mut self) -> Vec<Invocation> {
        let in_use = self.slots.iter().map(|slot| &slot.key);
        self.retired.iter().chain(in_use).map(|key| txn(vec![json!(["r", key, null])])).collect()
    }
}

fn txn(micros: Vec<Value>) -> Invocation {
    Invocation { f: "txn".to_owned(), key: None, value: Value::Array(micros) }
}

#[cfg(test)]
#[path = "generator_tests.rs"]
mod tests;
