//! How a node's first process is started, and waited for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::state::{LabState, NodeState, ProcessId};
use super::{LabError, PATIENCE, tool};

const LOG: &str = "init.log";

/// The first process of a node: a hidden subcommand of the isobar program, in namespaces.
pub(super) struct First<'a> {
    /// Programs of util-linux with their arguments, each of which runs what follows it.
    pub within: &'a [&'a str],
    pub program: &'a Path,
    pub subcommand: &'a str,
    pub arguments: Vec<OsString>,
}

impl First<'_> {
    /// Starts it and waits until it is on record. The child is its parent: it goes with it.
    pub fn start(self, lab: &LabState, node: &NodeState) -> Result<(Child, ProcessId), LabError> {
        lab.forget_first_process(node)?;
        let mut child = self.spawn(&lab.node_directory(node).join(LOG))?;
        match recorded(lab, node, &mut child) {
            Ok(process) => Ok((child, process)),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    fn spawn(self, log_path: &Path) -> Result<Child, LabError> {
        let opened = File::create(log_path).and_then(|log| Ok((log.try_clone()?, log)));
        let (out, err) = opened.map_err(|source| LabError::io(log_path, source))?;
        // A session of its own, so that Ctrl-C and hang-up at the terminal do not reach the node.
        Command::new(tool::find("setsid").unwrap_or_else(|| "setsid".into()))
            .args(self.within)
            .arg(self.program)
            .arg(self.subcommand)
            .args(self.arguments)
            .env("PATH", tool::search_path())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(|source| LabError::io("setsid", source))
    }
}

/// Ends the parent of a first process, and with it that.
pub(super) fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Waits until a node's sshd greets, or until its first process has ended.
pub(super) fn await_sshd(
    lab: &LabState,
    node: &NodeState,
    patience: Duration,
) -> Result<(), LabError> {
    let until = Instant::now() + patience;
    let limit = Duration::from_millis(500);
    loop {
        let greeted =
            TcpStream::connect_timeout(&(node.ip, 22).into(), limit).and_then(|mut stream| {
                stream.set_read_timeout(Some(limit))?;
                stream.read_exact(&mut [0; 4])
            });
        let Err(error) = greeted else { return Ok(()) };
        if !lab.first_process(node).is_some_and(|process| process.alive()) {
            return Err(not_up(lab, node, "its first process has ended".to_owned()));
        }
        if Instant::now() >= until {
            let reason = format!("no sshd answers within {patience:?} ({error})");
            return Err(not_up(lab, node, reason));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for the node's first process to write itself down.
fn recorded(lab: &LabState, node: &NodeState, child: &mut Child) -> Result<ProcessId, LabError> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(process) = lab.first_process(node) {
            return Ok(process);
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Err(not_up(lab, node, format!("its first process ended, {status}")));
        }
        if Instant::now() >= until {
            return Err(not_up(lab, node, format!("no first process within {PATIENCE:?}")));
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn not_up(lab: &LabState, node: &NodeState, reason: String) -> LabError {
    let log = fs::read_to_string(lab.node_directory(node).join(LOG)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let tail = lines[lines.len().saturating_sub(5)..].join("\n  ");
    let log = if tail.is_empty() { tail } else { format!("\n  {tail}") };
    LabError::NodeDown { node: node.name.clone(), reason, log }
}
