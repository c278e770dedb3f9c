//! Registers: of values written once each, of few values, and with versions.

use super::simulation::{Answer, Request, Subject, simulate};
use super::{Load, Random};
use crate::history::{History, Recording, ValueId};

/// Of a hundred operations so many read and write; the others compare and set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    /// How many only read.
    pub reads: u64,
    /// How many write without a condition.
    pub writes: u64,
}

struct Names {
    read: ValueId,
    write: ValueId,
    cas: ValueId,
}

impl Names {
    fn new(book: &mut Recording) -> Self {
        Self { read: book.text("read"), write: book.text("write"), cas: book.text("cas") }
    }

    /// The function of the next request.
    fn draw(&self, mix: Mix, random: &mut Random) -> ValueId {
        match random.below(100) {
            draw if draw < mix.reads => self.read,
            draw if draw < mix.reads + mix.writes => self.write,
            _ => self.cas,
        }
    }
}

/// What one register is asked for.
#[derive(Clone, Copy)]
enum Call {
    Read,
    Write(ValueId),
    Cas { old: ValueId, new: ValueId },
}

impl Names {
    fn call(&self, f: ValueId, old: ValueId, new: ValueId) -> Call {
        match f {
            _ if f == self.read => Call::Read,
            _ if f == self.write => Call::Write(new),
            _ => Call::Cas { old, new },
        }
    }
}

impl Call {
    fn argument(self, book: &mut Recording) -> ValueId {
        match self {
            Self::Read => ValueId::NULL,
            Self::Write(new) => new,
            Self::Cas { old, new } => book.array(&[old, new]),
        }
    }

    fn take_effect(self, held: &mut ValueId, book: &mut Recording) -> Answer {
        match self {
            Self::Cas { old, .. } if *held != old => return Answer::Fail,
            Self::Read => return Answer::Ok(*held),
            Self::Write(new) | Self::Cas { new, .. } => *held = new,
        }
        Answer::Ok(self.argument(book))
    }
}

/// Keys with a register each: half of the operations read, three tenths write, the others compare
/// and set; every value is written once. A compare-and-set asks for what its key held when it was
/// invoked.
pub fn unique_values(load: &Load, keys: u32) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let names = Names::new(&mut book);
    let keys = keys_of(keys, &mut book);
    let held = vec![ValueId::NULL; keys.len()];
    simulate(load, &mut UniqueValues { names, keys, held, written: 0 }, book)
}

fn keys_of(count: u32, book: &mut Recording) -> Vec<ValueId> {
    (0..count.max(1)).map(|key| book.text(&format!("k{key}"))).collect()
}

struct UniqueValues {
    names: Names,
    keys: Vec<ValueId>,
    /// By place of the key.
    held: Vec<ValueId>,
    written: i64,
}

impl Subject for UniqueValues {
    /// With the place of the key.
    type Call = (u32, Call);

    fn request(
        &mut self,
        _: u32,
        random: &mut Random,
        book: &mut Recording,
    ) -> (Request, Self::Call) {
        let place = random.below(self.keys.len() as u64) as usize;
        let f = self.names.draw(Mix { reads: 50, writes: 30 }, random);
        let mut new = ValueId::NULL;
        if f != self.names.read {
            self.written += 1;
            new = book.integer(self.written);
        }
        let call = self.names.call(f, self.held[place], new);
        let argument = call.argument(book);
        (Request { f, key: Some(self.keys[place]), argument }, (place as u32, call))
    }

    fn answer(&mut self, (place, call): Self::Call, book: &mut Recording) -> Answer {
        call.take_effect(&mut self.held[place as usize], book)
    }
}

/// One register that begins with null and is written from 1 to `values`, again and again. Half of
/// the compare-and-sets ask for what the register held when they were invoked.
pub fn few_values(load: &Load, values: u32, mix: Mix) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let names = Names::new(&mut book);
    let values = (1..=values.max(1)).map(|value| book.integer(value.into())).collect();
    simulate(load, &mut FewValues { names, values, mix, held: ValueId::NULL }, book)
}

struct FewValues {
    names: Names,
    values: Vec<ValueId>,
    mix: Mix,
    held: ValueId,
}

impl Subject for FewValues {
    type Call = Call;

    fn request(&mut self, _: u32, random: &mut Random, book: &mut Recording) -> (Request, Call) {
        let mut draw = || self.values[random.below(self.values.len() as u64) as usize];
        let (mut old, new) = (draw(), draw());
        if !self.held.is_null() && random.below(2) == 0 {
            old = self.held;
        }
        let f = self.names.draw(self.mix, random);
        let call = self.names.call(f, old, new);
        (Request { f, key: None, argument: call.argument(book) }, call)
    }

    fn answer(&mut self, call: Call, book: &mut Recording) -> Answer {
        call.take_effect(&mut self.held, book)
    }
}

/// Keys with a register each, half of the operations reads and half writes, that tell their
/// versions: every result is `[version, value]`. Values repeat.
pub fn versioned(load: &Load, keys: u32) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let names = Names::new(&mut book);
    let keys = keys_of(keys, &mut book);
    let held = vec![(0, ValueId::NULL); keys.len()];
    simulate(load, &mut Versioned { names, keys, held }, book)
}

struct Versioned {
    names: Names,
    keys: Vec<ValueId>,
    /// By place of the key: version and value.
    held: Vec<(i64, ValueId)>,
}

impl Subject for Versioned {
    /// The place of the key, and what is written.
    type Call = (u32, Option<ValueId>);

    fn request(
        &mut self,
        _: u32,
        random: &mut Random,
        book: &mut Recording,
    ) -> (Request, Self::Call) {
        let place = random.below(self.keys.len() as u64) as u32;
        let f = self.names.draw(Mix { reads: 50, writes: 50 }, random);
        let new = (f == self.names.write).then(|| book.integer(random.below(1000) as i64));
        let key = Some(self.keys[place as usize]);
        (Request { f, key, argument: new.unwrap_or(ValueId::NULL) }, (place, new))
    }

    fn answer(&mut self, (place, new): Self::Call, book: &mut Recording) -> Answer {
        let held = &mut self.held[place as usize];
        if let Some(new) = new {
            *held = (held.0 + 1, new);
        }
        let version = book.integer(held.0);
        Answer::Ok(book.array(&[version, held.1]))
    }
}
