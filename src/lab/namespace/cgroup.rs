//! A cgroup per node, to freeze and to limit it as a whole.
//!
//! Works with both versions of cgroups and without any: in a container they may be read-only.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::lab::state::LabState;

const ROOT: &str = "/sys/fs/cgroup";

/// The trees of version 1 in which a node gets a place.
const CONTROLLERS: [&str; 2] = ["freezer", "memory"];

/// Where a node's cgroups are to be made.
pub(in crate::lab) fn paths(lab: &str, node: &str) -> Vec<PathBuf> {
    let own = format!("isobar-{lab}-{node}");
    let root = Path::new(ROOT);
    if root.join("cgroup.controllers").exists() {
        return vec![root.join(own)];
    }
    CONTROLLERS
        .iter()
        .map(|controller| root.join(controller))
        .filter(|tree| tree.is_dir())
        .map(|tree| tree.join(&own))
        .collect()
}

/// Makes them; those that cannot be made are done without.
pub(in crate::lab) fn create(paths: &[PathBuf]) {
    for path in paths {
        let _ = fs::create_dir(path);
    }
}

/// Puts the calling process, and what it will start, into those that exist.
pub(in crate::lab) fn join(paths: &[PathBuf]) {
    for path in paths {
        let _ = fs::write(path.join("cgroup.procs"), "0");
    }
}

/// A frozen process does not even die.
pub(in crate::lab) fn thaw_all(lab: &LabState) {
    for path in lab.nodes.iter().flat_map(|node| &node.cgroups) {
        for (file, word) in [("freezer.state", "THAWED"), ("cgroup.freeze", "0")] {
            let file = path.join(file);
            if file.exists() {
                let _ = fs::write(file, word);
            }
        }
    }
}

/// Removes them; the kernel needs a moment after the last process in them.
pub(in crate::lab) fn remove_all(lab: &LabState, until: Instant) {
    for path in lab.nodes.iter().flat_map(|node| &node.cgroups) {
        while path.is_dir() && fs::remove_dir(path).is_err() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
