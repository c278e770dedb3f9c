//! `run.json`, kept up to date while the run goes through its phases.

use isobar_checkers::Nanos;

use super::{Clock, Progress};
use crate::store::{Phase, RunDirectory, RunMeta, StoreError};

/// The phases of a run, written down as they begin and end.
pub struct Timeline<'a> {
    pub meta: RunMeta,
    directory: &'a RunDirectory,
    progress: &'a Progress,
    /// The first time that `run.json` could not be written. A run under way goes on: what matters
    /// is to heal, and to judge what was recorded.
    trouble: Option<StoreError>,
}

impl<'a> Timeline<'a> {
    /// # Errors
    /// When `run.json` cannot be written: then nothing should be begun.
    pub fn new(
        meta: RunMeta,
        directory: &'a RunDirectory,
        progress: &'a Progress,
    ) -> Result<Self, StoreError> {
        directory.write_json("run.json", &meta)?;
        Ok(Self { meta, directory, progress, trouble: None })
    }

    /// Tells of a phase in front of the load, which has no time on the run's clock.
    pub fn prelude(&self, name: &str, detail: &str) {
        self.progress.phase(name, detail);
    }

    /// Ends the phase that was going on and begins another.
    pub fn begin(&mut self, name: &str, detail: &str, clock: Clock) {
        let now = clock.now();
        self.close(now);
        self.meta.phases.push(Phase { name: name.to_owned(), from: now, to: None });
        self.progress.phase(name, detail);
        self.save();
    }

    /// Ends the last phase; `complete` when the run came to its end.
    pub fn finish(&mut self, complete: bool, clock: Clock) {
        self.close(clock.now());
        self.meta.complete = complete;
        self.save();
    }

    /// Why `run.json` is not up to date, if it is not.
    pub fn trouble(&mut self) -> Option<StoreError> {
        self.trouble.take()
    }

    fn save(&mut self) {
        if let Err(error) = self.directory.write_json("run.json", &self.meta) {
            self.trouble.get_or_insert(error);
        }
    }

    fn close(&mut self, now: Nanos) {
        if let Some(phase) = self.meta.phases.last_mut() {
            phase.to.get_or_insert(now);
        }
    }
}
