//! What is judged: the reads and versions of transactions, and when they ran. A few transactions
//! out of many are judged like all of them, to find the smallest that contradict each other.

use super::Level;
use crate::history::Completion;
use crate::txn::sources::Sources;
use crate::txn::transactions::Transactions;

/// No completion.
pub(super) const NEVER: u32 = u32::MAX;

/// When a transaction ran, in ranks of events, and in which session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub invoked: u32,
    /// Of an ok one; otherwise [`NEVER`].
    pub completed: u32,
    pub process: u32,
}

/// Failed transactions are there, but did not happen.
pub(super) struct Input {
    pub sources: Sources,
    /// By transaction.
    pub spans: Vec<Span>,
    /// Whether spans of different processes can be compared.
    pub timed: bool,
}

impl Input {
    pub(super) fn new(txns: &Transactions<'_>, sources: Sources) -> Self {
        let span = |txn| {
            let operation = txns.operation(txn);
            let ok = operation.completion() == Completion::Ok;
            Span {
                invoked: operation.invoked_rank(),
                completed: operation.completed_rank().filter(|_| ok).unwrap_or(NEVER),
                process: operation.process(),
            }
        };
        let spans = (0..txns.len()).map(span).collect();
        Self { sources, spans, timed: !txns.history().untimed }
    }

    /// Of these transactions alone, in this order.
    pub(super) fn restrict(&self, txns: &[u32]) -> Self {
        let optional = |txn: u32| self.spans[txn as usize].completed == NEVER;
        Self {
            sources: self.sources.restrict(txns, optional),
            spans: txns.iter().map(|&txn| self.spans[txn as usize]).collect(),
            timed: self.timed,
        }
    }

    /// Each transaction with the one that certainly came before it in its session.
    pub(super) fn sessions(&self) -> Vec<(u32, u32)> {
        let mut order: Vec<(u32, u32, u32)> = (0..)
            .zip(&self.spans)
            .filter(|&(txn, _)| self.sources.is_present(txn as usize))
            .map(|(txn, span)| (span.process, span.invoked, txn))
            .collect();
        order.sort_unstable();
        let mut pairs = Vec::new();
        for process in order.chunk_by(|a, b| a.0 == b.0) {
            let mut last: Option<u32> = None;
            for &(_, invoked, txn) in process {
                let over = |last: &u32| self.spans[*last as usize].completed < invoked;
                pairs.extend(last.filter(over).map(|last| (last, txn)));
                if self.spans[txn as usize].completed != NEVER {
                    last = Some(txn);
                }
            }
        }
        pairs
    }
}

/// What a level asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// Reads come from a snapshot, taken some time before the commit.
    pub snapshots: bool,
    pub real_time: bool,
    pub sessions: bool,
}

impl Level {
    pub(super) fn rules(self) -> Rules {
        let (snapshots, real_time, sessions) = match self {
            Self::Serializable => (false, false, false),
            Self::StrongSessionSerializable => (false, false, true),
            Self::StrictSerializable => (false, true, false),
            Self::SnapshotIsolation => (true, false, false),
            Self::StrongSessionSnapshotIsolation => (true, false, true),
            Self::StrongSnapshotIsolation => (true, true, false),
        };
        Rules { snapshots, real_time, sessions }
    }
}
