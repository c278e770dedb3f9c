//! What is on record of a lab: enough to list it and to take it down, by whoever comes.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::{LabError, rootless};
use crate::spec::LabKind;

/// Where root's labs are.
const LABS: &str = "/run/isobar/lab";
const STATE: &str = "lab.json";
const FIRST_PROCESS: &str = "init.pid";
const READY: &str = "ready";

/// Whose death makes a lab an orphan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody's: it stays until it is taken down by hand.
    Nobody,
    /// The calling process.
    Me,
}

impl Owner {
    pub(super) fn record(self) -> Option<ProcessId> {
        match self {
            Self::Nobody => None,
            Self::Me => ProcessId::of("self"),
        }
    }
}

/// `lab.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct LabState {
    /// Version of this file's format; 1.
    pub schema: u32,
    pub name: String,
    /// Files of before there were kinds have none.
    #[serde(default)]
    pub kind: LabKind,
    pub owner: Option<ProcessId>,
    /// The isobar program that its nodes are started with.
    #[serde(default)]
    pub program: PathBuf,
    /// The x of 10.77.x.0/24.
    pub subnet: u8,
    pub nodes: Vec<NodeState>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct NodeState {
    pub name: String,
    pub ip: Ipv4Addr,
    /// Directories of its own in the cgroup trees; empty where there are none.
    pub cgroups: Vec<PathBuf>,
}

/// A process which is known again: a pid alone may have been given to another since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProcessId {
    pid: i32,
    /// Clock ticks from boot to its start: field 22 of /proc/PID/stat.
    started_ticks: u64,
}

impl ProcessId {
    /// Of a directory of /proc: a pid, or `self`.
    pub fn of(process: &str) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        Self::parse(&stat).map(|(id, _)| id)
    }

    /// The id and the state letter. The second field may hold spaces and brackets: what counts
    /// comes after the last bracket.
    fn parse(stat: &str) -> Option<(Self, &str)> {
        let pid = stat.split(' ').next()?.parse().ok()?;
        let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
        let state = fields.next()?;
        // The state is field 3; 22 is the 18th after it.
        let started_ticks = fields.nth(18)?.parse().ok()?;
        Some((Self { pid, started_ticks }, state))
    }

    /// Whether it runs: a zombie does not.
    pub fn alive(&self) -> bool {
        fs::read_to_string(format!("/proc/{}/stat", self.pid)).is_ok_and(|stat| {
            Self::parse(&stat).is_some_and(|(id, state)| id == *self && !"ZX".contains(state))
        })
    }

    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// SIGKILL, if it is still the same process.
    pub fn kill(&self) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.alive()) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// A lab as `lab status` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabStatus {
    pub name: String,
    pub kind: LabKind,
    pub health: Health,
    pub owner_pid: Option<i32>,
    pub directory: PathBuf,
    pub nodes: Vec<NodeStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    pub name: String,
    pub ip: Ipv4Addr,
    /// Its first process, as this machine sees it; `None` when the node is off.
    pub pid: Option<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// All nodes are on.
    Up,
    /// Some node is off.
    Degraded,
    /// The run which brought it up is gone and has not taken it down.
    Orphaned,
}

impl std::fmt::Display for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Orphaned => "orphaned",
        })
    }
}

impl LabState {
    pub fn directory(&self) -> PathBuf {
        labs().join(&self.name)
    }

    pub fn node_directory(&self, node: &NodeState) -> PathBuf {
        self.directory().join(&node.name)
    }

    pub fn controller(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.subnet, 254)
    }

    pub fn write(&self) -> Result<(), LabError> {
        let path = self.directory().join(STATE);
        let json =
            serde_json::to_vec_pretty(self).map_err(|error| LabError::io(&path, error.into()))?;
        fs::write(&path, json).map_err(|source| LabError::io(&path, source))
    }

    /// Reads a lab's state. One whose `up` was killed before it wrote any has none: it gets the
    /// nodes which it could have had, so that it can be taken down.
    pub fn read(name: &str) -> Result<Self, LabError> {
        ours(&labs())?;
        let directory = labs().join(name);
        if !directory.is_dir() {
            return Err(LabError::Unknown { name: name.to_owned() });
        }
        let path = directory.join(STATE);
        match fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json).map_err(|error| LabError::State {
                path: path.display().to_string(),
                reason: error.to_string(),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let root = labs() == Path::new(LABS);
                let kind = if root { LabKind::Namespace } else { LabKind::Rootless };
                Ok(Self { schema: 1, name: name.to_owned(), kind, ..Self::default() })
            }
            Err(error) => Err(LabError::io(&path, error)),
        }
    }

    /// The node's PID 1 as this machine numbers it; it writes that down itself.
    pub fn first_process(&self, node: &NodeState) -> Option<ProcessId> {
        first_process(&self.node_directory(node))
    }

    /// What keeps the namespaces of a rootless lab.
    pub fn holder(&self) -> Option<ProcessId> {
        first_process(&self.directory())
    }

    /// The node of that name.
    pub fn node(&self, name: &str) -> Result<&NodeState, LabError> {
        self.nodes.iter().find(|node| node.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
            LabError::Node {
                lab: self.name.clone(),
                node: name.to_owned(),
                nodes: names.join(", "),
            }
        })
    }

    pub fn status(&self) -> LabStatus {
        let nodes: Vec<NodeStatus> = self
            .nodes
            .iter()
            .map(|node| NodeStatus {
                name: node.name.clone(),
                ip: node.ip,
                pid: self.first_process(node).filter(ProcessId::alive).map(|process| process.pid()),
            })
            .collect();
        let orphaned = self.owner.is_some_and(|owner| !owner.alive());
        let health = if orphaned {
            Health::Orphaned
        } else if nodes.is_empty() || nodes.iter().any(|node| node.pid.is_none()) {
            Health::Degraded
        } else {
            Health::Up
        };
        LabStatus {
            name: self.name.clone(),
            kind: self.kind,
            health,
            owner_pid: self.owner.map(|owner| owner.pid()),
            directory: self.directory(),
            nodes,
        }
    }
}

/// The process that wrote itself down in this directory.
pub(super) fn first_process(directory: &Path) -> Option<ProcessId> {
    let json = fs::read(first_process_path(directory)).ok()?;
    serde_json::from_slice(&json).ok()
}

/// So that the record of one that is dead is not taken for that of the next.
pub(super) fn forget_first_process(directory: &Path) -> Result<(), LabError> {
    for path in [first_process_path(directory), directory.join(READY)] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(LabError::io(&path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Written by a node's PID 1 when it has nothing more to build.
pub(super) fn record_ready(directory: &Path) -> Result<(), LabError> {
    let path = directory.join(READY);
    File::create(&path).map(drop).map_err(|source| LabError::io(path, source))
}

pub(super) fn is_ready(directory: &Path) -> bool {
    directory.join(READY).exists()
}

/// Written by a node's PID 1 before it leaves this machine's `/proc`.
pub(super) fn record_first_process(directory: &Path) -> Result<(), LabError> {
    let path = first_process_path(directory);
    let gone = std::io::Error::other("/proc/self is not to be read");
    let process = ProcessId::of("self").ok_or_else(|| LabError::io(&path, gone))?;
    write_json(&path, &process)
}

/// Whole or not at all: somebody may be reading.
fn write_json(path: &Path, value: &impl Serialize) -> Result<(), LabError> {
    let json =
        serde_json::to_vec_pretty(value).map_err(|error| LabError::io(path, error.into()))?;
    let draft = path.with_extension("new");
    fs::write(&draft, json).map_err(|source| LabError::io(&draft, source))?;
    fs::rename(&draft, path).map_err(|source| LabError::io(path, source))
}

fn first_process_path(directory: &Path) -> PathBuf {
    directory.join(FIRST_PROCESS)
}

/// The directory of the labs: root's, or this user's.
pub(super) fn labs() -> PathBuf {
    match rootless::inside() {
        Some(labs) => labs,
        None if rustix::process::geteuid().is_root() => LABS.into(),
        None => rootless::labs(),
    }
}

/// That a directory of labs, where there is one, is our own: anybody may write to /tmp, and what
/// is on record there gets killed.
fn ours(labs: &Path) -> Result<(), LabError> {
    for path in labs.parent().into_iter().chain([labs]) {
        match fs::symlink_metadata(path) {
            Ok(meta) if meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw() => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Ok(_) => return Err(LabError::Foreign { path: path.to_owned() }),
            Err(error) => return Err(LabError::io(path, error)),
        }
    }
    Ok(())
}

/// Held while a name and addresses are chosen; let go when dropped.
pub(super) fn lock() -> Result<File, LabError> {
    let labs = labs();
    let path = labs.join(".lock");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(if labs == Path::new(LABS) { 0o755 } else { 0o700 })
        .create(&labs)
        .map_err(|source| LabError::io(&labs, source))?;
    ours(&labs)?;
    let file = File::create(&path).map_err(|source| LabError::io(&path, source))?;
    file.lock().map_err(|source| LabError::io(&path, source))?;
    Ok(file)
}

/// The names of all labs, sorted.
pub(super) fn names() -> Result<Vec<String>, LabError> {
    let labs = labs();
    ours(&labs)?;
    let entries = match fs::read_dir(&labs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(LabError::io(&labs, error)),
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| valid(name).is_ok())
        .collect();
    names.sort();
    Ok(names)
}

/// The name, if it is one: it becomes part of interface names, which have 15 characters.
pub(super) fn valid(name: &str) -> Result<String, LabError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if (1..=8).contains(&name.len()) && name.chars().all(plain) {
        return Ok(name.to_owned());
    }
    Err(LabError::Name { name: name.to_owned() })
}

/// The first of `lab`, `lab2`, … that is not taken.
pub(super) fn free_name(taken: &[String]) -> String {
    let free = |name: &String| !taken.contains(name);
    let first = "lab".to_owned();
    if free(&first) {
        return first;
    }
    (2..).map(|number| format!("lab{number}")).find(free).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        assert!(["a", "lab12345", "7"].iter().all(|name| valid(name).is_ok()));
        assert!(["", "lab123456", "Lab", "a-b", "../x", "ä"].iter().all(|n| valid(n).is_err()));
    }

    #[test]
    fn the_first_free_name_is_taken() {
        let taken = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(free_name(&[]), "lab");
        assert_eq!(free_name(&taken(&["lab", "lab3"])), "lab2");
        assert_eq!(free_name(&taken(&["lab", "lab2"])), "lab3");
    }

    #[test]
    fn a_process_is_known_by_its_start_whatever_its_name() {
        let tail = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        let stat = format!("77 (a) b (c) {tail}");
        let (id, state) = ProcessId::parse(&stat).unwrap();
        assert_eq!((id, state), (ProcessId { pid: 77, started_ticks: 4242 }, "S"));
        assert!(ProcessId::parse("77 (a").is_none());
        let me = ProcessId::of("self").unwrap();
        assert!(me.alive());
        assert!(!ProcessId { started_ticks: me.started_ticks + 1, ..me }.alive());
    }
}
