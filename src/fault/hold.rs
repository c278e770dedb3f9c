//! The nodes of a run, held for as long as it lasts: the journal, and on every node a watchdog
//! and a lock. Two controllers on one node would undo each other's faults, and judge them.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::journal::{Journal, JournalEntry, JournalError};
use super::watchdog::{Renewal, Watchdog};
use crate::cluster::{Cluster, Member, RemoteError, on_each};

/// What holds nodes.
#[derive(Clone, Debug)]
pub struct HoldOptions {
    /// Names the directories on the nodes: letters, digits, `-`, `_`, `.`.
    pub run: String,
    pub lease: Duration,
    /// Whether scripts run as root on the nodes. Only then are the nodes locked: others are
    /// processes of the run's own.
    pub privileged: bool,
    /// `faults.jsonl`; must not exist. Its directory is named to whoever wants the same nodes.
    pub journal: PathBuf,
}

/// Why nodes cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("no watchdog, so no faults: {0}")]
    Watchdog(#[from] RemoteError),
    #[error("node {node} is in use by {by}; wait until that has ended, or end it")]
    Held { node: String, by: String },
}

/// Nodes that are ours. Dropping it gives them back.
pub struct Hold {
    pub(super) watchdog: Watchdog,
    cluster: Cluster,
    journal: Mutex<Journal>,
    /// `None` once they were given back.
    renewal: Mutex<Option<Renewal>>,
}

impl Hold {
    /// Creates the journal, and on every node starts a watchdog and takes the lock. Nothing else
    /// is done to a node. Where the owner of a lock is dead and its lease has run out, the lock is
    /// taken over, and what it has left is undone.
    ///
    /// # Errors
    /// When one node cannot be had; the others are free again then.
    pub fn take(cluster: &Cluster, options: HoldOptions) -> Result<Self, HoldError> {
        let HoldOptions { run, lease, privileged, journal: path } = options;
        let owner = owner(path.parent().unwrap_or(Path::new(".")));
        // First the journal: it tells `heal` of the watchdogs.
        let journal = Mutex::new(Journal::create(&path, &run, privileged)?);
        let watchdog = Watchdog::new(&run, lease, privileged).owned_by(owner);
        let renewal = Mutex::new(Some(Renewal::start(&watchdog, cluster)?));
        Ok(Self { watchdog, cluster: cluster.clone(), journal, renewal })
    }

    /// Removes watchdogs and locks; what went wrong, by which no fault is left. The watchdogs of
    /// `dirty` nodes stay until their leases have run out: they go on trying to undo.
    pub fn release(&self, dirty: &BTreeSet<String>) -> Vec<String> {
        let renewal = self.renewal.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut renewal) = renewal else { return Vec::new() };
        renewal.stop();
        let clean = |member: &&Member| !dirty.contains(&member.node.name);
        let members: Vec<&Member> = self.cluster.members.iter().filter(clean).collect();
        let removed = on_each(&members, |member| self.watchdog.remove(member));
        removed.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect()
    }

    pub(super) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(super) fn write(&self, entry: &JournalEntry) -> Result<(), JournalError> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).append(entry)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // What cannot be removed ends with its lease.
        let _ = self.release(&BTreeSet::new());
    }
}

/// Who we are, in a line for whoever finds the nodes taken.
fn owner(run: &Path) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER"));
    let mut owner = String::new();
    if let Ok(user) = user {
        let _ = write!(owner, "{user}@");
    }
    let run = std::path::absolute(run).unwrap_or_else(|_| run.to_owned());
    let since = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let _ = write!(owner, "{host}, process {}, since {since}: ", std::process::id());
    owner.push_str(&run.display().to_string());
    owner.replace('\n', " ")
}
