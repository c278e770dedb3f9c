//! Which write each read of a register found, where every key's values are written once.
//!
//! What could be argued, decided once:
//!
//! * **The initial transaction** wrote null to every key, before all others.
//! * **An info transaction** may have happened or not, and what it read is unknown. Once a value of
//!   its is found it did happen; until then it counts as absent: leaving it out can only help.
//! * **A failed transaction** did not happen: whoever finds a value of its made a dirty read.
//! * **A value written twice** to a key. The last write of a transaction comes before one that the
//!   transaction itself replaced, and that before one of a failed transaction: the read may have
//!   found it honestly. Between two of the first kind nobody can tell: such a read is left out and
//!   counted. So is a read of null where somebody writes null. Leaving a read out never makes a
//!   history worse, so *violated* stays certain; *valid* does not.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::origins::{Collected, Origin, Origins};
use super::transactions::{Function, Transactions};
use crate::history::{Completion, ValueId};

/// The version that the initial transaction wrote.
pub(crate) const INITIAL: u32 = u32::MAX;

/// What a transaction found of a key, before it wrote to it itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub key: u32,
    /// Or [`INITIAL`].
    pub version: u32,
}

/// A read that no execution explains, whatever the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub kind: FaultKind,
    pub txn: u32,
    pub key: u32,
    pub value: ValueId,
    /// Who wrote the value; the reader itself where nobody did.
    pub writer: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// Not what the transaction itself had written last.
    Internal,
    /// Of a key that the transaction had read already, and found otherwise.
    NonRepeatable,
    /// Of a transaction that failed.
    Aborted,
    /// Of a transaction that replaced it itself.
    Intermediate,
    /// Written by nobody.
    Garbage,
    /// Written by the transaction itself, later.
    Future,
}

/// The versions and the reads of all transactions, by transaction.
pub(crate) struct Sources {
    /// Whether a transaction certainly happened.
    present: Vec<bool>,
    version_ends: Vec<u32>,
    version_txns: Vec<u32>,
    version_keys: Vec<u32>,
    read_ends: Vec<u32>,
    reads: Vec<Read>,
    /// In order of transactions.
    pub faults: Vec<Fault>,
    /// Reads left out, since more than one transaction may have written what they found.
    pub ambiguous: usize,
    /// Where the order of versions is known, the rank of each in that of its key, from 1: greater
    /// is newer, [`UNRANKED`] unknown. Otherwise empty.
    pub ranks: Vec<u32>,
    keys: usize,
}

/// The rank of a version whose place among the others is not known.
pub(crate) const UNRANKED: u32 = u32::MAX;

/// Transactions resolved together.
const PART: u32 = 1 << 13;
/// Parts whose reads are held twice for a moment.
const PARTS_TOGETHER: usize = 16;

/// What a transaction did with a key so far.
#[derive(Clone, Copy)]
enum Local {
    Wrote(ValueId),
    /// And the version, if that is known.
    Read(ValueId, Option<u32>),
}

/// What was done with a key last.
#[derive(Clone, Copy)]
struct Last {
    txn: u32,
    local: Local,
    /// Where a value of it was found.
    hint: u32,
}

impl Sources {
    /// # Errors
    /// Names an operation that appends to a list: this is for registers.
    pub(crate) fn of(txns: &Transactions<'_>) -> Result<Self, String> {
        let origins = Collected::of(txns);
        let writes = origins.len();
        let mut sources = Self {
            present: (0..txns.len()).map(|txn| txns.completion(txn) == Completion::Ok).collect(),
            version_ends: Vec::with_capacity(txns.len()),
            version_txns: Vec::with_capacity(writes),
            version_keys: Vec::with_capacity(writes),
            read_ends: Vec::with_capacity(txns.len()),
            reads: Vec::with_capacity(txns.all_micros().len() - writes),
            faults: Vec::new(),
            ambiguous: 0,
            ranks: Vec::new(),
            keys: txns.keys().len(),
        };
        let origins = sources.write(txns, origins)?;
        sources.read(txns, &origins);
        sources.reads.shrink_to_fit();
        Ok(sources)
    }

    /// Of `keys` keys, without transactions yet: see [`push`](Self::push).
    pub(crate) fn with_capacity(txns: usize, keys: usize) -> Self {
        Self {
            present: Vec::with_capacity(txns),
            version_ends: Vec::with_capacity(txns),
            version_txns: Vec::new(),
            version_keys: Vec::new(),
            read_ends: Vec::with_capacity(txns),
            reads: Vec::new(),
            faults: Vec::new(),
            ambiguous: 0,
            ranks: Vec::new(),
            keys,
        }
    }

    /// The next transaction, with what it wrote, as keys in order with their ranks.
    pub(crate) fn push(&mut self, is_present: bool, versions: &[(u32, u32)]) {
        let txn = self.present.len() as u32;
        self.present.push(is_present);
        for &(key, rank) in versions {
            self.version_txns.push(txn);
            self.version_keys.push(key);
            self.ranks.push(rank);
        }
        self.version_ends.push(self.version_txns.len() as u32);
    }

    /// What the next transaction found, in order of transactions.
    pub(crate) fn push_reads(&mut self, reads: &[Read]) {
        self.reads.extend_from_slice(reads);
        self.read_ends.push(self.reads.len() as u32);
    }

    /// Numbers the versions: by transaction, in order of keys.
    fn write(
        &mut self,
        txns: &Transactions<'_>,
        mut origins: Collected,
    ) -> Result<Origins, String> {
        let mut last_of = vec![u32::MAX; self.keys];
        let mut finals: Vec<(u32, ValueId)> = Vec::new();
        for txn in 0..txns.len() {
            finals.clear();
            let failed = txns.completion(txn) == Completion::Fail;
            let txn = txn as u32;
            for micro in txns.micros(txn as usize).iter().rev() {
                let origin = match micro.f() {
                    Function::Read => continue,
                    Function::Append => {
                        let op = txns.operation(txn as usize).index().0;
                        return Err(format!("op {op} appends to a list; expected registers"));
                    }
                    Function::Write if failed => Origin::Aborted(txn),
                    Function::Write if last_of[micro.key() as usize] == txn => {
                        Origin::Intermediate(txn)
                    }
                    Function::Write => {
                        last_of[micro.key() as usize] = txn;
                        finals.push((micro.key(), micro.value));
                        continue;
                    }
                };
                origins.add(micro.key(), micro.value, origin);
            }
            finals.sort_unstable_by_key(|&(key, _)| key);
            for &(key, value) in &finals {
                let version = self.version_txns.len() as u32;
                origins.add(key, value, Origin::Version(version));
                self.version_txns.push(txn);
                self.version_keys.push(key);
            }
            self.version_ends.push(self.version_txns.len() as u32);
        }
        Ok(origins.finish())
    }

    /// Resolves the reads of ok transactions, some parts at a time: what they found is copied
    /// before there is more of it.
    fn read(&mut self, txns: &Transactions<'_>, origins: &Origins) {
        let count = txns.len() as u32;
        let nothing = Last { txn: u32::MAX, local: Local::Read(ValueId::NULL, None), hint: 0 };
        let new_lasts = || vec![nothing; self.keys];
        let parts: Vec<u32> = (0..count.div_ceil(PART)).collect();
        for together in parts.chunks(PARTS_TOGETHER) {
            let (writers, present) = (&self.version_txns, &self.present);
            let resolver = Resolver { txns, origins, writers, present };
            let resolve = |lasts: &mut Vec<_>, &part: &u32| {
                resolver.read(part * PART..(part * PART + PART).min(count), lasts)
            };
            let resolved: Vec<Part> = together.par_iter().map_init(new_lasts, resolve).collect();
            for part in resolved {
                let before = self.reads.len() as u32;
                self.reads.extend(part.reads);
                self.read_ends.extend(part.ends.iter().map(|end| before + end));
                self.faults.extend(part.faults);
                self.ambiguous += part.ambiguous;
                part.found.iter().for_each(|&writer| self.present[writer as usize] = true);
            }
        }
    }

    /// The same of a few transactions alone, in order; keys are numbered anew. What was written by
    /// others is not read any more, and one that is `optional` happened only if it is still read
    /// from: an execution that explains all explains this, with the others left out of it.
    pub(crate) fn restrict(&self, txns: &[u32], optional: impl Fn(u32) -> bool) -> Self {
        let mut keys = FxHashMap::default();
        let mut versions = FxHashMap::default();
        let mut few = Self {
            present: txns.iter().map(|&txn| !optional(txn)).collect(),
            version_ends: Vec::new(),
            version_txns: Vec::new(),
            version_keys: Vec::new(),
            read_ends: Vec::new(),
            reads: Vec::new(),
            faults: Vec::new(),
            ambiguous: 0,
            ranks: Vec::new(),
            keys: 0,
        };
        for (number, &txn) in (0..).zip(txns) {
            let mut own: Vec<(u32, u32)> = Vec::new();
            for version in self.versions(txn as usize) {
                let count = keys.len() as u32;
                own.push((*keys.entry(self.key(version)).or_insert(count), version));
            }
            own.sort_unstable();
            for (key, version) in own {
                versions.insert(version, few.version_txns.len() as u32);
                few.version_txns.push(number);
                few.version_keys.push(key);
            }
            few.version_ends.push(few.version_txns.len() as u32);
        }
        for &txn in txns {
            for read in self.reads(txn as usize) {
                let count = keys.len() as u32;
                let version = match versions.get(&read.version) {
                    _ if read.version == INITIAL => INITIAL,
                    Some(&version) => version,
                    None => continue,
                };
                if version != INITIAL {
                    few.present[few.version_txns[version as usize] as usize] = true;
                }
                few.reads.push(Read { key: *keys.entry(read.key).or_insert(count), version });
            }
            few.read_ends.push(few.reads.len() as u32);
        }
        few.keys = keys.len();
        few
    }

    /// Forgets everything else.
    pub(crate) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    pub(crate) fn len(&self) -> usize {
        self.present.len()
    }

    pub(crate) fn keys(&self) -> usize {
        self.keys
    }

    /// Whether a transaction happened: it is ok, or its outcome is unknown and a value of its was
    /// found.
    pub(crate) fn is_present(&self, txn: usize) -> bool {
        self.present[txn]
    }

    /// The versions that a transaction wrote, in order of keys.
    pub(crate) fn versions(&self, txn: usize) -> std::ops::Range<u32> {
        let start = txn.checked_sub(1).map_or(0, |before| self.version_ends[before]);
        start..self.version_ends[txn]
    }

    /// The version of a key that a transaction, if it is one, wrote.
    pub(crate) fn version_of(&self, txn: u32, key: u32) -> Option<u32> {
        let keys = (txn as usize) < self.version_ends.len();
        let keys = if keys { self.keys_written(txn as usize) } else { &[] };
        let place = keys.binary_search(&key).ok()?;
        Some(self.versions(txn as usize).start + place as u32)
    }

    /// How many versions there are, those of absent transactions too.
    pub(crate) fn version_count(&self) -> usize {
        self.version_txns.len()
    }

    pub(crate) fn key(&self, version: u32) -> u32 {
        self.version_keys[version as usize]
    }

    pub(crate) fn writer(&self, version: u32) -> u32 {
        self.version_txns[version as usize]
    }

    /// The keys that a transaction wrote, in order.
    pub(crate) fn keys_written(&self, txn: usize) -> &[u32] {
        let range = self.versions(txn);
        &self.version_keys[range.start as usize..range.end as usize]
    }

    /// What a transaction found, in order; of a key more than once where it was read again after
    /// others, or was found changed.
    pub(crate) fn reads(&self, txn: usize) -> &[Read] {
        let start = txn.checked_sub(1).map_or(0, |before| self.read_ends[before]);
        &self.reads[start as usize..self.read_ends[txn] as usize]
    }

    pub(crate) fn all_reads(&self) -> &[Read] {
        &self.reads
    }
}

/// The reads of some transactions.
#[derive(Default)]
struct Part {
    reads: Vec<Read>,
    ends: Vec<u32>,
    faults: Vec<Fault>,
    ambiguous: usize,
    /// Writers of what was found that are not ok: they happened.
    found: Vec<u32>,
}

struct Resolver<'a> {
    txns: &'a Transactions<'a>,
    origins: &'a Origins,
    /// By version.
    writers: &'a [u32],
    /// Those that are known to have happened so far.
    present: &'a [bool],
}

impl Resolver<'_> {
    fn read(&self, txns: std::ops::Range<u32>, lasts: &mut [Last]) -> Part {
        let mut part = Part::default();
        for txn in txns {
            if self.txns.completion(txn as usize) == Completion::Ok {
                self.read_one(txn, lasts, &mut part);
            }
            part.ends.push(part.reads.len() as u32);
        }
        part
    }

    fn read_one(&self, txn: u32, lasts: &mut [Last], part: &mut Part) {
        let start = part.reads.len();
        for micro in self.txns.micros(txn as usize) {
            let (key, value) = (micro.key(), micro.value);
            let last = &mut lasts[key as usize];
            let known = (last.txn == txn).then_some(last.local);
            last.txn = txn;
            if micro.f() != Function::Read {
                last.local = Local::Wrote(value);
                continue;
            }
            let fault = |kind| Fault { kind, txn, key, value, writer: txn };
            match known {
                Some(Local::Wrote(own)) if own == value => {}
                Some(Local::Wrote(_)) => part.faults.push(fault(FaultKind::Internal)),
                Some(Local::Read(before, version)) if before == value => {
                    // After others it must still be there.
                    if part.reads[start..].last().is_some_and(|last| last.key != key) {
                        part.reads.extend(version.map(|version| Read { key, version }));
                    }
                }
                known => {
                    if known.is_some() {
                        part.faults.push(fault(FaultKind::NonRepeatable));
                    }
                    let version = self.resolve(txn, key, value, &mut last.hint, part);
                    part.reads.extend(version.map(|version| Read { key, version }));
                    last.local = Local::Read(value, version);
                }
            }
        }
    }

    /// The version that was found, where that can be told.
    fn resolve(
        &self,
        txn: u32,
        key: u32,
        value: ValueId,
        hint: &mut u32,
        part: &mut Part,
    ) -> Option<u32> {
        let (kind, writer) = match self.origins.get(key, value, hint) {
            None | Some(Origin::Aborted(_)) if value.is_null() => return Some(INITIAL),
            None => (FaultKind::Garbage, txn),
            // Null is there at first as well.
            Some(Origin::Version(_) | Origin::Intermediate(_)) if value.is_null() => {
                part.ambiguous += 1;
                return None;
            }
            Some(Origin::Many) => {
                part.ambiguous += 1;
                return None;
            }
            Some(Origin::Aborted(writer)) => (FaultKind::Aborted, writer),
            Some(Origin::Intermediate(writer)) if writer == txn => (FaultKind::Future, txn),
            Some(Origin::Intermediate(writer)) => (FaultKind::Intermediate, writer),
            Some(Origin::Version(version)) => {
                let writer = self.writers[version as usize];
                if writer != txn {
                    if !self.present[writer as usize] {
                        part.found.push(writer);
                    }
                    return Some(version);
                }
                (FaultKind::Future, txn)
            }
        };
        part.faults.push(Fault { kind, txn, key, value, writer });
        None
    }
}

#[cfg(test)]
mod tests;
