//! Dependencies between transactions on lists.
//!
//! Where the next version is by somebody unknown, or unread, an edge leads to who is known to come
//! after it: ww composed with ww is ww, rw composed with ww is rw, as far as cycles go.

use std::ops::Range;

use super::super::dependencies::{NONE, RW, Source, WR, WW};
use super::super::hubs::all_pairs;
use super::super::transactions::threads;
use super::lists::{Entry, Lists, UNSURE};
use crate::graph::Kinds;

/// The most parts of edges: each takes memory for all transactions.
const PARTS_MAX: usize = 4;

impl Source for Lists<'_> {
    fn rivals(&self, add: &mut dyn FnMut(&[u32])) {
        for key in 0..self.txns.keys().len() {
            let unread = self.unread(key);
            if unread.len() > 1 {
                add(&unread);
            }
        }
    }

    fn committed(&self, txn: u32) -> bool {
        self.committed[txn as usize]
    }

    fn parts(&self) -> usize {
        threads().min(PARTS_MAX)
    }

    fn edges(&self, part: usize, add: &mut impl FnMut(u32, u32, Kinds)) {
        self.edges_of(self.keys_of(part, self.parts()), add);
    }
}

impl Lists<'_> {
    /// Calls `add` for every edge of some keys; hubs are numbered from the number of transactions
    /// on.
    pub(super) fn edges_of(&self, keys: Range<usize>, add: &mut impl FnMut(u32, u32, Kinds)) {
        let mut hubs = 0;
        for key in keys {
            self.of_key(key, &mut hubs, add);
        }
    }

    fn of_key(&self, key: usize, hubs: &mut u32, add: &mut impl FnMut(u32, u32, Kinds)) {
        // The writer of each place, who is known.
        let writers: Vec<u32> =
            self.order(key).map(|entry| entry.map_or(NONE, |entry| entry.txn)).collect();
        let mut add = |from: u32, to: u32, kind: Kinds| {
            if from != to {
                add(from, to, kind);
            }
        };
        let mut last = NONE;
        for &writer in writers.iter().filter(|&&writer| writer != NONE) {
            if last != NONE {
                add(last, writer, WW);
            }
            last = writer;
        }
        let unread = self.unread(key);
        if last != NONE {
            unread.iter().for_each(|&writer| add(last, writer, WW));
        }
        // The next known writer from each place on, the last known before it.
        let mut next = vec![NONE; writers.len() + 1];
        for place in (0..writers.len()).rev() {
            next[place] = if writers[place] == NONE { next[place + 1] } else { writers[place] };
        }
        let mut before = vec![NONE; writers.len() + 1];
        for place in 0..writers.len() {
            before[place + 1] = if writers[place] == NONE { before[place] } else { writers[place] };
        }
        let mut newest = Vec::new();
        let mut previous = (NONE, NONE);
        for entry in self.reads(key) {
            if previous == (entry.txn, entry.place) {
                continue;
            }
            previous = (entry.txn, entry.place);
            let place = entry.place as usize;
            if before[place] != NONE {
                add(before[place], entry.txn, WR);
            }
            match next[place] {
                NONE => newest.push(entry.txn),
                // Between two appends of one transaction: G1b says it all.
                writer if writer == before[place] => {}
                writer => add(entry.txn, writer, RW),
            }
        }
        newest.dedup();
        let mut hub = || {
            *hubs += 1;
            self.txns.len() as u32 + *hubs - 1
        };
        all_pairs(&newest, &unread, &mut hub, &mut add);
    }

    /// Reads of a key whose place is known.
    pub(super) fn reads(&self, key: usize) -> impl Iterator<Item = Entry> + '_ {
        let known = |entry: &Entry| entry.place < UNSURE && entry.micro.reads();
        self.entries(key).iter().copied().filter(known)
    }

    /// The transactions whose appends come after the order, ascending.
    pub(super) fn unread(&self, key: usize) -> Vec<u32> {
        let after = |entry: &&Entry| {
            entry.place == NONE && self.committed[entry.txn as usize] && !entry.micro.reads()
        };
        let mut txns: Vec<u32> =
            self.entries(key).iter().filter(after).map(|entry| entry.txn).collect();
        txns.dedup();
        txns
    }
}
