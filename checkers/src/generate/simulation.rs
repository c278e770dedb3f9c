//! Clients that use a system, one step of one of them at a time: invoke, take effect, complete.

use super::{Load, OPERATIONS_MAX, Random};
use crate::history::{Completion, History, Invocation, Recording, ValueId};

/// What a client asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub f: ValueId,
    pub key: Option<ValueId>,
    pub argument: ValueId,
}

/// What the system does with a request, at the moment of its effect.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// It happened, with this result.
    Ok(ValueId),
    /// It did not.
    Fail,
    /// Not yet.
    Wait,
}

/// A system that keeps its promise.
pub(super) trait Subject {
    /// A request as the system takes it.
    type Call: Copy;

    /// What this process asks for next.
    fn request(
        &mut self,
        process: u32,
        random: &mut Random,
        book: &mut Recording,
    ) -> (Request, Self::Call);

    /// Takes effect.
    fn answer(&mut self, call: Self::Call, book: &mut Recording) -> Answer;

    /// Whether a call takes effect although its client crashes.
    fn survives(&self, _call: Self::Call, random: &mut Random) -> bool {
        random.below(2) == 0
    }
}

#[derive(Clone, Copy)]
enum Step<C> {
    Idle,
    Asked { call: C, crashes: bool },
    Done(Option<ValueId>),
}

struct Client<C> {
    process: u32,
    /// Of its last operation.
    place: u32,
    node: ValueId,
    step: Step<C>,
}

struct Simulation<'s, S: Subject> {
    subject: &'s mut S,
    book: Recording,
    random: Random,
    clients: Vec<Client<S::Call>>,
    /// Operations and crashes still to come.
    operations: u32,
    crashes: u32,
    next_process: u32,
}

/// A history of `subject` under `load`; `book` has the names that the subject knows already.
pub(super) fn simulate<S: Subject>(load: &Load, subject: &mut S, mut book: Recording) -> History {
    let nodes: Vec<ValueId> = (1..=5).map(|node| book.text(&format!("n{node}"))).collect();
    let clients = load.clients.clamp(1, OPERATIONS_MAX);
    let client = |process: u32| Client {
        process,
        place: 0,
        node: nodes[process as usize % nodes.len()],
        step: Step::Idle,
    };
    let mut simulation = Simulation {
        subject,
        book,
        random: Random(load.seed),
        clients: (0..clients).map(client).collect(),
        operations: load.operations.min(OPERATIONS_MAX),
        crashes: load.crashes,
        next_process: clients,
    };
    while simulation.operations > 0 {
        let client = simulation.random.below(clients.into()) as usize;
        simulation.advance(client);
    }
    for client in 0..simulation.clients.len() {
        // What still waits for another stays open.
        (0..2).for_each(|_| simulation.settle(client));
    }
    simulation.book.finish()
}

impl<S: Subject> Simulation<'_, S> {
    fn advance(&mut self, client: usize) {
        let Self { subject, book, random, clients, .. } = self;
        let Client { process, node, step: Step::Idle, .. } = clients[client] else {
            return self.settle(client);
        };
        let (Request { f, key, argument }, call) = subject.request(process, random, book);
        clients[client].place = book.invoke(Invocation { process, node, f, key, argument });
        // Knuth's Algorithm S: so many crash, each set of operations equally likely.
        let crashes = random.below(self.operations.into()) < self.crashes.into();
        clients[client].step = Step::Asked { call, crashes };
        self.crashes -= u32::from(crashes);
        self.operations -= 1;
    }

    /// Goes on with what was begun.
    fn settle(&mut self, client: usize) {
        let Self { subject, book, random, clients, .. } = self;
        let Client { process, place, step, .. } = &mut clients[client];
        match *step {
            Step::Idle => {}
            Step::Asked { call, crashes: true } => {
                if subject.survives(call, random) {
                    subject.answer(call, book);
                }
                book.complete(*place, Completion::Info, ValueId::NULL);
                *process = self.next_process;
                self.next_process += 1;
                *step = Step::Idle;
            }
            Step::Asked { call, crashes: false } => match subject.answer(call, book) {
                Answer::Ok(result) => *step = Step::Done(Some(result)),
                Answer::Fail => *step = Step::Done(None),
                Answer::Wait => {}
            },
            Step::Done(result) => {
                let completion = if result.is_some() { Completion::Ok } else { Completion::Fail };
                book.complete(*place, completion, result.unwrap_or(ValueId::NULL));
                *step = Step::Idle;
            }
        }
    }
}
