//! The file by which the helper tells what it has done, and is told to end: by removing it.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// One line of words and numbers, always as long, so that it is overwritten as a whole:
/// `pid 17 packets 120 disturbed 24 held 3`.
pub struct State {
    path: PathBuf,
    file: File,
    told: String,
}

impl State {
    /// Makes the file; it must not be there.
    pub fn create(path: &Path) -> Result<Self, String> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        Ok(Self { path: path.to_owned(), file, told: String::new() })
    }

    /// Writes what is not there yet.
    pub fn tell(&mut self, packets: u64, disturbed: u64, held: usize) {
        let pid = std::process::id();
        let line = format!("pid {pid} packets {packets} disturbed {disturbed} held {held}");
        if line == self.told {
            return;
        }
        let padded = format!("{line:<95}\n");
        // A full disk makes the evidence old, and harms no packet.
        if self.file.write_all_at(padded.as_bytes(), 0).and_then(|()| self.file.flush()).is_ok() {
            self.told = line;
        }
    }

    /// Whether the file that we made is still where we made it.
    pub fn stands(&self) -> bool {
        let same = |a: &Metadata, b: &Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        match (std::fs::metadata(&self.path), self.file.metadata()) {
            (Ok(there), Ok(ours)) => same(&there, &ours),
            _ => false,
        }
    }
}
