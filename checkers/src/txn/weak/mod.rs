//! Levels below snapshot isolation, for registers whose values are written once per key: which
//! write each read found is then known, and each level is a question about orders alone.
//!
//! ```text
//! Sources ──▶ Sessions ──▶ demands ("A before B, or R would have read A") ──▶ one order?
//! ```
//!
//! What each level asks, a transaction being one step of its session:
//!
//! * *Read committed, read atomic, causal* (Biswas & Enea, OOPSLA 2019): there is one order of all
//!   transactions, which sessions and reads keep, such that a transaction R that reads a key from T
//!   has nothing later than T to show for that key among the writes it must know of: those of
//!   transactions it read from before, in this transaction (read committed); of all that it read
//!   from, or that come before it in its session (read atomic); of all that came before it through
//!   sessions and reads (causal). The initial transaction comes before all. Exact.
//! * *PRAM*: each session may have an order of its own, which all sessions keep, such that it never
//!   forgets: it knows what it did, what it read from, and what came before that in the writer's
//!   session. Exact. Weaker than the PRAM of Lipton & Sandberg (1988), where a write that arrives
//!   late may not be slipped in before what was read: a causal store that orders by time stamps
//!   does that. What is violated here is violated there.
//! * *Monotonic reads, read your writes* (Terry et al., PDIS 1994): key by key, a session never
//!   returns to a version after it saw another, or finds one that it knew before its own last
//!   write. Exact.
//! * *Monotonic writes*: who reads from a transaction does not miss, in the same transaction, what
//!   came before that one in its session. Exact, if a transaction is taken to read one copy.
//! * *Writes follow reads*: nor what the writer's session had read before. Only what the session
//!   itself had read last of the key is followed, not what that in turn depended on: a violation
//!   is certain, its absence is not quite.
//!
//! So causal implies PRAM, and PRAM the first three session guarantees. In all of them but the
//! session guarantees, reading what was aborted, replaced within its own transaction, or never
//! written is a violation too.

#[cfg(test)]
mod brute;
mod commits;
mod demand;
mod explain;
mod guarantees;
mod orders;
mod ranked;
mod sessions;
mod sort;
#[cfg(test)]
mod tests;
mod visible;

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::json;

use self::explain::Explain;
pub(super) use self::sessions::Scope;
use self::sessions::Sessions;
use super::sources::{Fault, Sources};
use super::spelt::Spelt;
use super::told::{Evidence, unjudged};
use super::transactions::Transactions;
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

/// Clocks take two or four bytes per transaction and session; beyond so many bytes causal
/// consistency is *unknown*: 4 GiB.
const CLOCKS_MAX: u64 = 1 << 32;

/// What a history is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Reads find what was committed, and of one transaction never older than before.
    ReadCommitted,
    /// Reads find all that a transaction wrote, or nothing.
    ReadAtomic,
    /// Everybody sees writes after all that these depend on.
    Causal,
    /// Everybody sees the writes of one session in its order.
    Pram,
    /// A session never finds what is older than what it found.
    MonotonicReads,
    /// The writes of a session are seen in its order.
    MonotonicWrites,
    /// A session finds what it wrote, or newer.
    ReadYourWrites,
    /// A write is seen after what its session had read.
    WritesFollowReads,
}

impl Level {
    /// From the strongest promise on reads to the guarantees of sessions.
    pub const ALL: [Self; 8] = [
        Self::ReadCommitted,
        Self::ReadAtomic,
        Self::Causal,
        Self::Pram,
        Self::MonotonicReads,
        Self::MonotonicWrites,
        Self::ReadYourWrites,
        Self::WritesFollowReads,
    ];

    /// The name of the check.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadCommitted => "read-committed",
            Self::ReadAtomic => "read-atomic",
            Self::Causal => "causal",
            Self::Pram => "PRAM",
            Self::MonotonicReads => "monotonic-reads",
            Self::MonotonicWrites => "monotonic-writes",
            Self::ReadYourWrites => "read-your-writes",
            Self::WritesFollowReads => "writes-follow-reads",
        }
    }

    /// Whether one order of all transactions is asked for.
    fn is_ordered(self) -> bool {
        matches!(self, Self::ReadCommitted | Self::ReadAtomic | Self::Causal)
    }
}

/// Judges a history of `txn` operations on registers (`["w", k, v]`, `["r", k, v]`).
///
/// *Unknown* where the history is of another type, where reads found values that several
/// transactions wrote and nothing else is wrong, and where causal consistency would take more than
/// 4 GiB. Figures: `transactions` that happened, `reads` judged, `reads_left_out`, `sessions`.
pub fn check(history: &History, level: Level) -> CheckResult {
    match Followed::registers(history, Scope::Process) {
        Ok(followed) => followed.judge(level),
        Err(problem) => unjudged(level.name(), problem),
    }
}

/// Reads and versions by session, judged at one level after the other.
pub(super) struct Followed<'h> {
    sessions: Sessions,
    faults: Vec<Fault>,
    txns: Spelt<'h>,
    reads: usize,
    ambiguous: usize,
    /// Whether there is one order for all as causal consistency asks, once that was found out.
    is_causal: Cell<Option<bool>>,
}

/// The same with processes as sessions and with transactions as such, each once it was asked for.
#[derive(Default)]
pub(super) struct FollowedBoth<'h> {
    of_processes: Option<Followed<'h>>,
    of_transactions: Option<Followed<'h>>,
}

impl<'h> FollowedBoth<'h> {
    /// `None` where `follow` finds nothing to follow; it is asked until it does.
    pub(super) fn get(
        &mut self,
        scope: Scope,
        follow: impl FnOnce() -> Option<Followed<'h>>,
    ) -> Option<&Followed<'h>> {
        let followed = match scope {
            Scope::Process => &mut self.of_processes,
            Scope::Transaction => &mut self.of_transactions,
        };
        if followed.is_none() {
            *followed = follow();
        }
        followed.as_ref()
    }
}

impl<'h> Followed<'h> {
    /// Registers: the order of versions is not known.
    ///
    /// # Errors
    /// Why the history is none of them.
    pub(super) fn registers(history: &'h History, scope: Scope) -> Result<Self, String> {
        let txns = Transactions::of(history).map_err(|error| error.to_string());
        // They take as much as what is made of them: gone before more is made.
        let sources = txns.and_then(|txns| Sources::of(&txns))?;
        Ok(Self::of(history, sources, scope))
    }

    /// Versions of any kind, by their order where that is known: then all levels are exact.
    pub(super) fn of(history: &'h History, sources: Sources, scope: Scope) -> Self {
        let sessions = Sessions::of(history, &sources, scope);
        let (reads, ambiguous) = (sources.all_reads().len(), sources.ambiguous);
        // All that is asked from here on has been copied, by session.
        let faults = sources.into_faults();
        let txns = Spelt::later(history);
        Self { sessions, faults, txns, reads, ambiguous, is_causal: Cell::new(None) }
    }

    /// The answer at one level; figures as of [`check`].
    pub(super) fn judge(&self, level: Level) -> CheckResult {
        let Self { sessions, faults, txns, .. } = self;
        let mut evidence = Evidence::new(txns);
        let explain = Explain { txns, faults, sessions };
        explain.faults(level, &mut evidence);
        let too_large = visible::Clocks::bytes(sessions) > CLOCKS_MAX;
        // Who is causal is all that, and causal consistency is soon judged.
        let implied =
            matches!(level, Level::Pram | Level::MonotonicWrites | Level::WritesFollowReads);
        match level {
            Level::Causal if too_large => {}
            _ if implied && !too_large && self.is_causal() => {}
            Level::ReadCommitted | Level::ReadAtomic | Level::Causal => {
                let faultless = evidence.is_empty();
                orders::one(&explain, level, &mut evidence);
                if level == Level::Causal && faultless {
                    self.is_causal.set(Some(evidence.is_empty()));
                }
            }
            Level::Pram => {
                orders::each(&explain, &mut evidence);
                // An order of a session's own minds the last writes; where the order of versions is
                // known, it may deny an earlier one, of others or its own.
                let guarantees =
                    [Level::MonotonicWrites, Level::ReadYourWrites, Level::MonotonicReads];
                for level in guarantees.into_iter().filter(|_| sessions.are_ranked()) {
                    guarantees::check(&explain, level, &mut evidence);
                }
            }
            _ => guarantees::check(&explain, level, &mut evidence),
        }
        let verdict = self.unless_violated(level == Level::Causal && too_large);
        let reads = self.reads;
        let summary = format!(
            "{reads} reads of {} transactions in {} sessions were followed",
            sessions.len(),
            sessions.count()
        );
        let figures = BTreeMap::from([
            ("transactions".to_owned(), json!(sessions.len())),
            ("reads".to_owned(), json!(reads)),
            ("reads_left_out".to_owned(), json!(self.ambiguous)),
            ("sessions".to_owned(), json!(sessions.count())),
        ]);
        evidence.finish(level.name(), verdict, summary, figures)
    }

    /// Faults aside.
    fn is_causal(&self) -> bool {
        let found = || orders::has_one(&self.sessions, Level::Causal);
        let is_causal = self.is_causal.get().unwrap_or_else(found);
        self.is_causal.set(Some(is_causal));
        is_causal
    }

    /// The verdict if nothing speaks against the history.
    fn unless_violated(&self, is_too_large: bool) -> Verdict {
        let sessions = &self.sessions;
        match self.ambiguous {
            _ if is_too_large => Verdict::Unknown(format!(
                "the clocks of {} transactions in {} sessions would take more than 4 GiB",
                sessions.len(),
                sessions.count()
            )),
            0 => Verdict::Valid,
            left_out if sessions.are_ranked() => Verdict::Unknown(format!(
                "{left_out} reads contradict others, or end with an element of unknown origin"
            )),
            left_out => Verdict::Unknown(format!(
                "{left_out} reads found values that more than one transaction may have written"
            )),
        }
    }
}
