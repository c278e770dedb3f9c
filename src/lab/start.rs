//! How a node's first process is started, and waited for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::state::{LabState, NodeState, ProcessId, first_process, forget_first_process, is_ready};
use super::{LabError, PATIENCE, tool};

const LOG: &str = "init.log";

/// The first process of a node: a hidden subcommand of the isobar program, in namespaces.
pub(super) struct First<'a> {
    /// Of the node, for messages.
    pub name: &'a str,
    /// Where it writes itself down, and where its log is.
    pub directory: &'a Path,
    /// Programs of util-linux with their arguments, each of which runs what follows it.
    pub within: &'a [&'a str],
    pub program: &'a Path,
    pub subcommand: &'a str,
    pub arguments: Vec<OsString>,
}

impl First<'_> {
    /// Starts it and waits until it is on record. The child is its parent: it goes with it.
    pub fn start(self) -> Result<(Child, ProcessId), LabError> {
        forget_first_process(self.directory)?;
        let mut child = self.spawn()?;
        match self.recorded(&mut child) {
            Ok(process) => Ok((child, process)),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    fn spawn(&self) -> Result<Child, LabError> {
        let log_path = self.directory.join(LOG);
        let opened = File::create(&log_path).and_then(|log| Ok((log.try_clone()?, log)));
        let (out, err) = opened.map_err(|source| LabError::io(&log_path, source))?;
        // A session of its own, so that Ctrl-C and hang-up at the terminal do not reach the node.
        Command::new(tool::find("setsid").unwrap_or_else(|| "setsid".into()))
            .args(self.within)
            .arg(self.program)
            .arg(self.subcommand)
            .args(&self.arguments)
            .env("PATH", tool::search_path())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(|source| LabError::io("setsid", source))
    }

    /// Waits for it to write itself down.
    fn recorded(&self, child: &mut Child) -> Result<ProcessId, LabError> {
        let until = Instant::now() + PATIENCE;
        let not_up = |reason| not_up(self.name, self.directory, reason);
        loop {
            if let Some(process) = first_process(self.directory) {
                return Ok(process);
            }
            if let Ok(Some(status)) = child.try_wait() {
                return Err(not_up(format!("its first process ended, {status}")));
            }
            if Instant::now() >= until {
                return Err(not_up(format!("no first process within {PATIENCE:?}")));
            }
            thread::sleep(Duration::from_millis(2));
        }
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
    let limit = Duration::from_millis(500);
    await_answer(&node.name, &lab.node_directory(node), patience, || {
        TcpStream::connect_timeout(&(node.ip, 22).into(), limit)
            .and_then(|mut stream| {
                stream.set_read_timeout(Some(limit))?;
                stream.read_exact(&mut [0; 4])
            })
            .map_err(|error| format!("no sshd answers ({error})"))
    })
}

/// Waits until a node's first process says that all is in its place.
pub(super) fn await_ready(
    node: &NodeState,
    directory: &Path,
    patience: Duration,
) -> Result<(), LabError> {
    await_answer(&node.name, directory, patience, || {
        if is_ready(directory) { Ok(()) } else { Err("it is not ready".to_owned()) }
    })
}

/// Polls `answer`, which says what is missing, while the node's first process is there.
fn await_answer(
    name: &str,
    directory: &Path,
    patience: Duration,
    answer: impl Fn() -> Result<(), String>,
) -> Result<(), LabError> {
    let until = Instant::now() + patience;
    loop {
        let Err(why) = answer() else { return Ok(()) };
        if !first_process(directory).is_some_and(|process| process.alive()) {
            let reason = "its first process has ended".to_owned();
            return Err(not_up(name, directory, reason));
        }
        if Instant::now() >= until {
            let reason = format!("{why} within {patience:?}");
            return Err(not_up(name, directory, reason));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn not_up(name: &str, directory: &Path, reason: String) -> LabError {
    let log = fs::read_to_string(directory.join(LOG)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let tail = lines[lines.len().saturating_sub(5)..].join("\n  ");
    let log = if tail.is_empty() { tail } else { format!("\n  {tail}") };
    LabError::NodeDown { node: name.to_owned(), reason, log }
}
