//! On each node a process that undoes all faults when it hears no more from the controller.
//!
//! It lives in a directory of its own: `/run/isobar/<run>/<node>`, or `/tmp/isobar-<run>/<node>`
//! where that is not ours to write. The node's name is part of it since nodes may share a
//! machine.
//!
//! ```text
//! watchdog.sh  pid  watchdog.log   the process
//! lease                            a counter; the controller writes another value to renew it
//! undo.d/0000000003                how to undo fault 3; .new: not there yet; .undoing: in work
//! lock                             whose the node is; linked as /run/isobar/lock.<network>
//! ```
//!
//! Where faults need root, the node is locked: the lock names this directory, and holds as long
//! as the watchdog lives. Nodes with networks of their own may share a `/run`, so the lock is named
//! after the network's number.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use super::hold::HoldError;
use crate::cluster::{Cluster, Command, Member, RemoteError, on_each, quote};

const SCRIPT: &str = include_str!("watchdog.sh");
const DEADLINE: Duration = Duration::from_secs(15);
const MEND_DEADLINE: Duration = Duration::from_secs(45);
/// Ends a script when the node is somebody else's.
const HELD: i32 = 97;

/// The lock appears with all that it says, since it is a link. One that is left over is moved away
/// first; if it was another by then, it is put back.
const TAKE_LOCK: &str = r#"printf '%s\n' "dir $dir" "$owner" >"$dir/lock" || exit 1
tries=0
until ln "$dir/lock" "$lock" 2>/dev/null; do
  tries=$((tries+1)); [ $tries -lt 100 ] || { echo "cannot make $lock" >&2; exit 1; }
  its=$(told dir)
  case $its in "$base"/*) break ;; '') sleep 0.1; continue ;; esac
  if (dir=$its; alive); then
    told owner >&2
    if alive; then kill "$pid"; fi
    rm -rf "$dir"; rmdir "$base" 2>/dev/null
    exit 97
  fi
  mv "$lock" "$dir/stale" 2>/dev/null || continue
  grep -qxF "dir $its" "$dir/stale" || { ln "$dir/stale" "$lock"; continue; }
  for undo in $(ls -r "$its/undo.d" 2>/dev/null); do
    case $undo in *.new) continue ;; esac
    sh "$its/undo.d/$undo" </dev/null && rm -f "$its/undo.d/$undo" || {
      ln "$dir/stale" "$lock"
      echo "a fault is left from $(told owner): see $its/undo.d/$undo" >&2; exit 1
    }
  done
  rm -rf "$its"; rmdir "${its%/*}" 2>/dev/null
done
alive || { [ "$(told dir)" != "$dir" ] || rm -f "$lock"; exit 1; }
exit 0
"#;

/// The watchdogs of one run. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Watchdog {
    run: String,
    lease_s: u64,
    privileged: bool,
    /// Told to whoever finds a node taken; one line.
    owner: String,
    /// Never written twice, by this process.
    counter: Arc<AtomicU64>,
}

impl Watchdog {
    /// `privileged`: it runs as root, since undoing needs it. The lease is in whole seconds, at
    /// least one; a fault is undone at most two seconds later.
    pub fn new(run: &str, lease: Duration, privileged: bool) -> Self {
        let lease_s = lease.as_millis().div_ceil(1000).max(1);
        Self {
            run: component(run),
            lease_s: u64::try_from(lease_s).unwrap_or(u64::MAX),
            privileged,
            owner: String::new(),
            counter: Arc::new(AtomicU64::new(u64::from(std::process::id()) << 32)),
        }
    }

    /// The same, where nothing has to be done as another user, and no node to be locked: on this
    /// machine.
    pub(super) fn unprivileged(&self) -> Self {
        Self { privileged: false, ..self.clone() }
    }

    pub fn owned_by(mut self, owner: String) -> Self {
        self.owner = owner;
        self
    }

    /// Starts the watchdog unless it runs already, renews its lease, and takes the node's lock.
    pub fn install(&self, member: &Member) -> Result<(), HoldError> {
        let script = format!(
            "{prelude}\
             (umask 077; mkdir -p \"$base\" \"$dir/undo.d\") || exit 1\n\
             [ -n \"$(find \"$base\" -prune -user \"$(id -u)\")\" ] ||\n  \
               {{ echo \"$base belongs to somebody else: remove it\" >&2; exit 1; }}\n\
             {renew} || no_room\n\
             if ! alive; then\n  \
               cat >\"$dir/watchdog.sh\"; rm -f \"$dir/pid\"\n  \
               [ $(wc -c <\"$dir/watchdog.sh\") -eq {length} ] || {{\n    \
                 rm -f \"$dir/watchdog.sh\" \"$dir/lease\"\n    \
                 rmdir \"$dir/undo.d\" \"$dir\" \"$base\"\n    \
                 echo 'the watchdog did not arrive whole' >&2; exit 1\n  \
               }}\n  \
               if command -v setsid >/dev/null 2>&1; then run=setsid; else run=nohup; fi\n  \
               $run sh \"$dir/watchdog.sh\" \"$dir\" {lease} \"$lock\" \
                 >>\"$dir/watchdog.log\" 2>&1 </dev/null &\n  \
               i=0; while ! alive && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done\n\
             fi\n\
             alive || {{ echo \"the watchdog did not start in $dir\" >&2; exit 1; }}\n\
             {take}",
            prelude = self.prelude(&member.node.name),
            renew = self.renew_line(),
            length = SCRIPT.len(),
            lease = self.lease_s,
            take = self.take_lock(),
        );
        let command = self.command(script, DEADLINE).stdin(SCRIPT);
        let output = member.remote.run(&command)?;
        let (node, stderr) = (member.node.name.clone(), output.error_text());
        match output.status {
            0 => Ok(()),
            HELD => Err(HoldError::Held { node, by: stderr }),
            status => {
                let script = "install a watchdog".to_owned();
                Err(RemoteError::Failed { node, script, status, stderr }.into())
            }
        }
    }

    /// The watchdog runs by now, so that nobody takes a lock of ours for one that is left over. A
    /// lock is left over when the watchdog of its owner has ended.
    fn take_lock(&self) -> String {
        if !self.privileged {
            return String::new();
        }
        let owner = quote([format!("owner {}", self.owner)]);
        format!("owner={owner}\n{TAKE_LOCK}")
    }

    /// Renews the lease; `false` when there is no watchdog (any more), as after a reboot.
    pub fn renew(&self, member: &Member) -> Result<bool, RemoteError> {
        let prelude = self.prelude(&member.node.name);
        let script = format!("{prelude}[ -d \"$dir\" ] && {} && alive", self.renew_line());
        let deadline = Duration::from_secs(self.lease_s).div_f64(3.0).max(Duration::from_secs(1));
        member.remote.run(&self.command(script, deadline)).map(|output| output.ok())
    }

    /// Runs what is left in the node's directory, the last first; when that leaves nothing, ends
    /// the watchdog and removes its directory. Idempotent.
    pub fn remove(&self, member: &Member) -> Result<(), RemoteError> {
        let script = format!(
            "{}\
             left=\n\
             for undo in $(ls -r \"$dir/undo.d\" 2>/dev/null); do\n  \
               case $undo in *.new) continue ;; esac\n  \
               sh \"$dir/undo.d/$undo\" </dev/null && rm -f \"$dir/undo.d/$undo\" || left=1\n\
             done\n\
             [ -z \"$left\" ] || exit 1\n\
             if alive; then kill \"$pid\"; fi\n\
             [ \"$(told dir)\" != \"$dir\" ] || rm -f \"$lock\"\n\
             rm -rf \"$dir\"\n\
             rmdir \"$base\" 2>/dev/null && rmdir /run/isobar 2>/dev/null\n\
             [ ! -e \"$dir\" ]",
            self.prelude(&member.node.name)
        );
        member.remote.check(&self.command(script, MEND_DEADLINE)).map(drop)
    }

    /// As [`Watchdog::frame`]; also sets `$lock`, and defines `told WHAT`, which prints what the
    /// lock says.
    fn prelude(&self, node: &str) -> String {
        format!(
            "{frame}\
             lock=${{base%/*}}/$lock.$(readlink /proc/self/ns/net | tr -dc 0-9)\n\
             told() {{ sed -n \"s/^$1 //p\" \"$lock\" 2>/dev/null; }}\n",
            frame = self.frame(node),
        )
    }

    /// Sets `$base` and `$dir`, and defines `alive`, which sets `$pid`, `no_room`, which ends with
    /// how much is left on the disk, and `undoing ID` and `undone ID`, which come before and after
    /// the undo of a fault. Every fault begins with this: it starts no program.
    pub(super) fn frame(&self, node: &str) -> String {
        format!(
            "PATH=$PATH:/usr/sbin:/sbin; export PATH\n\
             if [ -O /run ] && [ -w /run ]; then base=/run/isobar/{run}; lock=lock\n\
             else base=/tmp/isobar-{run}; lock=isobar-lock; fi\n\
             dir=$base/{node}\n\
             alive() {{\n  \
               {{ read -r pid <\"$dir/pid\"; }} 2>/dev/null || return 1\n  \
               if [ -d /proc/self ]; then\n    \
                 grep -qsF \"$dir/watchdog.sh\" \"/proc/$pid/cmdline\"\n  \
               else\n    \
                 ps -o args= -p \"$pid\" | grep -qF \"$dir/watchdog.sh\"\n  \
               fi\n\
             }} 2>/dev/null\n\
             no_room() {{\n  \
               left=$(df -Pk \"$dir\" | awk 'END {{ print $4 }}')\n  \
               echo \"cannot write into $dir: $left KiB are left there\" >&2; exit \"${{1:-1}}\"\n\
             }}\n\
             undoing() {{ mv \"$dir/undo.d/$1\" \"$dir/undo.d/$1.undoing\"; }} 2>/dev/null\n\
             undone() {{ rm -f \"$dir/undo.d/$1\" \"$dir/undo.d/$1.undoing\"; }}\n",
            run = self.run,
            node = component(node),
        )
    }

    pub(super) fn command(&self, script: String, deadline: Duration) -> Command {
        let command = Command::shell(script).deadline(deadline);
        if self.privileged { command.privileged() } else { command }
    }

    fn renew_line(&self) -> String {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        format!("echo {count} >\"$dir/lease.new\" && mv \"$dir/lease.new\" \"$dir/lease\"")
    }
}

/// A name as one component of a path, that needs no quoting.
fn component(name: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let name: String = name.chars().map(|c| if safe(c) { c } else { '_' }).collect();
    if name.is_empty() || name.starts_with('.') { format!("_{name}") } else { quote([name]) }
}

/// Keeps the leases of all nodes, each from a thread of its own: a node that does not answer
/// holds up no other. Ends when dropped; then the leases run out.
#[derive(Debug)]
pub struct Renewal {
    stops: Vec<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Renewal {
    /// Installs the watchdogs on all nodes and begins to renew their leases. When one cannot be
    /// installed, the others are removed.
    pub fn start(watchdog: &Watchdog, cluster: &Cluster) -> Result<Self, HoldError> {
        let all: Vec<&Member> = cluster.members.iter().collect();
        let installed = on_each(&all, |member| watchdog.install(member));
        if let Some(error) = installed.into_iter().find_map(Result::err) {
            // The first error says what is wrong; what is left behind ends with its lease.
            let _ = on_each(&all, |member| watchdog.remove(member));
            return Err(error);
        }
        let mut renewal = Self { stops: Vec::new(), threads: Vec::new() };
        for member in &cluster.members {
            let (stop, stopped) = channel();
            let (watchdog, member) = (watchdog.clone(), member.clone());
            renewal.stops.push(stop);
            renewal.threads.push(std::thread::spawn(move || renew(&watchdog, &member, &stopped)));
        }
        Ok(renewal)
    }

    /// Stops renewing; waits for calls under way, which have deadlines.
    pub fn stop(&mut self) {
        self.stops.clear();
        for thread in self.threads.drain(..) {
            // A panic there has been printed, and its lease runs out: that is what it is for.
            let _ = thread.join();
        }
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        self.stop();
    }
}

fn renew(watchdog: &Watchdog, member: &Member, stopped: &mpsc::Receiver<()>) {
    let every = Duration::from_secs(watchdog.lease_s).div_f64(6.0);
    while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        // A node that cannot be reached is tried again the next time.
        if let Ok(false) = watchdog.renew(member) {
            let _ = watchdog.install(member);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_single_harmless_components() {
        for (name, safe) in [("n1", "n1"), ("../x", "_.._x"), ("", "_"), ("a b;c", "a_b_c")] {
            assert_eq!(component(name), safe);
        }
    }

    #[test]
    fn every_renewal_writes_another_value() {
        let watchdog = Watchdog::new("r", Duration::from_millis(1500), false);
        assert_eq!(watchdog.lease_s, 2);
        assert_ne!(watchdog.renew_line(), watchdog.clone().renew_line());
    }

    #[test]
    fn the_prelude_as_it_is_sent() {
        insta::assert_snapshot!(Watchdog::new("r-1", Duration::ZERO, true).prelude("n1"));
    }
}
