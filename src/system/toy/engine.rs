//! The core and what is around it, on a thread of its own.
//!
//! ```text
//! requests, messages ──▶ batch ──▶ Raft ──▶ save (one fsync) ──▶ messages, answers
//! ```

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::log;
use super::peers::Peer;
use super::raft::{Answer, Member, Operation, Raft, Token, View};
use super::store::{Store, StoreError};
use super::wire::PeerMessage;
use crate::spec::ToyBug;

/// The core's time goes on at least this often.
const TICK: Duration = Duration::from_millis(5);
/// The most inputs in one batch.
const BATCH_MAX: usize = 1024;
/// A client hears of its operation after so long, whatever is known.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same with planted bugs that show while a client has no better answer.
const PATIENCE_SHORT: Duration = Duration::from_millis(100);
/// A refused operation is forwarded again after this.
const FORWARD_AGAIN: Duration = Duration::from_millis(20);

/// What comes to a node.
pub enum Input {
    Request { operation: Operation, reply: oneshot::Sender<Answer> },
    Peer { from: Member, message: PeerMessage },
    View { reply: oneshot::Sender<View> },
}

pub struct Engine {
    raft: Raft,
    store: Store,
    bug: ToyBug,
    started: Instant,
    /// Of all members.
    names: Vec<String>,
    /// One per member; none for this node.
    peers: Vec<Option<Peer>>,
    requests: HashMap<Token, Pending>,
    next_token: u64,
    /// Told when this changes: (role, leader, term).
    said: (&'static str, Option<Member>, u64),
}

struct Pending {
    operation: Operation,
    origin: Origin,
    deadline: Duration,
    state: State,
}

enum Origin {
    Client(oneshot::Sender<Answer>),
    /// Forwarded by a member, under its token.
    Member(Member, Token),
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Nobody has it; to be tried (again) at this time.
    Waiting(Duration),
    /// With our core, or with another node.
    Underway,
}

impl Engine {
    /// Members are names, each with the way to it (none for this node). Tokens count from
    /// `first_token`: a random number, so that an answer to a request from before a restart is
    /// not taken for another's. `raft`'s time begins now, at 0.
    pub fn new(
        raft: Raft,
        store: Store,
        bug: ToyBug,
        members: Vec<(String, Option<Peer>)>,
        first_token: u64,
    ) -> Self {
        let (names, peers) = members.into_iter().unzip();
        Self {
            raft,
            store,
            bug,
            started: Instant::now(),
            names,
            peers,
            requests: HashMap::new(),
            next_token: first_token,
            said: ("", None, 0),
        }
    }

    /// Works until nobody can send any more, or the disk fails.
    pub fn run(mut self, inputs: &Receiver<Input>) -> Result<(), StoreError> {
        loop {
            match inputs.recv_timeout(TICK) {
                Ok(input) => self.take(input),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            inputs.try_iter().take(BATCH_MAX).for_each(|input| self.take(input));
            let now = self.started.elapsed();
            self.raft.tick(now);
            self.dispatch(now);
            let output = self.raft.output(now);
            self.store.save(&output.records)?;
            for (member, message) in output.messages {
                self.send(member, PeerMessage::Raft(message));
            }
            for (token, answer) in output.answers {
                self.finish(token, answer);
            }
            self.expire(now);
            self.tell();
        }
    }

    fn take(&mut self, input: Input) {
        let now = self.started.elapsed();
        match input {
            Input::Request { operation, reply } => {
                self.begin(operation, Origin::Client(reply), now);
            }
            Input::View { reply } => {
                // Who does not wait for it any more does not miss it.
                let _ = reply.send(self.raft.view());
            }
            Input::Peer { from, message } => match message {
                PeerMessage::Raft(message) => self.raft.receive(from, message, now),
                PeerMessage::Forward(token, operation) if self.raft.is_leader() => {
                    self.begin(operation, Origin::Member(from, token), now);
                }
                PeerMessage::Forward(token, _) => self.send(from, PeerMessage::Refuse(token)),
                PeerMessage::Answer(token, answer) => self.finish(token, answer),
                PeerMessage::Refuse(token) => {
                    if let Some(pending) = self.requests.get_mut(&token) {
                        pending.state = State::Waiting(now + FORWARD_AGAIN);
                    }
                }
            },
        }
    }

    fn begin(&mut self, operation: Operation, origin: Origin, now: Duration) {
        let patience = match self.bug {
            ToyBug::DirtyRead => PATIENCE_SHORT,
            ToyBug::StaleRead if operation.is_read() => PATIENCE_SHORT,
            _ => PATIENCE,
        };
        let (deadline, state) = (now + patience, State::Waiting(now));
        let token = Token(self.next_token);
        self.next_token = self.next_token.wrapping_add(1);
        self.requests.insert(token, Pending { operation, origin, deadline, state });
    }

    /// Gives waiting requests to our core if it leads, or else to the leader.
    fn dispatch(&mut self, now: Duration) {
        let Some(leader) = self.raft.leader() else { return };
        let mut refused = Vec::new();
        for (token, pending) in &mut self.requests {
            match pending.state {
                State::Waiting(from) if from <= now => {}
                _ => continue,
            }
            let site = match pending.origin {
                Origin::Client(_) => self.raft.id(),
                Origin::Member(member, _) => member,
            };
            if self.raft.request(*token, &pending.operation, site) {
                pending.state = State::Underway;
                continue;
            }
            match (&pending.origin, self.peers.get(leader)) {
                (Origin::Client(_), Some(Some(peer))) => {
                    pending.state = State::Underway;
                    peer.send(PeerMessage::Forward(*token, pending.operation.clone()));
                }
                (Origin::Client(_), _) => {}
                // One hop, and no more.
                (Origin::Member(..), _) => refused.push(*token),
            }
        }
        for token in refused {
            if let Some(Pending { origin: Origin::Member(member, theirs), .. }) =
                self.requests.remove(&token)
            {
                self.send(member, PeerMessage::Refuse(theirs));
            }
        }
    }

    fn send(&self, member: Member, message: PeerMessage) {
        if let Some(Some(peer)) = self.peers.get(member) {
            peer.send(message);
        }
    }

    fn finish(&mut self, token: Token, answer: Answer) {
        let Some(pending) = self.requests.remove(&token) else { return };
        let answer = match pending.origin {
            // Planted: no answer from a quorum, so our own copy must do.
            Origin::Client(_)
                if self.bug == ToyBug::StaleRead
                    && pending.operation.is_read()
                    && !matches!(answer, Answer::Ok(_)) =>
            {
                self.raft.copy(&pending.operation)
            }
            _ => answer,
        };
        match pending.origin {
            // A client that has gone does not miss its answer.
            Origin::Client(reply) => drop(reply.send(answer)),
            Origin::Member(member, token) => self.send(member, PeerMessage::Answer(token, answer)),
        }
    }

    fn expire(&mut self, now: Duration) {
        let overdue = self.requests.iter().filter(|(_, pending)| now >= pending.deadline);
        let expired: Vec<(Token, Answer)> = overdue
            .map(|(token, pending)| {
                let answer = match pending.state {
                    State::Waiting(_) => Answer::Fail("no leader".to_owned()),
                    State::Underway if pending.operation.is_read() => {
                        Answer::Fail("no answer from a quorum".to_owned())
                    }
                    State::Underway => Answer::Info("no answer from a quorum".to_owned()),
                };
                (*token, answer)
            })
            .collect();
        for (token, answer) in expired {
            self.finish(token, answer);
        }
    }

    fn tell(&mut self) {
        let view = self.raft.view();
        let now = (view.role, view.leader, view.term);
        if self.said != now {
            self.said = now;
            let leader = view.leader.and_then(|leader| self.names.get(leader));
            let leader = leader.map_or("nobody", String::as_str);
            log(&format!("{} in term {}, led by {leader}", view.role, view.term));
        }
    }
}
