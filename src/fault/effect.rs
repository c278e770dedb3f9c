//! What an injection does, with its targets decided.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::cgroup::Limit;
use super::clock::Skew;
use super::disk::DiskTrouble;
use super::packet::Disturbance;
use super::plan::Injection;
use super::targets::Drawn;
use super::topology::Grudge;
use crate::spec::{FaultSpec, MemberChange};

/// What an injection does, with its targets decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Partition {
        grudge: Grudge,
        port: Option<u16>,
    },
    /// What the senders of each receiver send it is disturbed.
    Packets {
        disturbance: Disturbance,
        links: Grudge,
        port: Option<u16>,
    },
    Process {
        act: ProcessAct,
        nodes: Vec<String>,
    },
    /// Members of the cluster are others.
    Membership {
        change: MemberChange,
        nodes: Vec<String>,
    },
    Damage {
        damage: Damage,
        nodes: Vec<String>,
    },
    FileLimit {
        files: u32,
        nodes: Vec<String>,
    },
    /// The system gets too little.
    Limit {
        limit: Limit,
        nodes: Vec<String>,
    },
    Clock {
        skew: Skew,
        nodes: Vec<String>,
    },
    /// The process sees a clock that is so far from the machine's.
    ProcessClock {
        by_ms: i64,
        nodes: Vec<String>,
    },
    /// Switched off.
    Power {
        nodes: Vec<String>,
    },
    Disk {
        trouble: DiskTrouble,
        nodes: Vec<String>,
    },
}

/// What is done to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessAct {
    Kill,
    Term,
    Pause,
    Freeze,
    Restart,
    /// Its clients are.
    Disconnect,
    Wipe,
    /// Killed, started `down` later, killed `up` after that.
    CrashLoop {
        up: Duration,
        down: Duration,
    },
}

/// What is done to a file of a stopped system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub kind: DamageKind,
    /// A pattern for the file's name; of several files the one written last.
    pub file: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// So many bytes of its end are gone.
    Truncate { bytes: u64 },
    /// One bit is another.
    BitFlip,
}

/// What two faults in force must not share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Our chain of partitions, of which there is one per node.
    Partitions,
    /// Our chain of losses.
    Losses,
    /// The order in which a node sends.
    Queue(String),
    /// A node's clock.
    Clock(String),
    /// A node's process: two faults of it would undo each other.
    Process(String),
}

impl Effect {
    /// Decides the targets of an injection, given the leader if it is known.
    pub fn of(injection: &Injection, leader: Option<&str>) -> Self {
        let Injection { order, roles, .. } = injection;
        let drawn = Drawn { order, leader, roles };
        let fault = &injection.fault;
        if let FaultSpec::Partition(partition) = fault {
            let grudge = Grudge::of(&partition.split, partition.direction, &drawn);
            return Self::Partition { grudge, port: partition.port };
        }
        let nodes = match fault {
            // The plan has an injection for each target, which comes first.
            FaultSpec::RollingRestart(_) => order.iter().take(1).cloned().collect(),
            _ => fault.targets().map(|all| drawn.pick(all)).unwrap_or_default(),
        };
        let links =
            fault.links().map(|links| (Grudge::sent(&nodes, &drawn.pick(links.to)), links.port));
        if let Some(((links, port), disturbance)) = links.zip(Disturbance::of(fault)) {
            return Self::Packets { disturbance, links, port };
        }
        if let Some(skew) = Skew::of(fault) {
            return Self::Clock { skew, nodes };
        }
        if let Some(limit) = Limit::of(fault) {
            return Self::Limit { limit, nodes };
        }
        if let Some(trouble) = DiskTrouble::of(fault) {
            return Self::Disk { trouble, nodes };
        }
        let damage = |kind, file: &Option<String>| Damage { kind, file: file.clone() };
        let act = match fault {
            FaultSpec::Truncate(spec) => {
                let kind = DamageKind::Truncate { bytes: spec.bytes };
                return Self::Damage { damage: damage(kind, &spec.file), nodes };
            }
            FaultSpec::BitFlip(spec) => {
                let damage = damage(DamageKind::BitFlip, &spec.file);
                return Self::Damage { damage, nodes };
            }
            FaultSpec::Membership(spec) => {
                return Self::Membership { change: spec.change, nodes };
            }
            FaultSpec::ProcessClock(spec) => {
                return Self::ProcessClock { by_ms: spec.way.ms(spec.by), nodes };
            }
            FaultSpec::FileLimit(spec) => return Self::FileLimit { files: spec.files, nodes },
            FaultSpec::Power(_) => return Self::Power { nodes },
            FaultSpec::Term(_) => ProcessAct::Term,
            FaultSpec::Pause(_) => ProcessAct::Pause,
            FaultSpec::Freeze(_) => ProcessAct::Freeze,
            FaultSpec::Restart(_) | FaultSpec::RollingRestart(_) => ProcessAct::Restart,
            FaultSpec::Disconnect(_) => ProcessAct::Disconnect,
            FaultSpec::Wipe(_) => ProcessAct::Wipe,
            FaultSpec::CrashLoop(spec) => {
                ProcessAct::CrashLoop { up: spec.up.0, down: spec.down.0 }
            }
            // The others are those of packets, above.
            _ => ProcessAct::Kill,
        };
        Self::Process { act, nodes }
    }

    /// What no other fault in force may share with it.
    pub fn places(&self) -> BTreeSet<Place> {
        let processes = |nodes: &[String]| nodes.iter().cloned().map(Place::Process).collect();
        match self {
            Self::Partition { .. } => BTreeSet::from([Place::Partitions]),
            Self::Packets { disturbance, .. } if disturbance.is_plain_loss() => {
                BTreeSet::from([Place::Losses])
            }
            Self::Packets { links, .. } => links.senders().into_iter().map(Place::Queue).collect(),
            Self::Clock { nodes, .. } => nodes.iter().cloned().map(Place::Clock).collect(),
            // With its power a node loses its rules, too, and while it is off nothing is undone.
            Self::Power { nodes } => nodes
                .iter()
                .flat_map(|n| [Place::Queue, Place::Clock, Place::Process].map(|of| of(n.clone())))
                .chain([Place::Partitions, Place::Losses])
                .collect(),
            Self::Process { nodes, .. }
            | Self::Membership { nodes, .. }
            | Self::ProcessClock { nodes, .. }
            | Self::Damage { nodes, .. }
            | Self::Disk { nodes, .. }
            | Self::Limit { nodes, .. }
            | Self::FileLimit { nodes, .. } => processes(nodes),
        }
    }

    /// Which packets of whom it touches: receivers, and for each the senders.
    pub fn grudge(&self) -> Option<&Grudge> {
        match self {
            Self::Partition { grudge, .. } => Some(grudge),
            Self::Packets { links, .. } => Some(links),
            _ => None,
        }
    }

    /// Nodes that cannot be expected to agree with the others while this lasts.
    pub fn harmed(&self) -> Vec<String> {
        match self {
            Self::Partition { grudge, .. } => grudge.mentioned().into_iter().collect(),
            Self::Packets { links, .. } => links.senders().into_iter().collect(),
            // The others take a new member in without a pause.
            Self::Membership { change: MemberChange::Add, .. } => Vec::new(),
            Self::Process { nodes, .. }
            | Self::Membership { nodes, .. }
            | Self::ProcessClock { nodes, .. }
            | Self::Damage { nodes, .. }
            | Self::Disk { nodes, .. }
            | Self::Limit { nodes, .. }
            | Self::Power { nodes }
            | Self::FileLimit { nodes, .. }
            | Self::Clock { nodes, .. } => nodes.clone(),
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition { grudge, .. } if grudge.is_empty() => f.write_str("nothing to cut"),
            Self::Partition { grudge, .. } => write!(f, "{grudge}"),
            Self::Packets { links, .. } if links.is_empty() => f.write_str("no link"),
            Self::Packets { links, .. } => {
                let senders: Vec<String> = links.senders().into_iter().collect();
                let receivers: Vec<&str> = links.0.keys().map(String::as_str).collect();
                write!(f, "{} to {}", senders.join(" "), receivers.join(" "))
            }
            Self::Process { nodes, .. }
            | Self::Membership { nodes, .. }
            | Self::ProcessClock { nodes, .. }
            | Self::Damage { nodes, .. }
            | Self::Disk { nodes, .. }
            | Self::Limit { nodes, .. }
            | Self::Power { nodes }
            | Self::FileLimit { nodes, .. }
            | Self::Clock { nodes, .. } => match nodes.is_empty() {
                true => f.write_str("no node"),
                false => f.write_str(&nodes.join(" ")),
            },
        }
    }
}
