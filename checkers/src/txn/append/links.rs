//! Why one transaction depends on another: which append and which read of which list.

use super::super::dependencies::{RW, WR, WW};
use super::super::explain::{Edge, Link, Reasons};
use super::super::transactions::NONE;
use super::super::words;
use super::entry::{Entry, UNSURE};
use super::lists::Lists;
use crate::graph::Kinds;

impl Reasons for Lists<'_> {
    fn link(&self, from: u32, to: u32, kind: Kinds) -> Option<Link> {
        let mut keys: Vec<u32> =
            self.txns.micros(from as usize).iter().map(|micro| micro.key()).collect();
        keys.sort_unstable();
        keys.dedup();
        let links = keys.into_iter().filter_map(|key| {
            let (a, b) = (self.of_txn(key, from), self.of_txn(key, to));
            let pair = match kind {
                WW => self.overwritten(a, b),
                WR => self.observed(key, a, b),
                RW => self.missed(key, a, b),
                _ => None,
            };
            let (a, b) = pair?;
            Some(Link { key, from: self.micro_of(a), to: self.micro_of(b) })
        });
        // The first micro-operation that says so.
        links.min_by_key(|link| (link.from, link.to))
    }

    fn because(&self, edge: Edge<'_>) -> String {
        let [a, b] = edge.names;
        let element = |txn: u32, micro: usize| {
            words::value(self.txns, self.txns.micros(txn as usize)[micro].value)
        };
        let key = words::key(self.txns, edge.link.key);
        let from = || element(edge.from, edge.link.from);
        let to = || element(edge.to, edge.link.to);
        let unread = |link: Link| {
            let end = self
                .of_txn(link.key, edge.from)
                .iter()
                .find(|entry| self.micro_of(**entry) == link.from);
            end.is_some_and(|entry| entry.place == NONE)
        };
        match edge.kind {
            // Had the other come first, it would have been found.
            WW if unread(edge.link) && reads(self.of_txn(edge.link.key, edge.from)).count() > 0 => {
                format!(
                    "{a} did not observe {b}'s append of {} to key {key}, to which it appended {} \
                     itself",
                    to(),
                    from()
                )
            }
            WW if unread(edge.link) => format!(
                "{b} appended {} to key {key} and {a} appended {}, in an order that nobody saw, \
                 and the other order is as impossible",
                to(),
                from()
            ),
            WW => format!("{b} appended {} to key {key} after {a} appended {}", to(), from()),
            WR => format!("{b} observed {a}'s append of {} to key {key}", from()),
            _ => format!("{a} did not observe {b}'s append of {} to key {key}", to()),
        }
    }
}

impl Lists<'_> {
    fn of_txn(&self, key: u32, txn: u32) -> &[Entry] {
        let entries = self.entries(key as usize);
        let start = entries.partition_point(|entry| entry.txn < txn);
        let end = entries.partition_point(|entry| entry.txn <= txn);
        &entries[start..end]
    }

    /// Place among the micro-operations of its transaction.
    fn micro_of(&self, entry: Entry) -> usize {
        let first = self.txns.first_micro(entry.txn as usize);
        entry.micro.place() - first
    }

    /// The last append of one before the first of the other after it; or any, if nobody read
    /// either.
    fn overwritten(&self, a: &[Entry], b: &[Entry]) -> Option<(Entry, Entry)> {
        let pairs = appends(a).flat_map(|one| appends(b).map(move |other| (one, other)));
        pairs.filter(|(one, other)| one.place < other.place || one.place == NONE).min_by_key(
            |(one, other)| {
                (other.place.abs_diff(one.place), one.place == NONE, one.micro, other.micro)
            },
        )
    }

    /// A read whose last known element is an append of the other.
    fn observed(&self, key: u32, a: &[Entry], b: &[Entry]) -> Option<(Entry, Entry)> {
        let order: Vec<Option<Entry>> = self.order(key as usize).collect();
        reads(b).find_map(|read| {
            let last = order[..read.place as usize].iter().rev().copied().flatten().next()?;
            a.iter().find(|entry| entry.micro == last.micro).map(|append| (*append, read))
        })
    }

    /// A read that ends before the next known append, which is the other's.
    fn missed(&self, key: u32, a: &[Entry], b: &[Entry]) -> Option<(Entry, Entry)> {
        let order: Vec<Option<Entry>> = self.order(key as usize).collect();
        reads(a).find_map(|read| {
            let next = order[read.place as usize..].iter().copied().flatten().next();
            let append = appends(b).find(|append| match next {
                Some(next) => next.micro == append.micro,
                None => append.place == NONE,
            });
            append.map(|append| (read, append))
        })
    }
}

/// Those whose place is known.
fn appends(entries: &[Entry]) -> impl Iterator<Item = Entry> + '_ {
    entries.iter().copied().filter(|entry| !entry.micro.reads() && entry.place != UNSURE)
}

/// As [`appends`].
fn reads(entries: &[Entry]) -> impl Iterator<Item = Entry> + '_ {
    entries.iter().copied().filter(|entry| entry.micro.reads() && entry.place != UNSURE)
}
