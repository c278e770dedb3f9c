//! Where runs are kept, and how one is found again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Results, RunMeta};

/// What may go wrong with files of a run; the path is always named.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is not what isobar writes: {source}", path.display())]
    Format { path: PathBuf, source: serde_json::Error },
    #[error(
        "{} was written by another isobar (schema {found}, this one reads {known})",
        path.display()
    )]
    Schema { path: PathBuf, found: u32, known: u32 },
    #[error(
        "there is no run `{0}`: give a run directory, a name, or -1 for the latest (`isobar ls`)"
    )]
    NoRun(String),
}

/// One run's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDirectory {
    pub path: PathBuf,
}

impl RunDirectory {
    /// Makes `<store>/<name>/<stamp>-<seed>` and points `<store>/<name>/latest` at it.
    pub fn create(store: &Path, name: &str, stamp: &str, seed: u64) -> Result<Self, StoreError> {
        let parent = store.join(name);
        fs::create_dir_all(&parent).map_err(io_error("create", &parent))?;
        let first = format!("{stamp}-{seed}");
        // Two runs of one seed within a second get directories of their own.
        let names = std::iter::once(first.clone()).chain((2..).map(|n| format!("{first}-{n}")));
        for name in names {
            let path = parent.join(&name);
            match fs::create_dir(&path) {
                Ok(()) => {
                    point(&parent.join("latest"), Path::new(&name))?;
                    return Ok(Self { path });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io_error("create", &path)(error)),
            }
        }
        Err(StoreError::NoRun(first))
    }

    /// Finds a run: a directory, a file inside one, `NAME` (its latest), or `-N`, the N-th latest
    /// of all.
    pub fn find(store: &Path, wanted: &str) -> Result<Self, StoreError> {
        let missing = || StoreError::NoRun(wanted.to_owned());
        if let Some(back) = wanted.strip_prefix('-').and_then(|back| back.parse::<usize>().ok()) {
            let runs = Self::list(store)?;
            return back.checked_sub(1).and_then(|n| runs.into_iter().nth(n)).ok_or_else(missing);
        }
        let given = Path::new(wanted);
        [given.to_owned(), store.join(wanted), store.join(wanted).join("latest")]
            .into_iter()
            .find(|path| path.join("run.json").is_file())
            .and_then(|path| path.canonicalize().ok())
            .map(|path| Self { path })
            .ok_or_else(missing)
    }

    /// All runs of a store, the latest first.
    pub fn list(store: &Path) -> Result<Vec<Self>, StoreError> {
        let mut runs = Vec::new();
        for test in children(store)? {
            for path in children(&test)? {
                if !path.is_symlink() && path.join("run.json").is_file() {
                    runs.push(Self { path });
                }
            }
        }
        // Names begin with the time.
        runs.sort_by(|a, b| b.path.file_name().cmp(&a.path.file_name()));
        Ok(runs)
    }

    /// Whether the run still goes on, in a process of this machine.
    pub fn is_running(&self) -> bool {
        super::log::is_held(&self.path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        let path = self.file(name);
        write_whole(&path, content).map_err(io_error("write", &path))
    }

    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), StoreError> {
        let mut text = serde_json::to_vec_pretty(value)
            .map_err(|source| StoreError::Format { path: self.file(name), source })?;
        text.push(b'\n');
        self.write(name, &text)
    }

    pub fn read_text(&self, name: &str) -> Result<String, StoreError> {
        let path = self.file(name);
        fs::read_to_string(&path).map_err(io_error("read", &path))
    }

    pub fn meta(&self) -> Result<RunMeta, StoreError> {
        let meta: RunMeta = self.read_json("run.json")?;
        self.known_schema("run.json", meta.schema, RunMeta::SCHEMA)?;
        Ok(meta)
    }

    pub fn results(&self) -> Result<Results, StoreError> {
        let results: Results = self.read_json("results.json")?;
        self.known_schema("results.json", results.schema, Results::SCHEMA)?;
        Ok(results)
    }

    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.read_text(name)?)
            .map_err(|source| StoreError::Format { path: self.file(name), source })
    }

    fn known_schema(&self, name: &str, found: u32, known: u32) -> Result<(), StoreError> {
        if found == known {
            return Ok(());
        }
        Err(StoreError::Schema { path: self.file(name), found, known })
    }
}

fn children(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    match fs::read_dir(path) {
        Ok(entries) => Ok(entries.filter_map(|entry| entry.ok().map(|e| e.path())).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(Vec::new()),
        Err(error) => Err(io_error("read", path)(error)),
    }
}

/// Writes a file, with the directories above it, so that a reader never sees half of it: an older
/// one is replaced when the new one is whole.
pub fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let partial = path.with_added_extension("partial");
    let written = fs::write(&partial, content).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // The first error is the one to tell; a file that is not there needs no removal.
        let _ = fs::remove_file(&partial);
    }
    written
}

/// Makes `link` a symbolic link to `target`, replacing what it pointed at.
fn point(link: &Path, target: &Path) -> Result<(), StoreError> {
    let fresh = link.with_added_extension(std::process::id().to_string());
    std::os::unix::fs::symlink(target, &fresh)
        .and_then(|()| fs::rename(&fresh, link))
        .map_err(io_error("link", link))
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_run_is_found_by_path_by_name_and_by_age() {
        let store = tempfile::tempdir().unwrap();
        let make = |stamp: &str| {
            let run = RunDirectory::create(store.path(), "etcd", stamp, 7).unwrap();
            run.write("run.json", b"{}").unwrap();
            RunDirectory { path: run.path.canonicalize().unwrap() }
        };
        let (old, new) = (make("20260101T000000Z"), make("20260102T000000Z"));
        let find = |wanted: &str| RunDirectory::find(store.path(), wanted).unwrap();
        assert_eq!(find("etcd"), new);
        assert_eq!(find("etcd/20260101T000000Z-7"), old);
        assert_eq!(find(old.path.to_str().unwrap()), old);
        assert_eq!(find("-1").path.file_name(), new.path.file_name());
        assert_eq!(find("-2").path.file_name(), old.path.file_name());
        for wrong in ["-3", "-0", "nothing"] {
            assert!(RunDirectory::find(store.path(), wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_run_goes_on_as_long_as_it_holds_its_log() {
        let store = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(store.path(), "a", "now", 1).unwrap();
        assert!(!run.is_running());
        let log = crate::store::RunLog::create(&run).unwrap();
        log.line("set-up");
        assert!(run.is_running());
        drop(log);
        assert!(!run.is_running());
        assert!(run.read_text("isobar.log").unwrap().ends_with("Z set-up\n"));
    }

    #[test]
    fn two_runs_in_one_second_do_not_share_a_directory() {
        let store = tempfile::tempdir().unwrap();
        let first = RunDirectory::create(store.path(), "a", "now", 1).unwrap();
        let second = RunDirectory::create(store.path(), "a", "now", 1).unwrap();
        assert_ne!(first, second);
    }
}
