//! Links that are cut.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Targets, fault_spec};

fault_spec! {
    /// Packets between groups of nodes are lost.
    pub struct PartitionSpec {
        pub split: Split,
        #[serde(default)]
        pub direction: Direction,
        /// Only TCP packets to or from this port of the node that is cut off; all packets by
        /// default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub port: Option<u16>,
    }
}

/// How the nodes are divided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// These nodes, each alone, away from all others (`isolate: leader`).
    Isolate(Targets),
    /// One random node against the rest.
    One,
    /// Two groups as equal as can be, at random.
    Halves,
    /// A random majority against the rest.
    Majority,
    /// A random group of less than a third against the rest.
    MinorityThird,
    /// Every node sees a majority, and no two see the same.
    MajoritiesRing,
    /// Two groups which only share one node.
    Bridge,
    /// The leader at the time against the rest.
    Leader,
    /// Groups which do not hear one another; a node in none hears everybody. Each is a list of
    /// nodes, or said as targets are: `[role:app, role:db]`, `[one of role:app, role:db]`.
    Groups(Vec<Targets>),
    /// Explicitly: which node, or `role:NAME`, drops whose packets.
    Grudge(BTreeMap<String, Vec<String>>),
}

/// Which way packets are lost, as seen from the smaller side of the split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    #[default]
    Both,
    /// The smaller side does not hear the others, but is heard.
    Deaf,
    /// The smaller side is not heard, but hears the others.
    Mute,
}
