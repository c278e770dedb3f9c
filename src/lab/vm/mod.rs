//! Nodes that are User-Mode Linux guests: a kernel, a clock and a disk of their own, without KVM.
//!
//! A guest's root is an overlay of `/` (through hostfs) and its disk, an ext4 file system in a
//! file. It has another for the data of systems, at `/var/lib/isobar`, behind the device mapper, so
//! that it can be made to fail. Killing the guest is a power cut: what was not synchronised to its
//! disks is gone.

pub mod guest;

use std::fs::{self, File, Permissions};
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::process::Child;
use std::thread::available_parallelism;
use std::time::Duration;

use super::start::First;
use super::state::{LabState, NodeState};
use super::tool::Tool;
use super::{LabError, network};

/// Guests on a small machine; they keep a core busy each.
const NODES_SMALL: u32 = 3;

/// How long a guest may take to answer: its kernel comes first, and it is slow on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

const INIT: &str = "guest-init";
const DISK: &str = "disk";
const DATA_DISK: &str = "data-disk";
/// Of a sparse file: it takes what is written. One GiB holds the logs and data of a test.
const DISK_BYTES: u64 = 1 << 30;

/// The most guests of a lab on this machine.
pub(super) fn nodes_max() -> u32 {
    let cores = available_parallelism().map_or(1, NonZero::get);
    u32::try_from(cores).unwrap_or(u32::MAX).clamp(NODES_SMALL, super::NODES_MAX)
}

/// What all guests share.
pub(super) fn shared_files(lab: &LabState) -> Result<(), LabError> {
    let path = lab.directory().join(INIT);
    fs::write(&path, include_str!("init.sh"))
        .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o755)))
        .map_err(|source| LabError::io(&path, source))
}

/// New disks, empty but for a file system, and the wire.
pub(super) fn prepare(lab: &LabState, node: &NodeState) -> Result<(), LabError> {
    for disk in [DISK, DATA_DISK].map(|disk| lab.node_directory(node).join(disk)) {
        File::create(&disk)
            .and_then(|file| file.set_len(DISK_BYTES))
            .map_err(|source| LabError::io(&disk, source))?;
        Tool::new("mkfs.ext4").args(["-q", "-F"]).args([&disk]).run()?;
    }
    network::tap(lab, node)
}

/// Switches a guest on; the parent of its first process is returned.
pub(super) fn start(lab: &LabState, node: &NodeState) -> Result<Child, LabError> {
    let directory = lab.node_directory(node);
    let switch = format!("--net={}", network::switch_path(lab).display());
    let first = First {
        name: &node.name,
        directory: &directory,
        within: &[
            "nsenter",
            &switch,
            "unshare",
            "--mount",
            "--propagation=private",
            "--pid",
            "--fork",
            "--kill-child",
        ],
        program: &lab.program,
        subcommand: guest::SUBCOMMAND,
        arguments: guest::GuestArgs::of(lab, node).argv(),
    };
    first.start().map(|(child, _)| child)
}
