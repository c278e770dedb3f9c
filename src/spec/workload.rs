//! `workload:`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Share, TxnSpec};

/// What the clients do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadSpec {
    Register(RegisterSpec),
    /// Transactions on lists: Elle's list-append.
    Append(TxnSpec),
    /// Transactions on registers: Elle's rw-register.
    Wr(TxnSpec),
    Set(SetSpec),
    Counter(CounterSpec),
    Unique(UniqueSpec),
    Bank(BankSpec),
    Publish(PublishSpec),
    Delete(DeleteSpec),
    Relation(RelationSpec),
}

impl WorkloadSpec {
    /// As in the specification.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::Append(_) => "append",
            Self::Wr(_) => "wr",
            Self::Set(_) => "set",
            Self::Counter(_) => "counter",
            Self::Unique(_) => "unique",
            Self::Bank(_) => "bank",
            Self::Publish(_) => "publish",
            Self::Delete(_) => "delete",
            Self::Relation(_) => "relation",
        }
    }

    /// The operations it performs, as the history names them.
    pub fn operations(&self) -> &'static [&'static str] {
        match self {
            Self::Register(register) if register.cas => &["read", "write", "cas"],
            Self::Register(_) | Self::Publish(_) => &["read", "write"],
            Self::Append(_) | Self::Wr(_) => &["txn"],
            Self::Set(_) | Self::Counter(_) | Self::Relation(_) => &["add", "read"],
            Self::Unique(_) => &["generate"],
            Self::Bank(_) => &["open", "transfer", "read"],
            Self::Delete(_) => &["create", "update", "delete", "read"],
        }
    }

    /// The check that decides what it is about, as in the specification.
    pub fn check(&self) -> &'static str {
        match self {
            Self::Register(_) => "linearizable",
            Self::Append(_) => "list-append",
            Self::Wr(_) => "rw-register",
            Self::Set(_) => "set",
            Self::Counter(_) => "counter",
            Self::Unique(_) => "unique-ids",
            Self::Bank(_) => "bank",
            Self::Publish(_) => "atomic-visibility",
            Self::Delete(_) => "existence",
            Self::Relation(_) => "exclusive",
        }
    }

    /// Numbers that say how many: the key in the specification, the number, and its limits.
    pub fn sizes(&self) -> Vec<(&'static str, u32, std::ops::RangeInclusive<u32>)> {
        let keys = |keys: u32| ("keys", keys, 1..=10_000);
        match self {
            Self::Register(register) => vec![keys(register.keys)],
            Self::Append(txns) | Self::Wr(txns) => vec![
                keys(txns.keys),
                // Each read of a list shows all that were before it.
                ("max-writes-per-key", txns.max_writes_per_key, 1..=10_000),
            ],
            Self::Counter(counter) => vec![keys(counter.keys)],
            Self::Publish(publish) => vec![keys(publish.keys)],
            Self::Unique(unique) => vec![("rivals", unique.rivals, 1..=1_000)],
            Self::Relation(relation) => vec![("holders", relation.holders, 1..=1_000)],
            Self::Bank(bank) => vec![
                ("accounts", bank.accounts, 2..=1_000),
                ("balance", bank.balance, 1..=1_000_000),
                ("amount-max", bank.amount_max, 1..=1_000_000),
            ],
            Self::Set(_) | Self::Delete(_) => Vec::new(),
        }
    }

    /// Whether reads must not be answered from a node's own copy.
    pub fn linearizable(&self) -> bool {
        match self {
            Self::Register(register) => register.linearizable,
            Self::Append(txns) | Self::Wr(txns) => txns.linearizable,
            _ => true,
        }
    }
}

/// Reads, writes and compare-and-sets of many keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RegisterSpec {
    /// Keys in use at a time.
    #[serde(default = "ten")]
    pub keys: u32,
    /// A key is replaced by a fresh one after so many operations.
    #[serde(default = "ops_per_key_default")]
    pub ops_per_key: u32,
    /// Draw written values from 0..values (Jepsen's small domain); by default every write has a
    /// value of its own, which is decided faster and explained better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<u32>,
    /// `false`: no compare-and-sets, for a system that has none.
    #[serde(default = "yes")]
    pub cas: bool,
    /// `false`: let any node answer reads from its own copy, to show stale reads.
    #[serde(default = "yes")]
    pub linearizable: bool,
}

/// Elements are added to one set, each once, and all read in the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SetSpec {
    /// The share of operations that read the whole set while it grows.
    #[serde(default)]
    pub reads: Share,
}

/// Counters are added to and read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CounterSpec {
    #[serde(default = "five")]
    pub keys: u32,
    #[serde(default = "third")]
    pub reads: Share,
}

/// Several clients ask for the same name at the same time; one may have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct UniqueSpec {
    /// How many clients ask for each name.
    #[serde(default = "three")]
    pub rivals: u32,
}

/// Money is moved between accounts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BankSpec {
    #[serde(default = "five")]
    pub accounts: u32,
    /// Of each account at first.
    #[serde(default = "hundred")]
    pub balance: u32,
    /// The most that is moved at a time.
    #[serde(default = "five")]
    pub amount_max: u32,
    #[serde(default = "third")]
    pub reads: Share,
}

impl BankSpec {
    /// What all accounts hold together.
    pub fn total(&self) -> i64 {
        i64::from(self.accounts) * i64::from(self.balance)
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        (0..self.accounts).map(isobar_workloads::bank::account).collect()
    }
}

/// Objects of several parts are written and read as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PublishSpec {
    #[serde(default = "three")]
    pub keys: u32,
    #[serde(default = "half")]
    pub reads: Share,
}

/// Objects are deleted while others update them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DeleteSpec {}

/// Things are given to holders by several clients at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RelationSpec {
    /// How many clients give one thing away, each to a holder of its own.
    #[serde(default = "three")]
    pub holders: u32,
}

fn yes() -> bool {
    true
}

fn three() -> u32 {
    3
}

fn five() -> u32 {
    5
}

fn ten() -> u32 {
    10
}

fn hundred() -> u32 {
    100
}

fn ops_per_key_default() -> u32 {
    300
}

fn third() -> Share {
    Share(0.3)
}

fn half() -> Share {
    Share(0.5)
}
