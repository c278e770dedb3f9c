//! The micro-operations that may mean something, key by key.

use super::{Function, Micro, Transactions};
use crate::history::Completion;

/// Place in [`Transactions::all_micros`], and whether it reads: asked so often that it is not
/// looked up there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At(u32);

impl At {
    fn new(place: u32, reads: bool) -> Self {
        Self(place << 1 | u32::from(reads))
    }

    pub(crate) fn place(self) -> usize {
        self.0 as usize >> 1
    }

    pub(crate) fn reads(self) -> bool {
        self.0 & 1 == 1
    }
}

/// A micro-operation of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    pub txn: u32,
    pub micro: At,
}

/// Writes, whatever became of them, and what ok transactions read.
pub(crate) struct Entries {
    all: Vec<Placed>,
    /// Per key where its entries end.
    ends: Vec<u32>,
}

impl Entries {
    /// `problem` says what is wrong with a micro-operation, if anything is.
    ///
    /// # Errors
    /// The first problem, with the operation's name.
    pub(crate) fn of(
        txns: &Transactions<'_>,
        problem: impl Fn(Micro) -> Option<String>,
    ) -> Result<Self, String> {
        let counts = |ok: bool, micro: &Micro| ok || micro.f() != Function::Read;
        let mut ends = vec![0_u32; txns.keys().len()];
        for txn in 0..txns.len() {
            let ok = txns.completion(txn) == Completion::Ok;
            for micro in txns.micros(txn).iter().filter(|micro| counts(ok, micro)) {
                if let Some(problem) = problem(*micro) {
                    return Err(format!("op {} {problem}", txns.operation(txn).index().0));
                }
                ends[micro.key() as usize] += 1;
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            // For now where the key's entries begin.
            sum += std::mem::replace(end, sum);
        }
        let mut all = vec![Placed { txn: 0, micro: At(0) }; sum as usize];
        let mut number = 0;
        for txn in 0..txns.len() {
            let ok = txns.completion(txn) == Completion::Ok;
            for micro in txns.micros(txn) {
                if counts(ok, micro) {
                    let next = &mut ends[micro.key() as usize];
                    let micro = At::new(number, micro.f() == Function::Read);
                    all[*next as usize] = Placed { txn: txn as u32, micro };
                    *next += 1;
                }
                number += 1;
            }
        }
        Ok(Self { all, ends })
    }

    /// Those of a key, in order of transactions.
    pub(crate) fn of_key(&self, key: usize) -> &[Placed] {
        let start = key.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[start as usize..self.ends[key] as usize]
    }

    pub(crate) fn into_parts(self) -> (Vec<Placed>, Vec<u32>) {
        (self.all, self.ends)
    }
}
