//! The micro-operations that may mean something, key by key.

use std::ops::Range;

use rayon::prelude::*;

use super::transactions::threads;
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

/// Writes, whatever became of them, and what ok transactions read; each with whatever else is to be
/// known of it.
pub(crate) struct Entries<E> {
    all: Vec<E>,
    /// Per key where its entries end.
    ends: Vec<u32>,
}

impl<E: From<Placed> + Clone + Send + Sync> Entries<E> {
    /// `problem` says what is wrong with a micro-operation, if anything is.
    ///
    /// # Errors
    /// The first problem, with the operation's name.
    pub(crate) fn of(
        txns: &Transactions<'_>,
        problem: impl Fn(Micro) -> Option<String> + Sync,
    ) -> Result<Self, String> {
        let mut ends = counts(txns, problem)?;
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        let nothing = E::from(Placed { txn: 0, micro: At(0) });
        let mut all = rayon::iter::repeat_n(nothing, sum as usize).collect::<Vec<E>>();
        parts(&mut all, &ends).into_par_iter().for_each(|part| part.fill(txns));
        Ok(Self { all, ends })
    }

    /// Those of a key, in order of transactions.
    pub(crate) fn of_key(&self, key: usize) -> &[E] {
        let start = key.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[start as usize..self.ends[key] as usize]
    }

    pub(crate) fn into_parts(self) -> (Vec<E>, Vec<u32>) {
        (self.all, self.ends)
    }
}

/// Whether a micro-operation is kept, of a transaction that is ok or not.
fn is_kept(ok: bool, micro: &Micro) -> bool {
    ok || micro.f() != Function::Read
}

fn is_ok(txns: &Transactions<'_>, txn: usize) -> bool {
    txns.completion(txn) == Completion::Ok
}

/// Per key how many micro-operations are kept; some transactions at a time.
fn counts(
    txns: &Transactions<'_>,
    problem: impl Fn(Micro) -> Option<String> + Sync,
) -> Result<Vec<u32>, String> {
    let of = |places: Range<usize>| {
        let mut counts = vec![0_u32; txns.keys().len()];
        for txn in places {
            let ok = is_ok(txns, txn);
            for micro in txns.micros(txn).iter().filter(|micro| is_kept(ok, micro)) {
                if let Some(problem) = problem(*micro) {
                    return Err(format!("op {} {problem}", txns.operation(txn).index().0));
                }
                counts[micro.key() as usize] += 1;
            }
        }
        Ok(counts)
    };
    let size = txns.len().div_ceil(threads()).max(1);
    let starts: Vec<usize> = (0..txns.len()).step_by(size).collect();
    let parts: Vec<Result<Vec<u32>, String>> =
        starts.into_par_iter().map(|start| of(start..txns.len().min(start + size))).collect();
    let mut all = vec![0; txns.keys().len()];
    for part in parts {
        all.iter_mut().zip(part?).for_each(|(all, more)| *all += more);
    }
    Ok(all)
}

/// The entries of some keys, one after the other.
struct Part<'a, E> {
    first_key: usize,
    /// Of each of these keys.
    ends: &'a [u32],
    /// Where the first of them begins.
    start: u32,
    entries: &'a mut [E],
}

/// The room for all entries, cut between keys into parts of about one size.
fn parts<'a, E>(mut all: &'a mut [E], ends: &'a [u32]) -> Vec<Part<'a, E>> {
    let size = all.len().div_ceil(threads()).max(1);
    let (mut parts, mut first_key, mut start) = (Vec::new(), 0, 0_u32);
    while first_key < ends.len() {
        let enough = start.saturating_add(size as u32);
        let count = ends[first_key..].partition_point(|&end| end < enough) + 1;
        let last = ends.len().min(first_key + count);
        let (ends, end) = (&ends[first_key..last], ends[last - 1]);
        let (entries, rest) = std::mem::take(&mut all).split_at_mut((end - start) as usize);
        all = rest;
        parts.push(Part { first_key, ends, start, entries });
        (first_key, start) = (last, end);
    }
    parts
}

impl<E: From<Placed>> Part<'_, E> {
    /// Each thread passes over all transactions: that is quick, and finding the places is not.
    fn fill(self, txns: &Transactions<'_>) {
        let starts = std::iter::once(self.start).chain(self.ends.iter().copied());
        let mut next: Vec<u32> =
            starts.take(self.ends.len()).map(|start| start - self.start).collect();
        let mut number = 0;
        for txn in 0..txns.len() {
            let ok = is_ok(txns, txn);
            for micro in txns.micros(txn) {
                let key = (micro.key() as usize).wrapping_sub(self.first_key);
                if let Some(next) = next.get_mut(key)
                    && is_kept(ok, micro)
                {
                    let micro = At::new(number, micro.f() == Function::Read);
                    self.entries[*next as usize] = E::from(Placed { txn: txn as u32, micro });
                    *next += 1;
                }
                number += 1;
            }
        }
    }
}
