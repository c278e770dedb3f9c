//! Locks: clients that acquire, wait until they may, and release.

use super::simulation::{Answer, Request, Subject, simulate};
use super::{Load, Random};
use crate::history::{History, Recording, ValueId};

/// `acquire` and `release` of a lock that one process holds at a time.
pub fn mutex(load: &Load) -> History {
    semaphore(load, 1)
}

/// `acquire` and `release` of a lock that `permits` processes hold at a time.
pub fn semaphore(load: &Load, permits: u32) -> History {
    history(load, permits.max(1), false)
}

/// `acquire` → token, `release`.
pub fn fenced_lock(load: &Load) -> History {
    history(load, 1, true)
}

fn history(load: &Load, permits: u32, fenced: bool) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let (acquire, release) = (book.text("acquire"), book.text("release"));
    let processes = load.clients as usize + load.crashes as usize + 1;
    let held = vec![false; processes];
    simulate(load, &mut Lock { acquire, release, permits, fenced, held, token: 0 }, book)
}

struct Lock {
    acquire: ValueId,
    release: ValueId,
    /// Left.
    permits: u32,
    fenced: bool,
    /// By process.
    held: Vec<bool>,
    /// The last one given.
    token: i64,
}

impl Subject for Lock {
    /// Process, and whether it acquires.
    type Call = (u32, bool);

    fn request(
        &mut self,
        process: u32,
        _: &mut Random,
        _: &mut Recording,
    ) -> (Request, Self::Call) {
        let acquires = !self.held[process as usize];
        let f = if acquires { self.acquire } else { self.release };
        (Request { f, key: None, argument: ValueId::NULL }, (process, acquires))
    }

    fn answer(&mut self, (process, acquires): Self::Call, book: &mut Recording) -> Answer {
        if acquires && self.permits == 0 {
            return Answer::Wait;
        }
        self.held[process as usize] = acquires;
        if !acquires {
            self.permits += 1;
            return Answer::Ok(ValueId::NULL);
        }
        self.permits -= 1;
        self.token += 1;
        Answer::Ok(if self.fenced { book.integer(self.token) } else { ValueId::NULL })
    }

    /// What crashed must hold nothing, or nobody goes on.
    fn survives(&self, (_, acquires): Self::Call, _: &mut Random) -> bool {
        !acquires
    }
}
