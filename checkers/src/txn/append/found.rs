//! Lists as versions of a known order: each append makes one, and a read finds that of its last
//! element. So the levels that are defined by sessions and commits are decided exactly for lists.

use super::super::Function;
use super::super::sources::{INITIAL, Read, Sources, UNRANKED};
use super::super::transactions::NONE;
use super::entry::UNSURE;
use super::lists::Lists;
use crate::history::Completion;

/// Unread appends come after all that was read, in an order that nobody saw.
const UNREAD: u32 = UNRANKED - 1;

impl Lists<'_> {
    /// Versions and reads by transaction. A read that contradicts others, or ends with an element
    /// of unknown origin, is left out and counted.
    pub(super) fn sources(&self) -> Sources {
        let mut place = vec![NONE; self.txns.all_micros().len()];
        for key in 0..self.txns.keys().len() {
            for entry in self.entries(key) {
                place[entry.micro.place()] = entry.place;
            }
        }
        let mut sources = Sources::with_capacity(self.txns.len(), self.txns.keys().len());
        let mut versions: Vec<(u32, u32)> = Vec::new();
        for txn in 0..self.txns.len() {
            versions.clear();
            let first = self.txns.first_micro(txn);
            for (at, micro) in self.txns.micros(txn).iter().enumerate().rev() {
                if micro.f() == Function::Append
                    && versions.iter().all(|&(key, _)| key != micro.key())
                {
                    let rank = match place[first + at] {
                        NONE => UNREAD,
                        UNSURE => UNRANKED,
                        place => place + 1,
                    };
                    versions.push((micro.key(), rank));
                }
            }
            versions.sort_unstable();
            sources.push(self.committed[txn], &versions);
        }
        self.add_reads(&place, &mut sources);
        sources
    }

    fn add_reads(&self, place: &[u32], sources: &mut Sources) {
        let orders: Vec<Vec<u32>> = (0..self.txns.keys().len())
            .map(|key| self.order(key).map(|entry| entry.map_or(NONE, |e| e.txn)).collect())
            .collect();
        let mut reads: Vec<Read> = Vec::new();
        for txn in 0..self.txns.len() {
            reads.clear();
            let first = self.txns.first_micro(txn);
            let is_ok = self.txns.completion(txn) == Completion::Ok;
            for (at, micro) in self.txns.micros(txn).iter().enumerate().filter(|_| is_ok) {
                if micro.f() != Function::Read {
                    continue;
                }
                let (key, length) = (micro.key(), place[first + at]);
                let version = match length {
                    UNSURE | NONE => None,
                    0 => Some(INITIAL),
                    length => {
                        let writer = orders[key as usize][length as usize - 1];
                        sources.version_of(writer, key).filter(|_| writer != txn as u32)
                    }
                };
                match version {
                    None => sources.ambiguous += 1,
                    Some(version) => {
                        let read = Read { key, version };
                        reads.extend((reads.last() != Some(&read)).then_some(read));
                    }
                }
            }
            sources.push_reads(&reads);
        }
    }
}
