//! One long-lived process on a node, handled through its pid file.
//!
//! The pid file is believed only if the process it names still has the expected command line: a
//! pid that was given to somebody else is never signalled.

use std::fmt;

use crate::cluster::quote;

/// Scripts for a POSIX shell. All are idempotent and end with status 0 when the wanted state
/// holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessScripts {
    pub start: String,
    /// SIGTERM, then SIGKILL after 5 s.
    pub stop: String,
    /// SIGKILL.
    pub kill: String,
    /// SIGSTOP.
    pub pause: String,
    /// SIGCONT.
    pub resume: String,
    /// Prints a [`ProcessState`] word and the pid.
    pub state: String,
    /// Removes data and logs of a stopped process.
    pub wipe: String,
    /// Sets `$pid` to the living process, or to nothing.
    pub find: String,
    /// Where its pid is kept; files beside it may be made for the time of a fault.
    pub pid_file: String,
    /// The directory of its data.
    pub data: String,
    /// Ends the connections of its clients, and says how many; where it can.
    pub disconnect: Option<String>,
    /// Files to collect after a run.
    pub logs: Vec<String>,
}

/// What the `state` script says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    Running(u32),
    /// Stopped by a signal.
    Paused(u32),
    Gone,
}

impl ProcessState {
    /// Reads the `state` script's output: `running 12`, `paused 12` or `gone`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let word = words.next()?;
        let pid = words.next().and_then(|pid| pid.parse().ok());
        match (word, pid) {
            ("running", Some(pid)) => Some(Self::Running(pid)),
            ("paused", Some(pid)) => Some(Self::Paused(pid)),
            ("gone", None) => Some(Self::Gone),
            _ => None,
        }
    }
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running(pid) => write!(f, "running {pid}"),
            Self::Paused(pid) => write!(f, "paused {pid}"),
            Self::Gone => write!(f, "gone"),
        }
    }
}

/// Of at least 5 s.
const GONE_TRIES: u32 = 250;

/// A process to be run on a node.
#[derive(Clone, Debug)]
pub struct Daemon {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Where its pid file is kept; with its log and data it is all we write.
    pub pid_file: String,
    pub log: String,
    /// Removed by `wipe`, with the log.
    pub data: String,
    /// What the command line of the process contains, to know it again.
    pub mark: String,
}

impl Daemon {
    pub fn scripts(&self) -> ProcessScripts {
        let signal =
            |name: &str| format!("{}[ -z \"$pid\" ] || kill -{name} \"$pid\"", self.find());
        ProcessScripts {
            start: self.start(),
            stop: self.stop(),
            kill: format!("{}\n{}", signal("KILL"), self.await_gone(GONE_TRIES)),
            pause: signal("STOP"),
            resume: signal("CONT"),
            state: self.state(),
            wipe: quote(["rm", "-rf", "--", &self.data, &self.log, &self.pid_file]),
            find: self.find(),
            pid_file: self.pid_file.clone(),
            data: self.data.clone(),
            disconnect: None,
            logs: vec![self.log.clone()],
        }
    }

    /// Sets `$pid` to the living process, or to nothing. Works without /proc, through ps.
    fn find(&self) -> String {
        let (pid_file, mark) = (quote([&self.pid_file]), quote([&self.mark]));
        format!(
            "pid=; stat=; args=\n\
             {{ read -r pid _ <{pid_file}; }} 2>/dev/null\n\
             if [ -n \"$pid\" ] && [ -d /proc/self ]; then\n  \
               args=$(tr '\\0' ' ' 2>/dev/null <\"/proc/$pid/cmdline\")\n  \
               {{ while read -r key stat _ && [ \"$key\" != State: ]; do :; done \
                 <\"/proc/$pid/status\"; }} 2>/dev/null\n\
             elif [ -n \"$pid\" ]; then\n  \
               args=$(ps -o args= -p \"$pid\" 2>/dev/null)\n  \
               stat=$(ps -o stat= -p \"$pid\" 2>/dev/null)\n\
             fi\n\
             case \"$stat\" in Z*|X*) pid= ;; esac\n\
             case \"$args\" in *{mark}*) ;; *) pid= ;; esac\n"
        )
    }

    fn start(&self) -> String {
        let (pid_file, log) = (quote([&self.pid_file]), quote([&self.log]));
        let argv = quote(&self.argv);
        // All three descriptors are redirected: an SSH channel ends only when nobody holds them.
        // The subshell writes its own pid before it becomes the program, so that the pid file is
        // there before this script ends, whether or not `setsid` has to fork.
        format!(
            "{find}if [ -z \"$pid\" ]; then\n  \
               mkdir -p \"$(dirname {pid_file})\" \"$(dirname {log})\"\n  \
               rm -f {pid_file}\n  \
               start='echo $$ >'{quoted_pid_file}'; exec '{quoted_argv}\n  \
               if command -v setsid >/dev/null 2>&1; then\n    \
                 setsid sh -c \"$start\" >>{log} 2>&1 </dev/null &\n  \
               else\n    \
                 nohup sh -c \"$start\" >>{log} 2>&1 </dev/null &\n  \
               fi\n  \
               i=0; while [ ! -s {pid_file} ] && [ $i -lt 250 ]; do sleep 0.02; i=$((i+1)); done\n\
             fi",
            find = self.find(),
            quoted_pid_file = quote([&pid_file]),
            quoted_argv = quote([&argv]),
        )
    }

    fn stop(&self) -> String {
        format!(
            "{find}if [ -n \"$pid\" ]; then\n  \
               kill -CONT \"$pid\"; kill -TERM \"$pid\"\n  \
               i=0\n  \
               while kill -0 \"$pid\" 2>/dev/null && [ $i -lt 50 ]; do\n    \
                 sleep 0.1; i=$((i+1))\n  \
               done\n  \
               kill -KILL \"$pid\" 2>/dev/null\n\
             fi\n{gone}",
            find = self.find(),
            gone = self.await_gone(GONE_TRIES),
        )
    }

    /// Waits for the process to be gone; status 1 if it is not after so many looks, 20 ms apart.
    fn await_gone(&self, tries: u32) -> String {
        format!(
            "i=0; while :; do\n{find}\
             [ -n \"$pid\" ] || break\n\
             i=$((i+1)); [ $i -lt {tries} ] || exit 1\n\
             sleep 0.02\ndone",
            find = self.find(),
        )
    }

    fn state(&self) -> String {
        format!(
            "{find}if [ -z \"$pid\" ]; then echo gone; else\n\
             case \"$stat\" in T*) echo \"paused $pid\" ;; *) echo \"running $pid\" ;; esac\nfi",
            find = self.find(),
        )
    }
}
