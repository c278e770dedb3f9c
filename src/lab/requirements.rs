//! What this machine has to have for a lab.

use super::{LabError, tool};
use crate::spec::LabKind;

/// Programs, and the Debian package each is in.
type Tools = &'static [(&'static str, &'static str)];

const COMMON: Tools = &[
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("sshd", "openssh-server"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("setsid", "util-linux"),
];

/// The guest loads modules of its kernel with kmod.
const VM: Tools =
    &[("linux.uml", "user-mode-linux"), ("modprobe", "kmod"), ("mkfs.ext4", "e2fsprogs")];

/// What a lab of this kind is built with.
pub(super) fn tools(kind: LabKind) -> impl Iterator<Item = (&'static str, &'static str)> {
    let own: Tools = match kind {
        LabKind::Namespace => &[],
        LabKind::Vm => VM,
    };
    COMMON.iter().chain(own).copied()
}

/// Checks that a lab of this kind can be brought up here; the error says what to do.
pub fn requirements(kind: LabKind) -> Result<(), LabError> {
    if !cfg!(target_os = "linux") {
        return Err(LabError::NotLinux);
    }
    if !rustix::process::geteuid().is_root() {
        return Err(LabError::NotRoot);
    }
    let missing: Vec<&str> = tools(kind)
        .map(|(program, _)| program)
        .filter(|program| tool::find(program).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(LabError::Missing { kind, tools: missing.join(", ") })
}
