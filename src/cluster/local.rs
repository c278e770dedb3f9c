//! Nodes that are processes on this machine: commands run right here.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ChildStdin, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::{Cluster, Command, Member, Node, Output, Remote, RemoteError};

/// Runs scripts with `sh -c` on this machine, as the current user.
///
/// As over SSH, a call ends when the script has ended *and* nobody holds its output any more.
pub struct LocalRemote {
    node: String,
}

impl LocalRemote {
    /// `node` is the name used in error messages.
    pub fn new(node: impl Into<String>) -> Self {
        Self { node: node.into() }
    }
}

impl Remote for LocalRemote {
    fn run(&self, command: &Command) -> Result<Output, RemoteError> {
        let elevated = command.privileged && !rustix::process::geteuid().is_root();
        let mut shell = if elevated {
            let mut sudo = std::process::Command::new("sudo");
            sudo.args(["-n", "sh"]);
            sudo
        } else {
            std::process::Command::new("sh")
        };
        shell.args(["-c", &command.script]);
        let output = run_here(&self.node, shell, command)?;
        match output.error_text() {
            text if command.privileged && !output.ok() && text.starts_with("sudo:") => {
                let reason = format!(
                    "root is needed: {text}; run isobar as root, or let sudo work without a \
                     password"
                );
                Err(RemoteError::Authentication { node: self.node.clone(), reason })
            }
            _ => Ok(output),
        }
    }

    fn name(&self) -> &str {
        &self.node
    }
}

/// Runs `program`, which does what `command` says, with its input and its deadline.
pub(super) fn run_here(
    node: &str,
    mut program: std::process::Command,
    command: &Command,
) -> Result<Output, RemoteError> {
    let end = Instant::now() + command.deadline;
    let lost = |error: &io::Error| RemoteError::Lost {
        node: node.to_owned(),
        script: command.script.clone(),
        reason: error.to_string(),
    };
    program.process_group(0);
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().map_err(|error| RemoteError::Unreachable {
        node: node.to_owned(),
        address: "this machine's shell".to_owned(),
        reason: error.to_string(),
    })?;
    let process = Pid::from_child(&child);
    feed(child.stdin.take(), command.stdin.clone());
    let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let ended = in_background(move || {
        loop {
            // The child is left unreaped, so that its number cannot be another's below.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            match waitid(WaitId::Pid(process), options) {
                Err(error) if error == rustix::io::Errno::INTR => {}
                result => return result,
            }
        }
    });
    let outputs = || {
        await_until(&ended, end)?.map_err(|error| Some(error.into()))?;
        let stdout = await_until(&stdout, end)?.map_err(Some)?;
        Ok((stdout, await_until(&stderr, end)?.map_err(Some)?))
    };
    let outputs: Result<_, Option<io::Error>> = outputs();
    let (stdout, stderr) = match outputs {
        Ok(outputs) => outputs,
        Err(error) => {
            // What is left of the script goes with its group. Where that is not allowed
            // (sudo, another user's) it is left alone: the deadline holds in any case.
            let _ = kill_process_group(process, Signal::KILL);
            in_background(move || child.wait());
            return Err(match error {
                Some(error) => lost(&error),
                None => RemoteError::Deadline {
                    node: node.to_owned(),
                    script: command.script.clone(),
                    deadline: command.deadline,
                },
            });
        }
    };
    let status = child.wait().map_err(|error| lost(&error))?;
    Ok(Output { status: code(status), stdout, stderr })
}

impl Cluster {
    /// Nodes n1 … n`count` that are processes on this machine, with one address.
    pub fn local(count: u32) -> Self {
        let members = (0..count as usize).map(|index| {
            let name = format!("n{}", index + 1);
            let remote = Arc::new(LocalRemote::new(name.clone()));
            let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
            Member { node: Node { name, index, ip, role: None }, remote }
        });
        Self { members: members.collect(), controller: None }
    }
}

fn code(status: ExitStatus) -> i32 {
    let signal = || status.signal().map_or(1, |signal| 128 + signal);
    status.code().unwrap_or_else(signal)
}

/// Writes all of `bytes` and closes the pipe.
fn feed(pipe: Option<ChildStdin>, bytes: Vec<u8>) {
    if let Some(mut pipe) = pipe
        && !bytes.is_empty()
    {
        // A script need not read its input.
        std::thread::spawn(move || pipe.write_all(&bytes));
    }
}

fn drain<R: Read + Send + 'static>(pipe: Option<R>) -> Receiver<io::Result<Vec<u8>>> {
    in_background(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    })
}

fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || sender.send(work()));
    receiver
}

/// `Err(None)` when `end` comes first.
fn await_until<T>(receiver: &Receiver<T>, end: Instant) -> Result<T, Option<io::Error>> {
    let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    receiver.recv_timeout(left).map_err(|error| match error {
        RecvTimeoutError::Timeout => None,
        RecvTimeoutError::Disconnected => Some(io::Error::other("a reading thread has died")),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn run(command: &Command) -> Result<Output, RemoteError> {
        LocalRemote::new("n1").run(command)
    }

    #[test]
    fn output_status_and_signals_come_back() {
        let output = run(&Command::shell("cat; echo no >&2; exit 3").stdin("yes")).unwrap();
        assert_eq!(
            (output.status, output.text(), output.error_text()),
            (3, "yes".into(), "no".into())
        );
        assert_eq!(run(&Command::shell("kill -TERM $$")).unwrap().status, 143);
        assert_eq!(run(&Command::argv(["echo", "$HOME  'x'"])).unwrap().text(), "$HOME  'x'");
    }

    #[test]
    fn much_output_on_both_pipes_and_unread_input_do_not_block() {
        let script = "head -c 4000000 /dev/zero >&2; head -c 4000000 /dev/zero";
        let output = run(&Command::shell(script).stdin(vec![0; 4_000_000])).unwrap();
        assert_eq!((output.stdout.len(), output.stderr.len()), (4_000_000, 4_000_000));
    }

    #[test]
    fn at_the_deadline_the_whole_group_is_ended() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let script = format!("sleep 60 & echo $! >{}; wait", file.display());
        let begin = Instant::now();
        let result = run(&Command::shell(script).deadline(Duration::from_millis(500)));
        assert!(matches!(result, Err(RemoteError::Deadline { .. })), "{result:?}");
        assert!(begin.elapsed() < Duration::from_secs(5));
        let pid = std::fs::read_to_string(file).unwrap().trim().to_owned();
        // A zombie has ended; who has to reap it may take its time.
        let ended = format!(
            "i=0; while [ $i -lt 50 ]; do\n\
             case \"$(ps -o stat= -p {pid})\" in ''|Z*) exit 0 ;; esac\n\
             sleep 0.1; i=$((i+1))\ndone; exit 1"
        );
        assert!(run(&Command::shell(ended)).unwrap().ok(), "the sleep lives on");
    }

    #[test]
    fn a_daemon_with_redirected_output_does_not_hold_the_call() {
        let begin = Instant::now();
        let script = "sleep 20 >/dev/null 2>&1 </dev/null & echo $!";
        let output = run(&Command::shell(script)).unwrap();
        assert!(begin.elapsed() < Duration::from_secs(5));
        run(&Command::argv(["kill", &output.text()])).unwrap();
    }

    #[test]
    fn a_local_cluster_has_names_and_one_address() {
        let cluster = Cluster::local(3);
        let names: Vec<String> = cluster.nodes().into_iter().map(|node| node.name).collect();
        assert_eq!(
            (names, cluster.controller),
            (vec!["n1".into(), "n2".into(), "n3".into()], None)
        );
    }
}
