//! What this machine has to have for a lab.

use super::{LabError, tool};

/// Programs, and the Debian package each is in.
pub(super) const TOOLS: [(&str, &str); 8] = [
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("sshd", "openssh-server"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("setsid", "util-linux"),
];

/// Checks that a lab can be brought up here; the error says what to do.
pub fn requirements() -> Result<(), LabError> {
    if !cfg!(target_os = "linux") {
        return Err(LabError::NotLinux);
    }
    if !rustix::process::geteuid().is_root() {
        return Err(LabError::NotRoot);
    }
    let missing: Vec<&str> = TOOLS
        .iter()
        .map(|(program, _)| *program)
        .filter(|program| tool::find(program).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(LabError::Missing { tools: missing.join(", ") })
}
