//! Why a lab could not be brought up, found or taken down.

use std::io;
use std::path::{Path, PathBuf};

use crate::spec::LabKind;

/// Every message names the thing and the way out.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    #[error(
        "a lab needs network namespaces, which only Linux has; use `isobar demo`, or `ssh:` with \
         machines of your own"
    )]
    NotLinux,
    #[error(
        "a lab of this kind needs root; use `sudo isobar …`, or without root `kind: rootless`, \
         `isobar demo`, or `ssh:` with machines of your own"
    )]
    NotRoot,
    #[error(
        "a lab of kind {kind} needs {tools}, missing here; run \
         `sudo isobar lab install --kind {kind}`"
    )]
    Missing { kind: LabKind, tools: String },
    #[error(
        "{what} is not permitted here, even to root; start the container with --privileged, or \
         use `isobar demo`, or `ssh:` with machines of your own"
    )]
    Denied { what: &'static str },
    #[error(
        "a lab without root needs user namespaces, refused here ({reason}): {remedy}; or use \
         `sudo isobar …`, `isobar demo`, or `ssh:` with machines of your own"
    )]
    NoUserNamespaces { reason: String, remedy: String },
    #[error("a rootless lab is brought up by a process inside of its user namespace only")]
    Outside,
    #[error(
        "the network of lab {name} is gone, since the process that kept it is; take it down with \
         `isobar lab down {name}`"
    )]
    Unheld { name: String },
    #[error(
        "{} is not a directory of yours, as that of your labs should be; remove it",
        path.display()
    )]
    Foreign { path: PathBuf },
    #[error("a lab has 1 to 50 nodes, not {nodes}")]
    Nodes { nodes: u32 },
    #[error(
        "a lab of kind vm has 1 to {max} nodes on this machine, not {nodes}: each guest keeps a \
         core busy; use `kind: namespace`, or `ssh:` with machines of your own"
    )]
    Guests { nodes: u32, max: u32 },
    #[error("node {node} of lab {lab} is {now} already")]
    Power { lab: String, node: String, now: &'static str },
    #[error("`{name}` is no name for a lab: write 1 to 8 lower-case letters and digits")]
    Name { name: String },
    #[error("lab {name} is up already; take it down with `isobar lab down {name}`")]
    Taken { name: String },
    #[error("there is no lab {name}; `isobar lab status` lists those that are up")]
    Unknown { name: String },
    #[error("no lab is up; bring one up with `isobar lab up`")]
    None,
    #[error("more than one lab is up: say which of {names}")]
    Many { names: String },
    #[error("lab {lab} has no node {node}; it has {nodes}")]
    Node { lab: String, node: String, nodes: String },
    #[error("all of 10.77.0.0/16 is in use; take down labs that `isobar lab status` shows")]
    NoSubnet,
    #[error("`{command}` failed: {stderr}")]
    Tool { command: String, stderr: String },
    #[error("node {node} did not come up: {reason}{log}")]
    NodeDown { node: String, reason: String, log: String },
    #[error("{path}: {source}")]
    Io { path: String, source: io::Error },
    #[error("{path} is not the state of a lab: {reason}; remove it by hand")]
    State { path: String, reason: String },
    #[error(
        "lab at {} is not quite down: {why}; run `isobar lab down` again when it is gone",
        path.display()
    )]
    Busy { path: PathBuf, why: &'static str },
    #[error("{error}; and lab {name} could not be taken down again: {down}")]
    HalfDown { name: String, error: Box<LabError>, down: Box<LabError> },
}

impl LabError {
    pub(super) fn io(path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io { path: path.as_ref().display().to_string(), source }
    }

    /// Whether nothing was touched, since what was asked for is not possible as it was asked.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Nodes { .. }
                | Self::Guests { .. }
                | Self::Power { .. }
                | Self::Name { .. }
                | Self::Taken { .. }
                | Self::Unknown { .. }
                | Self::None
                | Self::Many { .. }
                | Self::Node { .. }
        )
    }
}
