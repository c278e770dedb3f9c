//! The packages of the Strapi project, installed once by npm into the user's cache.
//!
//! ```text
//! ~/.cache/isobar/strapi/HASH/node_modules     the lockfile's packages
//! ~/.cache/isobar/strapi/HASH/bundle.tar.gz    the same for nodes that do not see this machine
//! ```
//!
//! HASH is that of the lockfile. A directory gets its name when it is whole: an installation that
//! was cut short is never taken for one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use isobar_workloads::strapi::{LOCKFILE, PROJECT};
use sha2::{Digest, Sha256};

/// What npm is asked to do. No script of a package is run: Strapi needs none of them.
const INSTALL: [&str; 8] = [
    "install",
    "--omit=dev",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--fetch-retries=2",
    // Where there is no network, that is said in seconds.
    "--fetch-retry-mintimeout=500",
    "--fetch-retry-maxtimeout=3000",
];

/// The packages are not there and could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("there is no npm on this machine's PATH; install Node.js 20 or newer, with npm")]
    NoNpm,
    #[error(
        "npm cannot install Strapi's packages: {reason}; they are needed once (700 MB), then this \
         machine may be offline"
    )]
    Npm { reason: String },
    #[error("cannot pack Strapi's packages for the nodes: {reason}")]
    Tar { reason: String },
    #[error("there is no HOME to keep Strapi's packages in; set XDG_CACHE_HOME")]
    NoHome,
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

/// Where the packages are, all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packages {
    directory: PathBuf,
}

impl Packages {
    /// Where they are or will be, in the cache of this user.
    pub fn place() -> Result<Self, CacheError> {
        let cache = match std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()) {
            Some(cache) => PathBuf::from(cache),
            None => {
                let home = std::env::var_os("HOME").filter(|path| !path.is_empty());
                PathBuf::from(home.ok_or(CacheError::NoHome)?).join(".cache")
            }
        };
        Ok(Self::below(&cache.join("isobar/strapi")))
    }

    fn below(root: &Path) -> Self {
        Self { directory: root.join(hash()) }
    }

    pub fn node_modules(&self) -> PathBuf {
        self.directory.join("node_modules")
    }

    pub fn are_there(&self) -> bool {
        self.node_modules().is_dir()
    }

    /// Installs them, unless they are there. Others who want to at the same time wait.
    pub fn ensure(&self) -> Result<(), CacheError> {
        self.ensure_with(Path::new("npm"))
    }

    fn ensure_with(&self, npm: &Path) -> Result<(), CacheError> {
        if self.are_there() {
            return Ok(());
        }
        let root = self.directory.parent().unwrap_or(&self.directory);
        fs::create_dir_all(root).map_err(|source| at(root, source))?;
        let lock = self.directory.with_extension("lock");
        let lock_file = File::create(&lock).map_err(|source| at(&lock, source))?;
        lock_file.lock().map_err(|source| at(&lock, source))?;
        if self.are_there() {
            return Ok(());
        }
        // We hold the lock: whoever began this one is gone.
        let partial = self.directory.with_extension("partial");
        remove(&partial)?;
        let done = self.fill(&partial, npm);
        if done.is_err() {
            remove(&partial)?;
        }
        done
    }

    fn fill(&self, partial: &Path, npm: &Path) -> Result<(), CacheError> {
        fs::create_dir_all(partial).map_err(|source| at(partial, source))?;
        for name in ["package.json", "package-lock.json"] {
            let contents = PROJECT.get_file(name).map(|file| file.contents()).unwrap_or_default();
            let path = partial.join(name);
            fs::write(&path, contents).map_err(|source| at(&path, source))?;
        }
        let mut install = Command::new(npm);
        install.args(INSTALL).current_dir(partial).stdin(Stdio::null());
        let output = match install.output() {
            Ok(output) => output,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(CacheError::NoNpm),
            Err(source) => return Err(at(npm, source)),
        };
        if !output.status.success() {
            return Err(CacheError::Npm { reason: reason(&output) });
        }
        fs::rename(partial, &self.directory).map_err(|source| at(&self.directory, source))
    }

    /// The packages as one compressed file, made when it is first asked for.
    pub fn bundle(&self) -> Result<PathBuf, CacheError> {
        let bundle = self.directory.join("bundle.tar.gz");
        if bundle.is_file() {
            return Ok(bundle);
        }
        let partial = self.directory.join(format!("bundle.{}.partial", std::process::id()));
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(&self.directory).arg("-czf").arg(&partial).arg("node_modules");
        let output = tar.stdin(Stdio::null()).output();
        let output = output.map_err(|error| CacheError::Tar { reason: error.to_string() })?;
        if !output.status.success() {
            return Err(CacheError::Tar { reason: reason(&output) });
        }
        fs::rename(&partial, &bundle).map_err(|source| at(&bundle, source))?;
        Ok(bundle)
    }
}

/// The first 16 hexadecimal digits of the lockfile's SHA-256.
pub fn hash() -> String {
    Sha256::digest(LOCKFILE).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn at(path: &Path, source: io::Error) -> CacheError {
    CacheError::Io { path: path.to_owned(), source }
}

fn remove(path: &Path) -> Result<(), CacheError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path, error)),
        _ => Ok(()),
    }
}

/// The first lines of what a program complained of.
fn reason(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let complaint = |line: &&str| {
        let line = line.trim_start_matches("npm error").trim();
        !line.is_empty() && !line.starts_with("npm warn") && !line.contains("complete log")
    };
    let lines: Vec<&str> = text.lines().filter(complaint).take(4).collect();
    let plain = |line: &&str| line.trim_start_matches("npm error").trim().to_owned();
    match lines.iter().map(plain).collect::<Vec<_>>().join(" ") {
        empty if empty.is_empty() => output.status.to_string(),
        text => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A program in the place of npm.
    fn npm(directory: &Path, script: &str) -> PathBuf {
        let path = directory.join("npm");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_broken_installation_is_not_taken_for_a_whole_one() {
        let directory = tempfile::tempdir().unwrap();
        let packages = Packages::below(&directory.path().join("cache"));
        let broken = "mkdir node_modules; echo 'npm error code ENOTFOUND' >&2; exit 1";
        let error = packages.ensure_with(&npm(directory.path(), broken)).unwrap_err().to_string();
        assert!(error.contains("code ENOTFOUND; they are needed once"), "{error}");
        assert!(!packages.are_there());
        let left = fs::read_dir(directory.path().join("cache")).unwrap().count();
        assert_eq!(left, 1, "the lock file alone");

        let whole = "mkdir node_modules && cp package-lock.json node_modules/";
        packages.ensure_with(&npm(directory.path(), whole)).unwrap();
        let kept = packages.node_modules().join("package-lock.json");
        assert_eq!(fs::read_to_string(kept).unwrap(), LOCKFILE);
        // Once is enough.
        packages.ensure_with(&npm(directory.path(), "exit 1")).unwrap();
        let bundle = packages.bundle().unwrap();
        assert!(bundle.is_file() && packages.bundle().unwrap() == bundle);
    }

    #[test]
    fn without_npm_one_is_told_what_to_install() {
        let directory = tempfile::tempdir().unwrap();
        let packages = Packages::below(directory.path());
        let error = packages.ensure_with(&directory.path().join("no-npm")).unwrap_err();
        assert!(error.to_string().contains("install Node.js 20"), "{error}");
    }
}
