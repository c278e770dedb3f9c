//! What a read demands of the order of commits: that an earlier transaction, known to the reader,
//! was replaced by the one that it read from.

use std::ops::Range;

use rayon::prelude::*;

use super::sessions::{Found, NOBODY, Sessions};

/// `older` wrote a key, `reader` knew of it and yet read the key from `newer`: so `older` comes
/// before `newer`. All are nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Demand {
    pub older: u32,
    /// [`NOBODY`](super::sessions::NOBODY): the initial transaction, which cannot be newer.
    pub newer: u32,
    pub reader: u32,
    pub key: u32,
}

/// Takes the demands one by one.
pub(super) trait Sink {
    fn take(&mut self, demand: Demand);
}

impl<F: FnMut(Demand)> Sink for F {
    fn take(&mut self, demand: Demand) {
        self(demand);
    }
}

/// Orders without reasons, so that ten million reads fit: those that none can keep, of the initial
/// transaction or against the known order of versions, are told one by one.
pub(super) struct Orders<'a> {
    sessions: &'a Sessions,
    pairs: Vec<(u32, u32)>,
    /// Pairs that were demanded lately, each in its slot.
    recent: Vec<(u32, u32)>,
    /// Length after the last tidying.
    tidy: usize,
    impossible: Vec<Demand>,
}

/// Few enough for a processor's first cache.
const RECENT: usize = 1 << 9;

/// So many more pairs than after the last tidying may be there before the next.
const UNTIDY_MAX: usize = 1 << 22;

impl Sink for Orders<'_> {
    fn take(&mut self, demand: Demand) {
        if self.sessions.contradicts(demand.older, demand.newer, demand.key) {
            self.impossible.push(demand);
            return;
        }
        let pair = (demand.older, demand.newer);
        // The same orders are demanded again and again.
        if self.recent.is_empty() {
            self.recent = vec![(NOBODY, NOBODY); RECENT];
        }
        let slot = demand.older.wrapping_mul(31).wrapping_add(demand.newer) as usize % RECENT;
        if std::mem::replace(&mut self.recent[slot], pair) == pair {
            return;
        }
        self.pairs.push(pair);
        if self.pairs.len() > 2 * self.tidy + UNTIDY_MAX {
            tidy(&mut self.pairs);
            self.tidy = self.pairs.len();
        }
    }
}

impl<'a> Orders<'a> {
    pub(super) fn new(sessions: &'a Sessions) -> Self {
        let (pairs, recent) = (Vec::new(), Vec::new());
        Self { sessions, pairs, recent, tidy: 0, impossible: Vec::new() }
    }

    /// The orders that can be kept, and the demands that cannot.
    pub(super) fn finish(self) -> (Vec<(u32, u32)>, Vec<Demand>) {
        (self.pairs, self.impossible)
    }
}

/// Each once, in order.
pub(super) fn tidy(pairs: &mut Vec<(u32, u32)>) {
    pairs.sort_unstable();
    pairs.dedup();
}

/// Nodes judged together; few in tests, so that they have parts.
const PART: u32 = if cfg!(test) { 2 } else { 1 << 14 };

/// The reads of a node by key, and what it read from.
struct Reads<'a> {
    sessions: &'a Sessions,
    node: u32,
    reads: &'a [Found],
    by_key: Vec<OfKey>,
    /// Per read the place of the next of its key, or [`NOBODY`].
    again: Vec<u32>,
    /// Writer, and the place of the first read from it; sorted.
    first: Vec<(u32, u32)>,
}

/// Who read a key last, and the places of its first and last read of it.
#[derive(Clone, Copy)]
struct OfKey {
    node: u32,
    first: u32,
    last: u32,
}

/// A writer of so many times more keys than were read is not gone through.
const MANY_KEYS: usize = 4;

impl<'a> Reads<'a> {
    fn new(sessions: &'a Sessions) -> Self {
        let by_key = vec![OfKey { node: NOBODY, first: 0, last: 0 }; sessions.keys()];
        let (again, first) = (Vec::new(), Vec::new());
        Self { sessions, node: NOBODY, reads: &[], by_key, again, first }
    }

    fn take(&mut self, node: u32) {
        (self.node, self.reads) = (node, self.sessions.reads(node));
        self.first.clear();
        self.again.clear();
        for (place, read) in (0..).zip(self.reads) {
            self.again.push(NOBODY);
            let of_key = &mut self.by_key[read.key as usize];
            if of_key.node == node {
                self.again[of_key.last as usize] = place;
                of_key.last = place;
            } else {
                *of_key = OfKey { node, first: place, last: place };
            }
            if read.writer != NOBODY {
                self.first.push((read.writer, place));
            }
        }
        self.first.sort_unstable();
        self.first.dedup_by_key(|entry| entry.0);
    }

    /// Place of the first read of each key that `writer` wrote.
    fn common(&self, writer: u32, mut each: impl FnMut(u32)) {
        let keys = self.sessions.keys_written(writer);
        if keys.len() > self.reads.len() * MANY_KEYS {
            for (place, read) in (0..).zip(self.reads) {
                let is_first = self.by_key[read.key as usize].first == place;
                if is_first && keys.binary_search(&read.key).is_ok() {
                    each(place);
                }
            }
            return;
        }
        for &key in keys {
            let of_key = self.by_key[key as usize];
            if of_key.node == self.node {
                each(of_key.first);
            }
        }
    }

    /// The reads of a key from the one at `first` on, with their places.
    fn of_key(&self, first: u32) -> impl Iterator<Item = (u32, Found)> + '_ {
        let next = |place: &u32| Some(self.again[*place as usize]).filter(|&next| next != NOBODY);
        let places = std::iter::successors(Some(first), next);
        places.map(|place| (place, self.reads[place as usize]))
    }
}

/// *Read committed* (Biswas & Enea, OOPSLA 2019; algorithm of AWDIT, Møldrup & Pavlogiannis, PLDI
/// 2025, §3): once a transaction has read from another, it reads nothing older than what that one
/// wrote. The sinks come in the order of readers.
pub(super) fn committed<S: Sink + Send>(
    sessions: &Sessions,
    new_sink: impl Fn() -> S + Sync,
) -> Vec<S> {
    let len = sessions.len() as u32;
    let judge = |reads: &mut Reads<'_>, part: u32| {
        let mut sink = new_sink();
        for reader in part * PART..(part * PART + PART).min(len) {
            reads.take(reader);
            for &(older, place) in &reads.first {
                reads.common(older, |first| {
                    // The first other one after `older` was seen; later ones follow from it.
                    let mut same = reads.of_key(first);
                    let next = same.find(|(at, read)| *at > place && read.writer != older);
                    if let Some((_, Found { key, writer: newer })) = next {
                        sink.take(Demand { older, newer, reader, key });
                    }
                });
            }
        }
        sink
    };
    let parts = (0..len.div_ceil(PART)).into_par_iter();
    parts.map_init(|| Reads::new(sessions), judge).collect()
}

/// *Read atomic*: a transaction reads nothing older than what was written by those that it read
/// from, or by those before it in its session (AWDIT, §3). The sinks come in the order of sessions.
pub(super) fn atomic<S: Sink + Send>(
    sessions: &Sessions,
    new_sink: impl Fn() -> S + Sync,
) -> Vec<S> {
    let judge = |(last, reads): &mut (Vec<u32>, Reads<'_>), part: Range<usize>| {
        let mut sink = new_sink();
        for reader in part.flat_map(|session| sessions.nodes(session)) {
            for read in sessions.reads(reader) {
                let (older, newer) = (last[read.key as usize], read.writer);
                // Numbers of other sessions are left from before.
                if older != NOBODY && older != newer && sessions.precedes(older, reader) {
                    sink.take(Demand { older, newer, reader, key: read.key });
                }
            }
            reads.take(reader);
            for &(older, _) in &reads.first {
                reads.common(older, |first| {
                    let others = reads.of_key(first).filter(|(_, read)| read.writer != older);
                    for (_, Found { key, writer: newer }) in others {
                        sink.take(Demand { older, newer, reader, key });
                    }
                });
            }
            for &key in sessions.keys_written(reader) {
                last[key as usize] = reader;
            }
        }
        sink
    };
    let new = || (vec![NOBODY; sessions.keys()], Reads::new(sessions));
    sessions.parts(PART).into_par_iter().map_init(new, judge).collect()
}
