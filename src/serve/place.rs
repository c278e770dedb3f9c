//! From an address to a run and a file of it, and to nothing else on this machine.

use std::fs::File;
use std::path::{Component, Path, PathBuf};

use super::answer::Refusal;
use super::site::Site;
use crate::store::RunDirectory;

/// A run that is there.
#[derive(Debug)]
pub struct Place {
    /// The folder of the test, and that of the run in it.
    pub test: String,
    pub run: String,
    /// Canonical, below the store.
    pub directory: RunDirectory,
}

impl Place {
    /// The run at `<store>/<test>/<run>`; `latest` is one of them.
    pub fn of(site: &Site, test: &str, run: &str) -> Result<Self, Refusal> {
        let missing = || Refusal::not_found(format!("there is no run {test}/{run} in this store"));
        let asked = Path::new(test).join(run);
        if !one_name(test) || !one_name(run) {
            return Err(missing());
        }
        let path = below(site.root(), &asked).ok_or_else(missing)?;
        if !path.join("run.json").is_file() {
            return Err(missing());
        }
        // `latest` is a link: what is shown has the name of what it leads to.
        let mut names = path.components().rev().map(|part| part.as_os_str().to_string_lossy());
        let run = names.next().ok_or_else(missing)?.into_owned();
        let test = names.next().ok_or_else(missing)?.into_owned();
        drop(names);
        Ok(Self { test, run, directory: RunDirectory { path } })
    }

    /// Opens a file of the run: its canonical path lies in the run, and it is a file, not a pipe
    /// or a device.
    pub fn open(&self, name: &str) -> Result<(PathBuf, File), Refusal> {
        let missing = || Refusal::not_found(format!("there is no file {name} in this run"));
        let path = below(&self.directory.path, Path::new(name)).ok_or_else(missing)?;
        if !path.is_file() {
            return Err(missing());
        }
        let file = File::open(&path).map_err(|_| missing())?;
        Ok((path, file))
    }
}

fn one_name(text: &str) -> bool {
    let mut parts = Path::new(text).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
}

/// `root/asked` without links, if that is something below `root`, which is canonical.
fn below(root: &Path, asked: &Path) -> Option<PathBuf> {
    let plain = asked.components().all(|part| matches!(part, Component::Normal(_)));
    let path = plain.then(|| root.join(asked).canonicalize().ok()).flatten()?;
    (path.starts_with(root) && path != root).then_some(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_not_below_is_not_there() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().canonicalize().unwrap().join("root");
        fs::create_dir_all(root.join("in")).unwrap();
        fs::write(root.join("in/file"), "").unwrap();
        fs::write(outer.path().join("secret"), "").unwrap();
        symlink("../secret", root.join("out")).unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink("in/file", root.join("link")).unwrap();
        let found = |asked: &str| below(&root, Path::new(asked));
        assert_eq!(found("in/file"), Some(root.join("in/file")));
        assert_eq!(found("link"), Some(root.join("in/file")));
        let absolute = outer.path().join("secret");
        for outside in [
            "../secret",
            "in/../../secret",
            "out",
            "up/secret",
            "up",
            "..",
            "",
            ".",
            "./in",
            "missing",
            "a\0b",
            "/etc/passwd",
            absolute.to_str().unwrap(),
        ] {
            assert_eq!(found(outside), None, "{outside:?}");
        }
    }
}
