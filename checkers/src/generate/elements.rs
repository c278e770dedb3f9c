//! Sets, and a queue that is drained at the end.

use std::collections::{HashSet, VecDeque};

use super::simulation::{Answer, Request, Subject, simulate};
use super::{Load, Random};
use crate::history::{History, Recording, ValueId};

/// `add` of elements that are all different, and about twenty `read`s of all that were added: so
/// what is read grows with the number of operations.
pub fn growing_set(load: &Load) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let (add, read) = (book.text("add"), book.text("read"));
    let reads_every = u64::from(load.operations / 20).max(2);
    simulate(load, &mut Growing { add, read, reads_every, asked: 0, all: Vec::new() }, book)
}

struct Growing {
    add: ValueId,
    read: ValueId,
    reads_every: u64,
    asked: i64,
    all: Vec<ValueId>,
}

impl Subject for Growing {
    /// What is added; `None`: a read.
    type Call = Option<ValueId>;

    fn request(
        &mut self,
        _: u32,
        random: &mut Random,
        book: &mut Recording,
    ) -> (Request, Self::Call) {
        if random.below(self.reads_every) == 0 {
            return (Request { f: self.read, key: None, argument: ValueId::NULL }, None);
        }
        self.asked += 1;
        let element = book.integer(self.asked);
        (Request { f: self.add, key: None, argument: element }, Some(element))
    }

    fn answer(&mut self, call: Self::Call, book: &mut Recording) -> Answer {
        match call {
            Some(element) => {
                self.all.push(element);
                Answer::Ok(element)
            }
            None => Answer::Ok(book.array(&self.all)),
        }
    }
}

/// `add`, `remove` and `contains`, each of one element. An element is added once, and removed once
/// at most; about a hundred are in use at a time.
pub fn element_set(load: &Load) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let names = [book.text("add"), book.text("remove"), book.text("contains")];
    let answers = [false, true].map(|found| book.value(&found.into()));
    let mut subject =
        Single { names, answers, asked: 0, live: VecDeque::new(), set: HashSet::new() };
    simulate(load, &mut subject, book)
}

struct Single {
    /// `add`, `remove`, `contains`.
    names: [ValueId; 3],
    /// For absent and present.
    answers: [ValueId; 2],
    asked: i64,
    /// Added and not yet removed, by those who asked.
    live: VecDeque<i64>,
    set: HashSet<i64>,
}

impl Subject for Single {
    /// Place of the function, element.
    type Call = (usize, i64);

    fn request(
        &mut self,
        _: u32,
        random: &mut Random,
        book: &mut Recording,
    ) -> (Request, Self::Call) {
        let live = self.live.len() as u64;
        let (f, element) = match random.below(4) {
            0 | 1 if live > 0 => {
                let place = random.below(live) as usize;
                (2, self.live.get(place).copied().unwrap_or_default())
            }
            _ if random.below(200) < live => (1, self.live.pop_front().unwrap_or_default()),
            _ => {
                self.asked += 1;
                self.live.push_back(self.asked);
                (0, self.asked)
            }
        };
        let argument = book.integer(element);
        (Request { f: self.names[f], key: None, argument }, (f, element))
    }

    fn answer(&mut self, (f, element): Self::Call, book: &mut Recording) -> Answer {
        match f {
            0 => drop(self.set.insert(element)),
            1 => drop(self.set.remove(&element)),
            _ => return Answer::Ok(self.answers[usize::from(self.set.contains(&element))]),
        }
        Answer::Ok(book.integer(element))
    }
}

/// `enqueue` and `dequeue`, and `drain`s by all clients at the end. Only enqueues crash with
/// effect.
pub fn total_queue(load: &Load) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let names = [book.text("enqueue"), book.text("dequeue"), book.text("drain")];
    let until_drained = load.operations.saturating_sub(load.clients * 4);
    let mut subject = Total { names, until_drained, asked: 0, queue: VecDeque::new() };
    simulate(load, &mut subject, book)
}

struct Total {
    /// `enqueue`, `dequeue`, `drain`.
    names: [ValueId; 3],
    /// Operations before the drains.
    until_drained: u32,
    asked: i64,
    queue: VecDeque<ValueId>,
}

impl Subject for Total {
    /// Place of the function, element.
    type Call = (usize, ValueId);

    fn request(
        &mut self,
        _: u32,
        random: &mut Random,
        book: &mut Recording,
    ) -> (Request, Self::Call) {
        let (f, element) = match random.below(200) {
            _ if self.until_drained == 0 => (2, ValueId::NULL),
            draw if draw < self.queue.len() as u64 => (1, ValueId::NULL),
            _ => {
                self.asked += 1;
                (0, book.integer(self.asked))
            }
        };
        self.until_drained = self.until_drained.saturating_sub(1);
        (Request { f: self.names[f], key: None, argument: element }, (f, element))
    }

    fn answer(&mut self, (f, element): Self::Call, book: &mut Recording) -> Answer {
        match f {
            0 => {
                self.queue.push_back(element);
                Answer::Ok(element)
            }
            1 => Answer::Ok(self.queue.pop_front().unwrap_or(ValueId::NULL)),
            _ => {
                let left: Vec<ValueId> = self.queue.drain(..).collect();
                Answer::Ok(book.array(&left))
            }
        }
    }

    fn survives(&self, (f, _): Self::Call, random: &mut Random) -> bool {
        f == 0 && random.below(2) == 0
    }
}
