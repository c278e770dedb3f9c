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
    /// How the node's member leaves the cluster and joins it, where the system has members.
    pub member: Option<MemberScripts>,
    /// The same of a member besides it, for a time.
    pub guest: Option<MemberScripts>,
    /// Files to collect after a run.
    pub logs: Vec<String>,
}

/// Scripts that change who is a member of a cluster, run on the member's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberScripts {
    /// As the cluster lists it.
    pub name: String,
    /// Comes before the others.
    pub prepare: String,
    /// It is removed, and its process ended.
    pub leave: String,
    /// It is added, without data, started, and votes in the end.
    pub join: String,
    /// Prints `members NAME…`, a line `id …` for this one, and its process's [`ProcessState`].
    pub show: String,
}

impl ProcessScripts {
    /// Of a system whose processes are not ours: nothing is done to them.
    pub fn of_nobody() -> Self {
        let nothing = || ":".to_owned();
        Self {
            start: nothing(),
            stop: nothing(),
            kill: nothing(),
            pause: nothing(),
            resume: nothing(),
            state: "echo running 0".to_owned(),
            wipe: nothing(),
            find: "pid=\n".to_owned(),
            pid_file: String::new(),
            data: String::new(),
            disconnect: None,
            member: None,
            guest: None,
            logs: Vec::new(),
        }
    }
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
    /// What the command line of the process contains, to know it again; nothing if that may change:
    /// then the time of its start tells who it is.
    pub mark: String,
}

/// Whom a signal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    Process,
    /// Its children too, as far as they are in its process group.
    Group,
}

/// Other ways to do what is done by signals: snippets for a shell.
#[derive(Clone, Debug, Default)]
pub struct OwnWays {
    pub stop: Option<String>,
    pub kill: Option<String>,
    pub pause: Option<String>,
    pub resume: Option<String>,
}

/// When the process `$1` began: in ticks since the kernel did, field 22 of its `stat`, whose second
/// field may have spaces and brackets in it; elsewhere as `ps` tells it.
const BEGAN: &str = "began() {\n  \
    if [ -r \"/proc/$1/stat\" ]; then\n    \
      sed 's/.*) //; s/^\\([^ ]* \\)\\{19\\}//; s/ .*//' 2>/dev/null <\"/proc/$1/stat\"\n  \
    else ps -o lstart= -p \"$1\" 2>/dev/null | tr -s ' ' '_'; fi\n}\n";

impl Whom {
    fn signal(self, name: &str) -> String {
        let process = format!("kill -{name} \"$pid\"");
        match self {
            Self::Process => process,
            // Without `setsid` it leads no group.
            Self::Group => format!("{{ kill -{name} \"-$pid\" 2>/dev/null || {process}; }}"),
        }
    }
}

impl Daemon {
    pub fn scripts(&self) -> ProcessScripts {
        self.scripts_for(Whom::Process, &OwnWays::default())
    }

    /// Scripts that signal the process and its children, or go other ways.
    pub fn group_scripts(&self, own: &OwnWays) -> ProcessScripts {
        self.scripts_for(Whom::Group, own)
    }

    fn scripts_for(&self, whom: Whom, own: &OwnWays) -> ProcessScripts {
        let find = self.find();
        let act = |name: &str, own: &Option<String>| {
            let act = own.as_deref().map_or_else(|| whom.signal(name), in_subshell);
            format!("{find}[ -z \"$pid\" ] || {act}")
        };
        ProcessScripts {
            start: self.start(),
            stop: self.stop(whom, own.stop.as_deref()),
            kill: format!("{}\n{}", act("KILL", &own.kill), self.await_gone(GONE_TRIES)),
            pause: act("STOP", &own.pause),
            resume: act("CONT", &own.resume),
            state: self.state(),
            wipe: quote(["rm", "-rf", "--", &self.data, &self.log, &self.pid_file]),
            find,
            pid_file: self.pid_file.clone(),
            data: self.data.clone(),
            disconnect: None,
            member: None,
            guest: None,
            logs: vec![self.log.clone()],
        }
    }

    /// Sets `$pid` to the living process, or to nothing. Works without /proc, through ps. In the
    /// middle of an `exec` a process has no command line: then it is looked at again.
    fn find(&self) -> String {
        let (pid_file, mark) = (quote([&self.pid_file]), quote([&self.mark]));
        let (functions, same) = match self.mark.is_empty() {
            true => (BEGAN, "[ \"$(began \"$pid\")\" = \"$born\" ] || pid=\n"),
            false => ("", ""),
        };
        format!(
            "{functions}pid=; born=; stat=; args=\n\
             {{ read -r pid born <{pid_file}; }} 2>/dev/null\n\
             if [ -n \"$pid\" ] && [ -d /proc/self ]; then\n  \
               looks=0; while :; do\n    \
                 stat=; args=$(tr '\\0' ' ' 2>/dev/null <\"/proc/$pid/cmdline\")\n    \
                 {{ while read -r key stat _ && [ \"$key\" != State: ]; do :; done \
                   <\"/proc/$pid/status\"; }} 2>/dev/null\n    \
                 case \"$args:$stat\" in :[!ZX]*) ;; *) break ;; esac\n    \
                 looks=$((looks+1)); [ $looks -lt 50 ] || break; sleep 0.02\n  \
               done\n\
             elif [ -n \"$pid\" ]; then\n  \
               args=$(ps -o args= -p \"$pid\" 2>/dev/null)\n  \
               stat=$(ps -o stat= -p \"$pid\" 2>/dev/null)\n\
             fi\n\
             case \"$stat\" in ''|Z*|X*) pid= ;; esac\n\
             case \"$args\" in *{mark}*) ;; *) pid= ;; esac\n{same}"
        )
    }

    fn start(&self) -> String {
        let (pid_file, log) = (quote([&self.pid_file]), quote([&self.log]));
        let argv = quote(&self.argv);
        let start = match self.mark.is_empty() {
            true => format!("{BEGAN}echo \"$$ $(began $$)\" >{pid_file}; exec {argv}"),
            false => format!("echo $$ >{pid_file}; exec {argv}"),
        };
        // All three descriptors are redirected: an SSH channel ends only when nobody holds them.
        // The subshell writes its own pid before it becomes the program, so that the pid file is
        // there before this script ends, whether or not `setsid` has to fork.
        format!(
            "{find}if [ -z \"$pid\" ]; then\n  \
               mkdir -p \"$(dirname {pid_file})\" \"$(dirname {log})\"\n  \
               rm -f {pid_file}\n  \
               start={start}\n  \
               if command -v setsid >/dev/null 2>&1; then\n    \
                 setsid sh -c \"$start\" >>{log} 2>&1 </dev/null &\n  \
               else\n    \
                 nohup sh -c \"$start\" >>{log} 2>&1 </dev/null &\n  \
               fi\n  \
               i=0; while [ ! -s {pid_file} ] && [ $i -lt 250 ]; do sleep 0.02; i=$((i+1)); done\n\
             fi",
            find = self.find(),
            start = quote([start]),
        )
    }

    fn stop(&self, whom: Whom, own: Option<&str>) -> String {
        let term = || format!("{}; {}", whom.signal("CONT"), whom.signal("TERM"));
        format!(
            "{find}if [ -n \"$pid\" ]; then\n  \
               {term}\n  \
               i=0\n  \
               while kill -0 \"$pid\" 2>/dev/null && [ $i -lt 50 ]; do\n    \
                 sleep 0.1; i=$((i+1))\n  \
               done\n  \
               {kill} 2>/dev/null\n\
             fi\n{gone}",
            find = self.find(),
            term = own.map_or_else(term, in_subshell),
            kill = whom.signal("KILL"),
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

/// A snippet that may end its shell, or leave it in another directory.
fn in_subshell(snippet: &str) -> String {
    format!("(\n{snippet}\n)")
}
