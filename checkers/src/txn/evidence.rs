//! What was found besides cycles, counted; the first few are told.

use std::collections::BTreeMap;

use super::anomaly::Anomaly;
use super::cycles::TOLD_MAX;
use crate::finding::{Against, Contrast};

/// One accusation, in words.
pub(crate) struct Case {
    pub anomaly: Anomaly,
    /// Place in the keys of the transactions.
    pub key: u32,
    /// The transactions it is about, the accused first.
    pub txns: Vec<u32>,
    /// A sentence without its full stop.
    pub title: String,
    /// From the premises to the contradiction; what the transactions did is told before it.
    pub argument: String,
}

/// A case, and what should have been seen against what was.
pub(crate) struct Told {
    pub case: Case,
    pub contrast: Vec<Contrast>,
}

/// Gathers accusations.
#[derive(Default)]
pub(crate) struct Sightings {
    pub counts: BTreeMap<Anomaly, usize>,
    pub cases: Vec<Told>,
}

impl Sightings {
    /// Adds those found later.
    pub(crate) fn extend(&mut self, later: Self) {
        for told in later.cases {
            let same = |other: &&Told| other.case.anomaly == told.case.anomaly;
            if self.cases.iter().filter(same).count() < TOLD_MAX {
                self.cases.push(told);
            }
        }
        for (anomaly, count) in later.counts {
            *self.counts.entry(anomaly).or_default() += count;
        }
    }

    /// Counts one; `case` is asked for only when it will be told.
    pub(crate) fn add(&mut self, anomaly: Anomaly, case: impl FnOnce() -> Case) -> Against<'_> {
        let count = self.counts.entry(anomaly).or_default();
        *count += 1;
        if *count > TOLD_MAX {
            return Against(None);
        }
        self.cases.push(Told { case: case(), contrast: Vec::new() });
        Against(self.cases.last_mut().map(|told| &mut told.contrast))
    }
}
