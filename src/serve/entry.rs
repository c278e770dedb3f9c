//! One run as the list has it: what it was and what it came to.

use std::collections::{BTreeMap, BTreeSet};

use isobar_checkers::{Nanos, Verdict};

use crate::fault::{JournalEntry, JournalState};
use crate::fingerprint::{Fingerprint, violations};
use crate::store::{OperationCounts, Results, RunDirectory, RunMeta};

/// What is known of a run without its history.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The folder of its test, and its own in it: its address.
    pub test: String,
    pub run: String,
    pub directory: RunDirectory,
    /// Why the rest is missing, or the rest.
    pub known: Result<Known, String>,
}

#[derive(Clone, Debug)]
pub struct Known {
    pub meta: RunMeta,
    /// `None` when it was never judged.
    pub verdict: Option<Verdict>,
    pub operations: OperationCounts,
    /// What broke promises, how often, and when in the run that was clear for the first time.
    pub found: BTreeMap<Fingerprint, Found>,
    /// Kinds of faults that were in force.
    pub faults: BTreeSet<String>,
    /// By the run's clock.
    pub length: Nanos,
    pub has_report: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub times: usize,
    /// By the run's clock: the end of the last operation of the first contradiction.
    pub first: Nanos,
}

impl Entry {
    pub fn read(test: String, run: String, directory: RunDirectory) -> Self {
        let known = Known::read(&directory).map_err(|error| error.to_string());
        Self { test, run, directory, known }
    }

    /// `<test>/<run>`: how addresses and forms name it.
    pub fn id(&self) -> String {
        format!("{}/{}", self.test, self.run)
    }

    /// When it began, in UTC; of a run that cannot be read, as its folder says.
    pub fn started_at(&self) -> &str {
        self.known.as_ref().map_or(&self.run, |known| &known.meta.started_at)
    }

    /// Asked each time: a run may be killed without a file changing.
    pub fn is_running(&self) -> bool {
        self.verdict().is_none() && self.directory.is_running()
    }

    /// Of a run that was judged.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.known.as_ref().ok()?.verdict.as_ref()
    }
}

impl Known {
    fn read(directory: &RunDirectory) -> Result<Self, crate::store::StoreError> {
        let meta = directory.meta()?;
        // A run that goes on, or was cut short, has no results; unreadable ones are an error.
        let results = match directory.file("results.json").exists() {
            true => Some(directory.results()?),
            false => None,
        };
        let ends = meta.phases.iter().map(|phase| phase.to.unwrap_or(phase.from));
        Ok(Self {
            length: ends.max().unwrap_or_default(),
            operations: results.as_ref().map(|results| results.operations).unwrap_or_default(),
            found: results.as_ref().map(found).unwrap_or_default(),
            verdict: results.map(|results| results.verdict),
            faults: faults(directory),
            has_report: directory.file(crate::report::PAGE).is_file(),
            meta,
        })
    }

    /// How long the load had gone on when the first contradiction was there.
    pub fn detected_at(&self) -> Option<Nanos> {
        self.found.values().map(|found| found.first).min()
    }
}

fn found(results: &Results) -> BTreeMap<Fingerprint, Found> {
    let mut all = BTreeMap::new();
    for (check, finding) in violations(results) {
        let name = Fingerprint::of(&check.check, finding);
        let found = all.entry(name).or_insert(Found { times: 0, first: finding.to });
        found.times += 1;
        found.first = found.first.min(finding.to);
    }
    all
}

/// A journal that cannot be read has none: the run is shown all the same.
fn faults(directory: &RunDirectory) -> BTreeSet<String> {
    let Ok(journal) = JournalState::read(&directory.file("faults.jsonl")) else {
        return BTreeSet::new();
    };
    let mut names = BTreeMap::new();
    let mut installed = BTreeSet::new();
    for entry in journal.entries {
        match entry {
            JournalEntry::Open { id, fault, .. } => {
                names.insert(id, fault);
            }
            JournalEntry::Installed { id, .. } => installed.extend(names.get(&id).cloned()),
            _ => {}
        }
    }
    installed
}
