//! Nodes that are namespaces with an overlay of `/`, a cgroup and an sshd of their own.

pub(super) mod cgroup;
pub mod init;

use std::fs;
use std::process::Child;

use super::start::{self, First};
use super::state::{LabState, NodeState};
use super::{LabError, network};

/// Starts a node and wires it up; the parent of its first process is returned.
pub(super) fn start(lab: &LabState, node: &NodeState) -> Result<Child, LabError> {
    let directory = lab.node_directory(node);
    for path in ["work", "root"].map(|path| directory.join(path)) {
        fs::create_dir_all(&path).map_err(|source| LabError::io(&path, source))?;
    }
    cgroup::create(&node.cgroups);
    let first = First {
        name: &node.name,
        directory: &directory,
        within: &[
            "unshare",
            "--net",
            "--mount",
            "--propagation=private",
            "--uts",
            "--ipc",
            "--pid",
            "--fork",
            "--kill-child",
        ],
        program: &lab.program,
        subcommand: init::SUBCOMMAND,
        arguments: init::InitArgs::of(lab, node).argv(),
    };
    let (mut child, process) = first.start()?;
    match network::plug(lab, node, process.pid()) {
        Ok(()) => Ok(child),
        Err(error) => {
            start::end(&mut child);
            Err(error)
        }
    }
}
