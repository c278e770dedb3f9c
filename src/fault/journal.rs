//! `faults.jsonl`: what was done to the nodes and how to undo it, on the disk before it is done.
//!
//! ```json
//! {"event":"begin","version":1,"run":"20261120T120000-42","privileged":true}
//! {"event":"open","id":3,"fault":"partition","undo":{"n1":"iptables …"}}
//! {"event":"installed","id":3,"evidence":{"n1":"2 rules, 0 packets dropped"}}
//! {"event":"healed","id":3}
//! {"event":"settled","id":3,"settled_ms":812}
//! ```

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Of this file's format.
pub const VERSION: u32 = 1;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum JournalEntry {
    /// First of a run.
    Begin {
        version: u32,
        /// Names the directories on the nodes.
        run: String,
        /// Whether scripts run as root on the nodes.
        privileged: bool,
    },
    /// About to be applied; per node the script that undoes it.
    Open { id: u32, fault: String, undo: BTreeMap<String, String> },
    /// Evidence was read back on every node.
    Installed { id: u32, evidence: BTreeMap<String, String> },
    /// Nothing was done.
    Skipped { id: u32, why: String },
    /// Some node may have it; it is undone like any other.
    Indeterminate { id: u32, why: String },
    /// Undone on every node.
    Healed { id: u32 },
    /// Could not be undone on these nodes, and why.
    Dirty { id: u32, nodes: BTreeMap<String, String> },
    /// How long the nodes took to agree on a leader after the heal; absent when they had not
    /// agreed within the limit.
    Settled { id: u32, settled_ms: Option<u64> },
}

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("cannot write {path}: {source}; without it no fault is injected")]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {path}: {source}; name a run directory with a faults.jsonl")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path}, line {line}: not an entry of this journal: {reason}")]
    Line { path: PathBuf, line: usize, reason: String },
    #[error("{path} has version {found}, this program reads {VERSION}; use the one that wrote it")]
    Version { path: PathBuf, found: u32 },
}

/// Appends entries; each is on the disk when [`Journal::append`] returns.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Creates `path`, which must not exist.
    pub fn create(path: &Path, run: &str, privileged: bool) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Write { path: path.to_owned(), source };
        let file = File::create_new(path).map_err(failed)?;
        // The name is in the directory: it has to reach the disk too.
        if let Some(directory) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            File::open(directory).and_then(|d| d.sync_all()).map_err(failed)?;
        }
        let mut journal = Self { path: path.to_owned(), file };
        let run = run.to_owned();
        journal.append(&JournalEntry::Begin { version: VERSION, run, privileged })?;
        Ok(journal)
    }

    /// Goes on with a journal, after its last whole line.
    pub fn reopen(path: &Path) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Write { path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes an entry through to the disk.
    pub fn append(&mut self, entry: &JournalEntry) -> Result<(), JournalError> {
        let failed = |source| JournalError::Write { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(entry).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(failed)?;
        self.file.sync_data().map_err(failed)
    }
}

/// A fault that was applied, or may have been, and is not undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenFault {
    pub id: u32,
    pub fault: String,
    /// Per node the script that undoes it.
    pub undo: BTreeMap<String, String>,
}

/// What a journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalState {
    /// `None` in a journal that was cut short before its first line was written.
    pub run: Option<String>,
    pub privileged: bool,
    /// In the order in which they were applied.
    pub open: Vec<OpenFault>,
    /// The whole of it.
    pub entries: Vec<JournalEntry>,
    /// Whether the last line was cut short. It was not followed by an action.
    pub torn: bool,
}

impl JournalState {
    /// Reads a journal; a torn last line is left out.
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Read { path: path.to_owned(), source };
        let bytes = std::fs::read(path).map_err(failed)?;
        let mut state = Self::default();
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            let last = lines.peek().is_none();
            match serde_json::from_slice(line) {
                Ok(JournalEntry::Begin { version, .. }) if version != VERSION => {
                    return Err(JournalError::Version { path: path.to_owned(), found: version });
                }
                Ok(entry) if line.ends_with(b"\n") => state.take(entry),
                Err(error) if !last => {
                    let (path, reason) = (path.to_owned(), error.to_string());
                    return Err(JournalError::Line { path, line: index + 1, reason });
                }
                Ok(_) | Err(_) => state.torn = true,
            }
        }
        Ok(state)
    }

    /// Why a fault was skipped, if it was.
    pub fn why_skipped(&self, fault: u32) -> Option<String> {
        self.entries.iter().find_map(|entry| match entry {
            JournalEntry::Skipped { id, why } if *id == fault => Some(why.clone()),
            _ => None,
        })
    }

    fn take(&mut self, entry: JournalEntry) {
        match &entry {
            JournalEntry::Begin { run, privileged, .. } => {
                self.run = Some(run.clone());
                self.privileged = *privileged;
            }
            JournalEntry::Open { id, fault, undo } => {
                let (fault, undo) = (fault.clone(), undo.clone());
                self.open.push(OpenFault { id: *id, fault, undo });
            }
            JournalEntry::Skipped { id, .. } | JournalEntry::Healed { id } => {
                self.open.retain(|fault| fault.id != *id);
            }
            JournalEntry::Dirty { id, nodes } => {
                // The other nodes are clean.
                if let Some(fault) = self.open.iter_mut().find(|fault| fault.id == *id) {
                    fault.undo.retain(|node, _| nodes.contains_key(node));
                }
            }
            JournalEntry::Installed { .. }
            | JournalEntry::Indeterminate { .. }
            | JournalEntry::Settled { .. } => {}
        }
        self.entries.push(entry);
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
