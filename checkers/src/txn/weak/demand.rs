//! What a read demands of the order of commits: that an earlier transaction, known to the reader,
//! was replaced by the one that it read from.

use super::super::sources::{INITIAL, Read, Sources};
use super::sessions::{NOBODY, Sessions};

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

/// Orders without reasons, so that ten million reads fit: those of the initial transaction, which
/// none can keep, are told one by one.
#[derive(Default)]
pub(super) struct Orders {
    pairs: Vec<(u32, u32)>,
    /// Length after the last tidying.
    tidy: usize,
    pub impossible: Vec<Demand>,
}

impl Sink for Orders {
    fn take(&mut self, demand: Demand) {
        if demand.newer == NOBODY {
            self.impossible.push(demand);
            return;
        }
        self.pairs.push((demand.older, demand.newer));
        if self.pairs.len() > 2 * self.tidy + (1 << 20) {
            self.make_tidy();
        }
    }
}

impl Orders {
    fn make_tidy(&mut self) {
        self.pairs.sort_unstable();
        self.pairs.dedup();
        self.tidy = self.pairs.len();
    }

    pub(super) fn add(&mut self, other: Self) {
        self.pairs.extend(other.pairs);
        self.impossible.extend(other.impossible);
        self.make_tidy();
    }

    /// Each once, in order.
    pub(super) fn pairs(mut self) -> Vec<(u32, u32)> {
        self.make_tidy();
        self.pairs
    }
}

/// *Read committed* (Biswas & Enea, OOPSLA 2019; algorithm of AWDIT, Møldrup & Pavlogiannis, PLDI
/// 2025, §3): once a transaction has read from another, it reads nothing older than what that one
/// wrote.
pub(super) fn committed(sources: &Sources, sessions: &Sessions, sink: &mut impl Sink) {
    let mut reads: Vec<(u32, u32, u32)> = Vec::new();
    for reader in 0..sessions.len() as u32 {
        let all = sources.reads(sessions.txn(reader));
        reads.clear();
        reads.extend(
            (0..)
                .zip(all)
                .map(|(place, read)| (read.key, place, sessions.writer(sources, read.version))),
        );
        reads.sort_unstable();
        for (place, older) in first_reads(sources, sessions, all) {
            common(sources, sessions, older, &reads, |at| {
                // The first other one read after `older` was seen; later ones follow from it.
                let key = reads[at].0;
                let mut own = reads[at..].iter().take_while(|read| read.0 == key);
                let next = own.find(|read| read.1 > place && read.2 != older);
                if let Some(&(_, _, newer)) = next {
                    sink.take(Demand { older, newer, reader, key });
                }
            });
        }
    }
}

/// The places in `reads`, sorted by key, of the first read of each key that `writer` wrote.
fn common(
    sources: &Sources,
    sessions: &Sessions,
    writer: u32,
    reads: &[(u32, u32, u32)],
    mut each: impl FnMut(usize),
) {
    let keys = sources.keys_written(sessions.txn(writer));
    if keys.len() < reads.len() {
        for &key in keys {
            let at = reads.partition_point(|read| read.0 < key);
            if reads.get(at).is_some_and(|read| read.0 == key) {
                each(at);
            }
        }
        return;
    }
    for (at, read) in reads.iter().enumerate() {
        let is_first = at == 0 || reads[at - 1].0 != read.0;
        if is_first && keys.binary_search(&read.0).is_ok() {
            each(at);
        }
    }
}

/// Each writer read from, with the place of the first read from it.
fn first_reads(sources: &Sources, sessions: &Sessions, reads: &[Read]) -> Vec<(u32, u32)> {
    let mut first: Vec<(u32, u32)> = (0..)
        .zip(reads)
        .filter(|(_, read)| read.version != INITIAL)
        .map(|(place, read)| (sessions.writer(sources, read.version), place))
        .collect();
    first.sort_unstable();
    first.dedup_by_key(|entry| entry.0);
    first.iter().map(|&(writer, place)| (place, writer)).collect()
}

/// *Read atomic*: a transaction reads nothing older than what was written by those that it read
/// from, or by those before it in its session (AWDIT, §3).
pub(super) fn atomic(sources: &Sources, sessions: &Sessions, sink: &mut impl Sink) {
    let mut last = vec![NOBODY; sources.keys()];
    let mut reads: Vec<(u32, u32, u32)> = Vec::new();
    for session in 0..sessions.count() {
        let first = sessions.start(session);
        for reader in sessions.nodes(session) {
            let all = sources.reads(sessions.txn(reader));
            reads.clear();
            reads.extend(
                (0..)
                    .zip(all)
                    .map(|(place, read)| (read.key, place, sessions.writer(sources, read.version))),
            );
            for &(key, _, newer) in &reads {
                let older = last[key as usize];
                // Numbers of other sessions are left from before.
                if older != NOBODY && older >= first && older != newer {
                    sink.take(Demand { older, newer, reader, key });
                }
            }
            reads.sort_unstable();
            for (_, older) in first_reads(sources, sessions, all) {
                common(sources, sessions, older, &reads, |at| {
                    let key = reads[at].0;
                    for &(_, _, newer) in reads[at..].iter().take_while(|read| read.0 == key) {
                        if newer != older {
                            sink.take(Demand { older, newer, reader, key });
                        }
                    }
                });
            }
            for &key in sources.keys_written(sessions.txn(reader)) {
                last[key as usize] = reader;
            }
        }
    }
}
