//! Runs a plan: one thread per track; whatever happens, everything is undone.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::action::{Action, privileged};
use super::convergence::{ask, leader};
use super::floor::{Floor, Refused};
use super::heal::HealReport;
use super::journal::{Journal, JournalError};
use super::packet::Disturbance;
use super::plan::{Injection, Plan};
use super::site::{ASK_LIMIT, Injected, Site};
use super::topology::split_name;
use super::watchdog::{Renewal, Watchdog};
use crate::cluster::{Cluster, RemoteError, on_each};
use crate::run::Recorder;
use crate::spec::FaultSpec;
use crate::system::System;

/// A fault that cannot begin for so long after its time is skipped.
const LATE_MAX: Duration = Duration::from_secs(10);
/// Between attempts to undo a fault.
const HEAL_AGAIN: Duration = Duration::from_millis(500);
/// For the guard: what is not undone by then is left to the watchdogs.
const DROP_LIMIT: Duration = Duration::from_secs(10);

/// What an injector works on.
pub struct Ground {
    pub cluster: Cluster,
    pub system: Arc<dyn System>,
    pub recorder: Arc<Recorder>,
    /// Where the system's status is asked. The injector itself blocks, on threads of its own.
    pub runtime: tokio::runtime::Handle,
    /// Names the directories on the nodes: letters, digits, `-`, `_`, `.`.
    pub run: String,
    pub lease: Duration,
    /// `faults.jsonl`; must not exist.
    pub journal: PathBuf,
}

/// Why no fault can be injected at all.
#[derive(Debug, thiserror::Error)]
pub enum InjectError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("no watchdog, so no faults: {0}")]
    Watchdog(#[from] RemoteError),
}

/// Injects the faults of a plan. Dropping it heals, as far as that is possible in 10 s.
pub struct Injector {
    site: Arc<Site>,
    plan: Plan,
    renewal: Renewal,
    tracks: Vec<JoinHandle<()>>,
    healed: bool,
}

impl Injector {
    /// Creates the journal and starts a watchdog on every node. No fault happens before
    /// [`Injector::begin`].
    pub fn prepare(ground: Ground, plan: Plan) -> Result<Self, InjectError> {
        let Ground { cluster, system, recorder, runtime, run, lease, journal } = ground;
        let privileged = privileged(&cluster.nodes(), system.as_ref());
        // First the journal: it tells `heal` of the watchdogs.
        let journal = Mutex::new(Journal::create(&journal, &run, privileged)?);
        let watchdog = Watchdog::new(&run, lease, privileged);
        let renewal = Renewal::start(&watchdog, &cluster)?;
        let site = Site {
            cluster,
            system,
            recorder,
            runtime,
            watchdog,
            floor: Floor::default(),
            journal,
            active: Mutex::default(),
            healed: AtomicUsize::new(0),
        };
        Ok(Self { site: Arc::new(site), plan, renewal, tracks: Vec::new(), healed: false })
    }

    /// The load begins now: times in the plan count from here.
    pub fn begin(&mut self) {
        let began = Instant::now();
        let end = began + self.plan.load.0;
        for injections in self.plan.tracks() {
            let site = Arc::clone(&self.site);
            self.tracks.push(std::thread::spawn(move || {
                for injection in &injections {
                    let at = began + injection.at.0;
                    if !site.floor.wait_until(at) {
                        return;
                    }
                    site.run(injection, at, end);
                }
            }));
        }
    }

    /// Whether all faults of the plan are over.
    pub fn is_idle(&self) -> bool {
        self.tracks.iter().all(JoinHandle::is_finished)
    }

    /// No new fault begins, and those in force are undone at once, by their tracks. Returns
    /// without waiting; may be called from any thread through [`Injector::stopper`].
    pub fn stop(&self) {
        self.site.floor.stop();
    }

    /// Stops from elsewhere: on Ctrl-C or at a deadline.
    pub fn stopper(&self) -> impl Fn() + Send + Sync + Clone + 'static {
        let site = Arc::clone(&self.site);
        move || site.floor.stop()
    }

    /// Stops, undoes everything and removes the watchdogs. Nodes that cannot be reached are tried
    /// again until `limit` has passed; what is left then is dirty (its watchdog goes on trying).
    pub fn heal_all(&mut self, limit: Duration) -> HealReport {
        self.healed = true;
        self.stop();
        let site = &self.site;
        for track in self.tracks.drain(..) {
            // A track that panicked has printed why. Its fault is active and healed below.
            let _ = track.join();
        }
        let until = Instant::now() + limit;
        let mut dirty: BTreeMap<String, String> = BTreeMap::new();
        let active: Vec<u32> = site.active().keys().rev().copied().collect();
        for id in active {
            let again = || {
                std::thread::sleep(HEAL_AGAIN);
                Instant::now() < until
            };
            if let Err(nodes) = site.heal(id, again) {
                site.give_up(id, &nodes);
                dirty.extend(nodes);
            }
        }
        self.renewal.stop();
        let members: Vec<_> = site.cluster.members.iter().collect();
        let clean: Vec<_> =
            members.into_iter().filter(|m| !dirty.contains_key(&m.node.name)).collect();
        let removed = on_each(&clean, |member| site.watchdog.remove(member));
        let remarks = removed.into_iter().filter_map(Result::err).map(|e| e.to_string()).collect();
        HealReport {
            healed: site.healed.load(Ordering::Relaxed),
            dirty: dirty.into_iter().collect(),
            remarks,
        }
    }
}

impl Drop for Injector {
    fn drop(&mut self) {
        if !self.healed {
            // What is dirty stands in the journal.
            let _ = self.heal_all(DROP_LIMIT);
        }
    }
}

impl Site {
    /// One injection with all that belongs to it, up to agreement after its heal.
    fn run(&self, injection: &Injection, at: Instant, end: Instant) {
        let (id, fault) = (injection.id, injection.fault.name());
        let leader = injection.asks_leader().then(|| self.leader());
        let detail = detail(injection, leader.as_ref().map(Option::as_deref));
        let late = at.elapsed();
        if late > LATE_MAX {
            let why = format!("{} s late: the fault before it took so long", late.as_secs());
            return self.skip(id, fault, detail, &why);
        }
        let effect = injection.effect(leader.flatten().as_deref());
        let nodes = self.cluster.nodes();
        let action =
            match Action::of(&effect, &nodes, self.system.as_ref(), self.cluster.controller) {
                Ok(action) => action,
                Err(error) => return self.skip(id, fault, detail, &error.to_string()),
            };
        match self.floor.claim(id, &effect, end.min(at + LATE_MAX)) {
            Ok(()) => {}
            Err(Refused::Stopped) => return,
            Err(Refused::By(other)) => {
                let why = format!("fault {other} was in the way until it was too late");
                return self.skip(id, fault, detail, &why);
            }
        }
        let mut detail = detail;
        if let Some(grudge) = effect.grudge() {
            detail.insert("grudge".to_owned(), json!(grudge));
        }
        match self.inject(id, fault, action, detail) {
            Injected::Skipped => return,
            Injected::InPart => {}
            Injected::Whole => {
                self.floor.wait_until(end.min(Instant::now() + injection.lasts.0));
            }
        }
        let again = || self.floor.wait_until(Instant::now() + HEAL_AGAIN);
        if self.heal(id, again).is_ok() {
            self.settle(id);
        }
    }

    fn leader(&self) -> Option<String> {
        leader(&ask(&self.system, &self.runtime, &self.cluster.nodes(), ASK_LIMIT))
    }
}

/// What the history tells of an injection besides its nodes.
fn detail(injection: &Injection, leader: Option<Option<&str>>) -> Map<String, Value> {
    let mut detail = Map::new();
    let mut tell = |name: &str, value: Value| detail.insert(name.to_owned(), value);
    if let FaultSpec::Partition(partition) = &injection.fault {
        tell("split", split_name(&partition.split).into());
        tell("direction", json!(partition.direction));
        if let Some(port) = partition.port {
            tell("port", port.into());
        }
    }
    if let Some(targets) = injection.fault.targets() {
        tell("targets", json!(targets));
    }
    if let Some(links) = injection.fault.links() {
        tell("to", json!(links.to));
        if let Some(port) = links.port {
            tell("port", port.into());
        }
    }
    if let Some(disturbance) = Disturbance::of(&injection.fault) {
        tell("disturbance", disturbance.to_string().into());
    }
    match leader {
        None => {}
        Some(Some(leader)) => {
            tell("leader", leader.into());
        }
        Some(None) => {
            tell("leader", Value::Null);
            tell("stand-in", json!(injection.order.first()));
        }
    }
    detail
}
