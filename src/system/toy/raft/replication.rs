//! From the leader's log to everybody's, and from there to the registers.

use std::time::Duration;

use super::leadership::{PendingRead, Query, quorum_value};
use super::machine::Machine;
use super::message::{Answer, Append, Appended, Entry, Member, Message, Record};
use super::{HEARTBEAT, PRESUMED_DEAD, Raft, Role};
use crate::spec::ToyBug;

/// The most entries in one message.
const ENTRIES_MAX: usize = 256;

impl Raft {
    pub(super) fn append(&mut self, entry: Entry) -> u64 {
        self.output.records.push(Record::Append(entry.clone()));
        self.log.push(entry)
    }

    /// Sends what members lack, and a new round to all when one is wanted or due.
    pub(super) fn replicate(&mut self, now: Duration) {
        let Role::Leader(leadership) = &mut self.role else { return };
        let beat = now >= leadership.heartbeat_due;
        let round_begins = beat || leadership.round_wanted;
        if round_begins {
            leadership.round += 1;
            leadership.round_wanted = false;
        }
        if beat {
            leadership.heartbeat_due = now + HEARTBEAT;
        }
        // Planted: asynchronous replication, entries travel with the heartbeat only.
        let limit = if self.bug == ToyBug::LostWrite && !beat { 0 } else { ENTRIES_MAX };
        for member in (0..self.size).filter(|member| *member != self.id) {
            let previous_index = leadership.next[member] - 1;
            let entries = self.log.after(previous_index, limit).to_vec();
            if entries.is_empty() && !round_begins {
                continue;
            }
            // Sent on trust: what was lost shows when the next message does not match.
            leadership.next[member] += entries.len() as u64;
            let append = Append {
                term: self.term,
                previous_index,
                previous_term: self.log.term_at(previous_index).unwrap_or(0),
                entries,
                commit: self.commit,
                round: leadership.round,
            };
            self.output.messages.push((member, Message::Append(append)));
        }
    }

    pub(super) fn on_append(&mut self, from: Member, append: Append, now: Duration) {
        let (term, round) = (append.term, append.round);
        // Two leaders of one term exist with the planted split brain only.
        let rival = term == self.term && self.is_leader() && from > self.id;
        if term < self.term || rival {
            let refusal = Appended { term: self.term, round, matches: false, index: 0 };
            self.send(from, Message::Appended(refusal));
            return;
        }
        self.follow(term, Some(from), now);
        self.leader_heard = Some(now);
        self.reset_election(now);
        let matches = self.log.term_at(append.previous_index) == Some(append.previous_term);
        let index = if matches {
            let index = append.previous_index + append.entries.len() as u64;
            self.merge(append.previous_index, append.entries);
            self.commit = self.commit.max(append.commit.min(index));
            index
        } else {
            self.log.before_conflict(append.previous_index)
        };
        self.send(from, Message::Appended(Appended { term, round, matches, index }));
    }

    /// Makes the log after `index` begin with `entries`. Entries that are there already are left:
    /// an old message must not undo what a newer one brought.
    fn merge(&mut self, mut index: u64, entries: Vec<Entry>) {
        for entry in entries {
            index += 1;
            match self.log.term_at(index) {
                Some(term) if term == entry.term => continue,
                Some(_) => self.truncate(index - 1),
                None => {}
            }
            self.append(entry);
        }
    }

    fn truncate(&mut self, length: u64) {
        self.log.truncate(length);
        self.output.records.push(Record::Truncate(length));
        self.commit = self.commit.min(length);
        if self.machine.applied > length {
            // What was committed is lost: with a planted bug only. The registers follow the log.
            self.machine = Machine::new(self.bug);
            self.apply();
        }
    }

    pub(super) fn on_appended(&mut self, from: Member, answer: Appended, now: Duration) {
        if answer.term > self.term {
            self.follow(answer.term, None, now);
            return;
        }
        let last_index = self.log.last_index();
        let Role::Leader(leadership) = &mut self.role else { return };
        if answer.term < self.term || answer.index > last_index {
            return;
        }
        leadership.heard[from] = Some(now);
        leadership.answered[from] = leadership.answered[from].max(answer.round);
        let (next, matched) = (&mut leadership.next[from], &mut leadership.matched[from]);
        if answer.matches {
            *matched = answer.index.max(*matched);
            *next = (*next).max(*matched + 1);
        } else {
            *next = (*next).min(answer.index + 1).max(*matched + 1);
        }
    }

    /// The greatest value reached by a quorum, where `mine` is this node's.
    fn quorum(&self, values: &[u64], mine: u64, now: Duration) -> u64 {
        let Role::Leader(leadership) = &self.role else { return 0 };
        let values = values.iter().enumerate().filter_map(|(member, value)| {
            if member == self.id {
                return Some(mine);
            }
            // Planted: who is silent is dead, and the dead have no vote.
            let alive = leadership.heard[member].is_some_and(|at| now < at + PRESUMED_DEAD);
            (self.bug != ToyBug::SplitBrain || alive).then_some(*value)
        });
        quorum_value(values.collect())
    }

    /// Commits what a quorum has, applies it, and answers who waits for it.
    pub(super) fn advance(&mut self, now: Duration) {
        if let Role::Leader(leadership) = &self.role {
            let last_index = self.log.last_index();
            let reached = match self.bug {
                // Planted: what the leader has is as good as committed.
                ToyBug::LostWrite => last_index,
                _ => self.quorum(&leadership.matched, last_index, now),
            };
            if reached > self.commit && self.log.term_at(reached) == Some(self.term) {
                self.commit = reached;
            }
        }
        self.apply();
        self.answer_reads(now);
    }

    pub(super) fn apply(&mut self) {
        while self.machine.applied < self.commit {
            let Some(answer) = self.machine.step(&self.log) else { return };
            if let Role::Leader(leadership) = &mut self.role
                && let Some(token) = leadership.proposals.remove(&self.machine.applied)
            {
                self.output.answers.push((token, answer));
            }
        }
    }

    fn answer_reads(&mut self, now: Duration) {
        let Role::Leader(leadership) = &self.role else { return };
        let confirmed = self.quorum(&leadership.answered, leadership.round, now);
        let applied = self.machine.applied;
        let Role::Leader(leadership) = &mut self.role else { return };
        if applied >= leadership.first_index {
            leadership.lag.note(applied, now);
        }
        let ready: Vec<PendingRead> = leadership
            .reads
            .extract_if(.., |read| read.round <= confirmed && read.index <= applied)
            .collect();
        for PendingRead { token, query, .. } in ready {
            match query {
                Query::Register { key } => {
                    let value = self.machine.get(&key);
                    self.output.answers.push((token, Answer::Ok(value)));
                }
                Query::Txn { micros, site, first } => {
                    self.confirmed(token, micros, (site, first), now);
                }
            }
        }
    }
}
