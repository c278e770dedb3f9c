//! `system:` and `load:`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{CustomSpec, NoneSpec, Rate, Span, StrapiSpec, WorkloadSpec};

/// The system under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SystemSpec {
    Etcd(EtcdSpec),
    /// The small replicated register inside this binary, for demonstrations and tests.
    Toy(ToySpec),
    /// Strapi in front of PostgreSQL.
    Strapi(StrapiSpec),
    /// Any system, in shell snippets.
    Custom(Box<CustomSpec>),
    /// One that runs already.
    None(NoneSpec),
}

impl SystemSpec {
    /// The role that clients of a system told in snippets talk to, if it is not all nodes.
    pub fn clients_role(&self) -> Option<&str> {
        match self {
            Self::Custom(custom) => custom.clients.as_deref(),
            Self::None(none) => none.clients.as_deref(),
            _ => None,
        }
    }

    /// As in the specification.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Etcd(_) => "etcd",
            Self::Toy(_) => "toy",
            Self::Strapi(_) => "strapi",
            Self::Custom(_) => "custom",
            Self::None(_) => "none",
        }
    }

    /// Whether a process that ended, though nobody ended it, is a violation.
    pub fn is_supervised(&self) -> bool {
        matches!(self, Self::Strapi(_) | Self::Custom(_))
    }

    /// Whether its clients know the operations of `workload`.
    pub fn performs(&self, workload: &WorkloadSpec) -> bool {
        use WorkloadSpec::{Append, Register, Wr};
        match self {
            Self::Etcd(_) | Self::Toy(_) => matches!(workload, Register(_) | Append(_) | Wr(_)),
            Self::Strapi(_) => !matches!(workload, Wr(_)),
            // Which operations there are is in the client's hands.
            Self::Custom(_) | Self::None(_) => true,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EtcdSpec {
    /// Install Debian's `etcd-server` where etcd is missing.
    #[serde(default)]
    pub install: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ToySpec {
    #[serde(default)]
    pub bug: ToyBug,
}

/// A bug planted in the toy system.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum ToyBug {
    #[default]
    None,
    /// A node that gets no answer from a quorum within 100 ms answers reads from its own copy.
    StaleRead,
    /// A write is acknowledged before a quorum has it: replication is asynchronous.
    LostWrite,
    /// A read of a register shows a write that is not committed, and may never be; a transaction
    /// that only reads shows what another has written so far, before it is done.
    DirtyRead,
    /// Who is silent does not count: both sides of a partition have a leader and accept writes.
    SplitBrain,
    /// Transactions have snapshot isolation: only the keys that they write must not have changed.
    WriteSkew,
    /// Only the keys that a transaction does *not* write last must not have changed since it read.
    LostUpdate,
    /// A transaction that only reads takes its first key now and the others later.
    FracturedRead,
    /// Transactions of another node's clients show up 100 ms late in those that only read.
    LongFork,
    /// A transaction that failed for a conflict leaves what it wrote.
    AbortedRead,
}

impl ToyBug {
    /// Whether it is one of the isolation of transactions, which registers do not show.
    pub fn of_transactions(self) -> bool {
        match self {
            Self::None | Self::StaleRead | Self::LostWrite | Self::SplitBrain => false,
            Self::DirtyRead
            | Self::WriteSkew
            | Self::LostUpdate
            | Self::FracturedRead
            | Self::LongFork
            | Self::AbortedRead => true,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LoadSpec {
    #[serde(default)]
    pub concurrency: Concurrency,
    /// Open loop: operations begin at this rate whatever the system does. Without it each worker
    /// begins the next operation when the last has ended (closed loop).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How long the load runs under faults.
    pub time: Span,
    /// An operation without an answer for so long is given up.
    #[serde(default = "timeout_default")]
    pub timeout: Span,
    /// How long the load goes on after the faults are healed, at the least.
    #[serde(default = "recovery_default")]
    pub recovery: Span,
}

/// The number of workers: `15`, or `3n` for three per node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    Total(u32),
    PerNode(u32),
}

impl Concurrency {
    pub fn workers(self, nodes: usize) -> usize {
        match self {
            Self::Total(workers) => workers as usize,
            Self::PerNode(workers) => workers as usize * nodes,
        }
    }
}

impl Default for Concurrency {
    fn default() -> Self {
        Self::PerNode(3)
    }
}

impl FromStr for Concurrency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digits, make): (&str, fn(u32) -> Self) = match text.strip_suffix('n') {
            Some(digits) => (digits, Self::PerNode),
            None => (text, Self::Total),
        };
        match digits.parse() {
            Ok(workers @ 1..=10_000) => Ok(make(workers)),
            _ => Err(format!(
                "`{text}` is not a concurrency: write workers as `15`, or `3n` per node"
            )),
        }
    }
}

impl fmt::Display for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total(workers) => write!(f, "{workers}"),
            Self::PerNode(workers) => write!(f, "{workers}n"),
        }
    }
}

impl<'de> Deserialize<'de> for Concurrency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Concurrency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn timeout_default() -> Span {
    Span(Duration::from_secs(2))
}

fn recovery_default() -> Span {
    Span(Duration::from_secs(5))
}
