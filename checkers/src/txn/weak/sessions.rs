//! Sessions: the transactions of a process, one after the other.
//!
//! Transactions that happened are *nodes*, numbered session by session in session order: the next
//! of a session is the next number. A transaction whose end is unknown, or that overlaps another of
//! its process, follows nobody for certain and precedes nobody: unless it is the last of its
//! process it becomes a session by itself, which demands less of the system, never more.

use super::super::sources::{INITIAL, Sources};
use super::super::transactions::Transactions;
use crate::history::Completion;

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
    /// Per node.
    session: Vec<u32>,
    txns: Vec<u32>,
    /// Per node the end of its reads, and of its writes.
    read_ends: Vec<u32>,
    write_ends: Vec<u32>,
    reads: Vec<Found>,
    /// The keys written, in order for each node.
    writes: Vec<u32>,
    keys: usize,
}

impl Sessions {
    pub(super) fn of(txns: &Transactions<'_>, sources: &Sources) -> Self {
        let mut order: Vec<(u32, u32)> = (0..sources.len() as u32)
            .filter(|&txn| sources.is_present(txn as usize))
            .map(|txn| (txns.operation(txn as usize).process(), txn))
            .collect();
        order.sort_unstable();
        let mut all = Self {
            starts: vec![0],
            session: Vec::with_capacity(order.len()),
            txns: Vec::with_capacity(order.len()),
            read_ends: Vec::with_capacity(order.len()),
            write_ends: Vec::with_capacity(order.len()),
            reads: Vec::with_capacity(sources.all_reads().len()),
            writes: Vec::with_capacity(sources.version_count()),
            keys: sources.keys(),
        };
        let mut apart = Vec::new();
        for process in order.chunk_by(|a, b| a.0 == b.0) {
            all.add_process(txns, process, &mut apart);
        }
        for txn in apart {
            all.add(txn);
            all.close();
        }
        all.copy(sources);
        all
    }

    /// Reads and writes, by node, so that those of a session lie side by side.
    fn copy(&mut self, sources: &Sources) {
        let mut nodes = vec![NOBODY; sources.len()];
        for (node, &txn) in (0..).zip(&self.txns) {
            nodes[txn as usize] = node;
        }
        // Which node wrote each version, so that a read is one look-up.
        let mut writers = vec![NOBODY; sources.version_count()];
        for &txn in &self.txns {
            for version in sources.versions(txn as usize) {
                writers[version as usize] = nodes[txn as usize];
            }
        }
        for &txn in &self.txns {
            self.reads.extend(sources.reads(txn as usize).iter().map(|read| Found {
                key: read.key,
                writer: if read.version == INITIAL {
                    NOBODY
                } else {
                    writers[read.version as usize]
                },
            }));
            self.read_ends.push(self.reads.len() as u32);
            self.writes.extend_from_slice(sources.keys_written(txn as usize));
            self.write_ends.push(self.writes.len() as u32);
        }
    }

    fn add_process(
        &mut self,
        txns: &Transactions<'_>,
        process: &[(u32, u32)],
        apart: &mut Vec<u32>,
    ) {
        let mut over = None;
        for (place, &(_, txn)) in process.iter().enumerate() {
            let operation = txns.operation(txn as usize);
            let overlaps = over.is_some_and(|over| over > operation.invoked_rank());
            let unknown = operation.completion() == Completion::Info;
            if overlaps || unknown && place + 1 < process.len() {
                apart.push(txn);
            } else {
                self.add(txn);
                over = operation.completed_rank();
            }
        }
        self.close();
    }

    fn add(&mut self, txn: u32) {
        self.session.push(self.starts.len() as u32 - 1);
        self.txns.push(txn);
    }

    fn close(&mut self) {
        if self.starts.last() != Some(&(self.txns.len() as u32)) {
            self.starts.push(self.txns.len() as u32);
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

    pub(super) fn start(&self, session: usize) -> u32 {
        self.starts[session]
    }

    pub(super) fn of_node(&self, node: u32) -> usize {
        self.session[node as usize] as usize
    }

    pub(super) fn txn(&self, node: u32) -> usize {
        self.txns[node as usize] as usize
    }

    /// The node before in the session.
    pub(super) fn before(&self, node: u32) -> Option<u32> {
        (node > self.starts[self.of_node(node)]).then(|| node - 1)
    }

    /// The next node of the session.
    pub(super) fn after(&self, node: u32) -> Option<u32> {
        (node + 1 < self.starts[self.of_node(node) + 1]).then_some(node + 1)
    }

    /// Whether `a` comes before `b` in one session.
    pub(super) fn precedes(&self, a: u32, b: u32) -> bool {
        a < b && self.session[a as usize] == self.session[b as usize]
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
    use super::*;

    #[test]
    fn who_may_still_take_effect_stands_apart() {
        let history = history(
            "0-1 p0 wx1 | 2-? p0 wx2 | 4-5 p0 wx3 | 6-? p0 wx4 | 7-8 p1 rx2 | 9-10 p1 rx4 |
             11-? p1 wx9",
        );
        let txns = Transactions::of(&history).unwrap();
        let sources = Sources::of(&txns).unwrap();
        let sessions = Sessions::of(&txns, &sources);
        let of =
            |session| sessions.nodes(session).map(|node| sessions.txn(node)).collect::<Vec<_>>();
        let all: Vec<Vec<usize>> = (0..sessions.count()).map(of).collect();
        assert_eq!(all, [vec![0, 2, 3], vec![4, 5], vec![1]]);
        assert_eq!((sessions.before(0), sessions.after(0)), (None, Some(1)));
        assert_eq!((sessions.before(3), sessions.after(2)), (None, None));
    }
}
