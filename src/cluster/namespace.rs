//! Nodes that are namespaces on this machine: commands enter them.

use std::process::Command as Program;

use super::{Command, Output, Remote, RemoteError, local};

/// A program in the namespaces of process `pid`, to which its words are to be added. Whoever owns
/// the process's user namespace may enter it, and is root inside.
pub fn enter_namespaces(pid: i32) -> Program {
    let mut program = Program::new("nsenter");
    program.arg("--target").arg(pid.to_string());
    let user = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/user")).ok();
    // The kernel refuses to enter a user namespace from inside of it.
    if user("self") != user(&pid.to_string()) {
        program.args(["--user", "--preserve-credentials"]);
    }
    program.args(["--net", "--mount", "--uts", "--ipc", "--pid", "--"]);
    program.current_dir("/").env_clear();
    // Also where `nsenter` itself is found.
    program.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    program.env("HOME", "/root").env("LANG", "C.UTF-8");
    program
}

/// Runs scripts with `sh -c` in the namespaces of a node, as root there.
pub struct NamespaceRemote {
    node: String,
    /// The process id of the node's first process, when the node is on.
    first: Box<dyn Fn() -> Option<i32> + Send + Sync>,
}

impl NamespaceRemote {
    /// `first` finds the node's first process, as this machine numbers it; it is asked before
    /// every command.
    pub fn new(
        node: impl Into<String>,
        first: impl Fn() -> Option<i32> + Send + Sync + 'static,
    ) -> Self {
        Self { node: node.into(), first: Box::new(first) }
    }
}

impl Remote for NamespaceRemote {
    fn run(&self, command: &Command) -> Result<Output, RemoteError> {
        let pid = (self.first)().ok_or_else(|| RemoteError::Unreachable {
            node: self.node.clone(),
            address: "its namespaces".to_owned(),
            reason: "the node is off".to_owned(),
        })?;
        let mut shell = enter_namespaces(pid);
        shell.args(["sh", "-c", &command.script]);
        local::run_here(&self.node, shell, command)
    }

    fn name(&self) -> &str {
        &self.node
    }
}
