//! What goes in and out of the core: operations and answers, messages, and records for the disk.

use isobar_workloads::txn::Micro;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::versions::Snapshot;

/// Position of a node in the list of members, from 0.
pub type Member = usize;

/// What a client asks for. An absent value is null, a value like any other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    Read {
        key: String,
    },
    Write {
        key: String,
        value: Value,
    },
    Cas {
        key: String,
        old: Value,
        new: Value,
    },
    /// A transaction, performed where it stands in the log.
    Txn {
        micros: Vec<Micro>,
    },
    /// A transaction that has read before it came to the log: with a planted bug of isolation
    /// only, and never asked for by a client.
    Commit {
        micros: Vec<Micro>,
        snapshot: Snapshot,
    },
}

impl Operation {
    /// Whether it changes nothing.
    pub fn is_read(&self) -> bool {
        match self {
            Self::Read { .. } => true,
            Self::Txn { micros } => micros.iter().all(Micro::reads),
            Self::Write { .. } | Self::Cas { .. } | Self::Commit { .. } => false,
        }
    }
}

/// How an operation ended, as in a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The value read; null for a write and a cas; the micro-operations of a transaction, with
    /// what its reads found.
    Ok(Value),
    /// It did not happen and never will.
    Fail(String),
    /// It may have happened, and may still happen.
    Info(String),
}

/// Ties an answer to its request. Given by the caller; never used twice by one caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub u64);

/// One position of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub term: u64,
    /// `None` in the entry with which a leader begins its term.
    pub operation: Option<Operation>,
}

/// Between two nodes. Messages may be lost, delayed, repeated and reordered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    Ask(Ask),
    Vote { term: u64, granted: bool, binding: bool },
    Append(Append),
    Appended(Appended),
}

/// A candidate asks for a vote.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    pub term: u64,
    pub last_index: u64,
    pub last_term: u64,
    /// `false`: only whether there would be a vote (Raft's *pre-vote*); nothing is promised.
    pub binding: bool,
}

/// A leader's entries after `previous`, or its heartbeat when there are none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Append {
    pub term: u64,
    pub previous_index: u64,
    pub previous_term: u64,
    pub entries: Vec<Entry>,
    pub commit: u64,
    /// Echoed in the answer: who answers to round `r` took us for the leader after it began.
    pub round: u64,
}

/// The answer to [`Append`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Appended {
    pub term: u64,
    pub round: u64,
    pub matches: bool,
    /// If it matches: up to here the logs are equal. If not: they are not equal after here.
    pub index: u64,
}

/// What must be on disk before any message or answer of the same [`Output`] leaves the node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    Term {
        term: u64,
        vote: Option<Member>,
    },
    /// The log is cut to this length.
    Truncate(u64),
    Append(Entry),
}

/// What the core wants done, in this order: save, then send and answer.
#[derive(Debug, Default, PartialEq)]
pub struct Output {
    pub records: Vec<Record>,
    pub messages: Vec<(Member, Message)>,
    pub answers: Vec<(Token, Answer)>,
}
