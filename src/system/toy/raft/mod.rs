//! A compact Raft: the replicated log behind the toy system, as a pure state machine.
//!
//! Time, messages and requests go in; records, messages and answers come out. No I/O, no clock.
//! After Ongaro and Ousterhout, *In Search of an Understandable Consensus Algorithm* (2014), with
//! pre-vote, check-quorum and read-index from Ongaro's thesis. Why it is linearizable:
//!
//! - A term has at most one leader: a vote is on disk before it is sent.
//! - A leader has every committed entry: a quorum has it, and a quorum elected the leader out of
//!   logs that are not newer. It commits only entries of its own term by counting.
//! - A write or cas is answered when its entry is applied, so its place in the log lies between
//!   its invocation and its answer.
//! - A read is answered from the applied log once a quorum has confirmed, after the read came,
//!   that the leader still leads, and once the leader's first entry is applied: so it sees every
//!   write that was answered before.
//! - A transaction is one entry of the log, and one that only reads is answered as a read is: so
//!   transactions are strictly serializable.
//!
//! Members never change and the log is never compacted. Clocks matter for progress only.

mod election;
mod leadership;
mod log;
mod machine;
mod message;
mod replication;
#[cfg(test)]
mod simulation;
mod txn;
mod versions;

use std::time::Duration;

use isobar_workloads::txn::perform;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::spec::ToyBug;
use leadership::{Leadership, Query};
use log::Log;
use machine::Machine;
pub use message::{Answer, Entry, Member, Message, Operation, Output, Record, Token};

/// A leader beats this often.
pub const HEARTBEAT: Duration = Duration::from_millis(50);
/// A node without a leader waits between these two before it stands for election.
pub const ELECTION_MIN: Duration = Duration::from_millis(150);
pub const ELECTION_MAX: Duration = Duration::from_millis(300);
/// With the planted split brain: who was silent for so long does not count.
const PRESUMED_DEAD: Duration = Duration::from_millis(200);
/// With the planted split brain: after so many campaigns that nobody answered, a node elects
/// itself.
const SILENT_CAMPAIGNS_MAX: u32 = 3;

/// One member of the group.
pub struct Raft {
    id: Member,
    size: usize,
    bug: ToyBug,
    rng: ChaCha8Rng,
    term: u64,
    vote: Option<Member>,
    log: Log,
    commit: u64,
    machine: Machine,
    role: Role,
    leader: Option<Member>,
    leader_heard: Option<Duration>,
    election_due: Duration,
    /// Campaigns since anybody was heard.
    silent_campaigns: u32,
    output: Output,
}

enum Role {
    Follower,
    Candidate { binding: bool, votes: Vec<bool> },
    Leader(Box<Leadership>),
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub role: &'static str,
    pub leader: Option<Member>,
    pub term: u64,
    pub commit: u64,
    pub applied: u64,
    pub last_index: u64,
}

impl Raft {
    /// Member `id` (below `size`) as it was saved in `records`; `now` is any monotonic time.
    pub fn new(
        (id, size): (Member, usize),
        bug: ToyBug,
        seed: u64,
        records: impl IntoIterator<Item = Record>,
        now: Duration,
    ) -> Self {
        let mut raft = Self {
            id,
            size,
            bug,
            rng: ChaCha8Rng::seed_from_u64(seed),
            term: 0,
            vote: None,
            log: Log::default(),
            commit: 0,
            machine: Machine::new(bug),
            role: Role::Follower,
            leader: None,
            leader_heard: None,
            election_due: now,
            silent_campaigns: 0,
            output: Output::default(),
        };
        for record in records {
            match record {
                Record::Term { term, vote } => (raft.term, raft.vote) = (term, vote),
                Record::Truncate(length) => raft.log.truncate(length),
                Record::Append(entry) => {
                    raft.log.push(entry);
                }
            }
        }
        raft.reset_election(now);
        raft
    }

    /// This node.
    pub fn id(&self) -> Member {
        self.id
    }

    pub fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    pub fn leader(&self) -> Option<Member> {
        self.leader
    }

    pub fn view(&self) -> View {
        View {
            role: match self.role {
                Role::Follower => "follower",
                Role::Candidate { .. } => "candidate",
                Role::Leader(_) => "leader",
            },
            leader: self.leader,
            term: self.term,
            commit: self.commit,
            applied: self.machine.applied,
            last_index: self.log.last_index(),
        }
    }

    /// The answer to a read from this node's own copy, however old.
    pub fn copy(&self, read: &Operation) -> Answer {
        match read {
            Operation::Read { key } => Answer::Ok(self.machine.get(key)),
            Operation::Txn { micros } => match perform(micros, |key| self.machine.get(key)) {
                Ok(performed) => machine::answer(performed.micros),
                Err(reason) => Answer::Fail(reason),
            },
            _ => Answer::Fail("not a read".to_owned()),
        }
    }

    /// Lets time pass. To be called every few milliseconds.
    pub fn tick(&mut self, now: Duration) {
        if let Role::Leader(leadership) = &self.role {
            // A leader without a quorum steps down, so that its clients get an answer.
            let since = now.saturating_sub(ELECTION_MAX);
            let heard = leadership.heard_since(self.id, since) + 1;
            if self.bug != ToyBug::SplitBrain && heard * 2 <= self.size {
                self.follow(self.term, None, now);
            }
            self.proceed(now);
        } else if now >= self.election_due {
            self.campaign(now);
        }
    }

    /// Takes a message of another member.
    pub fn receive(&mut self, from: Member, message: Message, now: Duration) {
        if from == self.id || from >= self.size {
            return;
        }
        self.silent_campaigns = 0;
        match message {
            Message::Ask(ask) => self.on_ask(from, ask, now),
            Message::Vote { term, granted, binding } => {
                self.on_vote(from, (term, granted, binding), now);
            }
            Message::Append(append) => self.on_append(from, append, now),
            Message::Appended(answer) => self.on_appended(from, answer, now),
        }
    }

    /// Takes an operation of a client of the node `site`, to be answered under `token` in an
    /// output to come; `false` if this node does not lead: then nothing is done.
    #[must_use]
    pub fn request(&mut self, token: Token, operation: &Operation, site: Member) -> bool {
        let Role::Leader(leadership) = &mut self.role else { return false };
        match operation {
            Operation::Read { key } if self.bug == ToyBug::DirtyRead => {
                // Planted: the end of the log is shown, committed or not.
                let value = self.machine.peek(&self.log, key);
                self.output.answers.push((token, Answer::Ok(value)));
            }
            Operation::Read { key } => {
                leadership.confirm(token, Query::Register { key: key.clone() }, self.commit);
            }
            Operation::Txn { micros } if operation.is_read() || self.bug.of_transactions() => {
                let query = Query::Txn { micros: micros.clone(), site, first: None };
                leadership.confirm(token, query, self.commit);
            }
            _ => self.propose(token, operation.clone()),
        }
        true
    }

    /// Appends an operation to the leader's log, to be answered when it is applied.
    fn propose(&mut self, token: Token, operation: Operation) {
        let Role::Leader(leadership) = &mut self.role else { return };
        leadership.proposals.insert(self.log.last_index() + 1, token);
        self.append(Entry { term: self.term, operation: Some(operation) });
    }

    /// What is to be done after a batch of ticks, messages and requests.
    pub fn output(&mut self, now: Duration) -> Output {
        self.advance(now);
        self.replicate(now);
        std::mem::take(&mut self.output)
    }

    fn follow(&mut self, term: u64, leader: Option<Member>, now: Duration) {
        if term > self.term {
            self.set_term(term, None);
        }
        if let Role::Leader(leadership) = std::mem::replace(&mut self.role, Role::Follower) {
            self.reset_election(now);
            let unknown = || Answer::Info("the leader lost its quorum".to_owned());
            let proposals = leadership.proposals.into_values().map(|token| (token, unknown()));
            self.output.answers.extend(proposals);
            let failed = || Answer::Fail("the leader lost its quorum".to_owned());
            let reads = leadership.reads.into_iter().map(|read| (read.token, failed()));
            self.output.answers.extend(reads);
            // They have not come to the log yet.
            let underway = leadership.underway.into_iter().map(|txn| (txn.token, failed()));
            self.output.answers.extend(underway);
        }
        self.leader = leader;
    }

    fn send(&mut self, to: Member, message: Message) {
        self.output.messages.push((to, message));
    }

    fn broadcast(&mut self, message: &Message) {
        for member in (0..self.size).filter(|member| *member != self.id) {
            self.output.messages.push((member, message.clone()));
        }
    }
}
