//! Why one transaction depends on another: which write and which read of which register.

use super::super::dependencies::{RW, WR, WW};
use super::super::explain::{Edge, Link, Reasons};
use super::super::transactions::NONE;
use super::super::words;
use super::assumptions::{LINEARIZABLE, SEQUENTIAL, WFR};
use super::order::Order;
use super::versions::Access;
use crate::graph::Kinds;

impl Reasons for Order<'_, '_> {
    fn link(&self, from: u32, to: u32, kind: Kinds) -> Option<Link> {
        let txns = self.versions.txns;
        let mut keys: Vec<u32> =
            txns.micros(from as usize).iter().map(|micro| micro.key()).collect();
        keys.sort_unstable();
        keys.dedup();
        let links = keys.into_iter().filter_map(|key| {
            let (a, b) = (self.access(key, from)?, self.access(key, to)?);
            let written = |access: Access| self.versions.all.get(access.write as usize);
            let pair = match kind {
                WR => (a.write != NONE && a.write == b.read)
                    .then(|| Some((written(a)?.micro, b.read_micro))),
                WW => self
                    .follows(a.write, b.write)
                    .then(|| Some((written(a)?.micro, written(b)?.micro))),
                RW => self
                    .replaces(key, a.read, b.write)
                    .then(|| Some((a.read_micro, written(b)?.micro))),
                _ => None,
            };
            let (a, b) = pair??;
            let place = |micro: u32, txn: u32| micro as usize - txns.first_micro(txn as usize);
            Some(Link { key, from: place(a, from), to: place(b, to) })
        });
        links.min_by_key(|link| (link.from, link.to))
    }

    fn because(&self, edge: Edge<'_>) -> String {
        let txns = self.versions.txns;
        let [a, b] = edge.names;
        let value =
            |txn: u32, micro: usize| words::value(txns, txns.micros(txn as usize)[micro].value);
        let key = words::key(txns, edge.link.key);
        let (from, to) = (value(edge.from, edge.link.from), value(edge.to, edge.link.to));
        let how = if edge.kind == WR { "" } else { self.how(edge) };
        match edge.kind {
            WR => format!("{b} read {a}'s write of {from} to key {key}"),
            WW => format!("{b} wrote {to} to key {key} after {a} wrote {from}{how}"),
            _ => format!("{a} read {from} of key {key}, which {b}'s write of {to} replaced{how}"),
        }
    }
}

impl Order<'_, '_> {
    fn access(&self, key: u32, txn: u32) -> Option<Access> {
        let accesses = &self.versions.accesses[self.versions.range(key as usize).1];
        let place = accesses.binary_search_by_key(&txn, |access| access.txn).ok()?;
        Some(accesses[place])
    }

    /// Whether one version is known to come after another.
    fn follows(&self, before: u32, after: u32) -> bool {
        before != NONE && after != NONE && self.after.out(before).any(|(next, _)| next == after)
    }

    fn replaces(&self, key: u32, read: u32, written: u32) -> bool {
        if read == NONE {
            return false;
        }
        let initial = self.versions.range(key as usize).0.start as u32;
        let first = read == initial && written != NONE && self.first[written as usize];
        first || read != initial && self.follows(read, written)
    }

    /// How the order of the versions is known.
    fn how(&self, edge: Edge<'_>) -> &'static str {
        let accesses = (self.access(edge.link.key, edge.from), self.access(edge.link.key, edge.to));
        let (Some(from), Some(to)) = accesses else { return "" };
        let before = if edge.kind == WW { from.write } else { from.read };
        if before as usize == self.versions.range(edge.link.key as usize).0.start {
            return ", as the initial state comes first";
        }
        let kinds = self.after.out(before).filter(|&(next, _)| next == to.write);
        match kinds.map(|(_, kinds)| kinds).min() {
            Some(WFR) => ", which it had read",
            Some(SEQUENTIAL) => ", in the order of some process",
            Some(LINEARIZABLE) => ", in real time",
            _ => "",
        }
    }
}
