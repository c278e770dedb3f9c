//! What is done to a list: an append, or a read of its elements.

use rustc_hash::FxHashSet;

use super::super::Transactions;
use super::super::entries::{At, Placed};
use super::super::transactions::NONE;
use crate::history::ValueId;

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

impl From<Placed> for Entry {
    fn from(Placed { txn, micro }: Placed) -> Self {
        Self { txn, micro, place: NONE }
    }
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
