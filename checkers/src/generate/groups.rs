//! What is read together: the accounts of a bank, groups of keys, the subkeys of a key.

use super::simulation::{Answer, Request, Subject, simulate};
use super::{Load, Random};
use crate::history::{History, Recording, ValueId};

/// What the accounts of a bank begin with.
const BALANCE: i64 = 100;
/// Keys that are read together.
const GROUP: usize = 4;

/// `transfer` [from, to, amount], and `read` → pairs of account and balance, of all accounts. No
/// balance is ever negative: a transfer that would make one fails.
pub fn bank(load: &Load, accounts: u32) -> History {
    accounts_of(load, accounts, u32::MAX)
}

/// As [`bank`], but one transfer after nine tenths loses what it moves: violated, if it is long
/// enough.
pub fn leaky_bank(load: &Load, accounts: u32) -> History {
    accounts_of(load, accounts, load.operations / 10 * 9)
}

fn accounts_of(load: &Load, accounts: u32, until_leak: u32) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let (transfer, read) = (book.text("transfer"), book.text("read"));
    let balances = vec![BALANCE; accounts.max(2) as usize];
    simulate(load, &mut Bank { transfer, read, balances, until_leak }, book)
}

struct Bank {
    transfer: ValueId,
    read: ValueId,
    balances: Vec<i64>,
    /// Operations before one loses what it moves.
    until_leak: u32,
}

impl Subject for Bank {
    /// From, to, amount; `None`: a read.
    type Call = Option<(usize, usize, i64)>;

    fn request(
        &mut self,
        _: u32,
        random: &mut Random,
        book: &mut Recording,
    ) -> (Request, Self::Call) {
        if random.below(2) == 0 {
            return (Request { f: self.read, key: None, argument: ValueId::NULL }, None);
        }
        let accounts = self.balances.len() as u64;
        let from = random.below(accounts);
        let to = (from + 1 + random.below(accounts - 1)) % accounts;
        let amount = 1 + random.below(10) as i64;
        let parts = [from as i64, to as i64, amount].map(|part| book.integer(part));
        let request = Request { f: self.transfer, key: None, argument: book.array(&parts) };
        (request, Some((from as usize, to as usize, amount)))
    }

    fn answer(&mut self, call: Self::Call, book: &mut Recording) -> Answer {
        self.until_leak = self.until_leak.saturating_sub(1);
        let Some((from, to, amount)) = call else {
            let pair = |(account, &balance): (usize, &i64)| {
                let pair = [book.integer(account as i64), book.integer(balance)];
                book.array(&pair)
            };
            let pairs: Vec<ValueId> = self.balances.iter().enumerate().map(pair).collect();
            return Answer::Ok(book.array(&pairs));
        };
        if self.balances[from] < amount {
            return Answer::Fail;
        }
        self.balances[from] -= amount;
        if self.until_leak == 0 {
            self.until_leak = u32::MAX;
            return Answer::Ok(ValueId::NULL);
        }
        self.balances[to] += amount;
        Answer::Ok(ValueId::NULL)
    }
}

/// `txn`s that write one new key, or read a group of four keys that are being written.
pub fn long_fork(load: &Load) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let names = [book.text("txn"), book.text("w"), book.text("r")];
    simulate(load, &mut Groups { names, asked: 0, written: Vec::new() }, book)
}

struct Groups {
    /// `txn`, `w`, `r`.
    names: [ValueId; 3],
    asked: usize,
    /// Whether the write of a key took effect.
    written: Vec<bool>,
}

impl Groups {
    fn step(&self, write: bool, key: usize, there: bool, book: &mut Recording) -> ValueId {
        let value = if there { book.integer(1) } else { ValueId::NULL };
        let step = [self.names[if write { 1 } else { 2 }], book.integer(key as i64), value];
        book.array(&step)
    }

    /// A read of a group: with what was written, or as it is asked for.
    fn group(&self, first: usize, answered: bool, book: &mut Recording) -> ValueId {
        let there = |key: usize| answered && self.written.get(key).copied().unwrap_or(false);
        let steps: Vec<ValueId> =
            (first..first + GROUP).map(|key| self.step(false, key, there(key), book)).collect();
        book.array(&steps)
    }
}

impl Subject for Groups {
    /// The key written, or the first of the keys read.
    type Call = Result<usize, usize>;

    fn request(
        &mut self,
        _: u32,
        random: &mut Random,
        book: &mut Recording,
    ) -> (Request, Self::Call) {
        let (argument, call) = if random.below(2) == 0 {
            let first = self.asked.saturating_sub(1) / GROUP * GROUP;
            (self.group(first, false, book), Err(first))
        } else {
            self.asked += 1;
            let step = self.step(true, self.asked - 1, true, book);
            (book.array(&[step]), Ok(self.asked - 1))
        };
        (Request { f: self.names[0], key: None, argument }, call)
    }

    fn answer(&mut self, call: Self::Call, book: &mut Recording) -> Answer {
        match call {
            Ok(key) => {
                self.written.resize(self.written.len().max(key + 1), false);
                self.written[key] = true;
                let step = self.step(true, key, true, book);
                Answer::Ok(book.array(&[step]))
            }
            Err(first) => Answer::Ok(self.group(first, true, book)),
        }
    }
}

/// Keys of three subkeys: `write` of a subkey, by number, and `read` → all three, the last first.
pub fn subkeys(load: &Load) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let (write, read) = (book.text("write"), book.text("read"));
    simulate(load, &mut Subkeys { write, read, asked: 0, written: Vec::new() }, book)
}

struct Subkeys {
    write: ValueId,
    read: ValueId,
    asked: usize,
    /// How many subkeys of each key are there.
    written: Vec<u8>,
}

impl Subject for Subkeys {
    /// Key, and whether it is written.
    type Call = (usize, bool);

    fn request(
        &mut self,
        _: u32,
        random: &mut Random,
        book: &mut Recording,
    ) -> (Request, Self::Call) {
        let reads = random.below(2) == 0;
        let key = if reads { self.asked.saturating_sub(1) / 3 } else { self.asked / 3 };
        let subkey = book.integer((self.asked % 3) as i64);
        self.asked += usize::from(!reads);
        let key_id = Some(book.integer(key as i64));
        let (f, argument) = if reads { (self.read, ValueId::NULL) } else { (self.write, subkey) };
        (Request { f, key: key_id, argument }, (key, !reads))
    }

    fn answer(&mut self, (key, writes): Self::Call, book: &mut Recording) -> Answer {
        self.written.resize(self.written.len().max(key + 1), 0);
        if writes {
            // Whichever comes first writes the first subkey, as one process would.
            self.written[key] += 1;
            return Answer::Ok(ValueId::NULL);
        }
        let there = self.written[key];
        let found = [3, 2, 1].map(|subkey| {
            if subkey <= there { book.integer(subkey.into()) } else { ValueId::NULL }
        });
        Answer::Ok(book.array(&found))
    }
}
