//! The versions of every register: who wrote and who read each.

use rustc_hash::FxHashMap;

use super::super::entries::{At, Entries, Placed};
use super::super::evidence::{Case, Sightings};
use super::super::transactions::NONE;
use super::super::{Anomaly, Function, Micro, Transactions, words};
use crate::history::{Completion, ValueId};

/// A value that a register had.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    pub value: ValueId,
    /// Who wrote it: [`NONE`] for the initial state, and while nobody is known to have.
    pub writer: u32,
    /// Place of that among all micro-operations.
    pub micro: u32,
}

/// What a transaction did to a key, as others see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    pub txn: u32,
    /// The version it read before it wrote, and where: [`NONE`] if it did not, or nobody knows
    /// which that is.
    pub read: u32,
    pub read_micro: u32,
    /// The version it left, if it wrote: [`NONE`] otherwise.
    pub write: u32,
}

impl Access {
    /// The version it had to do with first.
    pub(super) fn first(self) -> u32 {
        if self.read == NONE { self.write } else { self.read }
    }

    /// The version it left behind.
    pub(super) fn left(self) -> u32 {
        if self.write == NONE { self.read } else { self.write }
    }
}

/// The versions of all keys, each key's side by side; the first is the initial state.
pub(crate) struct Versions<'a> {
    pub txns: &'a Transactions<'a>,
    pub(super) all: Vec<Version>,
    /// Per key where its versions and its accesses end; these in order of transactions.
    pub(super) ends: Vec<(u32, u32)>,
    pub(super) accesses: Vec<Access>,
    pub committed: Vec<bool>,
    pub sightings: Sightings,
    pub doubts: Vec<String>,
}

/// Who wrote a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// The version, if it is one.
    Installed(u32),
    /// A transaction that wrote the key again afterwards.
    Intermediate(u32),
    Failed(u32),
    Ambiguous,
}

impl<'a> Versions<'a> {
    /// # Errors
    /// Says which micro-operation is none on a register.
    pub(crate) fn of(txns: &'a Transactions<'a>) -> Result<Self, String> {
        let append = |micro: Micro| {
            let value = || words::value(txns, micro.value);
            (micro.f() == Function::Append).then(|| format!("appends {}: no register", value()))
        };
        let entries = Entries::<Placed>::of(txns, append)?;
        let ok = |txn| txns.completion(txn) == Completion::Ok;
        let mut versions = Self {
            txns,
            all: Vec::new(),
            ends: Vec::with_capacity(txns.keys().len()),
            accesses: Vec::new(),
            committed: (0..txns.len()).map(ok).collect(),
            sightings: Sightings::default(),
            doubts: Vec::new(),
        };
        let mut writers = FxHashMap::default();
        for key in 0..txns.keys().len() {
            writers.clear();
            let entries = entries.of_key(key);
            versions.writes(entries, &mut writers);
            let accesses = versions.accesses.len();
            for group in entries.chunk_by(|a, b| a.txn == b.txn) {
                versions.access(key as u32, group, &writers);
            }
            versions.lost_updates(key as u32, accesses);
            versions.ends.push((versions.all.len() as u32, versions.accesses.len() as u32));
        }
        versions.forget_uncommitted();
        Ok(versions)
    }

    /// Versions and accesses of a key, as places.
    pub(super) fn range(&self, key: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let (version, access) = key.checked_sub(1).map_or((0, 0), |before| self.ends[before]);
        let (last, end) = self.ends[key];
        (version as usize..last as usize, access as usize..end as usize)
    }

    fn micro(&self, at: At) -> Micro {
        self.txns.all_micros()[at.place()]
    }

    /// Finds the writer of each value, and pushes the versions.
    fn writes(&mut self, entries: &[Placed], writers: &mut FxHashMap<ValueId, Writer>) {
        let initial = self.all.len() as u32;
        self.all.push(Version { value: ValueId::NULL, writer: NONE, micro: NONE });
        writers.insert(ValueId::NULL, Writer::Installed(initial));
        for group in entries.chunk_by(|a, b| a.txn == b.txn) {
            let txn = group[0].txn;
            let failed = self.txns.completion(txn as usize) == Completion::Fail;
            let last = group.iter().rposition(|entry| !entry.micro.reads());
            for (place, entry) in group.iter().enumerate() {
                let micro = self.micro(entry.micro);
                if micro.f() != Function::Write {
                    continue;
                }
                let writer = match (failed, last == Some(place)) {
                    (true, _) => Writer::Failed(txn),
                    (false, false) => Writer::Intermediate(txn),
                    (false, true) => Writer::Installed(self.all.len() as u32),
                };
                match (writers.get(&micro.value), writer) {
                    (None | Some(Writer::Failed(_)), _) => {
                        writers.insert(micro.value, writer);
                    }
                    (Some(_), Writer::Failed(_)) => {}
                    (Some(_), _) => {
                        writers.insert(micro.value, Writer::Ambiguous);
                    }
                }
                if let Writer::Installed(_) = writer {
                    let place = entry.micro.place() as u32;
                    self.all.push(Version { value: micro.value, writer: txn, micro: place });
                }
            }
        }
        for version in initial as usize..self.all.len() {
            // Two versions of one value are as good as none.
            if writers.get(&self.all[version].value) == Some(&Writer::Ambiguous) {
                self.all[version].writer = NONE;
                self.all[version].micro = NONE;
            }
        }
    }

    /// What one transaction did to a key, and whatever is wrong with that alone.
    fn access(&mut self, key: u32, group: &[Placed], writers: &FxHashMap<ValueId, Writer>) {
        let txn = group[0].txn;
        let ok = self.txns.completion(txn as usize) == Completion::Ok;
        let mut access = Access { txn, read: NONE, read_micro: NONE, write: NONE };
        // What a read has to find: what the transaction wrote or read there before.
        let mut expected: Option<ValueId> = None;
        let mut wrote = false;
        for entry in group {
            let micro = self.micro(entry.micro);
            if micro.f() == Function::Write {
                (expected, wrote) = (Some(micro.value), true);
                access.write = match writers.get(&micro.value) {
                    Some(&Writer::Installed(version)) => version,
                    _ => NONE,
                };
                continue;
            }
            debug_assert!(ok);
            if expected.is_some_and(|expected| expected != micro.value) {
                self.internal(key, txn, micro.value, wrote);
                continue;
            }
            if expected.is_none() {
                access.read_micro = entry.micro.place() as u32;
                access.read = self.source(key, txn, micro.value, writers);
            }
            expected = Some(micro.value);
        }
        if access.read != NONE || access.write != NONE {
            self.accesses.push(access);
        }
    }

    /// The version that a transaction read, if it is one.
    fn source(
        &mut self,
        key: u32,
        txn: u32,
        value: ValueId,
        writers: &FxHashMap<ValueId, Writer>,
    ) -> u32 {
        match writers.get(&value) {
            Some(&Writer::Installed(version)) => {
                let writer = self.all[version as usize].writer;
                if writer == txn {
                    self.accuse(Anomaly::FutureRead, key, vec![txn], value);
                    return NONE;
                }
                if writer != NONE {
                    self.committed[writer as usize] = true;
                }
                version
            }
            Some(&Writer::Intermediate(writer)) => {
                self.committed[writer as usize] = true;
                match writer == txn {
                    true => self.accuse(Anomaly::FutureRead, key, vec![txn], value),
                    false => self.accuse(Anomaly::G1b, key, vec![txn, writer], value),
                }
                NONE
            }
            Some(&Writer::Failed(writer)) => {
                self.accuse(Anomaly::G1a, key, vec![txn, writer], value);
                NONE
            }
            Some(Writer::Ambiguous) => {
                let (value, key) = (words::value(self.txns, value), words::key(self.txns, key));
                self.doubts.push(format!("{value} was written to key {key} more than once"));
                NONE
            }
            None => {
                self.accuse(Anomaly::PhantomRead, key, vec![txn], value);
                NONE
            }
        }
    }

    fn accuse(&mut self, anomaly: Anomaly, key: u32, about: Vec<u32>, value: ValueId) {
        let txns = self.txns;
        self.sightings.add(anomaly, || {
            let (value, name) = (words::value(txns, value), words::key(txns, key));
            let (title, why) = match anomaly {
                Anomaly::PhantomRead => ("what nobody wrote", "which no transaction wrote"),
                Anomaly::G1a => ("what was aborted", "which T2 wrote; but T2 failed"),
                Anomaly::G1b => {
                    ("an intermediate version", "which T2 wrote, but T2 wrote it again later")
                }
                _ => ("what it wrote itself", "which it only wrote afterwards"),
            };
            Case {
                anomaly,
                key,
                title: format!("{} read {title}", words::op(txns, about[0])),
                argument: format!("T1 found {value} in key {name}, {why}."),
                txns: about,
            }
        });
    }

    fn internal(&mut self, key: u32, txn: u32, value: ValueId, wrote: bool) {
        let txns = self.txns;
        self.sightings.add(Anomaly::Internal, || {
            let (value, name) = (words::value(txns, value), words::key(txns, key));
            let why = if wrote { "written something else" } else { "found another value" };
            Case {
                anomaly: Anomaly::Internal,
                key,
                txns: vec![txn],
                title: format!("{} contradicts itself", words::op(txns, txn)),
                argument: format!(
                    "T1 found {value} in key {name}, although it had {why} there before."
                ),
            }
        });
    }

    /// Ok transactions which read the same version and then wrote.
    fn lost_updates(&mut self, key: u32, first: usize) {
        let ok = |txn: u32| self.txns.completion(txn as usize) == Completion::Ok;
        let updates = self.accesses[first..].iter();
        let updates = updates.filter(|a| a.read != NONE && self.wrote(key, a.txn) && ok(a.txn));
        let mut updates: Vec<(u32, u32)> = updates.map(|a| (a.read, a.txn)).collect();
        updates.sort_unstable();
        for same in updates.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
            let about: Vec<u32> = same.iter().map(|update| update.1).take(4).collect();
            let (txns, value, count) = (self.txns, self.all[same[0].0 as usize].value, same.len());
            self.sightings.add(Anomaly::LostUpdate, || {
                let (value, name) = (words::value(txns, value), words::key(txns, key));
                Case {
                    anomaly: Anomaly::LostUpdate,
                    key,
                    title: format!(
                        "{count} transactions changed the same version of key {name}, {} the first",
                        words::op(txns, about[0])
                    ),
                    argument: format!(
                        "All of these found {value} in key {name} and then wrote to it: whichever \
                         came second did not see what the first had done."
                    ),
                    txns: about,
                }
            });
        }
    }

    fn wrote(&self, key: u32, txn: u32) -> bool {
        let wrote = |micro: &Micro| micro.key() == key && micro.f() == Function::Write;
        self.txns.micros(txn as usize).iter().any(wrote)
    }

    /// What did not happen for certain has no place in any order.
    fn forget_uncommitted(&mut self) {
        for version in &mut self.all {
            if version.writer != NONE && !self.committed[version.writer as usize] {
                version.writer = NONE;
            }
        }
        let all = &self.all;
        for access in &mut self.accesses {
            if access.write != NONE && all[access.write as usize].writer == NONE {
                access.write = NONE;
            }
        }
        // Accesses of keys are ranges: those without any version are kept only while that is so.
        let mut kept = 0;
        let mut key = 0;
        for place in 0..self.accesses.len() {
            while self.ends[key].1 as usize <= place {
                self.ends[key].1 = kept as u32;
                key += 1;
            }
            let access = self.accesses[place];
            if access.read != NONE || access.write != NONE {
                self.accesses[kept] = access;
                kept += 1;
            }
        }
        self.ends[key..].iter_mut().for_each(|ends| ends.1 = kept as u32);
        self.accesses.truncate(kept);
    }
}
