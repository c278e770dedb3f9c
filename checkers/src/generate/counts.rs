//! Numbers: a counter, a value that only grows, ids.

use super::simulation::{Answer, Request, Subject, simulate};
use super::{Load, Random};
use crate::history::{History, Recording, ValueId};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    GrowOnly,
    Ids,
}

/// `add` of -1 to 3, and `read`: one operation in ten.
pub fn counter(load: &Load) -> History {
    history(load, Kind::Counter, "add")
}

/// `inc` → the new value, and `read`: one operation in ten.
pub fn grow_only(load: &Load) -> History {
    history(load, Kind::GrowOnly, "inc")
}

/// `generate` → an id.
pub fn unique_ids(load: &Load) -> History {
    history(load, Kind::Ids, "generate")
}

fn history(load: &Load, kind: Kind, update: &str) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let (update, read) = (book.text(update), book.text("read"));
    simulate(load, &mut Number { kind, update, read, value: 0 }, book)
}

struct Number {
    kind: Kind,
    update: ValueId,
    read: ValueId,
    value: i64,
}

impl Subject for Number {
    /// How much is added; `None`: a read.
    type Call = Option<i64>;

    fn request(
        &mut self,
        _: u32,
        random: &mut Random,
        book: &mut Recording,
    ) -> (Request, Self::Call) {
        if self.kind != Kind::Ids && random.below(10) == 0 {
            return (Request { f: self.read, key: None, argument: ValueId::NULL }, None);
        }
        let (amount, argument) = match self.kind {
            Kind::Counter => {
                let amount = random.below(5) as i64 - 1;
                (amount, book.integer(amount))
            }
            Kind::GrowOnly | Kind::Ids => (1, ValueId::NULL),
        };
        (Request { f: self.update, key: None, argument }, Some(amount))
    }

    fn answer(&mut self, call: Self::Call, book: &mut Recording) -> Answer {
        self.value += call.unwrap_or(0);
        Answer::Ok(match (self.kind, call) {
            (Kind::Counter, Some(amount)) => book.integer(amount),
            _ => book.integer(self.value),
        })
    }
}
