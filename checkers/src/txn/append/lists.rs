//! The version order of every list, and the place of each append and read in it.

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::super::dependencies::NONE;
use super::super::entries::{At, Entries, Placed};
use super::super::evidence::Sightings;
use super::super::{Function, Micro, Transactions, words};
use super::key::Scratch;
use crate::history::{Completion, ValueId};

/// The place of an append that was read but is not in the order all agree on, or of a read whose
/// list is not.
pub(crate) const UNSURE: u32 = NONE - 1;

/// A micro-operation and its place in the order of its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub txn: u32,
    pub micro: At,
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

impl From<Placed> for Entry {
    fn from(Placed { txn, micro }: Placed) -> Self {
        Self { txn, micro, place: NONE }
    }
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
            let judge = super::key::Judge {
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

/// What is known of the keys of a part.
#[derive(Default)]
pub(super) struct Ordered {
    order: Vec<u32>,
    /// Per key where its order ends.
    ends: Vec<u32>,
    /// Transactions in doubt of which something was found.
    pub happened: Vec<u32>,
    pub sightings: Sightings,
    pub doubts: Vec<String>,
}

/// The places of some entries. Which read and which append nobody can foresee: where both are
/// looked at by turns, this is quicker than to ask at each.
pub(super) fn select(into: &mut Vec<u32>, among: &[Entry], is_one: impl Fn(&Entry) -> bool) {
    into.resize(among.len(), 0);
    let mut count = 0;
    for (place, entry) in (0..).zip(among) {
        into[count] = place;
        count += usize::from(is_one(entry));
    }
    into.truncate(count);
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

/// The elements of a list; null has none.
pub(crate) fn elements<'a>(txns: &Transactions<'a>, list: ValueId) -> &'a [ValueId] {
    txns.values().elements(list).unwrap_or_default()
}

/// Elements compared without a branch for each.
const TOGETHER: usize = 32;

/// Whether a list begins with another. The one of slices compares element by element.
pub(super) fn begins_with(list: &[ValueId], with: &[ValueId]) -> bool {
    let Some(list) = list.get(..with.len()) else { return false };
    let same = |(a, b): (&[ValueId], &[ValueId])| {
        let both = a.iter().zip(b);
        both.fold(0, |differing, (a, b)| differing | (a.raw() ^ b.raw())) == 0
    };
    list.chunks(TOGETHER).zip(with.chunks(TOGETHER)).all(same)
}

/// The first element that is there a second time, by its second place.
pub(super) fn repeated(list: &[ValueId]) -> Option<usize> {
    let mut seen = FxHashSet::default();
    list.iter().position(|element| !seen.insert(*element))
}
