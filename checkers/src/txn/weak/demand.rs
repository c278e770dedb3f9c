//! What a read demands of the order of commits: that an earlier transaction, known to the reader,
//! was replaced by the one that it read from.

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
    /// Length after the last tidying.
    tidy: usize,
    pub impossible: Vec<Demand>,
}

impl Sink for Orders<'_> {
    fn take(&mut self, demand: Demand) {
        if self.sessions.contradicts(demand.older, demand.newer, demand.key) {
            self.impossible.push(demand);
            return;
        }
        self.pairs.push((demand.older, demand.newer));
        self.keep_short();
    }
}

impl<'a> Orders<'a> {
    pub(super) fn new(sessions: &'a Sessions) -> Self {
        Self { sessions, pairs: Vec::new(), tidy: 0, impossible: Vec::new() }
    }

    /// The same orders are demanded again and again.
    fn keep_short(&mut self) {
        if self.pairs.len() > 2 * self.tidy + (1 << 20) {
            self.make_tidy();
        }
    }

    fn make_tidy(&mut self) {
        self.pairs.sort_unstable();
        self.pairs.dedup();
        self.tidy = self.pairs.len();
    }

    pub(super) fn add(&mut self, other: Self) {
        self.pairs.extend(other.pairs);
        self.impossible.extend(other.impossible);
        self.keep_short();
    }

    /// Each once, in order.
    pub(super) fn pairs(mut self) -> Vec<(u32, u32)> {
        self.make_tidy();
        self.pairs
    }
}

/// Nodes judged together.
const PART: u32 = 1 << 14;

/// The reads of a node by key, and what it read from.
#[derive(Default)]
struct Reads {
    /// Key, place among the reads, writer; sorted.
    by_key: Vec<(u32, u32, u32)>,
    /// Writer, and the place of the first read from it; sorted.
    first: Vec<(u32, u32)>,
}

impl Reads {
    fn take(&mut self, reads: &[Found]) {
        self.by_key.clear();
        self.first.clear();
        for (place, read) in (0..).zip(reads) {
            self.by_key.push((read.key, place, read.writer));
            if read.writer != NOBODY {
                self.first.push((read.writer, place));
            }
        }
        self.by_key.sort_unstable();
        self.first.sort_unstable();
        self.first.dedup_by_key(|entry| entry.0);
    }

    /// The reads of each key that `writer` wrote.
    fn common(&self, sessions: &Sessions, writer: u32, mut each: impl FnMut(&[(u32, u32, u32)])) {
        let keys = sessions.keys_written(writer);
        if keys.len() < self.by_key.len() {
            for &key in keys {
                let start = self.by_key.partition_point(|read| read.0 < key);
                let reads = &self.by_key[start..];
                let end = reads.iter().position(|read| read.0 != key).unwrap_or(reads.len());
                if end > 0 {
                    each(&reads[..end]);
                }
            }
            return;
        }
        for reads in self.by_key.chunk_by(|a, b| a.0 == b.0) {
            if keys.binary_search(&reads[0].0).is_ok() {
                each(reads);
            }
        }
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
    let judge = |part: u32| {
        let (mut sink, mut reads) = (new_sink(), Reads::default());
        for reader in part * PART..(part * PART + PART).min(len) {
            reads.take(sessions.reads(reader));
            for &(older, place) in &reads.first {
                reads.common(sessions, older, |same| {
                    // The first other one after `older` was seen; later ones follow from it.
                    let next = same.iter().find(|read| read.1 > place && read.2 != older);
                    if let Some(&(key, _, newer)) = next {
                        sink.take(Demand { older, newer, reader, key });
                    }
                });
            }
        }
        sink
    };
    (0..len.div_ceil(PART)).into_par_iter().map(judge).collect()
}

/// *Read atomic*: a transaction reads nothing older than what was written by those that it read
/// from, or by those before it in its session (AWDIT, §3). The sinks come in the order of sessions.
pub(super) fn atomic<S: Sink + Send>(
    sessions: &Sessions,
    new_sink: impl Fn() -> S + Sync,
) -> Vec<S> {
    let judge = |last: &mut Vec<u32>, session: usize| {
        let (mut sink, mut reads) = (new_sink(), Reads::default());
        for reader in sessions.nodes(session) {
            for read in sessions.reads(reader) {
                let (older, newer) = (last[read.key as usize], read.writer);
                // Numbers of other sessions are left from before.
                if older != NOBODY && older != newer && sessions.precedes(older, reader) {
                    sink.take(Demand { older, newer, reader, key: read.key });
                }
            }
            reads.take(sessions.reads(reader));
            for &(older, _) in &reads.first {
                reads.common(sessions, older, |same| {
                    for &(key, _, newer) in same.iter().filter(|read| read.2 != older) {
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
    let new_last = || vec![NOBODY; sessions.keys()];
    (0..sessions.count()).into_par_iter().map_init(new_last, judge).collect()
}
