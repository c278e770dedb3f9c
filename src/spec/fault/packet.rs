//! Packets that are late, lost, doubled, damaged, out of order, or too many.
//!
//! All of it is about what the targets *send* to the nodes in `to`, of TCP packets to or from
//! `port` where one is given.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Targets, fault_spec};
use crate::spec::{Bandwidth, Share, Span};

/// Which of a target's links, and what on them.
#[derive(Clone, Copy, Debug)]
pub struct Links<'a> {
    pub to: &'a Targets,
    pub port: Option<u16>,
}

fault_spec! {
    /// Packets take so much longer. As Chaos Mesh and Jepsen do it: 50 ms ± 10 ms by default.
    pub struct DelaySpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "all")]
        pub to: Targets,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub port: Option<u16>,
        #[serde(default = "delay")]
        pub time: Span,
        #[serde(default = "jitter")]
        pub jitter: Span,
        /// How much of a packet's delay is that of the one before.
        #[serde(default = "a_quarter")]
        pub correlation: Share,
        #[serde(default)]
        pub distribution: Distribution,
    }
}

fault_spec! {
    /// This share of the packets arrives with a wrong bit in its data, and a checksum that holds.
    pub struct SilentCorruptSpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "all")]
        pub to: Targets,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub port: Option<u16>,
        #[serde(default = "one_percent")]
        pub share: Share,
    }
}

/// How delays are spread around their mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    #[default]
    Uniform,
    Normal,
    Pareto,
    Paretonormal,
}

impl Distribution {
    /// As it is written, also by netem.
    pub fn word(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Normal => "normal",
            Self::Pareto => "pareto",
            Self::Paretonormal => "paretonormal",
        }
    }
}

fault_spec! {
    /// This share of the packets is lost.
    pub struct LossSpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "all")]
        pub to: Targets,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub port: Option<u16>,
        #[serde(default = "a_fifth")]
        pub share: Share,
        /// How much one loss makes the next likely: losses in bursts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub correlation: Option<Share>,
    }
}

fault_spec! {
    /// This share of the packets is doubled, or damaged.
    pub struct NoiseSpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "all")]
        pub to: Targets,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub port: Option<u16>,
        #[serde(default = "a_fifth")]
        pub share: Share,
        #[serde(default = "three_quarters")]
        pub correlation: Share,
    }
}

fault_spec! {
    /// This share of the packets is sent at once; the others `time` later.
    pub struct ReorderSpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "all")]
        pub to: Targets,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub port: Option<u16>,
        #[serde(default = "a_fifth")]
        pub share: Share,
        #[serde(default = "three_quarters")]
        pub correlation: Share,
        #[serde(default = "delay")]
        pub time: Span,
    }
}

fault_spec! {
    /// No more than this goes out on the links together.
    pub struct RateSpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "all")]
        pub to: Targets,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub port: Option<u16>,
        #[serde(default = "one_megabit")]
        pub rate: Bandwidth,
    }
}

fn all() -> Targets {
    Targets::All
}

fn delay() -> Span {
    Span(Duration::from_millis(50))
}

fn jitter() -> Span {
    Span(Duration::from_millis(10))
}

fn one_percent() -> Share {
    Share(0.01)
}

fn a_fifth() -> Share {
    Share(0.2)
}

fn a_quarter() -> Share {
    Share(0.25)
}

fn three_quarters() -> Share {
    Share(0.75)
}

fn one_megabit() -> Bandwidth {
    Bandwidth(1_000_000)
}
