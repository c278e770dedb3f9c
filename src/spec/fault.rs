//! `faults:` what goes wrong, where and when.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Span;

/// One track of faults. Tracks run side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultSpec {
    Partition(PartitionSpec),
    /// SIGKILL; started again at the end.
    Kill(ProcessFaultSpec),
    /// SIGSTOP; SIGCONT at the end.
    Pause(ProcessFaultSpec),
    /// Stop and start at once; `for` has no meaning here.
    Restart(ProcessFaultSpec),
}

impl FaultSpec {
    /// The fault's name in specifications, histories and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Partition(_) => "partition",
            Self::Kill(_) => "kill",
            Self::Pause(_) => "pause",
            Self::Restart(_) => "restart",
        }
    }

    pub fn schedule(&self) -> Schedule {
        match self {
            Self::Partition(p) => Schedule::new(p.every, p.r#for, p.at),
            Self::Kill(p) | Self::Pause(p) | Self::Restart(p) => {
                Schedule::new(p.every, p.r#for, p.at)
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PartitionSpec {
    pub split: Split,
    #[serde(default)]
    pub direction: Direction,
    /// Only TCP packets to or from this port of the node that is cut off; all packets by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#for: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Span>,
}

/// How the nodes are divided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Groups which do not hear one another; a node in none hears everybody.
    Groups(Vec<Vec<String>>),
    /// Explicitly: which node drops whose packets.
    Grudge(BTreeMap<String, Vec<String>>),
}

/// Which way packets are lost, as seen from the smaller side of the split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    #[default]
    Both,
    /// The smaller side does not hear the others, but is heard.
    Deaf,
    /// The smaller side is not heard, but hears the others.
    Mute,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProcessFaultSpec {
    #[serde(default)]
    pub targets: Targets,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#for: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Span>,
}

/// Which nodes a fault hits; drawn anew for every injection.
///
/// In YAML a word (`one`, `all`, `minority`, `majority`, `minority-third`, `leader`, `followers`)
/// or a list of node names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Targets {
    #[default]
    One,
    All,
    Minority,
    Majority,
    MinorityThird,
    /// Asked of the system at the time of the injection.
    Leader,
    /// All but the leader.
    Followers,
    Nodes(Vec<String>),
}

const WORDS: [(&str, Targets); 7] = [
    ("one", Targets::One),
    ("all", Targets::All),
    ("minority", Targets::Minority),
    ("majority", Targets::Majority),
    ("minority-third", Targets::MinorityThird),
    ("leader", Targets::Leader),
    ("followers", Targets::Followers),
];

impl<'de> Deserialize<'de> for Targets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Targets;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
                write!(f, "one of {}, or a list of nodes as [n1, n2]", words.join(", "))
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Targets, E> {
                WORDS
                    .into_iter()
                    .find_map(|(known, targets)| (known == word).then_some(targets))
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(word), &self))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Targets, A::Error> {
                let mut nodes = Vec::new();
                while let Some(node) = seq.next_element()? {
                    nodes.push(node);
                }
                Ok(Targets::Nodes(nodes))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for Targets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Self::Nodes(nodes) = self {
            return nodes.serialize(serializer);
        }
        let word = WORDS.iter().find_map(|(word, targets)| (targets == self).then_some(*word));
        serializer.serialize_str(word.unwrap_or("one"))
    }
}

/// When the injections of a track begin, and how long each lasts.
///
/// With `every`: at `at` (by default half of `every`), then every `every` until the load ends.
/// With `at` alone: once. With neither: every 10 s. An injection lasts `for`: by default half of
/// `every`, or to the end of the load when it happens once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub first: Duration,
    pub every: Option<Duration>,
    pub lasts: Option<Duration>,
}

impl Schedule {
    const EVERY_DEFAULT: Duration = Duration::from_secs(10);

    fn new(every: Option<Span>, lasts: Option<Span>, at: Option<Span>) -> Self {
        let every = match (every, at) {
            (Some(every), _) => Some(every.0),
            (None, Some(_)) => None,
            (None, None) => Some(Self::EVERY_DEFAULT),
        };
        let half = every.map(|every| every / 2);
        Self {
            first: at.map(|at| at.0).or(half).unwrap_or_default(),
            every,
            lasts: lasts.map(|lasts| lasts.0).or(half),
        }
    }
}
