//! All runs of the store, each read once and again only when its files changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::entry::Entry;
use super::place::Place;
use crate::store::{RunDirectory, StoreError};

/// The files an entry is made of.
const FILES: [&str; 4] = ["run.json", "results.json", "faults.jsonl", crate::report::PAGE];

/// Length and time of change of each file, where there is one.
type Stamp = [Option<(u64, SystemTime)>; FILES.len()];

#[derive(Debug)]
pub struct Catalog {
    root: PathBuf,
    known: Mutex<HashMap<PathBuf, (Stamp, Arc<Entry>)>>,
}

impl Catalog {
    pub fn of(root: PathBuf) -> Self {
        Self { root, known: Mutex::default() }
    }

    /// Every run, the latest first.
    pub fn all(&self) -> Result<Vec<Arc<Entry>>, StoreError> {
        let runs = RunDirectory::list(&self.root)?;
        let stamps: Vec<Stamp> = runs.iter().map(|run| stamp(&run.path)).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Removed runs are forgotten.
        let mut before = std::mem::take(&mut *known);
        let entries = runs.into_iter().zip(stamps).map(|(run, stamp)| {
            let entry = match before.remove(&run.path) {
                Some((seen, entry)) if seen == stamp => entry,
                _ => Arc::new(read(run.clone())),
            };
            known.insert(run.path, (stamp, Arc::clone(&entry)));
            entry
        });
        Ok(entries.collect())
    }

    /// The runs of one test, the latest first.
    pub fn of_test(&self, test: &str) -> Result<Vec<Arc<Entry>>, StoreError> {
        Ok(self.all()?.into_iter().filter(|entry| entry.test == test).collect())
    }

    /// One run.
    pub fn entry(&self, place: &Place) -> Entry {
        Entry::read(place.test.clone(), place.run.clone(), place.directory.clone())
    }
}

fn read(directory: RunDirectory) -> Entry {
    let mut names = directory.path.iter().rev().map(|name| name.to_string_lossy().into_owned());
    let run = names.next().unwrap_or_default();
    let test = names.next().unwrap_or_default();
    drop(names);
    Entry::read(test, run, directory)
}

fn stamp(directory: &Path) -> Stamp {
    FILES.map(|name| {
        let meta = directory.join(name).metadata().ok()?;
        Some((meta.len(), meta.modified().ok()?))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    #[test]
    fn a_run_is_read_again_only_when_it_changed() {
        let store = tempfile::tempdir().unwrap();
        let run = store.path().join("demo/20260101T000000Z-1");
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join("run.json"), "{}").unwrap();
        let catalog = Catalog::of(store.path().to_owned());
        let one = || catalog.all().unwrap().remove(0);
        let first = one();
        assert_eq!((first.id().as_str(), first.known.is_err()), ("demo/20260101T000000Z-1", true));
        assert!(Arc::ptr_eq(&first, &one()));
        fs::write(run.join("results.json"), "{}").unwrap();
        assert!(!Arc::ptr_eq(&first, &one()));
        fs::remove_dir_all(&run).unwrap();
        assert!(catalog.all().unwrap().is_empty());
    }
}
