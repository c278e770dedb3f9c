//! One fault on a cluster, from its first mention in the journal to its heal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use isobar_checkers::EventType;
use serde_json::{Map, Value, json};

use super::action::{Action, NodeAction};
use super::convergence::{agreed, answering, ask, voters};
use super::delivery::{self, NotApplied};
use super::effect::Effect;
use super::evidence::{Expectation, Reading};
use super::floor::{Floor, Room};
use super::hold::Hold;
use super::injector::Policy;
use super::journal::{JournalEntry, JournalError};
use super::packet::Means;
use super::power::Standby;
use super::probe;
use super::watchdog::Watchdog;
use crate::cluster::{Cluster, Member, RemoteError, on_each};
use crate::run::Recorder;
use crate::system::{System, Voter};

/// After a heal, before the nodes are asked whether they agree.
const QUIET: Duration = Duration::from_millis(500);
const SETTLED_WITHIN: Duration = Duration::from_secs(15);
const ASK_EVERY: Duration = Duration::from_millis(100);
const PROBE_DEADLINE: Duration = Duration::from_secs(10);
const PATH: &str = "PATH=$PATH:/usr/sbin:/sbin\n";
pub(super) const ASK_LIMIT: Duration = Duration::from_secs(1);

/// Where faults happen, shared by the tracks.
pub(super) struct Site {
    pub hold: Arc<Hold>,
    pub system: Arc<dyn System>,
    pub recorder: Arc<Recorder>,
    pub runtime: tokio::runtime::Handle,
    pub floor: Floor,
    pub policy: Policy,
    /// Who switches nodes off and on, or why nobody does.
    pub standby: Result<Standby, String>,
    /// Whether a node's kernel has netem, once it was asked.
    pub netem: Mutex<BTreeMap<String, bool>>,
    /// Applied, or perhaps applied, and not undone.
    pub active: Mutex<BTreeMap<u32, Active>>,
    pub healed: AtomicUsize,
}

/// A fault in force.
#[derive(Clone)]
pub(super) struct Active {
    fault: &'static str,
    action: Action,
    /// Nodes on which it is not undone.
    pending: BTreeSet<String>,
    evidence: BTreeMap<String, String>,
    heal_began: bool,
}

impl Site {
    /// Applies a fault which has its place on the floor. Unless it was skipped it has to be healed.
    pub fn inject(
        &self,
        id: u32,
        fault: &'static str,
        action: Action,
        detail: Map<String, Value>,
    ) -> Injected {
        let names: BTreeSet<String> = action.nodes.keys().cloned().collect();
        self.begin(id, fault, &names, detail);
        let undo = action.nodes.iter().map(|(n, a)| (n.clone(), a.undo.clone())).collect();
        let open = JournalEntry::Open { id, fault: fault.to_owned(), undo };
        if let Err(error) = self.write(&open) {
            return self.skipped(id, fault, &error.to_string());
        }
        let (pending, evidence) = (names, BTreeMap::new());
        let active = Active { fault, action, pending, evidence, heal_began: false };
        self.active().insert(id, active.clone());
        let apply = |watchdog: &Watchdog, member: &Member, action: &NodeAction| {
            delivery::apply(watchdog, id, member, action)
        };
        let results = self.on(&active, apply);
        self.judge(id, fault, results)
    }

    fn judge(
        &self,
        id: u32,
        fault: &'static str,
        results: BTreeMap<String, Result<Reading, NotApplied>>,
    ) -> Injected {
        let mut why = Vec::new();
        let mut evidence = BTreeMap::new();
        let (mut untouched, mut applied) = (0, 0);
        let nodes = results.len();
        for (node, result) in results {
            match result {
                Ok(Reading { seen, holds }) => {
                    applied += 1;
                    if !holds {
                        why.push(format!("{node}: read back: {seen}"));
                    }
                    evidence.insert(node, seen);
                }
                Err(NotApplied::Untouched(reason)) => {
                    untouched += 1;
                    why.push(reason);
                }
                Err(NotApplied::Unknown(reason)) => why.push(reason),
            }
        }
        let value = |outcome: &str, why: &str| {
            let mut value = json!({"id": id, "phase": "inject", "outcome": outcome});
            if !why.is_empty() {
                value["why"] = why.into();
            }
            value["evidence"] = json!(evidence);
            value
        };
        if untouched == nodes {
            self.active().remove(&id);
            return self.skipped(id, fault, &why.join("; "));
        }
        let whole = applied == nodes;
        if why.is_empty() {
            self.note(&JournalEntry::Installed { id, evidence: evidence.clone() });
            self.recorder.nemesis(EventType::Info, fault, value("installed", ""));
        } else {
            let why = why.join("; ");
            self.note(&JournalEntry::Indeterminate { id, why: why.clone() });
            self.recorder.nemesis(EventType::Info, fault, value("indeterminate", &why));
        }
        if whole { Injected::Whole } else { Injected::InPart }
    }

    fn begin(
        &self,
        id: u32,
        fault: &'static str,
        nodes: &BTreeSet<String>,
        detail: Map<String, Value>,
    ) {
        let mut value = Map::new();
        value.insert("id".into(), id.into());
        value.insert("phase".into(), "inject".into());
        value.insert("nodes".into(), json!(nodes));
        value.extend(detail);
        self.recorder.nemesis(EventType::Invoke, fault, Value::Object(value));
    }

    fn skipped(&self, id: u32, fault: &'static str, why: &str) -> Injected {
        self.note(&JournalEntry::Skipped { id, why: why.to_owned() });
        let value = json!({"id": id, "phase": "inject", "outcome": "skipped", "why": why});
        self.recorder.nemesis(EventType::Info, fault, value);
        self.floor.release(id);
        Injected::Skipped
    }

    /// Records a fault that is not tried at all.
    pub fn skip(&self, id: u32, fault: &'static str, detail: Map<String, Value>, why: &str) {
        self.begin(id, fault, &BTreeSet::new(), detail);
        self.skipped(id, fault, why);
    }

    /// Undoes a fault on all nodes at once; those that fail are tried again as long as `again`
    /// says so.
    ///
    /// # Errors
    /// The nodes on which it is not undone, and why; the fault stays active.
    pub fn heal(&self, id: u32, again: impl Fn() -> bool) -> Result<(), BTreeMap<String, String>> {
        let Some(mut active) = self.active().get(&id).cloned() else { return Ok(()) };
        if !active.heal_began {
            active.heal_began = true;
            self.active().insert(id, active.clone());
            let value = json!({"id": id, "phase": "heal"});
            self.recorder.nemesis(EventType::Invoke, active.fault, value);
        }
        loop {
            let mut failed = BTreeMap::new();
            let undo = |watchdog: &Watchdog, member: &Member, action: &NodeAction| {
                delivery::undo(watchdog, id, member, action)
            };
            for (node, result) in self.on(&active, undo) {
                match result {
                    Ok(reading) => {
                        active.pending.remove(&node);
                        active.evidence.insert(node, reading.seen);
                    }
                    Err(why) => {
                        failed.insert(node, why);
                    }
                }
            }
            self.active().insert(id, active.clone());
            if failed.is_empty() {
                self.healed(id, &active);
                return Ok(());
            }
            if !again() {
                return Err(failed);
            }
        }
    }

    /// Gives a fault up that could not be undone on `nodes`.
    pub fn give_up(&self, id: u32, nodes: &BTreeMap<String, String>) {
        let Some(active) = self.active().remove(&id) else { return };
        let why: Vec<&str> = nodes.values().map(String::as_str).collect();
        let value = json!({
            "id": id, "phase": "heal", "outcome": "dirty",
            "why": why.join("; "), "evidence": active.evidence,
        });
        self.recorder.nemesis(EventType::Info, active.fault, value);
        self.note(&JournalEntry::Dirty { id, nodes: nodes.clone() });
        self.floor.release(id);
    }

    fn healed(&self, id: u32, active: &Active) {
        let evidence = &active.evidence;
        let value = json!({"id": id, "phase": "heal", "outcome": "healed", "evidence": evidence});
        self.recorder.nemesis(EventType::Info, active.fault, value);
        self.note(&JournalEntry::Healed { id });
        self.active().remove(&id);
        self.floor.release(id);
        self.healed.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until the nodes that no fault harms agree on a leader, or only answer where there is
    /// none, and records how long it took.
    pub fn settle(&self, id: u32, fault: &str) {
        let healed = Instant::now();
        let limit = self.policy.health_gate.unwrap_or(SETTLED_WITHIN);
        let Some(settled) = self.healthy_within(healed + QUIET, healed + limit) else { return };
        let took_ms = u64::try_from(healed.elapsed().as_millis()).unwrap_or(u64::MAX);
        let settled_ms = settled.then_some(took_ms);
        self.note(&JournalEntry::Settled { id, settled_ms });
        let outcome = if settled { "settled" } else { "unsettled" };
        let value = json!({
            "id": id, "phase": "settle", "outcome": outcome, "settled_ms": settled_ms,
        });
        self.recorder.nemesis(EventType::Info, fault, value);
    }

    /// Whether the nodes that no fault harms agree on a leader before `until`, first asked at
    /// `next`. `None` when everything has to stop.
    pub fn healthy_within(&self, mut next: Instant, until: Instant) -> Option<bool> {
        let nodes = self.cluster().nodes();
        while self.floor.wait_until(next) {
            let answers = ask(&self.system, &self.runtime, &nodes, ASK_LIMIT);
            let agree = if self.system.has_leader() { agreed } else { answering };
            if agree(&nodes, &self.floor.harmed(), &answers) {
                return Some(true);
            }
            if Instant::now() > until {
                return Some(false);
            }
            next = Instant::now() + ASK_EVERY;
        }
        None
    }

    /// What there is to lose, as the nodes say. With every fault allowed nobody is asked.
    pub fn room(&self) -> Room {
        let quorum = self.policy.quorum;
        let nodes = self.cluster().nodes();
        if quorum.is_any() {
            return Room { quorum, ..Room::default() };
        }
        let answers = ask(&self.system, &self.runtime, &nodes, ASK_LIMIT);
        let all = || nodes.iter().map(|node| Voter::alone(&node.name)).collect();
        let voters = voters(&self.system, &self.runtime, &nodes, &answers).unwrap_or_else(all);
        let leads = self.system.has_leader();
        let answers_well = |node: &String| {
            answers.get(node).is_some_and(|status| status.leader.is_some() || !leads)
        };
        let hosts = voters.iter().map(|voter| &voter.host);
        let silent = hosts.filter(|host| !answers_well(host)).cloned().collect();
        Room { quorum, voters, silent }
    }

    /// By which means packets are disturbed; `None` where that makes no difference. Netem does it
    /// when all senders have it; who does not answer is taken to.
    pub fn means(&self, effect: &Effect) -> Option<Means> {
        let Effect::Packets { disturbance, links, .. } = effect else { return None };
        if !disturbance.is_done_by_either() {
            return disturbance.is_helped(Means::Netem).then_some(Means::Helper);
        }
        let mut netem = self.netem.lock().unwrap_or_else(PoisonError::into_inner);
        let senders = links.senders();
        let asked = || senders.iter().filter_map(|name| self.cluster().member(name));
        let unknown: Vec<&Member> =
            asked().filter(|member| !netem.contains_key(&member.node.name)).collect();
        let answers = on_each(&unknown, |member| {
            let probe = format!("{PATH}{}", probe::NETEM);
            let output = member.remote.run(&self.hold.watchdog.command(probe, PROBE_DEADLINE))?;
            Ok::<_, RemoteError>((member.node.name.clone(), output.ok()))
        });
        netem.extend(answers.into_iter().flatten());
        let without = asked().any(|member| netem.get(&member.node.name) == Some(&false));
        Some(if without { Means::Helper } else { Means::Netem })
    }

    /// Where an action on a node is done, on the node or by who switches it, and who undoes it
    /// should we die.
    fn hand(&self, node: &str, action: &NodeAction) -> Option<(&Watchdog, &Member)> {
        if action.expectation == Expectation::Off {
            return self.standby.as_ref().ok()?.hand(node);
        }
        Some((&self.hold.watchdog, self.cluster().member(node)?))
    }

    /// Runs `work` on the pending nodes of a fault at once, on one thread each.
    fn on<T: Send, E: Send>(
        &self,
        active: &Active,
        work: impl Fn(&Watchdog, &Member, &NodeAction) -> Result<T, E> + Sync,
    ) -> BTreeMap<String, Result<T, E>> {
        let work = &work;
        std::thread::scope(|scope| {
            let mut handles = Vec::new();
            for name in &active.pending {
                let Some(action) = active.action.nodes.get(name) else { continue };
                if let Some((watchdog, member)) = self.hand(name, action) {
                    let work = move || work(watchdog, member, action);
                    handles.push((name.clone(), scope.spawn(work)));
                }
            }
            let join = |(name, handle): (String, ScopedJoinHandle<'_, _>)| {
                (name, handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            };
            handles.into_iter().map(join).collect()
        })
    }

    pub fn write(&self, entry: &JournalEntry) -> Result<(), JournalError> {
        self.hold.write(entry)
    }

    pub fn cluster(&self) -> &Cluster {
        self.hold.cluster()
    }

    /// Writes what only informs: an entry that is missing makes a heal do too much, never too
    /// little.
    pub fn note(&self, entry: &JournalEntry) {
        let _ = self.write(entry);
    }

    pub fn active(&self) -> MutexGuard<'_, BTreeMap<u32, Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an injection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Injected {
    Skipped,
    /// Applied on every node.
    Whole,
    /// To be healed at once.
    InPart,
}
