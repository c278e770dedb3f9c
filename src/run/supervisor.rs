//! A process manager for the time of a test: tells of processes that ended though no fault ended
//! them, and starts them again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use isobar_checkers::EventType;
use serde_json::json;

use super::Recorder;
use crate::cluster::{Cluster, Command, Member, RemoteError, on_each, quote};
use crate::fault::privileged;
use crate::system::{ProcessState, System};

/// How often every process is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What is gone is looked at once more: a fault may just be starting it again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// The end of its log that is searched for what went wrong, and the lines that are told of it.
const LOG_LINES: u32 = 80;
const TOLD_LINES: usize = 6;

/// Looks after the processes until it is dropped.
pub struct Supervisor {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Supervisor {
    /// `handled` tells which nodes' processes are in the hands of a fault.
    pub fn start(
        cluster: &Cluster,
        system: &Arc<dyn System>,
        recorder: &Arc<Recorder>,
        handled: impl Fn() -> BTreeSet<String> + Send + Sync + 'static,
    ) -> Self {
        let watch = Watch {
            cluster: cluster.clone(),
            system: Arc::clone(system),
            recorder: Arc::clone(recorder),
            handled: Box::new(handled),
        };
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                let members: Vec<&Member> = watch.cluster.members.iter().collect();
                // A node that does not answer is not gone.
                let _ = on_each(&members, |member| watch.look(member));
            }
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // One that panicked has printed why.
            let _ = thread.join();
        }
    }
}

/// From the last line that names an error on, as `TypeError: …`; else the last lines.
fn complaint(log: &str) -> Vec<&str> {
    let lines: Vec<&str> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let names_error = |line: &&str| {
        let word = line.split_once(':').map(|(word, _)| word).unwrap_or_default();
        let word = word.to_ascii_lowercase();
        // The last two as Go says it.
        word.ends_with("error") && !word.contains(' ') || word == "panic" || word == "fatal error"
    };
    let last = lines.len().saturating_sub(TOLD_LINES);
    let start = lines.iter().rposition(names_error).unwrap_or(last);
    lines[start..].iter().take(TOLD_LINES).copied().collect()
}

struct Watch {
    cluster: Cluster,
    system: Arc<dyn System>,
    recorder: Arc<Recorder>,
    handled: Box<dyn Fn() -> BTreeSet<String> + Send + Sync>,
}

impl Watch {
    /// Nothing is told of a node that a fault handles at any of these moments, nor of one that does
    /// not answer.
    fn look(&self, member: &Member) -> Result<(), RemoteError> {
        if !self.is_gone(member)? {
            return Ok(());
        }
        std::thread::sleep(LOOK_AGAIN);
        if !self.is_gone(member)? {
            return Ok(());
        }
        let name = &member.node.name;
        let scripts = self.system.scripts(&member.node);
        let tail = format!("tail -n {LOG_LINES} {} 2>/dev/null || :", quote(&scripts.logs));
        let log = self.run(member, tail)?;
        let told = json!({"phase": "crash", "node": name, "log": complaint(&log)});
        self.recorder.nemesis(EventType::Info, "process-crash", told);
        if !(self.handled)().contains(name) {
            self.run(member, scripts.start)?;
        }
        Ok(())
    }

    fn is_gone(&self, member: &Member) -> Result<bool, RemoteError> {
        let handled = || (self.handled)().contains(&member.node.name);
        if handled() {
            return Ok(false);
        }
        let state = self.run(member, self.system.scripts(&member.node).state)?;
        let gone = ProcessState::parse(&state) == Some(ProcessState::Gone);
        Ok(gone && !handled())
    }

    fn run(&self, member: &Member, script: String) -> Result<String, RemoteError> {
        let command = Command::shell(script);
        let root = privileged(&self.cluster.nodes(), self.system.as_ref());
        let command = if root { command.privileged() } else { command };
        Ok(member.remote.check(&command)?.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_error_is_told_and_not_the_end_of_its_properties() {
        let log = "info: up\n\nTypeError: Cannot read properties of null (reading 'id')\n  \
                   at a.js:26\n\
                   {\n  errno: 1\n}\nx\ny\nNode.js v20";
        let told = complaint(log);
        assert_eq!(told.len(), TOLD_LINES);
        assert!(told[0].starts_with("TypeError: Cannot"), "{told:?}");
        assert_eq!(complaint("one\ntwo"), ["one", "two"]);
        let go = "x\nfatal error: runtime: out of memory\n\nruntime stack:\n\tpanic.go:1047 +0x5d";
        assert_eq!(complaint(go)[0], "fatal error: runtime: out of memory");
        assert!(complaint("").is_empty());
    }
}
