//! Dependencies between transactions on lists.
//!
//! Where the next version is by somebody unknown, or unread, an edge leads to who is known to come
//! after it: ww composed with ww is ww, rw composed with ww is rw, as far as cycles go.

use std::ops::Range;

use super::super::dependencies::{RW, Source, WR, WW};
use super::super::hubs::all_pairs;
use super::super::transactions::{NONE, threads};
use super::entry::{Entry, UNSURE, select};
use super::lists::Lists;
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

/// What edges are made of; kept from key to key, for its memory.
#[derive(Default)]
struct Scratch {
    /// The writer of each place, who is known.
    writers: Vec<u32>,
    /// The next known writer from each place on.
    next: Vec<u32>,
    /// The last known before each place.
    before: Vec<u32>,
    /// Entries that are reads.
    reading: Vec<u32>,
    /// See [`Lists::unread`].
    unread: Vec<u32>,
    /// Transactions that read the last version.
    newest: Vec<u32>,
}

impl Scratch {
    fn fill(&mut self, lists: &Lists<'_>, key: usize) {
        let Self { writers, next, before, reading, unread, newest } = self;
        writers.clear();
        writers.extend(lists.order(key).map(|entry| entry.map_or(NONE, |entry| entry.txn)));
        let known = |last: u32, writer: u32| if writer == NONE { last } else { writer };
        before.clear();
        before.push(NONE);
        next.clear();
        next.resize(writers.len() + 1, NONE);
        for (place, &writer) in writers.iter().enumerate() {
            before.push(known(before[place], writer));
        }
        for (place, &writer) in writers.iter().enumerate().rev() {
            next[place] = known(next[place + 1], writer);
        }
        select(reading, lists.entries(key), is_known_read);
        lists.find_unread(key, unread);
        newest.clear();
    }
}

fn is_known_read(entry: &Entry) -> bool {
    entry.micro.reads() & (entry.place < UNSURE)
}

impl Lists<'_> {
    /// Calls `add` for every edge of some keys; hubs are numbered from the number of transactions
    /// on.
    pub(super) fn edges_of(&self, keys: Range<usize>, add: &mut impl FnMut(u32, u32, Kinds)) {
        let (mut hubs, mut scratch) = (0, Scratch::default());
        for key in keys {
            scratch.fill(self, key);
            self.of_key(key, &mut scratch, &mut hubs, add);
        }
    }

    fn of_key(
        &self,
        key: usize,
        scratch: &mut Scratch,
        hubs: &mut u32,
        add: &mut impl FnMut(u32, u32, Kinds),
    ) {
        let Scratch { writers, next, before, reading, unread, newest } = scratch;
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
        if last != NONE {
            unread.iter().for_each(|&writer| add(last, writer, WW));
        }
        let entries = self.entries(key);
        let mut previous = (NONE, NONE);
        for entry in reading.iter().map(|&place| entries[place as usize]) {
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
        all_pairs(newest, unread, &mut hub, &mut add);
    }

    /// Reads of a key whose place is known.
    pub(super) fn reads(&self, key: usize) -> impl Iterator<Item = Entry> + '_ {
        self.entries(key).iter().copied().filter(is_known_read)
    }

    /// The transactions whose appends come after the order, ascending.
    pub(super) fn unread(&self, key: usize) -> Vec<u32> {
        let mut txns = Vec::new();
        self.find_unread(key, &mut txns);
        txns
    }

    fn find_unread(&self, key: usize, txns: &mut Vec<u32>) {
        let entries = self.entries(key);
        select(txns, entries, |entry| (entry.place == NONE) & !entry.micro.reads());
        txns.iter_mut().for_each(|place| *place = entries[*place as usize].txn);
        txns.retain(|&txn| self.committed[txn as usize]);
        txns.dedup();
    }
}
