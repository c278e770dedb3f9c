//! `system:`, `workload:`, `load:` and `checks:`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{ListAppendSpec, Rate, RwRegisterSpec, Share, Span, TxnSpec};

/// The system under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemSpec {
    Etcd(EtcdSpec),
    /// The small replicated register inside this binary, for demonstrations and tests.
    Toy(ToySpec),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EtcdSpec {
    /// Install Debian's `etcd-server` where etcd is missing.
    #[serde(default)]
    pub install: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ToySpec {
    #[serde(default)]
    pub bug: ToyBug,
}

/// A bug planted in the toy system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
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

/// What the clients do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadSpec {
    Register(RegisterSpec),
    /// Transactions on lists: Elle's list-append.
    Append(TxnSpec),
    /// Transactions on registers: Elle's rw-register.
    Wr(TxnSpec),
}

impl WorkloadSpec {
    /// As in the specification.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::Append(_) => "append",
            Self::Wr(_) => "wr",
        }
    }

    /// Keys in use at a time.
    pub fn keys(&self) -> u32 {
        match self {
            Self::Register(register) => register.keys,
            Self::Append(txns) | Self::Wr(txns) => txns.keys,
        }
    }

    /// Whether reads must not be answered from a node's own copy.
    pub fn linearizable(&self) -> bool {
        match self {
            Self::Register(register) => register.linearizable,
            Self::Append(txns) | Self::Wr(txns) => txns.linearizable,
        }
    }
}

/// Reads, writes and compare-and-sets of many keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RegisterSpec {
    /// Keys in use at a time.
    #[serde(default = "keys_default")]
    pub keys: u32,
    /// A key is replaced by a fresh one after so many operations.
    #[serde(default = "ops_per_key_default")]
    pub ops_per_key: u32,
    /// Draw written values from 0..values (Jepsen's small domain); by default every write has a
    /// value of its own, which is decided faster and explained better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<u32>,
    /// `false`: let any node answer reads from its own copy, to show stale reads.
    #[serde(default = "yes")]
    pub linearizable: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// What the system promises, or should.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckSpec {
    Linearizable(LinearizableSpec),
    ListAppend(ListAppendSpec),
    RwRegister(RwRegisterSpec),
    Availability(AvailabilitySpec),
    Convergence(ConvergenceSpec),
    Staleness(StalenessSpec),
    Profile(ProfileSpec),
    Sessions(SessionsSpec),
}

impl CheckSpec {
    /// As in the specification.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linearizable(_) => "linearizable",
            Self::ListAppend(_) => "list-append",
            Self::RwRegister(_) => "rw-register",
            Self::Availability(_) => "availability",
            Self::Convergence(_) => "convergence",
            Self::Staleness(_) => "staleness",
            Self::Profile(_) => "profile",
            Self::Sessions(_) => "sessions",
        }
    }

    /// Whether it understands what the clients of `workload` do.
    pub fn judges(&self, workload: &WorkloadSpec) -> bool {
        match self {
            Self::Availability(_) => true,
            Self::ListAppend(_) => matches!(workload, WorkloadSpec::Append(_)),
            Self::RwRegister(_) => matches!(workload, WorkloadSpec::Wr(_)),
            Self::Linearizable(_)
            | Self::Convergence(_)
            | Self::Staleness(_)
            | Self::Profile(_)
            | Self::Sessions(_) => matches!(workload, WorkloadSpec::Register(_)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LinearizableSpec {
    /// Configurations to search per key before the answer is *unknown*.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_states: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AvailabilitySpec {
    /// The least share of operations that end ok, over the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_ok: Option<Share>,
    /// The longest time from the end of a fault to the next ok operation on every node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Span>,
}

/// After the last heal, every node answers like the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConvergenceSpec {
    /// The longest time it may take; by default, until the end of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
}

/// How old what was read had become.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StalenessSpec {
    /// The oldest that a read may be; without it staleness is only measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<Span>,
}

/// What each side of each partition served, and what that cost in consistency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProfileSpec {}

/// Clients see their own writes, and never go back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SessionsSpec {}

fn yes() -> bool {
    true
}

fn keys_default() -> u32 {
    10
}

fn ops_per_key_default() -> u32 {
    300
}

fn timeout_default() -> Span {
    Span(Duration::from_secs(2))
}

fn recovery_default() -> Span {
    Span(Duration::from_secs(5))
}
