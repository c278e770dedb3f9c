//! The version order of every list, and the place of each append and read in it.

use rayon::prelude::*;

use super::super::entries::Entries;
use super::super::evidence::Sightings;
use super::super::transactions::NONE;
use super::super::{Function, Micro, Transactions, words};
use super::entry::Entry;
use super::key::{Judge, Ordered, Scratch};
use crate::history::Completion;

/// The lists of a history, by key.
pub(crate) struct Lists<'a> {
    pub txns: &'a Transactions<'a>,
    /// By key, in order of transactions.
    entries: Vec<Entry>,
    /// Per key where its entries end.
    entry_ends: Vec<u32>,
    /// Per place in each order the entry that appended the element, or [`NONE`] when it is not
    /// known to have happened.
    order: Vec<u32>,
    order_ends: Vec<u32>,
    /// Per transaction, whether it happened.
    pub committed: Vec<bool>,
    pub sightings: Sightings,
    /// Why nothing is known of some elements.
    pub doubts: Vec<String>,
}

impl<'a> Lists<'a> {
    /// # Errors
    /// Says which micro-operation is none on a list.
    pub(crate) fn of(txns: &'a Transactions<'a>) -> Result<Self, String> {
        let (entries, entry_ends) = Entries::of(txns, |micro| problem(txns, micro))?.into_parts();
        let ok = |txn| txns.completion(txn) == Completion::Ok;
        let mut lists = Self {
            txns,
            entries,
            entry_ends,
            order: Vec::new(),
            order_ends: Vec::with_capacity(txns.keys().len()),
            committed: (0..txns.len()).into_par_iter().map(ok).collect(),
            sightings: Sightings::default(),
            doubts: Vec::new(),
        };
        lists.order_all();
        lists.forget_uncommitted();
        Ok(lists)
    }

    /// Puts the entries of each key in their places, those of some keys at a time.
    fn order_all(&mut self) {
        let (txns, committed) = (self.txns, &self.committed);
        let parts = parts(&mut self.entries, &self.entry_ends).into_par_iter();
        let parts: Vec<Ordered> = parts.map(|part| part.run(txns, committed)).collect();
        for part in parts {
            let before = self.order.len() as u32;
            self.order.extend(part.order);
            self.order_ends.extend(part.ends.iter().map(|end| before + end));
            part.happened.iter().for_each(|&txn| self.committed[txn as usize] = true);
            self.sightings.extend(part.sightings);
            self.doubts.extend(part.doubts);
        }
    }

    /// Of what happened only is there an order.
    fn forget_uncommitted(&mut self) {
        for entry in &mut self.order {
            if *entry != NONE && !self.committed[self.entries[*entry as usize].txn as usize] {
                *entry = NONE;
            }
        }
    }

    fn range(&self, key: usize) -> std::ops::Range<usize> {
        let start = key.checked_sub(1).map_or(0, |before| self.entry_ends[before]);
        start as usize..self.entry_ends[key] as usize
    }

    /// The keys of one of so many parts, which have about as many entries each.
    pub(super) fn keys_of(&self, part: usize, parts: usize) -> std::ops::Range<usize> {
        let first = |part: usize| {
            let before = self.entries.len() * part / parts;
            self.entry_ends.partition_point(|&end| (end as usize) <= before)
        };
        let last = if part + 1 == parts { self.entry_ends.len() } else { first(part + 1) };
        first(part).min(last)..last
    }

    /// The entries of a key, in order of transactions.
    pub(crate) fn entries(&self, key: usize) -> &[Entry] {
        &self.entries[self.range(key)]
    }

    /// The entries that appended the elements of a key, in order; [`None`] where nobody did who is
    /// known to have happened.
    pub(crate) fn order(&self, key: usize) -> impl DoubleEndedIterator<Item = Option<Entry>> + '_ {
        let start = key.checked_sub(1).map_or(0, |before| self.order_ends[before]);
        let order = &self.order[start as usize..self.order_ends[key] as usize];
        order.iter().map(|&entry| self.entries.get(entry as usize).copied())
    }
}

/// The entries of some keys, one after the other.
struct Part<'a> {
    keys: std::ops::Range<usize>,
    entries: &'a mut [Entry],
    /// Place of the first entry among all, and where those of each key end.
    first: usize,
    ends: &'a [u32],
}

/// Entries of a part, at least; few in tests, so that they have parts.
const PART: usize = if cfg!(test) { 4 } else { 1 << 17 };

/// All entries, in parts.
fn parts<'a>(mut entries: &'a mut [Entry], ends: &'a [u32]) -> Vec<Part<'a>> {
    let (mut parts, mut first, mut key) = (Vec::new(), 0, 0);
    for (last, &end) in ends.iter().enumerate() {
        let count = end as usize - first;
        if count < PART && last + 1 < ends.len() {
            continue;
        }
        let (these, rest) = std::mem::take(&mut entries).split_at_mut(count);
        entries = rest;
        parts.push(Part { keys: key..last + 1, entries: these, first, ends: &ends[key..=last] });
        (first, key) = (end as usize, last + 1);
    }
    parts
}

impl Part<'_> {
    fn run(self, txns: &Transactions<'_>, committed: &[bool]) -> Ordered {
        let (mut into, mut order, mut scratch) =
            (Ordered::default(), Vec::new(), Scratch::default());
        let mut start = self.first;
        for (key, &end) in self.keys.zip(self.ends) {
            let range = start - self.first..end as usize - self.first;
            let judge = Judge {
                txns,
                key: key as u32,
                entries: &mut self.entries[range],
                first: start as u32,
                committed,
                ordered: &mut into,
                scratch: &mut scratch,
            };
            judge.run(&mut order);
            into.ends.push(order.len() as u32);
            start = end as usize;
        }
        into.order = order;
        into
    }
}

/// What is wrong with a micro-operation on a list.
fn problem(txns: &Transactions<'_>, micro: Micro) -> Option<String> {
    let value = || words::value(txns, micro.value);
    match micro.f() {
        Function::Append => None,
        Function::Write => Some(format!("writes {}: lists are only appended to", value())),
        Function::Read if micro.value.is_null() => None,
        Function::Read if micro.value.is_array() => None,
        Function::Read => Some(format!("read {}: no list", value())),
    }
}
