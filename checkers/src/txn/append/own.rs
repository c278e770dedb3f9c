//! What a transaction read of others, apart from what it appended itself.

use super::super::anomaly::Anomaly;
use super::super::evidence::Case;
use super::entry::{Entry, UNSURE, elements};
use super::key::{External, Judge};
use crate::history::{Completion, ValueId};

impl<'a> Judge<'a, '_> {
    /// The reads of the key, their transactions' own elements taken away. A read that does not end
    /// with these, or differs from an earlier one, is `internal`.
    pub(super) fn externals(&mut self) -> Vec<External<'a>> {
        let mut found = std::mem::take(&mut self.scratch.externals);
        found.clear();
        // What the transaction at hand appended before the entry `next`.
        let (mut own, mut next): (Vec<ValueId>, usize) = (Vec::new(), 0);
        let mut txn = None;
        // The first external list of this transaction, in `found`.
        let mut first: Option<usize> = None;
        for place in 0..self.scratch.reading.len() {
            let entry = self.scratch.reading[place] as usize;
            let Entry { txn: this, .. } = self.entries[entry];
            debug_assert_eq!(self.txns.completion(this as usize), Completion::Ok);
            if txn != Some(this) {
                own.clear();
                (txn, first) = (Some(this), None);
                let before = self.entries[..entry].iter().rev();
                next = entry - before.take_while(|other| other.txn == this).count();
            }
            // None of those between is a read.
            own.extend((next..entry).map(|append| self.micro(append).value));
            next = entry + 1;
            let whole = elements(self.txns, self.micro(entry).value);
            let Some(list) = whole.strip_suffix(&own[..]) else {
                self.entries[entry].place = UNSURE;
                self.internal(entry, "although it had itself appended to the list before");
                continue;
            };
            let mut plain = own.is_empty();
            if let Some(first) = first
                && found[first].list != list
            {
                self.internal(entry, "although it had read the list before and found another");
                found[first].plain = false;
                plain = false;
            }
            first.get_or_insert(found.len());
            found.push(External { entry, list, plain });
        }
        found
    }

    fn internal(&mut self, entry: usize, why: &str) {
        let Entry { txn, .. } = self.entries[entry];
        let micro = self.micro(entry);
        let (key, txns) = (self.key, self.txns);
        self.ordered.sightings.add(Anomaly::Internal, || {
            let name = super::super::words::key(txns, key);
            let list = super::super::words::value(txns, micro.value);
            Case {
                anomaly: Anomaly::Internal,
                key,
                txns: vec![txn],
                title: format!("{} contradicts itself", super::super::words::op(txns, txn)),
                argument: format!("T1 read {list} of key {name}, {why}."),
            }
        });
    }
}
