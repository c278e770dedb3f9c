//! `isobar.log`: what a run told a person, for those who come later or watch from elsewhere.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::Path;

use super::RunDirectory;

/// The file's name in the run directory.
pub const LOG: &str = "isobar.log";

/// The open log. The run holds a lock on it from its beginning to its end, however that comes:
/// so others can tell a run that goes on from one that was killed.
#[derive(Debug)]
pub struct RunLog(File);

impl RunLog {
    /// Creates the log of the run in `directory`.
    pub fn create(directory: &RunDirectory) -> std::io::Result<Self> {
        let file = File::create(directory.file(LOG))?;
        file.lock()?;
        Ok(Self(file))
    }

    /// Adds a line with the time in UTC. A disk that is full must not end a run: the history
    /// tells of it, and it is what counts.
    pub fn line(&self, text: &str) {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        let _ = (&self.0).write_all(format!("{now} {text}\n").as_bytes());
    }
}

/// Whether a run holds the lock on its log.
pub fn is_held(directory: &Path) -> bool {
    let Ok(file) = File::open(directory.join(LOG)) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}
