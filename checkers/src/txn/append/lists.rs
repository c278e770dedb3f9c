//! The version order of every list, and the place of each append and read in it.

use rustc_hash::FxHashSet;

use super::super::dependencies::NONE;
use super::super::entries::{Entries, Placed};
use super::super::evidence::Sightings;
use super::super::{Function, Micro, Transactions, words};
use crate::history::{Completion, ValueId};

/// The place of an append that was read but is not in the order all agree on, or of a read whose
/// list is not.
pub(crate) const UNSURE: u32 = NONE - 1;

/// A micro-operation and its place in the order of its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub txn: u32,
    /// Place in [`Transactions::all_micros`].
    pub micro: u32,
    /// Of an append: the place of its element, from 0, or [`NONE`] if it comes after the order. Of
    /// a read: how many elements of others it found. Either may be [`UNSURE`].
    pub place: u32,
}

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
        let (placed, entry_ends) = Entries::of(txns, |micro| problem(txns, micro))?.into_parts();
        let entry = |Placed { txn, micro }: Placed| Entry { txn, micro, place: NONE };
        let entries = placed.into_iter().map(entry).collect();
        let ok = |txn| txns.completion(txn) == Completion::Ok;
        let mut lists = Self {
            txns,
            entries,
            entry_ends,
            order: Vec::new(),
            order_ends: Vec::with_capacity(txns.keys().len()),
            committed: (0..txns.len()).map(ok).collect(),
            sightings: Sightings::default(),
            doubts: Vec::new(),
        };
        lists.order_all();
        lists.forget_uncommitted();
        Ok(lists)
    }

    /// Puts the entries of each key in their places.
    fn order_all(&mut self) {
        let mut scratch = super::key::Scratch::default();
        for key in 0..self.txns.keys().len() {
            let range = self.range(key);
            let judge = super::key::Judge {
                txns: self.txns,
                key: key as u32,
                entries: &mut self.entries[range.clone()],
                first: range.start as u32,
                committed: &mut self.committed,
                sightings: &mut self.sightings,
                doubts: &mut self.doubts,
                scratch: &mut scratch,
            };
            judge.run(&mut self.order);
            self.order_ends.push(self.order.len() as u32);
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

    pub(crate) fn function(&self, entry: Entry) -> Function {
        self.txns.all_micros()[entry.micro as usize].f()
    }
}

/// What is wrong with a micro-operation on a list.
fn problem(txns: &Transactions<'_>, micro: Micro) -> Option<String> {
    let value = || words::value(txns, micro.value);
    match micro.f() {
        Function::Append => None,
        Function::Write => Some(format!("writes {}: lists are only appended to", value())),
        Function::Read if micro.value.is_null() => None,
        Function::Read if txns.values().elements(micro.value).is_some() => None,
        Function::Read => Some(format!("read {}: no list", value())),
    }
}

/// The elements of a list; null has none.
pub(crate) fn elements<'a>(txns: &Transactions<'a>, list: ValueId) -> &'a [ValueId] {
    txns.values().elements(list).unwrap_or_default()
}

/// The first element that is there a second time, by its second place.
pub(super) fn repeated(list: &[ValueId]) -> Option<usize> {
    let mut seen = FxHashSet::default();
    list.iter().position(|element| !seen.insert(*element))
}
