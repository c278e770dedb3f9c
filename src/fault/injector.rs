//! Runs a plan: one thread per track; whatever happens, everything is undone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::action::Action;
use super::convergence::{ask, leader};
use super::effect::Effect;
use super::floor::{Floor, Refused};
use super::heal::HealReport;
use super::hold::Hold;
use super::packet::{Disturbance, Means};
use super::plan::{Injection, Plan};
use super::power::{self, Standby};
use super::site::{ASK_LIMIT, Injected, Site};
use super::topology::split_name;
use crate::run::Recorder;
use crate::spec::{FaultSpec, Quorum, Span, Spec};
use crate::system::System;

/// A fault that cannot begin for so long after its time is skipped.
const LATE_MAX: Duration = Duration::from_secs(10);
/// Between looks whether the quorum policy lets a fault begin.
const ROOM_AGAIN: Duration = Duration::from_millis(300);
/// Between attempts to undo a fault.
const HEAL_AGAIN: Duration = Duration::from_millis(500);
/// For the guard: what is not undone by then is left to the watchdogs.
const DROP_LIMIT: Duration = Duration::from_secs(10);

/// What an injector works on.
pub struct Ground {
    /// The nodes.
    pub hold: Arc<Hold>,
    pub system: Arc<dyn System>,
    pub recorder: Arc<Recorder>,
    /// Where the system's status is asked. The injector itself blocks, on threads of its own.
    pub runtime: tokio::runtime::Handle,
}

/// What is asked of the cluster besides the faults' own conditions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policy {
    pub quorum: Quorum,
    /// How long the nodes that no fault harms may take to agree, before a fault and after it.
    pub health_gate: Option<Duration>,
}

impl Policy {
    pub fn of(spec: &Spec) -> Self {
        Self { quorum: spec.quorum, health_gate: spec.health_gate.map(|gate| gate.0) }
    }
}

/// Injects the faults of a plan. Dropping it heals, as far as that is possible in 10 s.
pub struct Injector {
    site: Arc<Site>,
    plan: Plan,
    tracks: Vec<JoinHandle<()>>,
    healed: bool,
}

impl Injector {
    /// No fault happens before [`Injector::begin`].
    pub fn prepare(ground: Ground, plan: Plan) -> Self {
        let Ground { hold, system, recorder, runtime } = ground;
        let standby = Standby::start(&plan, hold.cluster(), &hold.watchdog);
        let site = Site {
            hold,
            system,
            recorder,
            runtime,
            floor: Floor::default(),
            standby,
            netem: Mutex::default(),
            policy: Policy::default(),
            active: Mutex::default(),
            healed: AtomicUsize::new(0),
        };
        Self { site: Arc::new(site), plan, tracks: Vec::new(), healed: false }
    }

    /// Before the faults begin: they are subject to `policy`.
    pub fn under(mut self, policy: Policy) -> Self {
        if let Some(site) = Arc::get_mut(&mut self.site) {
            site.policy = policy;
        }
        self
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

    /// Tells from elsewhere which nodes' processes are in the hands of a fault.
    pub fn handled(&self) -> impl Fn() -> BTreeSet<String> + Send + Sync + 'static {
        let site = Arc::clone(&self.site);
        move || site.floor.handled()
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

    /// Stops and undoes everything, the last first. What cannot be undone is tried again until
    /// `limit` has passed: a node may not be reached, or a fault may have to wait for another to be
    /// undone. What is left then is dirty.
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
        loop {
            let active: Vec<u32> = site.active().keys().rev().copied().collect();
            let last = Instant::now() >= until;
            for &id in &active {
                let Err(nodes) = site.heal(id, || false) else { continue };
                if last {
                    site.give_up(id, &nodes);
                    dirty.extend(nodes);
                }
            }
            if last || site.active().is_empty() {
                break;
            }
            std::thread::sleep(HEAL_AGAIN.min(until.saturating_duration_since(Instant::now())));
        }
        let healed = site.healed.load(Ordering::Relaxed);
        let released = site.standby.as_ref().map(|standby| standby.release(&dirty));
        let remarks = released.unwrap_or_default();
        HealReport { healed, dirty: dirty.into_iter().collect(), remarks }
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
        let nodes = self.cluster().nodes();
        let means = self.means(&effect);
        let (system, controller) = (self.system.as_ref(), self.cluster().controller);
        let action = Action::of(&effect, &nodes, system, controller, means.unwrap_or(Means::Netem));
        let wired = action.map_err(|error| error.to_string()).and_then(|mut action| {
            power::wire(&effect, &mut action, &nodes)?;
            self.standby.as_ref().map_err(String::clone)?;
            Ok(action)
        });
        let action = match wired {
            Ok(action) => action,
            Err(why) => return self.skip(id, fault, detail, &why),
        };
        match self.take_place(id, &effect, end.min(at + LATE_MAX)) {
            Ok(()) => {}
            Err(None) => return,
            Err(Some(why)) => return self.skip(id, fault, detail, &why),
        }
        let mut detail = detail;
        if let Some(means) = means {
            detail.insert("means".to_owned(), json!(means));
        }
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
            self.settle(id, fault);
        }
    }

    /// Waits for health, for a place, and for what the quorum policy asks.
    ///
    /// # Errors
    /// Why there was none until it was too late; `None` when everything has to stop.
    fn take_place(&self, id: u32, effect: &Effect, until: Instant) -> Result<(), Option<String>> {
        if let Some(gate) = self.policy.health_gate {
            let now = Instant::now();
            let healthy = self.healthy_within(now, now + gate).ok_or(None)?;
            if !healthy {
                let why = format!("the nodes did not agree on a leader within {}", Span(gate));
                return Err(Some(why));
            }
        }
        let stopped = |refused: Refused| match refused {
            Refused::Stopped => None,
            refused => Some(refused.to_string()),
        };
        loop {
            let Err(refused) = self.floor.claim(id, effect, &self.room(), until) else {
                return Ok(());
            };
            if !refused.may_pass() || Instant::now() >= until {
                return Err(stopped(refused));
            }
            if !self.floor.wait_until(until.min(Instant::now() + ROOM_AGAIN)) {
                return Err(None);
            }
        }
    }

    fn leader(&self) -> Option<String> {
        leader(&ask(&self.system, &self.runtime, &self.cluster().nodes(), ASK_LIMIT))
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
    if let FaultSpec::Membership(membership) = &injection.fault {
        tell("change", json!(membership.change));
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
            tell("stand-in", json!(injection.stand_in()));
        }
    }
    detail
}
