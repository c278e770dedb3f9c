//! The files of a lab and of its nodes: keys, names, addresses, settings of sshd.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::LabError;
use super::state::{LabState, NodeState};
use super::tool::Tool;

/// In the lab's directory: the key that opens all nodes, and what they answer with.
pub(super) const KEY: &str = "id_ed25519";
pub(super) const KNOWN_HOSTS: &str = "known_hosts";
pub(super) const SSH_CONFIG: &str = "ssh_config";

pub(super) const HOSTS: &str = "hosts";
/// In a node's directory: what it has instead of this machine's own files.
pub(super) const UPPER: &str = "upper";
const HOST_KEY: &str = "upper/etc/ssh/ssh_host_ed25519_key";

/// No PAM, no DNS: neither is needed, and each costs time. Many sessions at once: one per call.
const SSHD_CONFIG: &str = "\
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin yes
PasswordAuthentication no
UsePAM no
UseDNS no
PrintMotd no
MaxSessions 100
MaxStartups 100:30:200
Subsystem sftp internal-sftp
SetEnv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
";

/// Names and addresses of all nodes.
pub(super) fn hosts(lab: &LabState) -> Result<(), LabError> {
    let mut hosts = "127.0.0.1 localhost\n::1 localhost\n".to_owned();
    for node in &lab.nodes {
        hosts.push_str(&format!("{} {}\n", node.ip, node.name));
    }
    hosts.push_str(&format!("{} control\n", lab.controller()));
    write(&lab.directory().join(HOSTS), hosts)
}

/// The key which all nodes share, and the settings for `ssh`.
pub(super) fn access(lab: &LabState) -> Result<(), LabError> {
    let directory = lab.directory();
    generate_key(&directory.join(KEY), &lab.name)?;
    let mut config = String::new();
    for node in &lab.nodes {
        config.push_str(&format!("Host {}\n  HostName {}\n", node.name, node.ip));
    }
    config.push_str(&format!(
        "Host *\n  User root\n  IdentityFile {d}/{KEY}\n  IdentitiesOnly yes\n  \
         UserKnownHostsFile {d}/{KNOWN_HOSTS}\n  StrictHostKeyChecking yes\n  LogLevel ERROR\n",
        d = directory.display()
    ));
    write(&directory.join(SSH_CONFIG), config)
}

/// The host keys of all nodes, which have to be there.
pub(super) fn known_hosts(lab: &LabState) -> Result<(), LabError> {
    let mut lines = String::new();
    for node in &lab.nodes {
        let key = read(&lab.node_directory(node).join(HOST_KEY).with_extension("pub"))?;
        let key: Vec<&str> = key.split_whitespace().take(2).collect();
        lines.push_str(&format!("{},{} {}\n", node.ip, node.name, key.join(" ")));
    }
    write(&lab.directory().join(KNOWN_HOSTS), lines)
}

/// What differs from this machine's own files; the rest is seen through the overlay.
pub(super) fn of_node(lab: &LabState, node: &NodeState) -> Result<(), LabError> {
    let directory = lab.node_directory(node);
    let upper = directory.join(UPPER);
    for path in ["upper/etc/ssh", "upper/root/.ssh"] {
        let path = directory.join(path);
        fs::create_dir_all(&path).map_err(|source| LabError::io(&path, source))?;
    }
    for path in ["root", "root/.ssh"] {
        let path = upper.join(path);
        fs::set_permissions(&path, Permissions::from_mode(0o700))
            .map_err(|source| LabError::io(&path, source))?;
    }
    write(&upper.join("etc/hosts"), read(&lab.directory().join(HOSTS))?)?;
    write(&upper.join("etc/hostname"), format!("{}\n", node.name))?;
    write(&upper.join("etc/ssh/sshd_config"), SSHD_CONFIG)?;
    let public = lab.directory().join(KEY).with_extension("pub");
    write(&upper.join("root/.ssh/authorized_keys"), read(&public)?)?;
    // What root's shell does on this machine at its start would be done for every command.
    for profile in [".bashrc", ".profile", ".bash_profile", ".zshenv"] {
        write(&upper.join("root").join(profile), "")?;
    }
    generate_key(&directory.join(HOST_KEY), &node.name)
}

fn generate_key(path: &Path, comment: &str) -> Result<(), LabError> {
    let quiet = ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"];
    Tool::new("ssh-keygen").args(quiet).args([path]).run().map(drop)
}

fn read(path: &Path) -> Result<String, LabError> {
    fs::read_to_string(path).map_err(|source| LabError::io(path, source))
}

fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), LabError> {
    fs::write(path, contents).map_err(|source| LabError::io(path, source))
}
