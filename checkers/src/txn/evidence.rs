//! What was found besides cycles, counted; the first few are told.

use std::collections::BTreeMap;

use super::anomaly::Anomaly;
use super::cycles::TOLD_MAX;

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

/// Gathers accusations.
#[derive(Default)]
pub(crate) struct Sightings {
    pub counts: BTreeMap<Anomaly, usize>,
    pub cases: Vec<Case>,
}

impl Sightings {
    /// Counts one; `case` is asked for only when it will be told.
    pub(crate) fn add(&mut self, anomaly: Anomaly, case: impl FnOnce() -> Case) {
        let count = self.counts.entry(anomaly).or_default();
        *count += 1;
        if *count <= TOLD_MAX {
            self.cases.push(case());
        }
    }
}
