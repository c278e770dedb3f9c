//! What this machine has to have for a lab.

use super::{LabError, rootless, tool};
use crate::spec::LabKind;

/// Programs, and the Debian package each is in.
type Tools = &'static [(&'static str, &'static str)];

const COMMON: Tools = &[
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("setsid", "util-linux"),
];

const SSH: Tools =
    &[("sshd", "openssh-server"), ("ssh", "openssh-client"), ("ssh-keygen", "openssh-client")];

/// The guest loads modules of its kernel with kmod.
const VM: Tools = &[
    ("linux.uml", "user-mode-linux"),
    ("modprobe", "kmod"),
    ("mkfs.ext4", "e2fsprogs"),
    ("dmsetup", "dmsetup"),
];

/// What a lab of this kind is built with.
pub(super) fn tools(kind: LabKind) -> impl Iterator<Item = (&'static str, &'static str)> {
    let (ssh, own): (Tools, Tools) = match kind {
        LabKind::Namespace => (SSH, &[]),
        LabKind::Vm => (SSH, VM),
        LabKind::Rootless => (&[], &[]),
    };
    COMMON.iter().chain(ssh).chain(own).copied()
}

/// Checks that a lab of this kind can be brought up here; the error says what to do.
pub fn requirements(kind: LabKind) -> Result<(), LabError> {
    if !cfg!(target_os = "linux") {
        return Err(LabError::NotLinux);
    }
    if kind != LabKind::Rootless && !rustix::process::geteuid().is_root() {
        return Err(LabError::NotRoot);
    }
    let missing: Vec<&str> = tools(kind)
        .map(|(program, _)| program)
        .filter(|program| tool::find(program).is_none())
        .collect();
    if !missing.is_empty() {
        return Err(LabError::Missing { kind, tools: missing.join(", ") });
    }
    if kind == LabKind::Rootless { rootless::possible() } else { Ok(()) }
}
