//! Sessions: the transactions of a process, one after the other.
//!
//! Transactions that happened are *nodes*, numbered session by session in session order: the next
//! of a session is the next number. A transaction whose end is unknown precedes nobody for certain:
//! unless it is the last of its process it becomes a session by itself, a *fork* of that of its
//! process. So does one that overlaps another of its process, which follows nobody either.

use super::super::lists::Lists;
use super::super::sources::{INITIAL, Sources, UNRANKED};
use crate::history::{Completion, History};

pub(super) const NOBODY: u32 = u32::MAX;

/// What a node found of a key, before it wrote to it itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub key: u32,
    /// Or [`NOBODY`]: the initial transaction.
    pub writer: u32,
}

pub(super) struct Sessions {
    /// Per session its first node, and the end.
    starts: Vec<u32>,
    /// Per session the node of another that its first follows, or [`NOBODY`].
    stems: Vec<u32>,
    /// By node, those that follow it in sessions of their own.
    forks: Lists,
    /// Per node.
    session: Vec<u32>,
    txns: Vec<u32>,
    /// Per node the end of its reads, and of its writes.
    read_ends: Vec<u32>,
    write_ends: Vec<u32>,
    reads: Vec<Found>,
    /// The keys written, in order for each node.
    writes: Vec<u32>,
    /// Per write the rank of its version, from 1; empty where the order of versions is not known.
    ranks: Vec<u32>,
    keys: usize,
}

/// What a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The transactions of a process.
    Process,
    /// Each transaction by itself: for models that know no sessions.
    Transaction,
}

impl Sessions {
    pub(super) fn of(history: &History, sources: &Sources, scope: Scope) -> Self {
        let mut order: Vec<(u32, u32)> = (0..sources.len() as u32)
            .filter(|&txn| sources.is_present(txn as usize))
            .map(|txn| (history.operation(txn as usize).process(), txn))
            .collect();
        order.sort_unstable();
        let mut all = Self {
            starts: vec![0],
            stems: Vec::new(),
            forks: Lists::default(),
            session: Vec::with_capacity(order.len()),
            txns: Vec::with_capacity(order.len()),
            read_ends: Vec::with_capacity(order.len()),
            write_ends: Vec::with_capacity(order.len()),
            reads: Vec::new(),
            writes: Vec::new(),
            ranks: Vec::new(),
            keys: sources.keys(),
        };
        let mut apart = Vec::new();
        if scope == Scope::Transaction {
            order.drain(..).for_each(|(_, txn)| apart.push((txn, NOBODY)));
        }
        for process in order.chunk_by(|a, b| a.0 == b.0) {
            all.add_process(history, process, &mut apart);
        }
        for (txn, stem) in apart {
            all.add(txn);
            all.close(stem);
        }
        let firsts = all.starts.iter().copied().zip(all.stems.iter().copied());
        let forks = firsts.filter(|&(_, stem)| stem != NOBODY).map(|(first, stem)| (stem, first));
        all.forks = Lists::of(all.txns.len(), forks);
        all.copy(sources);
        all
    }

    /// Reads and writes, by node, so that those of a session lie side by side. Gone through by
    /// transaction: what is read was written not long before, and is still at hand.
    fn copy(&mut self, sources: &Sources) {
        let mut nodes = vec![NOBODY; sources.len()];
        for (node, &txn) in (0..).zip(&self.txns) {
            nodes[txn as usize] = node;
            let before = self.read_ends.last().copied().unwrap_or(0);
            self.read_ends.push(before + sources.reads(txn as usize).len() as u32);
            let before = self.write_ends.last().copied().unwrap_or(0);
            self.write_ends.push(before + sources.versions(txn as usize).len() as u32);
        }
        let count = |ends: &[u32]| ends.last().map_or(0, |&end| end as usize);
        self.reads = vec![Found { key: 0, writer: NOBODY }; count(&self.read_ends)];
        self.writes = vec![0; count(&self.write_ends)];
        if !sources.ranks.is_empty() {
            self.ranks = vec![UNRANKED; self.writes.len()];
        }
        for (txn, &node) in nodes.iter().enumerate().filter(|(_, node)| **node != NOBODY) {
            let start = (node as usize).checked_sub(1).map_or(0, |before| self.read_ends[before]);
            let found = self.reads[start as usize..].iter_mut().zip(sources.reads(txn));
            found.for_each(|(found, read)| {
                let writer = match read.version {
                    INITIAL => NOBODY,
                    version => nodes[sources.writer(version) as usize],
                };
                *found = Found { key: read.key, writer };
            });
            let range = self.writes(node);
            self.writes[range.clone()].copy_from_slice(sources.keys_written(txn));
            if !self.ranks.is_empty() {
                let versions = sources.versions(txn);
                let versions = versions.start as usize..versions.end as usize;
                self.ranks[range].copy_from_slice(&sources.ranks[versions]);
            }
        }
    }

    fn add_process(
        &mut self,
        history: &History,
        process: &[(u32, u32)],
        apart: &mut Vec<(u32, u32)>,
    ) {
        let mut over = None;
        for (place, &(_, txn)) in process.iter().enumerate() {
            let operation = history.operation(txn as usize);
            let overlaps = over.is_some_and(|over| over > operation.invoked_rank());
            let unknown = operation.completion() == Completion::Info;
            let stem = over.filter(|_| !overlaps).map_or(NOBODY, |_| self.txns.len() as u32 - 1);
            if overlaps || unknown && place + 1 < process.len() {
                apart.push((txn, stem));
            } else {
                self.add(txn);
                over = operation.completed_rank();
            }
        }
        self.close(NOBODY);
    }

    fn add(&mut self, txn: u32) {
        self.session.push(self.starts.len() as u32 - 1);
        self.txns.push(txn);
    }

    fn close(&mut self, stem: u32) {
        if self.starts.last() != Some(&(self.txns.len() as u32)) {
            self.starts.push(self.txns.len() as u32);
            self.stems.push(stem);
        }
    }

    /// How many nodes.
    pub(super) fn len(&self) -> usize {
        self.txns.len()
    }

    /// How many sessions.
    pub(super) fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// The nodes of a session.
    pub(super) fn nodes(&self, session: usize) -> std::ops::Range<u32> {
        self.starts[session]..self.starts[session + 1]
    }

    /// All sessions, in parts of at least so many nodes but for the last.
    pub(super) fn parts(&self, nodes: u32) -> Vec<std::ops::Range<usize>> {
        let mut parts = Vec::new();
        let mut first = 0;
        for session in 0..self.count() {
            if session + 1 == self.count() || self.starts[session + 1] - self.starts[first] >= nodes
            {
                parts.push(first..session + 1);
                first = session + 1;
            }
        }
        parts
    }

    pub(super) fn start(&self, session: usize) -> u32 {
        self.starts[session]
    }

    pub(super) fn of_node(&self, node: u32) -> usize {
        self.session[node as usize] as usize
    }

    pub(super) fn txn(&self, node: u32) -> usize {
        self.txns[node as usize] as usize
    }

    /// The node before in the session; of a fork, that of its process.
    pub(super) fn before(&self, node: u32) -> Option<u32> {
        if node > self.starts[self.of_node(node)] { Some(node - 1) } else { self.stem(node) }
    }

    /// Of a node of a fork, the last that the fork follows.
    pub(super) fn stem(&self, node: u32) -> Option<u32> {
        Some(self.stems[self.of_node(node)]).filter(|&stem| stem != NOBODY)
    }

    /// The place of the last of these nodes, which ascend, that is `last` or before it in its
    /// session.
    pub(super) fn last_up_to(&self, nodes: &[u32], last: u32) -> Option<usize> {
        let place = nodes.partition_point(|&node| node <= last).checked_sub(1);
        let own = place.filter(|&place| self.of_node(nodes[place]) == self.of_node(last));
        own.or_else(|| self.last_up_to(nodes, self.stem(last)?))
    }

    /// The forks that follow a node.
    pub(super) fn forks(&self, node: u32) -> &[u32] {
        self.forks.at(node)
    }

    /// The next node of the session.
    pub(super) fn after(&self, node: u32) -> Option<u32> {
        (node + 1 < self.starts[self.of_node(node) + 1]).then_some(node + 1)
    }

    /// Whether `a` comes before `b` in one session, or in that which `b` is a fork of.
    pub(super) fn precedes(&self, a: u32, b: u32) -> bool {
        let session = self.of_node(b);
        if self.of_node(a) == session {
            return a < b;
        }
        self.stem(b).is_some_and(|stem| a <= stem && self.of_node(a) == self.of_node(stem))
    }

    /// How many keys there are.
    pub(super) fn keys(&self) -> usize {
        self.keys
    }

    /// What a node found, in order; of a key more than once where it was read again after others,
    /// or was found changed.
    pub(super) fn reads(&self, node: u32) -> &[Found] {
        let start = (node as usize).checked_sub(1).map_or(0, |before| self.read_ends[before]);
        &self.reads[start as usize..self.read_ends[node as usize] as usize]
    }

    /// The numbers of a node's writes, and of all.
    pub(super) fn writes(&self, node: u32) -> std::ops::Range<usize> {
        let start = (node as usize).checked_sub(1).map_or(0, |before| self.write_ends[before]);
        start as usize..self.write_ends[node as usize] as usize
    }

    pub(super) fn write_count(&self) -> usize {
        self.writes.len()
    }

    /// The key of a write.
    pub(super) fn key(&self, write: usize) -> u32 {
        self.writes[write]
    }

    /// Whether the order of versions is known.
    pub(super) fn are_ranked(&self) -> bool {
        !self.ranks.is_empty()
    }

    /// The rank of what a node wrote to a key, 0 for the initial version, where that is known.
    pub(super) fn rank(&self, node: u32, key: u32) -> Option<u32> {
        if node == NOBODY {
            return Some(0);
        }
        let place = self.keys_written(node).binary_search(&key).ok()?;
        let rank = self.ranks.get(self.writes(node).start + place).copied();
        rank.filter(|&rank| rank != UNRANKED)
    }

    /// Whether what `older` wrote to a key certainly came after what `newer` did.
    pub(super) fn contradicts(&self, older: u32, newer: u32, key: u32) -> bool {
        newer == NOBODY
            || self.are_ranked()
                && self.rank(older, key).zip(self.rank(newer, key)).is_some_and(|(a, b)| a > b)
    }

    /// Neighbours in the known order of any key: every writer but those that nobody can tell
    /// apart, each of which follows the one before them all.
    pub(super) fn neighbours(&self) -> Vec<(u32, u32)> {
        let mut all: Vec<(u32, u32, u32)> = Vec::with_capacity(self.ranks.len());
        for node in 0..self.len() as u32 {
            for write in self.writes(node) {
                let rank = self.ranks.get(write).copied().unwrap_or(UNRANKED);
                all.extend((rank != UNRANKED).then_some((self.writes[write], rank, node)));
            }
        }
        all.sort_unstable();
        let mut pairs = Vec::with_capacity(all.len());
        for key in all.chunk_by(|a, b| a.0 == b.0) {
            let mut before = None;
            for same in key.chunk_by(|a, b| a.1 == b.1) {
                pairs.extend(same.iter().filter_map(|next| Some((before?, next.2))));
                before = same.first().map(|first| first.2);
            }
        }
        pairs
    }

    /// The keys that a node wrote, in order.
    pub(super) fn keys_written(&self, node: u32) -> &[u32] {
        &self.writes[self.writes(node)]
    }

    /// The writers that a node read from, once for each read; not the initial one.
    pub(super) fn read_from(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        let writers = self.reads(node).iter().map(|read| read.writer);
        writers.filter(|&writer| writer != NOBODY)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::super::notation::history;
    use super::super::super::transactions::Transactions;
    use super::*;

    #[test]
    fn who_may_still_take_effect_stands_apart() {
        let history = history(
            "0-1 p0 wx1 | 2-? p0 wx2 | 4-5 p0 wx3 | 6-? p0 wx4 | 7-8 p1 rx2 | 9-10 p1 rx4 |
             11-? p1 wx9",
        );
        let txns = Transactions::of(&history).unwrap();
        let sources = Sources::of(&txns).unwrap();
        let sessions = Sessions::of(&history, &sources, Scope::Process);
        let of =
            |session| sessions.nodes(session).map(|node| sessions.txn(node)).collect::<Vec<_>>();
        let all: Vec<Vec<usize>> = (0..sessions.count()).map(of).collect();
        assert_eq!(all, [vec![0, 2, 3], vec![4, 5], vec![1]]);
        assert_eq!((sessions.before(0), sessions.after(0)), (None, Some(1)));
        assert_eq!((sessions.before(3), sessions.after(2)), (None, None));
        assert_eq!((sessions.before(5), sessions.forks(0)), (Some(0), &[5][..]));
        assert!(sessions.precedes(0, 5) && !sessions.precedes(1, 5) && !sessions.precedes(5, 1));
    }
}
