//! Healing from the journal: after the controller was killed, from anywhere, any time, any number
//! of times.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::journal::{Journal, JournalEntry, JournalError, JournalState, OpenFault};
use super::power;
use super::watchdog::Watchdog;
use crate::cluster::{Cluster, Member, on_each};

const ATTEMPTS: u32 = 3;
const ATTEMPT_EVERY: Duration = Duration::from_secs(1);
const UNDO_DEADLINE: Duration = Duration::from_secs(25);
const POWER_DEADLINE: Duration = Duration::from_secs(120);
const POWER: &str = "power";

/// What healing came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealReport {
    /// Faults undone on all of their nodes.
    pub healed: usize,
    /// Nodes which may still have a fault, each with the reason.
    pub dirty: Vec<(String, String)>,
    /// What else went wrong; no fault is left by it.
    pub remarks: Vec<String>,
}

impl HealReport {
    pub fn dirty_nodes(&self) -> BTreeSet<String> {
        self.dirty.iter().map(|(node, _)| node.clone()).collect()
    }
}

/// Undoes what the journal at `path` says is open, the last first, and removes the watchdogs'
/// directories after running what they still hold. Adds to the journal what was undone.
///
/// # Errors
/// When the journal cannot be read or written; what nodes did not do is in the report.
pub fn heal_from_journal(cluster: &Cluster, path: &Path) -> Result<HealReport, JournalError> {
    let state = JournalState::read(path)?;
    let mut report = HealReport::default();
    let Some(run) = &state.run else {
        report.remarks.push("the journal was cut short before any fault: nothing to undo".into());
        return Ok(report);
    };
    // The lease matters only to a watchdog that is started.
    let watchdog = Watchdog::new(run, Duration::ZERO, state.privileged);
    let mut journal = Journal::reopen(path)?;
    let members: Vec<&Member> = cluster.members.iter().collect();
    let results = on_each(&members, |member| mend(&watchdog, &state, member));
    let mut failed: BTreeMap<String, String> = BTreeMap::new();
    for (member, result) in members.iter().zip(results) {
        if let Err(why) = result {
            failed.insert(member.node.name.clone(), why);
        }
    }
    for fault in state.open.iter().rev() {
        let unknown = fault.undo.keys().filter(|node| cluster.member(node).is_none());
        for node in unknown {
            failed.insert(node.clone(), format!("no node named {node} in this cluster"));
        }
        let nodes: BTreeMap<String, String> =
            failed.clone().into_iter().filter(|(node, _)| fault.undo.contains_key(node)).collect();
        let id = fault.id;
        if nodes.is_empty() {
            report.healed += 1;
            journal.append(&JournalEntry::Healed { id })?;
        } else {
            journal.append(&JournalEntry::Dirty { id, nodes })?;
        }
    }
    // Where nothing is open, at worst a watchdog is left, which ends with its lease.
    let open = |node: &str| state.open.iter().any(|fault| fault.undo.contains_key(node));
    let (dirty, clean): (Vec<_>, Vec<_>) = failed.into_iter().partition(|(node, _)| open(node));
    report.dirty = dirty;
    report.remarks = clean.into_iter().map(|(_, why)| why).collect();
    Ok(report)
}

/// All of one node, tried a few times.
fn mend(watchdog: &Watchdog, state: &JournalState, member: &Member) -> Result<(), String> {
    let mut attempt = 1;
    loop {
        let result = mend_once(watchdog, state, member);
        if result.is_ok() || attempt == ATTEMPTS {
            return result;
        }
        attempt += 1;
        std::thread::sleep(ATTEMPT_EVERY);
    }
}

/// Every fault is tried, whatever becomes of the others.
fn mend_once(watchdog: &Watchdog, state: &JournalState, member: &Member) -> Result<(), String> {
    let mut left = Vec::new();
    // First what switches the node on: the others need it.
    let (switched, others): (Vec<_>, Vec<_>) =
        state.open.iter().rev().partition(|fault| fault.fault == POWER);
    let (switcher, standby) = (watchdog.unprivileged(), power::standby(&member.node));
    for fault in switched {
        left.extend(undo(&switcher, fault, &standby, POWER_DEADLINE).err());
    }
    for fault in others {
        left.extend(undo(watchdog, fault, member, UNDO_DEADLINE).err());
    }
    let switches =
        |entry: &JournalEntry| matches!(entry, JournalEntry::Open { fault, .. } if fault == POWER);
    if state.entries.iter().any(switches) {
        left.extend(switcher.remove(&standby).err().map(|error| error.to_string()));
    }
    if left.is_empty() {
        return watchdog.remove(member).map_err(|error| error.to_string());
    }
    Err(left.join("; "))
}

/// On a node, or on this machine where its [`power::standby`] does it.
fn undo(
    watchdog: &Watchdog,
    fault: &OpenFault,
    member: &Member,
    deadline: Duration,
) -> Result<(), String> {
    let name = &member.node.name;
    let node = name.strip_suffix(power::STANDBY).unwrap_or(name);
    let Some(undo) = fault.undo.get(node) else { return Ok(()) };
    let id = fault.id;
    let frame = watchdog.frame(name);
    let script = format!("{frame}undoing {id:010}\n(\n{undo}\n) || exit 1\nundone {id:010}");
    let command = watchdog.command(script, deadline);
    let output = member.remote.run(&command).map_err(|error| error.to_string())?;
    if output.ok() {
        return Ok(());
    }
    let said = output.error_text();
    Err(format!("{name}: could not undo fault {id} ({}): {said}", fault.fault))
}
