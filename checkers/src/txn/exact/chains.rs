//! Versions joined by read–modify–writes: who read a version and replaced it comes right after it.
//! So the versions of a key form chains, and only the order of the chains is free.

use crate::txn::lists::Lists;
use crate::txn::sources::{INITIAL, Sources};
use crate::txn::transactions::NONE;

/// Before a version that replaced the initial one.
const FROM_INITIAL: u32 = u32::MAX - 1;

/// Two transactions that read the same version and replaced it: the update of one is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LostUpdate {
    pub key: u32,
    /// Or [`INITIAL`].
    pub version: u32,
    pub first: u32,
    pub second: u32,
}

/// By version.
pub(super) struct Versions {
    /// The version that replaced it, and the one that it replaced, where a read tells.
    next: Vec<u32>,
    before: Vec<u32>,
    /// The transactions that read it and did not write the key.
    pub readers: Lists,
    /// The same of the initial versions, by key.
    pub initial_readers: Lists,
}

/// The versions of a chain, first and last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub first: u32,
    pub last: u32,
    /// Whether it begins by replacing the initial version.
    pub is_initial: bool,
}

impl Versions {
    /// # Errors
    /// A lost update.
    pub(super) fn of(sources: &Sources) -> Result<Self, LostUpdate> {
        let count = sources.version_count();
        let (mut next, mut before) = (vec![NONE; count], vec![NONE; count]);
        let mut after_initial = vec![NONE; sources.keys()];
        let (mut readers, mut initial_readers) = (Vec::new(), Vec::new());
        for txn in 0..sources.len() as u32 {
            for read in sources.reads(txn as usize) {
                let Some(own) = own(sources, txn, read.key) else {
                    if read.version == INITIAL {
                        initial_readers.push((read.key, txn));
                    } else {
                        readers.push((read.version, txn));
                    }
                    continue;
                };
                let next = match read.version {
                    INITIAL => &mut after_initial[read.key as usize],
                    version => &mut next[version as usize],
                };
                // Read again after others.
                if *next == own {
                    continue;
                }
                if *next != NONE {
                    let first = sources.writer(*next);
                    let (key, version) = (read.key, read.version);
                    return Err(LostUpdate { key, version, first, second: txn });
                }
                *next = own;
                let is_initial = read.version == INITIAL;
                before[own as usize] = if is_initial { FROM_INITIAL } else { read.version };
            }
        }
        let readers = Lists::of(count, readers.iter().copied());
        let initial_readers = Lists::of(sources.keys(), initial_readers.iter().copied());
        Ok(Self { next, before, readers, initial_readers })
    }

    /// The version that replaced another.
    pub(super) fn next(&self, version: u32) -> Option<u32> {
        Some(self.next[version as usize]).filter(|&next| next != NONE)
    }

    /// The chains of the versions that are there, or transactions that read and replaced each
    /// other's versions in a circle.
    pub(super) fn runs(&self, sources: &Sources) -> Result<Vec<Run>, Vec<u32>> {
        let is_there = |version: u32| sources.is_present(sources.writer(version) as usize);
        let mut in_run = vec![false; self.next.len()];
        let mut runs = Vec::new();
        for first in 0..self.next.len() as u32 {
            let before = self.before[first as usize];
            if !is_there(first) || before != NONE && before != FROM_INITIAL {
                continue;
            }
            let mut last = first;
            in_run[last as usize] = true;
            while let Some(next) = self.next(last) {
                last = next;
                in_run[last as usize] = true;
            }
            runs.push(Run { first, last, is_initial: before == FROM_INITIAL });
        }
        let round = (0..self.next.len() as u32).find(|&v| is_there(v) && !in_run[v as usize]);
        let Some(start) = round else { return Ok(runs) };
        let mut txns = vec![sources.writer(start)];
        let mut at = start;
        while let Some(next) = self.next(at).filter(|&next| next != start) {
            txns.push(sources.writer(next));
            at = next;
        }
        Err(txns)
    }
}

/// The version of a key that a transaction wrote.
fn own(sources: &Sources, txn: u32, key: u32) -> Option<u32> {
    let place = sources.keys_written(txn as usize).binary_search(&key).ok()?;
    Some(sources.versions(txn as usize).start + place as u32)
}
