//! The order of one list, and what is wrong with it without looking at any other.

use super::super::anomaly::Anomaly;
use super::super::evidence::{Case, Sightings};
use super::super::transactions::NONE;
use super::super::{Micro, Transactions, words};
use super::entry::{Entry, UNSURE, begins_with, repeated, select};
use crate::history::{Completion, ValueId};

/// Kept from key to key, for its memory.
#[derive(Default)]
pub(super) struct Scratch<'a> {
    /// Entries that append, and those that read; in order of transactions.
    appending: Vec<u32>,
    pub(super) reading: Vec<u32>,
    /// Raw element, whether its transaction failed, entry; sorted.
    appends: Vec<(u32, bool, u32)>,
    pub(super) externals: Vec<External<'a>>,
    /// By length the last list found to be a beginning of the order.
    known: Vec<u32>,
}

/// What a read found of others.
#[derive(Clone, Copy)]
pub(super) struct External<'a> {
    /// Place among the entries of the key.
    pub entry: usize,
    pub list: &'a [ValueId],
    /// Whether the transaction had appended nothing to the key before, and read the same each
    /// time.
    pub plain: bool,
}

/// What is known of the keys of a part.
#[derive(Default)]
pub(super) struct Ordered {
    pub order: Vec<u32>,
    /// Per key where its order ends.
    pub ends: Vec<u32>,
    /// Transactions in doubt of which something was found.
    pub happened: Vec<u32>,
    pub sightings: Sightings,
    pub doubts: Vec<String>,
}

/// Judges one key.
pub(super) struct Judge<'a, 'b> {
    pub txns: &'a Transactions<'a>,
    pub key: u32,
    pub entries: &'b mut [Entry],
    /// Place of the first of them among those of all keys.
    pub first: u32,
    /// Per transaction whether it is known that it happened, before anything was read.
    pub committed: &'b [bool],
    pub ordered: &'b mut Ordered,
    pub scratch: &'b mut Scratch<'a>,
}

/// Who appended an element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// The entry.
    Known(usize),
    Failed(usize),
    Ambiguous,
    Nobody,
}

/// Where in the order the first element of a kind is.
#[derive(Clone, Copy)]
struct Blemishes {
    failed: usize,
    phantom: usize,
    repeated: usize,
}

impl<'a> Judge<'a, '_> {
    pub(super) fn micro(&self, entry: usize) -> Micro {
        self.txns.all_micros()[self.entries[entry].micro.place()]
    }

    /// Pushes onto `order` the entry of each element that all reads agree on.
    pub(super) fn run(mut self, order: &mut Vec<u32>) {
        select(&mut self.scratch.appending, self.entries, |entry| !entry.micro.reads());
        select(&mut self.scratch.reading, self.entries, |entry| entry.micro.reads());
        self.sort_appends();
        let externals = self.externals();
        // The first of the longest.
        let longest = externals.iter().rev().max_by_key(|external| external.list.len());
        if let Some(&longest) = longest {
            self.judge_all(&externals, longest, order);
        }
        self.scratch.externals = externals;
    }

    fn judge_all(
        &mut self,
        externals: &[External<'a>],
        longest: External<'a>,
        order: &mut Vec<u32>,
    ) {
        let start = order.len();
        let agreed = self.agreed(externals, longest);
        let blemishes = self.place(longest, order);
        let sure = agreed.min(blemishes.repeated);
        for &entry in &order[start + sure..] {
            if entry != NONE {
                // Its place is after the others, wherever that is.
                self.entries[(entry - self.first) as usize].place = NONE;
            }
        }
        self.own_orders(longest);
        for external in externals {
            self.judge(*external, longest, &order[start..], agreed, blemishes);
            let length = external.list.len();
            let place = if length <= sure { length as u32 } else { UNSURE };
            self.entries[external.entry].place = place;
        }
        self.dirty_updates(&order[start..], longest);
        order.truncate(start + sure);
        self.lost_updates(externals, &order[start..]);
    }

    fn sort_appends(&mut self) {
        let mut appends = std::mem::take(&mut self.scratch.appends);
        appends.clear();
        appends.extend(self.scratch.appending.iter().map(|&entry| {
            let txn = self.entries[entry as usize].txn as usize;
            let failed = self.txns.completion(txn) == Completion::Fail;
            (self.micro(entry as usize).value.raw(), failed, entry)
        }));
        appends.sort_unstable();
        self.scratch.appends = appends;
    }

    fn writer(&self, element: ValueId) -> Writer {
        self.writer_at(element, self.appends_of(element, 0))
    }

    /// Where the appends of an element begin, or would. `guess` is tried first: elements are
    /// counted up, mostly, so that one is behind the one before it in the list.
    fn appends_of(&self, element: ValueId, guess: usize) -> usize {
        let appends = &self.scratch.appends;
        let is_before = |append: &(u32, bool, u32)| append.0 < element.raw();
        let right = guess > 0
            && appends.get(guess - 1).is_some_and(is_before)
            && appends.get(guess).is_some_and(|append| append.0 == element.raw());
        if right { guess } else { appends.partition_point(is_before) }
    }

    /// As [`writer`](Self::writer), the first append of the element being at a place, if anywhere.
    fn writer_at(&self, element: ValueId, from: usize) -> Writer {
        let appends = &self.scratch.appends;
        let append = |place: usize| {
            let found: Option<&(u32, bool, u32)> = appends.get(place);
            found.filter(|append| append.0 == element.raw())
        };
        match (append(from), append(from + 1)) {
            (None, _) => Writer::Nobody,
            (Some(&(_, true, entry)), _) => Writer::Failed(entry as usize),
            (Some(_), Some((_, false, _))) => Writer::Ambiguous,
            (Some(&(_, false, entry)), _) => Writer::Known(entry as usize),
        }
    }

    /// The transaction whose append of an element failed.
    pub(super) fn failed_writer(&self, element: ValueId) -> Option<u32> {
        match self.writer(element) {
            Writer::Failed(entry) => Some(self.entries[entry].txn),
            _ => None,
        }
    }

    /// How many elements all reads agree on that have so many.
    fn agreed(&mut self, externals: &[External<'a>], longest: External<'a>) -> usize {
        let mut sure = longest.list.len();
        let mut known = std::mem::take(&mut self.scratch.known);
        known.clear();
        known.resize(sure + 1, NONE);
        for external in externals {
            let id = self.micro(external.entry).value.raw();
            let whole = external.list.len();
            if known[whole] == id {
                continue;
            }
            if begins_with(longest.list, external.list) {
                known[whole] = id;
                continue;
            }
            let both = external.list.iter().zip(longest.list);
            sure = sure.min(both.take_while(|(a, b)| a == b).count());
            self.incompatible(*external, longest);
        }
        self.scratch.known = known;
        sure
    }

    /// Gives the appends of the order their places, and finds whatever is strange in it.
    fn place(&mut self, longest: External<'a>, order: &mut Vec<u32>) -> Blemishes {
        let end = longest.list.len();
        let mut found = Blemishes { failed: end, phantom: end, repeated: end };
        let mut next = 0;
        for (place, &element) in longest.list.iter().enumerate() {
            let mut entry = NONE;
            next = self.appends_of(element, next);
            let writer = self.writer_at(element, next);
            next += 1;
            match writer {
                Writer::Known(known) => {
                    self.found(known);
                    if self.entries[known].place == NONE {
                        self.entries[known].place = place as u32;
                        entry = self.first + known as u32;
                    } else {
                        found.repeated = found.repeated.min(place);
                    }
                }
                Writer::Failed(_) => found.failed = found.failed.min(place),
                Writer::Nobody => found.phantom = found.phantom.min(place),
                Writer::Ambiguous => self.doubt(element),
            }
            order.push(entry);
        }
        if order.iter().rev().take(end).any(|&entry| entry == NONE) {
            found.repeated = found.repeated.min(repeated(longest.list).unwrap_or(end));
        }
        found
    }

    /// The transaction of an append that was read happened.
    fn found(&mut self, entry: usize) {
        let txn = self.entries[entry].txn;
        if !self.committed[txn as usize] {
            self.ordered.happened.push(txn);
        }
    }

    fn doubt(&mut self, element: ValueId) {
        let raw = element.raw();
        let twice = self.scratch.appends.iter().filter(|append| append.0 == raw && !append.1);
        let mut ops = Vec::new();
        for &(_, _, entry) in twice {
            let entry = &mut self.entries[entry as usize];
            entry.place = UNSURE;
            ops.push(words::op(self.txns, entry.txn));
        }
        ops.truncate(3);
        let (element, key) = (words::value(self.txns, element), words::key(self.txns, self.key));
        let ops = ops.join(" and ");
        self.ordered
            .doubts
            .push(format!("{element} was appended to key {key} more than once: {ops}"));
    }

    /// Whatever is wrong with one read; all reads agree on the first elements, `agreed` of them.
    fn judge(
        &mut self,
        read: External<'a>,
        longest: External<'a>,
        order: &[u32],
        agreed: usize,
        blemishes: Blemishes,
    ) {
        let length = read.list.len();
        let is_beginning = length <= agreed || begins_with(longest.list, read.list);
        if is_beginning {
            for (anomaly, place) in [
                (Anomaly::PhantomRead, blemishes.phantom),
                (Anomaly::DuplicateElements, blemishes.repeated),
                (Anomaly::G1a, blemishes.failed),
            ] {
                if length > place {
                    self.strange(anomaly, read, place);
                }
            }
        } else {
            self.judge_alone(read);
        }
        if let Some(&last) = read.list.last()
            && let Writer::Known(entry) = match order[length - 1] {
                entry if is_beginning && entry != NONE => {
                    Writer::Known((entry - self.first) as usize)
                }
                _ => self.writer(last),
            }
            && self.entries[entry].txn != self.entries[read.entry].txn
            && self.appends_again(entry)
        {
            self.intermediate(read, entry);
        }
        self.future(read);
    }

    /// A read that is not the beginning of the order is looked at element by element.
    fn judge_alone(&mut self, read: External<'a>) {
        let (mut failed, mut phantom) = (None, None);
        for (place, &element) in read.list.iter().enumerate() {
            match self.writer(element) {
                Writer::Known(entry) => {
                    self.found(entry);
                }
                Writer::Failed(_) => failed = failed.or(Some(place)),
                Writer::Nobody => phantom = phantom.or(Some(place)),
                Writer::Ambiguous => {}
            }
        }
        for (anomaly, place) in [
            (Anomaly::PhantomRead, phantom),
            (Anomaly::DuplicateElements, repeated(read.list)),
            (Anomaly::G1a, failed),
        ] {
            if let Some(place) = place {
                self.strange(anomaly, read, place);
            }
        }
    }

    /// The next append of the same transaction to the key.
    fn next_append(&self, entry: usize) -> Option<usize> {
        let txn = self.entries[entry].txn;
        let mut later = (entry + 1..self.entries.len()).take_while(|&e| self.entries[e].txn == txn);
        later.find(|&entry| !self.entries[entry].micro.reads())
    }

    /// Whether the transaction of an append appended to the key later on.
    fn appends_again(&self, entry: usize) -> bool {
        self.next_append(entry).is_some()
    }

    /// A transaction that found, as if of others, what it appended itself.
    fn future(&mut self, read: External<'a>) {
        let txn = self.entries[read.entry].txn;
        let is_own = |&entry: &usize| self.entries[entry].txn == txn;
        let before = (0..read.entry).rev().take_while(is_own);
        let after = (read.entry + 1..self.entries.len()).take_while(is_own);
        let found = before.chain(after).find(|&entry| {
            let micro = self.micro(entry);
            // Its place is known where it is in the order; elsewhere it is looked for.
            let place = self.entries[entry].place as usize;
            !self.entries[entry].micro.reads()
                && match place < UNSURE as usize {
                    true => place < read.list.len() && read.list[place] == micro.value,
                    false => read.list.contains(&micro.value),
                }
        });
        let Some(append) = found else { return };
        let (key, txns, value) = (self.key, self.txns, self.micro(append).value);
        self.ordered.sightings.add(Anomaly::FutureRead, || {
            let (element, name) = (words::value(txns, value), words::key(txns, key));
            Case {
                anomaly: Anomaly::FutureRead,
                key,
                txns: vec![txn],
                title: format!("{} read what it appended itself", words::op(txns, txn)),
                argument: format!(
                    "T1 found its own append of {element} to key {name} in what was there before."
                ),
            }
        });
    }

    /// Appends of one transaction that are in the list in another order than it made them in.
    fn own_orders(&mut self, longest: External<'a>) {
        // The last append of the transaction at hand.
        let mut last: Option<usize> = None;
        for place in 0..self.scratch.appending.len() {
            let entry = self.scratch.appending[place] as usize;
            if self.entries[entry].place == UNSURE {
                continue;
            }
            let before = last.replace(entry);
            let before = before.filter(|&e| self.entries[e].txn == self.entries[entry].txn);
            if let Some(before) = before
                && self.entries[before].place > self.entries[entry].place
            {
                self.turned(longest, before, entry);
            }
        }
    }

    /// Failed appends with one that happened behind them.
    fn dirty_updates(&mut self, order: &[u32], longest: External<'a>) {
        let Some(last) = order.iter().rposition(|&entry| entry != NONE) else { return };
        for place in (0..last).filter(|&place| order[place] == NONE) {
            let Writer::Failed(aborted) = self.writer(longest.list[place]) else { continue };
            let next = order[place..].iter().find(|&&entry| entry != NONE).copied();
            let updater = next.map_or(last, |entry| (entry - self.first) as usize);
            self.dirty_update(aborted, updater);
        }
    }

    /// Transactions that read the same version and then appended, both as if the other was not; or
    /// one whose append follows what another appended meanwhile.
    fn lost_updates(&mut self, externals: &[External<'a>], order: &[u32]) {
        let mut updates: Vec<(u32, u32)> = Vec::new();
        let mut overtaken = Vec::new();
        for external in externals.iter().filter(|external| external.plain) {
            let Entry { txn, place, .. } = self.entries[external.entry];
            if place == UNSURE {
                continue;
            }
            let Some(append) = self.next_append(external.entry) else { continue };
            updates.push((place, txn));
            let end = (self.entries[append].place as usize).min(order.len());
            let between = order.get(place as usize..end).unwrap_or_default();
            let other = between.iter().find(|&&entry| {
                entry != NONE && self.entries[(entry - self.first) as usize].txn != txn
            });
            overtaken.extend(other.map(|&other| (place, external.entry, other - self.first)));
        }
        updates.sort_unstable();
        updates.dedup();
        for same in updates.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
            self.lost_update(same);
        }
        for (place, read, other) in overtaken {
            let same = updates.partition_point(|update| update.0 < place);
            let rivals = updates[same..].iter().take_while(|update| update.0 == place).count();
            if rivals == 1 {
                self.overtaken(read, other as usize);
            }
        }
    }
}
