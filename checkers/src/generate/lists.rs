//! Transactions on lists: `txn`s of `append` and `r`, several keys at a time.

use super::simulation::{Answer, Request, Subject, simulate};
use super::{Load, Random};
use crate::history::{History, Recording, ValueId};

/// Keys in use at a time.
const ACTIVE_KEYS: u64 = 10;
/// Appends asked of a key before another takes its place.
const APPENDS_PER_KEY: u32 = 32;
/// Micro-operations of a transaction, at most.
const MICROS_MAX: u64 = 4;
/// The elements that a stale read misses.
const MISSED: usize = 3;

/// How a database of lists runs transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// One after the other: strictly serializable.
    Strict,
    /// As [`Strict`](Self::Strict), but of a hundred transactions that only read, so many miss the
    /// last elements.
    Stale {
        /// Of those that only read.
        percent: u64,
    },
    /// From a snapshot taken after the invocation; who appends to a list that changed since,
    /// fails: strong snapshot isolation, with write skews.
    Snapshot,
}

/// `txn`s of one to four appends and reads, half of each. Lists are replaced by others once 32
/// elements were appended to them.
pub fn list_append(load: &Load, isolation: Isolation) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let names = Names { txn: book.text("txn"), append: book.text("append"), read: book.text("r") };
    let active = (0..ACTIVE_KEYS as u32).map(|key| Active { key, asked: 0 }).collect();
    let lists = vec![Vec::new(); ACTIVE_KEYS as usize];
    let calls = Vec::new();
    simulate(load, &mut Database { isolation, names, active, lists, calls, free: Vec::new() }, book)
}

struct Names {
    txn: ValueId,
    append: ValueId,
    read: ValueId,
}

/// A key in use.
struct Active {
    key: u32,
    /// Elements asked to be appended.
    asked: u32,
}

#[derive(Clone, Copy)]
enum Micro {
    Append { key: u32, element: ValueId },
    Read { key: u32 },
}

#[derive(Default)]
struct Call {
    micros: Vec<Micro>,
    /// The length of each micro-operation's list when the snapshot was taken.
    snapshot: Option<Vec<usize>>,
    missed: usize,
}

struct Database {
    isolation: Isolation,
    names: Names,
    active: Vec<Active>,
    /// By key.
    lists: Vec<Vec<ValueId>>,
    calls: Vec<Call>,
    /// Places in `calls` to be used again.
    free: Vec<u32>,
}

impl Database {
    fn draw(&mut self, random: &mut Random, book: &mut Recording) -> Micro {
        let slot = random.below(ACTIVE_KEYS) as usize;
        if random.below(2) == 0 {
            return Micro::Read { key: self.active[slot].key };
        }
        if self.active[slot].asked == APPENDS_PER_KEY {
            self.active[slot] = Active { key: self.lists.len() as u32, asked: 0 };
            self.lists.push(Vec::new());
        }
        let Active { key, asked } = &mut self.active[slot];
        *asked += 1;
        Micro::Append { key: *key, element: book.integer((*asked).into()) }
    }

    fn spell(&self, micro: Micro, list: Option<ValueId>, book: &mut Recording) -> ValueId {
        let (f, key, value) = match micro {
            Micro::Append { key, element } => (self.names.append, key, element),
            Micro::Read { key } => (self.names.read, key, list.unwrap_or(ValueId::NULL)),
        };
        let key = book.integer(key.into());
        book.array(&[f, key, value])
    }

    /// Whether a list that is appended to has grown since the snapshot.
    fn conflicts(&self, call: &Call, snapshot: &[usize]) -> bool {
        call.micros.iter().zip(snapshot).any(|(micro, &length)| match micro {
            Micro::Append { key, .. } => self.lists[*key as usize].len() != length,
            Micro::Read { .. } => false,
        })
    }

    fn run(&mut self, call: &Call, book: &mut Recording) -> ValueId {
        let mut done = Vec::with_capacity(call.micros.len());
        for (place, &micro) in call.micros.iter().enumerate() {
            let list = match micro {
                Micro::Append { key, element } => {
                    self.lists[key as usize].push(element);
                    None
                }
                Micro::Read { key } => Some(self.found(call, place, key, book)),
            };
            done.push(self.spell(micro, list, book));
        }
        book.array(&done)
    }

    /// What a read finds: of a snapshot, and what the transaction has appended since.
    fn found(&self, call: &Call, place: usize, key: u32, book: &mut Recording) -> ValueId {
        let list = &self.lists[key as usize];
        let Some(snapshot) = &call.snapshot else {
            return book.array(&list[..list.len().saturating_sub(call.missed)]);
        };
        let own = call.micros[..place].iter().filter_map(|micro| match micro {
            Micro::Append { key: other, element } if *other == key => Some(*element),
            _ => None,
        });
        let found: Vec<ValueId> = list[..snapshot[place]].iter().copied().chain(own).collect();
        book.array(&found)
    }
}

impl Subject for Database {
    /// Place in `calls`.
    type Call = u32;

    fn request(&mut self, _: u32, random: &mut Random, book: &mut Recording) -> (Request, u32) {
        let count = 1 + random.below(MICROS_MAX);
        let micros: Vec<Micro> = (0..count).map(|_| self.draw(random, book)).collect();
        let spelt: Vec<ValueId> =
            micros.iter().map(|&micro| self.spell(micro, None, book)).collect();
        let only_reads = micros.iter().all(|micro| matches!(micro, Micro::Read { .. }));
        let missed = match self.isolation {
            Isolation::Stale { percent } if only_reads && random.below(100) < percent => MISSED,
            _ => 0,
        };
        let call = Call { micros, snapshot: None, missed };
        let place = match self.free.pop() {
            Some(place) => {
                self.calls[place as usize] = call;
                place
            }
            None => {
                self.calls.push(call);
                self.calls.len() as u32 - 1
            }
        };
        let argument = book.array(&spelt);
        (Request { f: self.names.txn, key: None, argument }, place)
    }

    fn answer(&mut self, place: u32, book: &mut Recording) -> Answer {
        let mut call = std::mem::take(&mut self.calls[place as usize]);
        if self.isolation == Isolation::Snapshot {
            let key = |micro: &Micro| match micro {
                Micro::Append { key, .. } | Micro::Read { key } => *key as usize,
            };
            let Some(snapshot) = &call.snapshot else {
                let lengths = call.micros.iter().map(|micro| self.lists[key(micro)].len());
                call.snapshot = Some(lengths.collect());
                self.calls[place as usize] = call;
                return Answer::Wait;
            };
            if self.conflicts(&call, snapshot) {
                self.free.push(place);
                return Answer::Fail;
            }
        }
        let done = self.run(&call, book);
        self.free.push(place);
        Answer::Ok(done)
    }
}
