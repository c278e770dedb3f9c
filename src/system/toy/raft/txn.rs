//! Planted bugs of isolation: transactions that take their time between reading and committing.
//!
//! ```text
//! request ─▶ leader confirmed ─▶ snapshot ┈┈ 15 ms ┈┈▶ log ─▶ applied: conflict, or committed
//! ```
//! This is optimistic concurrency control, as many stores have it, and strictly serializable if
//! no key that a transaction touches has changed since its snapshot (see [`super::machine`]).
//! Without a bug a transaction is performed where it stands in the log, and none of this is used.

use std::collections::VecDeque;
use std::time::Duration;

use isobar_workloads::txn::{Function, Micro, perform};
use serde_json::Value;

use super::leadership::Query;
use super::machine::answer;
use super::message::{Answer, Member, Operation, Token};
use super::versions::Snapshot;
use super::{Raft, Role};
use crate::spec::ToyBug;

/// From a transaction's snapshot to its place in the log.
const TXN_TAKES: Duration = Duration::from_millis(15);
/// With the planted long fork: how late a node's clients see what others did.
const LAG: Duration = Duration::from_millis(100);

/// A transaction that has begun and is not in the log yet.
#[derive(Clone, Debug)]
pub struct Underway {
    pub token: Token,
    micros: Vec<Micro>,
    due: Duration,
    rest: Rest,
}

/// What is left to do.
#[derive(Clone, Debug)]
enum Rest {
    Commit(Snapshot),
    /// After the first key has been read, the other keys.
    Read {
        site: Member,
        first: Micro,
    },
}

/// What was applied [`LAG`] ago.
#[derive(Clone, Debug, Default)]
pub struct Lag(VecDeque<(Duration, u64)>);

impl Lag {
    pub fn note(&mut self, applied: u64, now: Duration) {
        if self.0.back().is_none_or(|(_, last)| *last < applied) {
            self.0.push_back((now, applied));
        }
        while self.0.get(1).is_some_and(|(noted, _)| *noted + LAG <= now) {
            self.0.pop_front();
        }
    }

    /// Never goes back: a new leader begins with all that was committed before its term.
    fn horizon(&self) -> u64 {
        self.0.front().map_or(0, |(_, applied)| *applied)
    }
}

impl Raft {
    /// Goes on with a transaction now that the leader is confirmed. It only reads, or there is a
    /// bug.
    pub(super) fn confirmed(
        &mut self,
        token: Token,
        micros: Vec<Micro>,
        (site, first): (Member, Option<Micro>),
        now: Duration,
    ) {
        let snapshot = self.snapshot(site);
        let reads_only = micros.iter().all(Micro::reads);
        let rest = match (&first, micros.first()) {
            _ if !reads_only => Rest::Commit(snapshot),
            // Planted.
            (None, Some(micro)) if self.bug == ToyBug::FracturedRead => {
                let found = self.machine.get(micro.key());
                Rest::Read { site, first: Micro(Function::Read, micro.1.clone(), found) }
            }
            _ => {
                let found = self.read(&micros, first.as_ref(), &snapshot);
                self.output.answers.push((token, found));
                return;
            }
        };
        if let Role::Leader(leadership) = &mut self.role {
            leadership.underway.push(Underway { token, micros, due: now + TXN_TAKES, rest });
        }
    }

    /// Brings those to the log whose time has come.
    pub(super) fn proceed(&mut self, now: Duration) {
        let Role::Leader(leadership) = &mut self.role else { return };
        let due: Vec<Underway> =
            leadership.underway.extract_if(.., |underway| underway.due <= now).collect();
        for Underway { token, micros, rest, .. } in due {
            match (rest, &mut self.role) {
                (Rest::Commit(snapshot), _) => {
                    self.propose(token, Operation::Commit { micros, snapshot });
                }
                (Rest::Read { site, first }, Role::Leader(leadership)) => {
                    let query = Query::Txn { micros, site, first: Some(first) };
                    leadership.confirm(token, query, self.commit);
                }
                // Only a leader has anything underway.
                (Rest::Read { .. }, _) => {}
            }
        }
    }

    fn snapshot(&self, site: Member) -> Snapshot {
        let index = self.machine.applied;
        match &self.role {
            // Planted.
            Role::Leader(leadership) if self.bug == ToyBug::LongFork => {
                Snapshot { index, horizon: leadership.lag.horizon(), site }
            }
            _ => Snapshot { index, horizon: index, site },
        }
    }

    /// The answer to a transaction that only reads.
    fn read(&self, micros: &[Micro], first: Option<&Micro>, snapshot: &Snapshot) -> Answer {
        let held = |key: &str| match first {
            Some(first) if first.key() == key => first.2.clone(),
            _ if self.bug == ToyBug::DirtyRead => self.unfinished(key),
            _ => self.machine.get_at(key, snapshot),
        };
        match perform(micros, held) {
            Ok(performed) => answer(performed.micros),
            Err(reason) => Answer::Fail(reason),
        }
    }

    /// Planted: the value of `key` with the first write of a transaction that will write it once
    /// more before it commits. Only of one that cannot fail any more as long as this node leads,
    /// so that the bug is no more than its name says.
    fn unfinished(&self, key: &str) -> Value {
        let held = |key: &str| self.machine.get(key);
        let Role::Leader(leadership) = &self.role else { return held(key) };
        for (place, underway) in leadership.underway.iter().enumerate() {
            let writes = |micro: &&Micro| micro.key() == key && !micro.reads();
            let mut writing = underway.micros.iter().filter(writes);
            let (Some(first), Some(_)) = (writing.next(), writing.next()) else { continue };
            let Rest::Commit(snapshot) = &underway.rest else { continue };
            if underway.micros.iter().any(|micro| self.contested(micro.key(), snapshot, place)) {
                continue;
            }
            let so_far = perform(std::slice::from_ref(first), held);
            return so_far.ok().and_then(|mut p| p.written.remove(key)).unwrap_or_default();
        }
        held(key)
    }

    /// Whether anybody else has written `key` since `snapshot`, or will before the transaction at
    /// `place` of those underway.
    fn contested(&self, key: &str, snapshot: &Snapshot, place: usize) -> bool {
        let writes = |micros: &[Micro]| micros.iter().any(|m| m.key() == key && !m.reads());
        let Role::Leader(leadership) = &self.role else { return true };
        let waiting = self.log.after(self.machine.applied, usize::MAX).iter();
        self.machine.changed_since(key, snapshot)
            || leadership.underway[..place].iter().any(|before| writes(&before.micros))
            || waiting.filter_map(|entry| entry.operation.as_ref()).any(
                |operation| matches!(operation, Operation::Commit { micros, .. } if writes(micros)),
            )
    }
}
