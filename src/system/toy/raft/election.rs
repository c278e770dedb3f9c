//! Who leads: at most one leader per term.
//!
//! A node that hears no leader first asks whether it would be elected (pre-vote), so that one
//! which was cut off does not depose a working leader when it comes back.

use std::time::Duration;

use rand::RngExt;

use super::message::{Ask, Entry, Member, Message, Record};
use super::{ELECTION_MAX, ELECTION_MIN, Leadership, Raft, Role, SILENT_CAMPAIGNS_MAX, leadership};
use crate::spec::ToyBug;

impl Raft {
    pub(super) fn reset_election(&mut self, now: Duration) {
        self.election_due = now + self.rng.random_range(ELECTION_MIN..ELECTION_MAX);
    }

    pub(super) fn campaign(&mut self, now: Duration) {
        self.reset_election(now);
        self.leader = None;
        if self.bug == ToyBug::SplitBrain && self.silent_campaigns >= SILENT_CAMPAIGNS_MAX {
            // Planted: nobody answers, so nobody else is there. Terms of several such leaders
            // differ by their position, so that one of them wins in the end.
            let term = self.term + 1 + self.id as u64;
            self.set_term(term, Some(self.id));
            self.lead(now);
            if let Role::Leader(leadership) = &mut self.role {
                leadership.heard = vec![None; self.size];
            }
            return;
        }
        self.silent_campaigns += 1;
        self.ask(false, now);
    }

    fn ask(&mut self, binding: bool, now: Duration) {
        let term = self.term + 1;
        if binding {
            self.set_term(term, Some(self.id));
        }
        let mut votes = vec![false; self.size];
        votes[self.id] = true;
        self.role = Role::Candidate { binding, votes };
        let (last_index, last_term) = (self.log.last_index(), self.log.last_term());
        self.broadcast(&Message::Ask(Ask { term, last_index, last_term, binding }));
        self.count_votes(now);
    }

    fn count_votes(&mut self, now: Duration) {
        let Role::Candidate { binding, votes } = &self.role else { return };
        if leadership::quorum_value(votes.iter().map(|vote| u64::from(*vote)).collect()) == 0 {
            return;
        }
        if *binding {
            self.lead(now);
        } else {
            self.ask(true, now);
        }
    }

    pub(super) fn on_ask(&mut self, from: Member, ask: Ask, now: Duration) {
        let complete = self.log.not_newer_than(ask.last_term, ask.last_index);
        let granted = if ask.binding {
            if ask.term > self.term {
                self.follow(ask.term, None, now);
            }
            let free = self.vote.is_none_or(|vote| vote == from);
            ask.term == self.term && free && complete
        } else {
            let led = self.leader_heard.is_some_and(|heard| now < heard + ELECTION_MIN);
            ask.term > self.term && complete && !led && !self.is_leader()
        };
        if granted && ask.binding {
            self.set_term(self.term, Some(from));
            self.reset_election(now);
        }
        let term = if granted { ask.term } else { self.term };
        self.send(from, Message::Vote { term, granted, binding: ask.binding });
    }

    pub(super) fn on_vote(
        &mut self,
        from: Member,
        (term, granted, binding): (u64, bool, bool),
        now: Duration,
    ) {
        if !granted {
            if term > self.term {
                self.follow(term, None, now);
            }
            return;
        }
        let expected = if binding { self.term } else { self.term + 1 };
        if let Role::Candidate { binding: asked, votes } = &mut self.role
            && *asked == binding
            && term == expected
        {
            votes[from] = true;
            self.count_votes(now);
        }
    }

    fn lead(&mut self, now: Duration) {
        self.leader = Some(self.id);
        let leadership = Leadership::new(self.size, self.log.last_index(), now);
        self.role = Role::Leader(Box::new(leadership));
        // Only an entry of the leader's own term may be committed by counting; all before it are
        // committed with it (Raft, section 5.4.2).
        self.append(Entry { term: self.term, operation: None });
    }

    pub(super) fn set_term(&mut self, term: u64, vote: Option<Member>) {
        if (self.term, self.vote) != (term, vote) {
            (self.term, self.vote) = (term, vote);
            self.output.records.push(Record::Term { term, vote });
        }
    }
}
