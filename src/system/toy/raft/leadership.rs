//! What only a leader knows.

use std::collections::BTreeMap;
use std::time::Duration;

use isobar_workloads::txn::Micro;

use super::message::{Member, Token};
use super::txn::{Lag, Underway};

/// Kept from election to the end of the term; dropped when another leader is heard of.
#[derive(Clone, Debug)]
pub struct Leadership {
    /// Per member, the next entry to send.
    pub next: Vec<u64>,
    /// Per member, up to where its log is known to equal ours.
    pub matched: Vec<u64>,
    /// Per member, the last round that it answered to.
    pub answered: Vec<u64>,
    /// Per member, when it last answered; `None` for never.
    pub heard: Vec<Option<Duration>>,
    pub round: u64,
    /// A new round is wanted, to confirm reads or to beat.
    pub round_wanted: bool,
    pub heartbeat_due: Duration,
    /// The entry that began the term. Once it is committed, so is all before it.
    pub first_index: u64,
    /// Requests by the index at which their entry stands.
    pub proposals: BTreeMap<u64, Token>,
    pub reads: Vec<PendingRead>,
    /// In the order in which they began.
    pub underway: Vec<Underway>,
    pub lag: Lag,
}

/// A read waits until a quorum has answered to a round that began after it, and until all that
/// was committed when it came is applied (Ongaro's thesis, section 6.4, *read index*).
#[derive(Clone, Debug)]
pub struct PendingRead {
    pub token: Token,
    pub query: Query,
    pub index: u64,
    pub round: u64,
}

/// What waits for the leader to be confirmed.
#[derive(Clone, Debug)]
pub enum Query {
    Register {
        key: String,
    },
    /// A transaction that only reads; with a planted bug of isolation any.
    Txn {
        micros: Vec<Micro>,
        /// The node that the client talks to.
        site: Member,
        /// With the planted fractured read: what was read before.
        first: Option<Micro>,
    },
}

impl Leadership {
    pub fn new(size: usize, last_index: u64, now: Duration) -> Self {
        Self {
            next: vec![last_index + 1; size],
            matched: vec![0; size],
            answered: vec![0; size],
            heard: vec![Some(now); size],
            round: 0,
            round_wanted: true,
            heartbeat_due: now,
            first_index: last_index + 1,
            proposals: BTreeMap::new(),
            reads: Vec::new(),
            underway: Vec::new(),
            lag: Lag::default(),
        }
    }

    /// Has `query` answered once a quorum has confirmed this leader and all that was committed
    /// when it came, up to `commit`, is applied.
    pub fn confirm(&mut self, token: Token, query: Query, commit: u64) {
        let (index, round) = (commit.max(self.first_index), self.round + 1);
        self.reads.push(PendingRead { token, query, index, round });
        self.round_wanted = true;
    }

    /// How many members were heard since `since`, besides `me`.
    pub fn heard_since(&self, me: Member, since: Duration) -> usize {
        let others = self.heard.iter().enumerate().filter(|(member, _)| *member != me);
        others.filter(|(_, heard)| heard.is_some_and(|heard| heard >= since)).count()
    }
}

/// The greatest value that a majority of `values` reaches.
pub fn quorum_value(mut values: Vec<u64>) -> u64 {
    values.sort_unstable_by(|a, b| b.cmp(a));
    values.get(values.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::quorum_value;

    #[test]
    fn a_majority_reaches_the_quorum_value() {
        assert_eq!(quorum_value(vec![5]), 5);
        assert_eq!(quorum_value(vec![5, 3]), 3);
        assert_eq!(quorum_value(vec![9, 3, 7]), 7);
        assert_eq!(quorum_value(vec![9, 3, 7, 1]), 3);
        assert_eq!(quorum_value(vec![1, 1, 4, 9, 1]), 1);
        assert_eq!(quorum_value(vec![]), 0);
    }
}
