//! Transactions on registers, of a known execution: each reads a snapshot and commits, and clients
//! see times around that.

use super::{Load, Random};
use crate::history::{Completion, History, Invocation, Recording, ValueId};

/// What transactions on registers are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshots {
    /// Registers that transactions draw from.
    pub keys: u64,
    /// Micro-operations of a transaction, at least and at most.
    pub length: (u64, u64),
    /// Of a hundred micro-operations, how many write.
    pub writes_percent: u64,
    /// A snapshot may miss so many of the commits before it, where no key written changed since and
    /// the client knows of none of them. 0: strictly serializable.
    pub age: u64,
    /// How far a client's interval reaches beyond its commit, in commits.
    pub noise: u64,
    /// In hundredths of the history: the first transaction from there on that only reads has a
    /// snapshot of half the age of the history, older than it may be.
    pub stale_from: Option<u32>,
}

/// `txn`s of `w` and `r`; every value of a key is written once. None crashes.
pub fn rw_register(load: &Load, shape: &Snapshots) -> History {
    let count = load.operations as usize;
    let clients = load.clients.max(1) as usize;
    let mut drawn = Drawn {
        shape: *shape,
        random: Random(load.seed),
        keys: vec![Vec::new(); shape.keys as usize],
        value: 0,
        stale_from: shape.stale_from.map(|percent| count / 100 * percent as usize),
        micros: Vec::with_capacity(count * (shape.length.0 + shape.length.1) as usize / 2),
        ends: Vec::with_capacity(count),
    };
    let mut events = Vec::with_capacity(count * 2);
    // Per client the commit of its last transaction and when that was over.
    let mut last = vec![(0, 0); clients];
    for commit in 1..=count {
        let client = commit % clients;
        let free = (last[client].1 + 1) / APART;
        let seen = usize::max(last[client].0, free as usize).min(commit - 1);
        let begun = drawn.transaction(commit, seen);
        let middle = commit as u64 * APART;
        let reach = shape.noise * APART + APART / 2;
        let from = (begun as u64 * APART).saturating_sub(drawn.random.below(reach));
        let from = from.max(last[client].1 + 1).min(middle);
        let to = middle + 1 + drawn.random.below(reach);
        // The client's next commit must come after it.
        let to = to.min((commit + clients) as u64 * APART - 1);
        last[client] = (commit, to);
        let txn = commit as u32 - 1;
        events.push(Planned { time: from, txn, is_end: false });
        events.push(Planned { time: to, txn, is_end: true });
    }
    drawn.keys = Vec::new();
    events.sort_unstable_by_key(|event| (event.time, event.is_end, event.txn));
    record(&events, &drawn, clients)
}

/// Nanoseconds between commits.
const APART: u64 = 1_000;

/// One end of a transaction.
struct Planned {
    time: u64,
    txn: u32,
    is_end: bool,
}

#[derive(Clone, Copy)]
struct Micro {
    writes: bool,
    key: u32,
    /// 0: null.
    value: u32,
}

struct Drawn {
    shape: Snapshots,
    random: Random,
    /// By key, commit and value of each version.
    keys: Vec<Vec<(usize, u32)>>,
    value: u32,
    stale_from: Option<usize>,
    /// Of all transactions.
    micros: Vec<Micro>,
    /// Per transaction where its micro-operations end.
    ends: Vec<u32>,
}

impl Drawn {
    /// Draws the transaction of a commit; the commit that its snapshot was taken after. `seen`: the
    /// last commit that its client may know of.
    fn transaction(&mut self, commit: usize, seen: usize) -> usize {
        let Snapshots { keys, length: (least, most), writes_percent, age, .. } = self.shape;
        let start = self.micros.len();
        for _ in 0..least + self.random.below(most - least + 1) {
            let writes = self.random.below(100) < writes_percent;
            let key = self.random.below(keys) as u32;
            self.micros.push(Micro { writes, key, value: 0 });
        }
        let written = self.micros[start..].iter().filter(|micro| micro.writes);
        let changed = written.clone().filter_map(|micro| self.keys[micro.key as usize].last());
        let oldest = changed.map(|version| version.0).max().unwrap_or(0).max(seen);
        let only_reads = written.count() == 0;
        let mut begun = commit - 1;
        if age > 0 {
            begun = begun.saturating_sub(self.random.below(age) as usize).max(oldest);
        }
        let mut snapshot = begun;
        if only_reads && self.stale_from.is_some_and(|from| commit >= from) {
            self.stale_from = None;
            snapshot /= 2;
        }
        self.fill(start, commit, snapshot);
        self.ends.push(self.micros.len() as u32);
        begun
    }

    /// Gives the micro-operations from `start` on their values.
    fn fill(&mut self, start: usize, commit: usize, snapshot: usize) {
        for place in start..self.micros.len() {
            let Micro { writes, key, .. } = self.micros[place];
            let own = self.micros[start..place].iter().rev();
            let own = own.filter(|micro| micro.writes && micro.key == key).map(|own| own.value);
            self.micros[place].value = match own.clone().next() {
                _ if writes => {
                    self.value += 1;
                    self.value
                }
                Some(own) => own,
                None => at(&self.keys[key as usize], snapshot),
            };
        }
        for place in start..self.micros.len() {
            let Micro { writes, key, value } = self.micros[place];
            let again = |micro: &Micro| micro.writes && micro.key == key;
            if writes && !self.micros[place + 1..].iter().any(again) {
                self.keys[key as usize].push((commit, value));
            }
        }
    }

    fn micros(&self, txn: u32) -> &[Micro] {
        let start = txn.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
        &self.micros[start as usize..self.ends[txn as usize] as usize]
    }
}

/// The value of the version that a snapshot holds.
fn at(versions: &[(usize, u32)], snapshot: usize) -> u32 {
    let place = versions.partition_point(|version| version.0 <= snapshot);
    place.checked_sub(1).map_or(0, |place| versions[place].1)
}

fn record(events: &[Planned], drawn: &Drawn, clients: usize) -> History {
    let mut book = Recording::with_capacity(events.len() / 2);
    let names = [book.text("txn"), book.text("w"), book.text("r")];
    let mut places = vec![0; events.len() / 2];
    for &Planned { txn, is_end, .. } in events {
        let spell = |micro: &Micro| {
            let is_known = micro.value != 0 && (micro.writes || is_end);
            let value = if is_known { book.integer(micro.value.into()) } else { ValueId::NULL };
            let key = book.integer(micro.key.into());
            book.array(&[names[if micro.writes { 1 } else { 2 }], key, value])
        };
        let micros: Vec<ValueId> = drawn.micros(txn).iter().map(spell).collect();
        let value = book.array(&micros);
        if is_end {
            book.complete(places[txn as usize], Completion::Ok, value);
        } else {
            let process = ((txn as usize + 1) % clients) as u32;
            let (node, f) = (ValueId::NULL, names[0]);
            places[txn as usize] =
                book.invoke(Invocation { process, node, f, key: None, argument: value });
        }
    }
    book.finish()
}
