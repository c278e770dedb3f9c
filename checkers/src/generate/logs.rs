//! Strings that are appended to, logs, and watches of a log.

use serde_json::{Value, json};

use super::simulation::{Answer, Request, Subject, simulate};
use super::{Load, Random};
use crate::history::{History, Recording, ValueId};

/// At most so many messages or events at once.
const BATCH: usize = 10;

/// Keys with a string each: half of the operations `get`, four in ten `append` and one in ten
/// `put` a text of its own.
pub fn kv(load: &Load, keys: u32) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let names = [book.text("get"), book.text("append"), book.text("put")];
    let ids = (0..keys.max(1)).map(|key| book.text(&format!("k{key}"))).collect();
    let held = vec![String::new(); keys.max(1) as usize];
    simulate(load, &mut Strings { names, keys: ids, held, asked: 0 }, book)
}

struct Strings {
    /// `get`, `append`, `put`.
    names: [ValueId; 3],
    keys: Vec<ValueId>,
    /// By place of the key.
    held: Vec<String>,
    asked: u64,
}

impl Subject for Strings {
    /// Places of function and key, number of the text.
    type Call = (usize, usize, u64);

    fn request(
        &mut self,
        _: u32,
        random: &mut Random,
        book: &mut Recording,
    ) -> (Request, Self::Call) {
        let key = random.below(self.keys.len() as u64) as usize;
        let f = match random.below(10) {
            0..5 => 0,
            5..9 => 1,
            _ => 2,
        };
        self.asked += 1;
        let argument = if f == 0 { ValueId::NULL } else { book.text(&format!("{};", self.asked)) };
        let request = Request { f: self.names[f], key: Some(self.keys[key]), argument };
        (request, (f, key, self.asked))
    }

    fn answer(&mut self, (f, key, text): Self::Call, book: &mut Recording) -> Answer {
        let held = &mut self.held[key];
        if f == 0 {
            return Answer::Ok(book.text(held));
        }
        let text = format!("{text};");
        let result = book.text(&text);
        if f == 2 {
            held.clear();
        }
        held.push_str(&text);
        Answer::Ok(result)
    }
}

/// `send` of a message to one of `keys` logs, and `poll` of the next messages of one, which is
/// always the same for a process.
pub fn append_log(load: &Load, keys: u32) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let names = [book.text("send"), book.text("poll")];
    let logs = vec![Vec::new(); keys.max(1) as usize];
    let positions = vec![0; load.clients as usize + load.crashes as usize + 1];
    simulate(load, &mut Logs { names, logs, positions, asked: 0 }, book)
}

struct Logs {
    /// `send`, `poll`.
    names: [ValueId; 2],
    logs: Vec<Vec<i64>>,
    /// By process.
    positions: Vec<usize>,
    asked: i64,
}

impl Logs {
    fn step(&self, f: usize, rest: &[ValueId], book: &mut Recording) -> ValueId {
        let words: Vec<ValueId> = [self.names[f]].iter().chain(rest).copied().collect();
        let step = book.array(&words);
        book.array(&[step])
    }
}

impl Subject for Logs {
    /// Key and message; or who polls.
    type Call = Result<(usize, i64), u32>;

    fn request(
        &mut self,
        process: u32,
        random: &mut Random,
        book: &mut Recording,
    ) -> (Request, Self::Call) {
        if random.below(2) == 0 {
            let argument = self.step(1, &[], book);
            return (Request { f: self.names[1], key: None, argument }, Err(process));
        }
        let key = random.below(self.logs.len() as u64) as usize;
        self.asked += 1;
        let parts = [book.integer(key as i64), book.integer(self.asked)];
        let argument = self.step(0, &parts, book);
        (Request { f: self.names[0], key: None, argument }, Ok((key, self.asked)))
    }

    fn answer(&mut self, call: Self::Call, book: &mut Recording) -> Answer {
        let process = match call {
            Ok((key, message)) => {
                let offset = self.logs[key].len() as i64;
                self.logs[key].push(message);
                let place = [book.integer(offset), book.integer(message)];
                let parts = [book.integer(key as i64), book.array(&place)];
                return Answer::Ok(self.step(0, &parts, book));
            }
            Err(process) => process as usize,
        };
        let key = process % self.logs.len();
        let (log, from) = (&self.logs[key], self.positions[process]);
        let until = log.len().min(from + BATCH);
        let messages: Vec<Value> =
            (from..until).map(|offset| json!([offset, log[offset]])).collect();
        self.positions[process] = until;
        let found =
            if messages.is_empty() { json!({}) } else { json!({ key.to_string(): messages }) };
        let found = book.value(&found);
        Answer::Ok(self.step(1, &[found], book))
    }

    /// Where a poll in doubt has got to, nobody knows.
    fn survives(&self, call: Self::Call, random: &mut Random) -> bool {
        call.is_ok() && random.below(2) == 0
    }
}

/// `put` of one of a hundred keys, and `watch` → the next events, a response for each, from where
/// the client's last watch ended.
pub fn watch(load: &Load) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let (put, watch) = (book.text("put"), book.text("watch"));
    let positions = vec![0; load.clients as usize + load.crashes as usize + 1];
    simulate(load, &mut Watched { put, watch, events: Vec::new(), positions }, book)
}

struct Watched {
    put: ValueId,
    watch: ValueId,
    /// One response each, in order of revision from 1.
    events: Vec<ValueId>,
    /// By process.
    positions: Vec<usize>,
}

impl Subject for Watched {
    /// The key put; or who watches.
    type Call = Result<u64, u32>;

    fn request(
        &mut self,
        process: u32,
        random: &mut Random,
        book: &mut Recording,
    ) -> (Request, Self::Call) {
        if random.below(2) == 0 {
            let key = random.below(100);
            let argument = book.text(&format!("k{key}"));
            return (Request { f: self.put, key: None, argument }, Ok(key));
        }
        let from = self.positions[process as usize] + 1;
        let argument = book.value(&json!({"prefix": "k", "from": from}));
        (Request { f: self.watch, key: None, argument }, Err(process))
    }

    fn answer(&mut self, call: Self::Call, book: &mut Recording) -> Answer {
        let process = match call {
            Ok(key) => {
                let revision = self.events.len() + 1;
                let key = format!("k{key}");
                let event = json!([{"revision": revision, "key": key, "type": "put", "value": 0}]);
                self.events.push(book.value(&event));
                return Answer::Ok(ValueId::NULL);
            }
            Err(process) => process as usize,
        };
        let from = self.positions[process];
        let until = self.events.len().min(from + BATCH);
        self.positions[process] = until;
        Answer::Ok(book.array(&self.events[from..until]))
    }
}
