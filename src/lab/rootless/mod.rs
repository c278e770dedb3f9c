//! Labs of an ordinary user: everything happens in one user namespace, where the user is root.
//!
//! ```text
//! user namespace (the user, mapped to root)
//! ├─ controller and holder: a network namespace with bridge br-NAME, 10.77.0.254
//! └─ a node: network, mount, PID, UTS and IPC namespace; eth0 ═ bridge
//! ```
//!
//! Clients talk to nodes over TCP. So the controller has to be inside: [`enter`] makes the running
//! program start again there, as the same process. Two things are not possible inside: an
//! overlay of `/`, so nodes get `/run`, `/tmp`, `/var` and `/root` of their own; and sshd, so
//! nodes are reached through their namespaces.

pub mod holder;
pub mod init;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Instant;

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::start::{self, First};
use super::state::{self, LabState, NodeState, ProcessId};
use super::tool::{self, Tool};
use super::{LabError, network, wait_for};
use crate::cluster::{Cluster, Member, NamespaceRemote, Node, enter_namespaces};

/// Set inside the user namespace: the directory of the user's labs.
const INSIDE: &str = "ISOBAR_ROOTLESS_LABS";

/// In the lab's directory: a tmpfs which only processes of the lab see, with what nodes write.
const FILES: &str = "files";

const UNSHARE: [&str; 4] = ["--user", "--map-root-user", "--net", "--mount"];

/// What can forbid user namespaces: a setting, and its value that does.
const SETTINGS: [(&str, &str, &str); 3] = [
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("user.max_user_namespaces", "0", "10000"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
];

/// The directory of the user's labs, when the program runs inside of a user namespace of ours.
pub(super) fn inside() -> Option<PathBuf> {
    std::env::var_os(INSIDE).map(PathBuf::from)
}

/// Where an ordinary user's labs are.
pub(super) fn labs() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_dir()) {
        Some(runtime) => runtime.join("isobar/lab"),
        None => format!("/tmp/isobar-{}/lab", rustix::process::geteuid().as_raw()).into(),
    }
}

/// Makes this process one inside of a new user namespace, by starting the program again; comes
/// back at once when it is inside already. Nothing may have been begun before.
pub(super) fn enter() -> Result<(), LabError> {
    if inside().is_some() {
        return Ok(());
    }
    possible()?;
    Err(again(Tool::new("unshare").args(UNSHARE)))
}

/// As [`enter`], into the namespaces of a lab that is up.
pub(super) fn join(lab: &LabState) -> Result<(), LabError> {
    if inside().is_some() {
        return Ok(());
    }
    let holder = lab.holder().filter(ProcessId::alive);
    let holder = holder.ok_or_else(|| LabError::Unheld { name: lab.name.clone() })?;
    let target = holder.pid().to_string();
    Err(again(Tool::new("nsenter").args([
        "--target",
        &target,
        "--user",
        "--preserve-credentials",
        "--net",
        "--mount",
    ])))
}

/// Becomes `within` with this program and its arguments; comes back with the reason why not.
fn again(within: Tool) -> LabError {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(source) => return LabError::io("the running program", source),
    };
    let mut command = within.into_command();
    command.arg(program).args(std::env::args_os().skip(1)).env(INSIDE, state::labs());
    let source = command.exec();
    LabError::io(command.get_program(), source)
}

/// Whether this user may make what a lab needs, tried; the error says which setting forbids it.
pub(super) fn possible() -> Result<(), LabError> {
    if inside().is_some() {
        return Ok(());
    }
    let probe =
        Tool::new("unshare").args(UNSHARE).args(["--pid", "--fork", "--mount-proc", "true"]).run();
    let Err(LabError::Tool { stderr, .. }) = probe else { return probe.map(drop) };
    let read =
        |setting: &str| fs::read_to_string(format!("/proc/sys/{}", setting.replace('.', "/"))).ok();
    Err(LabError::NoUserNamespaces { reason: stderr, remedy: remedy(read) })
}

/// What to do about refused user namespaces, from the settings as `read` finds them.
fn remedy(read: impl Fn(&str) -> Option<String>) -> String {
    let forbids = |(setting, value, _): &&(&str, &str, &str)| {
        read(setting).is_some_and(|found| found.trim() == *value)
    };
    match SETTINGS.iter().find(forbids) {
        Some((setting, _, allows)) => {
            format!("allow them with `sudo sysctl -w {setting}={allows}`")
        }
        None => "in a container, start it with --privileged".to_owned(),
    }
}

/// Mounts the tmpfs that all nodes write to, and starts the process which keeps the network.
pub(super) fn prepare(lab: &LabState) -> Result<Child, LabError> {
    let files = lab.directory().join(FILES);
    make_directory(&files)?;
    mount("isobar-lab", &files, "tmpfs", MountFlags::empty(), Some(c"mode=0755")).map_err(
        |error| match error {
            Errno::PERM | Errno::ACCESS => {
                LabError::Denied { what: "mounting in a user namespace" }
            }
            error => LabError::io(&files, error.into()),
        },
    )?;
    let directory = lab.directory();
    let first = First {
        name: "holder",
        directory: &directory,
        within: &[],
        program: &lab.program,
        subcommand: holder::SUBCOMMAND,
        arguments: vec!["--directory".into(), (&directory).into()],
    };
    first.start().map(|(child, _)| child)
}

/// Starts a node and wires it up; the parent of its first process is returned.
pub(super) fn start(lab: &LabState, node: &NodeState) -> Result<Child, LabError> {
    let directory = lab.node_directory(node);
    make_directory(&directory)?;
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
        arguments: init::InitArgs {
            name: node.name.clone(),
            directory: directory.clone(),
            files: lab.directory().join(FILES).join(&node.name),
            hosts: lab.directory().join(super::files::HOSTS),
            ip: node.ip,
        }
        .argv(),
    };
    let (mut child, process) = first.start()?;
    let wired = network::plug(lab, node, process.pid())
        .and_then(|()| start::await_ready(node, &directory, super::PATIENCE));
    match wired {
        Ok(()) => Ok(child),
        Err(error) => {
            start::end(&mut child);
            Err(error)
        }
    }
}

/// Removes the lab's files once its processes, which `kill` ends, have let go of them.
pub(super) fn remove(lab: &LabState, until: Instant, kill: impl Fn()) -> Result<(), LabError> {
    let directory = lab.directory();
    let mut last = None;
    let gone = || {
        kill();
        // Where we are inside it is mounted; elsewhere it is a directory like any other.
        let _ = unmount(directory.join(FILES), UnmountFlags::DETACH);
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                last = Some(error);
                false
            }
            _ => true,
        }
    };
    wait_for(until, gone).map_err(|()| match last {
        Some(error) => LabError::io(&directory, error),
        None => LabError::Busy { path: directory.clone(), why: "its files cannot be removed" },
    })
}

/// The nodes, reached through their namespaces.
pub(super) fn cluster(lab: &LabState) -> Cluster {
    let member = |(index, node): (usize, &NodeState)| {
        let (owned, record) = (lab.clone(), node.clone());
        // Looked up for every command: a node that was off and on again has another.
        let first = move || {
            let process = owned.first_process(&record).filter(ProcessId::alive);
            process.map(|process| process.pid())
        };
        let remote = NamespaceRemote::new(node.name.clone(), first);
        let node = Node { name: node.name.clone(), index, ip: node.ip.into(), role: None };
        Member { node, remote: Arc::new(remote) }
    };
    Cluster {
        members: lab.nodes.iter().enumerate().map(member).collect(),
        controller: Some(lab.controller().into()),
    }
}

/// A command on a node, or its shell, with our terminal.
pub(super) fn command(
    lab: &LabState,
    node: &NodeState,
    words: Option<&[String]>,
) -> Result<Command, LabError> {
    let process = lab.first_process(node).filter(ProcessId::alive);
    let process = process.ok_or_else(|| LabError::Power {
        lab: lab.name.clone(),
        node: node.name.clone(),
        now: "off",
    })?;
    let shell = [tool::find("bash").map_or("sh", |_| "bash").to_owned()];
    let mut command = enter_namespaces(process.pid());
    command.args(words.unwrap_or(&shell));
    if let Some(terminal) = std::env::var_os("TERM") {
        command.env("TERM", terminal);
    }
    Ok(command)
}

fn make_directory(path: &Path) -> Result<(), LabError> {
    fs::create_dir_all(path).map_err(|source| LabError::io(path, source))
}

#[cfg(test)]
mod tests {
    use super::remedy;

    #[test]
    fn the_setting_that_forbids_user_namespaces_is_named() {
        let with = |name: &'static str, value: &'static str| {
            remedy(move |setting| (setting == name).then(|| format!("{value}\n")))
        };
        let clone = with("kernel.unprivileged_userns_clone", "0");
        assert!(clone.contains("kernel.unprivileged_userns_clone=1"), "{clone}");
        let max = with("user.max_user_namespaces", "0");
        assert!(max.contains("user.max_user_namespaces=10000"), "{max}");
        let apparmor = with("kernel.apparmor_restrict_unprivileged_userns", "1");
        assert!(apparmor.contains("apparmor_restrict_unprivileged_userns=0"), "{apparmor}");
        let allowed = with("kernel.unprivileged_userns_clone", "1");
        assert!(allowed.contains("container"), "{allowed}");
    }
}
