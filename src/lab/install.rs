//! Installs what a lab needs, on Debian and its relatives.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{LabError, requirements, tool};
use crate::spec::LabKind;
use crate::system::strapi::Packages;

/// Not needed by the lab, but by examples and faults that are run in it.
const EXAMPLES: [(&str, &str); 3] =
    [("etcd", "etcd-server"), ("etcdctl", "etcd-client"), ("faketime", "faketime")];

/// What the examples of Strapi need besides. Debian's Node.js may be too old: that is said when it
/// is looked at.
const STRAPI: [(&str, &str); 3] =
    [("pg_lsclusters", "postgresql"), ("node", "nodejs"), ("npm", "npm")];

/// Asked by Debian's packages before they start a service; 101 says no (invoke-rc.d, policy layer).
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installation {
    /// Everything was there.
    Complete,
    /// These packages were installed.
    Installed(Vec<String>),
    /// Only root can, and only with apt-get: this is the command, or what to look for.
    ByHand(String),
}

/// Finds out which programs a lab of this kind lacks and installs their packages, if we may and
/// can. No service is started.
pub fn install(kind: LabKind, strapi: bool) -> Result<Installation, LabError> {
    let packages = missing(kind, strapi);
    if strapi && packages.is_empty() {
        strapi_packages()?;
    }
    if packages.is_empty() {
        return Ok(Installation::Complete);
    }
    let names = packages.join(" ");
    let Some(apt) = tool::find("apt-get") else {
        return Ok(Installation::ByHand(format!(
            "# install with your package manager what Debian has in: {names}"
        )));
    };
    if !rustix::process::geteuid().is_root() {
        return Ok(Installation::ByHand(format!(
            "sudo apt-get update && sudo apt-get install --yes {names}"
        )));
    }
    let _policy = Policy::forbid()?;
    // The lists may be missing, as in an image, or old: then update and try again.
    if apt_get(&apt, &install_words(&packages)).is_err() {
        apt_get(&apt, &["update"])?;
        apt_get(&apt, &install_words(&packages))?;
    }
    let left = missing(kind, strapi);
    if left.is_empty() {
        if strapi {
            strapi_packages()?;
        }
        return Ok(Installation::Installed(packages.iter().map(|p| (*p).to_owned()).collect()));
    }
    Err(LabError::Tool {
        command: format!("apt-get install {names}"),
        stderr: format!("still missing after it: {}", left.join(", ")),
    })
}

/// Those of npm, into the cache of this user.
fn strapi_packages() -> Result<(), LabError> {
    let done = Packages::place().and_then(|packages| packages.ensure());
    done.map_err(|error| LabError::Tool {
        command: "npm install".to_owned(),
        stderr: error.to_string(),
    })
}

/// The packages of the programs that are not found, each once.
fn missing(kind: LabKind, strapi: bool) -> Vec<&'static str> {
    let more = if strapi { &STRAPI[..] } else { &[] };
    let mut packages: Vec<&str> = requirements::tools(kind)
        .chain(EXAMPLES)
        .chain(more.iter().copied())
        .filter(|(program, _)| tool::find(program).is_none())
        .map(|(_, package)| package)
        .collect();
    packages.dedup();
    packages
}

fn install_words<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    [&["install", "--yes", "--no-install-recommends"], packages].concat()
}

/// What apt-get says goes to standard error: it is not our result.
fn apt_get(apt: &Path, words: &[&str]) -> Result<(), LabError> {
    let status = Command::new(apt)
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .map_err(|source| LabError::io(apt, source))?;
    if status.success() {
        return Ok(());
    }
    Err(LabError::Tool {
        command: format!("apt-get {}", words.join(" ")),
        stderr: format!("{status}, see above"),
    })
}

/// While it lives, packages do not start their services; one of the machine's own is left alone.
struct Policy {
    ours: bool,
}

impl Policy {
    fn forbid() -> Result<Self, LabError> {
        let created = OpenOptions::new().write(true).create_new(true).mode(0o755).open(POLICY);
        match created {
            Ok(mut file) => {
                let policy = Self { ours: true };
                file.write_all(b"#!/bin/sh\nexit 101\n")
                    .map_err(|source| LabError::io(POLICY, source))?;
                Ok(policy)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Self { ours: false }),
            Err(error) => Err(LabError::io(POLICY, error)),
        }
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}
