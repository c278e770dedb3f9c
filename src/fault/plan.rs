//! What will go wrong, when and where: a pure function of the specification and the seed.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::action::{Action, ActionError};
use super::effect::Effect;
use super::packet::Means;
use super::targets::{self, Drawn};
use super::topology::{self, split_name};
use crate::cluster::Node;
use crate::spec::{Direction, FaultSpec, MemberChange, Roles, Span, Targets};
use crate::system::System;

/// A track has no more injections than this, however long the load and short the interval.
const INJECTIONS_MAX: usize = 10_000;

/// All injections of a run, by time, then by track.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    pub seed: u64,
    /// How long the load runs under faults.
    pub load: Span,
    /// In the order of the specification.
    pub nodes: Vec<String>,
    pub injections: Vec<Injection>,
}

/// One fault, to be injected once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Injection {
    /// Position in the plan, from 0; the fault's name in the history and in the journal.
    pub id: u32,
    /// Position in the specification's `faults`, from 0.
    pub track: usize,
    /// After the load began.
    pub at: Span,
    /// From installed to healed; 0 for a restart.
    pub lasts: Span,
    pub fault: FaultSpec,
    /// The nodes in the order that was drawn: every random choice is a prefix of it.
    pub order: Vec<String>,
    #[serde(default, skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
}

/// The commands of one injection, per node.
#[derive(Debug)]
pub struct PlannedCommands {
    pub id: u32,
    /// Or why it will be skipped.
    pub action: Result<Action, ActionError>,
}

impl Plan {
    /// Draws all injections which begin while the load runs.
    ///
    /// Each track has a random stream of its own, named after its fault and its number among the
    /// tracks with that fault: another track does not change it.
    pub fn draw(faults: &[FaultSpec], nodes: &[Node], seed: u64, load: Duration) -> Self {
        let names: Vec<String> = nodes.iter().map(|node| node.name.clone()).collect();
        let roles = Roles::of_nodes(nodes);
        let mut alike: BTreeMap<&str, u64> = BTreeMap::new();
        let mut injections = Vec::new();
        for (track, fault) in faults.iter().enumerate() {
            let number = alike.entry(fault.name()).or_default();
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(stream(fault.name(), *number));
            *number += 1;
            for (turn, (at, lasts)) in times(fault, load).into_iter().enumerate() {
                let Some(fault) = chosen(fault, turn, &mut rng) else { continue };
                let lasts = lasting(fault, lasts, load.saturating_sub(at));
                let order = targets::draw(&names, &mut rng);
                let lasts = Span(lasts);
                for (at, order) in steps(fault, at, order, &roles) {
                    let (at, fault, roles) = (Span(at), fault.clone(), roles.clone());
                    injections.push(Injection { id: 0, track, at, lasts, fault, order, roles });
                }
            }
        }
        injections.sort_by_key(|injection| (injection.at, injection.track));
        for (id, injection) in (0..).zip(&mut injections) {
            injection.id = id;
        }
        Self { seed, load: Span(load), nodes: names, injections }
    }

    /// One fault, at once, that lasts so long; of a rolling restart the first.
    pub fn once(fault: &FaultSpec, nodes: &[Node], seed: u64, lasts: Duration) -> Self {
        // When it would happen on a track means nothing here.
        let load = fault.schedule().first + lasts.max(Duration::from_millis(1));
        let plan = Self::draw(std::slice::from_ref(fault), nodes, seed, load);
        let now = |injection: &Injection| Injection {
            at: Span(Duration::ZERO),
            lasts: if injection.lasts.0.is_zero() { injection.lasts } else { Span(lasts) },
            ..injection.clone()
        };
        let injections = plan.injections.first().map(now).into_iter().collect();
        Self { load: Span(lasts), injections, ..plan }
    }

    /// The commands that will be run. A leader that has to be asked is stood in for by the node
    /// that was drawn.
    pub fn commands(
        &self,
        nodes: &[Node],
        system: &dyn System,
        controller: Option<IpAddr>,
    ) -> Vec<PlannedCommands> {
        let action = |injection: &Injection| {
            Action::of(&injection.effect(None), nodes, system, controller, Means::Netem)
        };
        self.injections.iter().map(|i| PlannedCommands { id: i.id, action: action(i) }).collect()
    }

    /// The injections of each track that has any, by time.
    pub fn tracks(&self) -> Vec<Vec<Injection>> {
        let mut tracks: BTreeMap<usize, Vec<Injection>> = BTreeMap::new();
        for injection in &self.injections {
            tracks.entry(injection.track).or_default().push(injection.clone());
        }
        tracks.into_values().collect()
    }
}

impl Injection {
    /// Whether the targets depend on who leads at the time.
    pub fn asks_leader(&self) -> bool {
        !self.asking().is_empty()
    }

    /// The words that ask for the leader.
    fn asking(&self) -> Vec<&Targets> {
        let split = match &self.fault {
            FaultSpec::Partition(partition) => topology::targets(&partition.split),
            _ => Vec::new(),
        };
        let links = self.fault.links().map(|links| links.to);
        let all = split.into_iter().chain(self.fault.targets()).chain(links);
        all.filter(|targets| targets::asks_leader(targets)).collect()
    }

    /// Who is taken for the leader as long as nobody knows it.
    pub fn stand_in(&self) -> Option<String> {
        let Self { order, roles, .. } = self;
        let one = match self.asking().first()? {
            Targets::Role(_, role) => Targets::Role(Box::new(Targets::One), role.clone()),
            _ => Targets::One,
        };
        Drawn { order, leader: None, roles }.pick(&one).pop()
    }

    /// Decides the targets, given the leader if it is known.
    pub fn effect(&self, leader: Option<&str>) -> Effect {
        Effect::of(self, leader)
    }
}

/// When the injections of a track begin and how long they last, in whole milliseconds.
fn times(fault: &FaultSpec, load: Duration) -> Vec<(Duration, Duration)> {
    let whole =
        |time: Duration| Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let schedule = fault.schedule();
    let mut times = Vec::new();
    let mut next = Some(whole(schedule.first));
    while let Some(at) = next.filter(|at| *at < load && times.len() < INJECTIONS_MAX) {
        let rest = load.saturating_sub(at);
        let lasts = schedule.lasts.map_or(rest, |lasts| lasts.min(rest));
        times.push((at, whole(lasts)));
        let every = schedule.every.map(whole).filter(|every| !every.is_zero());
        next = every.and_then(|every| at.checked_add(every));
    }
    times
}

/// The fault of a track at one of its times.
fn chosen<'a>(fault: &'a FaultSpec, turn: usize, rng: &mut ChaCha8Rng) -> Option<&'a FaultSpec> {
    let mut fault = fault;
    loop {
        fault = match fault {
            FaultSpec::Random(mix) => mix.of.choose(rng)?,
            FaultSpec::Sequence(mix) => mix.of.get(turn % mix.of.len().max(1))?,
            fault => return Some(fault),
        };
    }
}

/// How long a fault lasts where its track says `lasts` and the load goes on for `rest`.
fn lasting(fault: &FaultSpec, lasts: Duration, rest: Duration) -> Duration {
    match fault {
        FaultSpec::Restart(_) | FaultSpec::RollingRestart(_) | FaultSpec::Disconnect(_) => {
            Duration::ZERO
        }
        FaultSpec::Membership(spec) if spec.change == MemberChange::Replace => Duration::ZERO,
        _ => fault.lasts().map_or(lasts, |own| own.0.min(rest)),
    }
}

/// The injections that one time of a track stands for: of a rolling restart one for each target,
/// which then comes first in the order.
fn steps(
    fault: &FaultSpec,
    at: Duration,
    order: Vec<String>,
    roles: &Roles,
) -> Vec<(Duration, Vec<String>)> {
    let FaultSpec::RollingRestart(rolling) = fault else { return vec![(at, order)] };
    let step = |(place, target): (u32, String)| {
        let others = order.iter().filter(|node| **node != target).cloned();
        (at + rolling.gap.0 * place, std::iter::once(target.clone()).chain(others).collect())
    };
    let drawn = Drawn { order: &order, leader: None, roles };
    (0..).zip(drawn.pick(&rolling.targets)).map(step).collect()
}

/// FNV-1a of the track's name: the same on every machine and in every version.
fn stream(fault: &str, number: u64) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let name = fault.bytes().chain(number.to_le_bytes());
    name.fold(0xcbf2_9ce4_8422_2325, step)
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, load, nodes, injections } = self;
        let count = injections.len();
        let plural = if count == 1 { "" } else { "s" };
        writeln!(
            f,
            "seed {seed}, nodes {}, load {load}: {count} injection{plural}",
            nodes.join(" ")
        )?;
        injections.iter().try_for_each(|injection| writeln!(f, "{injection}"))
    }
}

impl fmt::Display for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, at, lasts, fault, .. } = self;
        write!(f, "#{id} at {at}")?;
        if !lasts.0.is_zero() {
            write!(f, " for {lasts}")?;
        }
        write!(f, ": {}", fault.name())?;
        if let FaultSpec::Partition(partition) = fault {
            write!(f, " {}", split_name(&partition.split))?;
            match partition.direction {
                Direction::Both => {}
                Direction::Deaf => write!(f, ", deaf")?,
                Direction::Mute => write!(f, ", mute")?,
            }
            if let Some(port) = partition.port {
                write!(f, ", port {port}")?;
            }
        }
        if let FaultSpec::Membership(membership) = fault {
            write!(f, " {}", membership.change.name())?;
        }
        if self.asks_leader() {
            let stand_in = self.stand_in().unwrap_or_else(|| "nobody".to_owned());
            write!(f, ", leader asked at the time, else {stand_in}")?;
        }
        write!(f, ": {}", self.effect(None))
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
