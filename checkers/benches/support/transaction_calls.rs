//! Histories of transactions on registers, of a known execution: each transaction reads a snapshot
//! and commits, and clients see times around that.

use isobar_checkers::{Event, EventType, History, HistoryBuilder, Nanos, Process};
use serde_json::{Map, Value, json};

use isobar_checkers::generate::Random;

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Transactions {
    pub count: usize,
    pub clients: usize,
    pub keys: u64,
    /// Micro-operations of a transaction, at least and at most.
    pub length: (u64, u64),
    pub writes_percent: u64,
    /// A snapshot may miss so many of the commits before it, where no key written changed since.
    pub snapshot_age: u64,
    /// Whether only transactions that read nothing but a snapshot may have an old one.
    pub only_readers_lag: bool,
    /// How far a client's interval reaches beyond its commit, in commits.
    pub noise: u64,
}

/// The versions of a key: commit and value.
type Versions = Vec<(usize, u64)>;

struct Store {
    keys: Vec<Versions>,
    value: u64,
}

impl Store {
    fn at(&self, key: usize, snapshot: usize) -> u64 {
        let versions = &self.keys[key];
        let place = versions.partition_point(|version| version.0 <= snapshot);
        place.checked_sub(1).map_or(0, |place| versions[place].1)
    }
}

/// Nanoseconds between commits.
const APART: u64 = 1_000;

/// Transaction numbers in order of time: of their events.
struct Planned {
    time: u64,
    txn: u32,
    is_end: bool,
}

/// Draws a history. The first transaction that only reads, from number `stale` on, if any, reads a
/// snapshot far older than it may.
#[allow(clippy::expect_used)]
pub fn history(shape: &Transactions, stale: Option<usize>, random: &mut Random) -> History {
    let mut stale = stale;
    let mut store = Store { keys: vec![Vec::new(); shape.keys as usize], value: 0 };
    let mut bodies = Vec::with_capacity(shape.count);
    let mut events = Vec::with_capacity(shape.count * 2);
    // Per client the commit of its last transaction and when that was over.
    let mut last = vec![(0, 0); shape.clients];
    for commit in 1..=shape.count {
        let client = commit % shape.clients;
        let free = (last[client].1 + 1) / APART;
        let seen = usize::max(last[client].0, free as usize).min(commit - 1);
        let (body, begun) = draw(shape, &mut store, commit, seen, &mut stale, random);
        let middle = commit as u64 * APART;
        let from = begun as u64 * APART;
        let from = from.saturating_sub(random.below(shape.noise * APART + APART / 2));
        let from = from.max(last[client].1 + 1).min(middle);
        let to = middle + 1 + random.below(shape.noise * APART + APART / 2);
        // The client's next commit must come after it.
        let to = to.min((commit + shape.clients) as u64 * APART - 1);
        last[client] = (commit, to);
        let txn = bodies.len() as u32;
        events.push(Planned { time: from, txn, is_end: false });
        events.push(Planned { time: to, txn, is_end: true });
        bodies.push(body);
    }
    drop(store);
    events.sort_unstable_by_key(|event| (event.time, event.is_end, event.txn));
    let mut builder = HistoryBuilder::new();
    for (index, planned) in (0..).zip(&events) {
        let body = &bodies[planned.txn as usize];
        let value = |micro: &(bool, u64, u64)| {
            let (writes, key, value) = *micro;
            let known = value != 0 && (writes || planned.is_end);
            let value = if known { json!(value) } else { Value::Null };
            json!([if writes { "w" } else { "r" }, key, value])
        };
        let event = Event {
            index,
            time: Nanos(planned.time),
            process: Process::Client((planned.txn as usize + 1) as u32 % shape.clients as u32),
            kind: if planned.is_end { EventType::Ok } else { EventType::Invoke },
            f: "txn".to_owned(),
            key: None,
            value: body.iter().map(value).collect(),
            node: None,
            error: None,
            extra: Map::new(),
        };
        builder.push(event).expect("clients do one thing after the other");
    }
    builder.finish()
}

/// The micro-operations (write, key, value) and the commit that the snapshot was taken after.
fn draw(
    shape: &Transactions,
    store: &mut Store,
    commit: usize,
    seen: usize,
    stale: &mut Option<usize>,
    random: &mut Random,
) -> (Vec<(bool, u64, u64)>, usize) {
    let (least, most) = shape.length;
    let length = least + random.below(most - least + 1);
    let mut body: Vec<(bool, u64, u64)> = (0..length)
        .map(|_| (random.below(100) < shape.writes_percent, random.below(shape.keys), 0))
        .collect();
    let is_reader = body.iter().all(|micro| !micro.0);
    let may_lag = is_reader || !shape.only_readers_lag;
    let written = body.iter().filter(|micro| micro.0);
    let changed = written.filter_map(|micro| store.keys[micro.1 as usize].last());
    // A snapshot holds what was over when the client was free.
    let oldest = changed.map(|version| version.0).max().unwrap_or(0).max(seen);
    let mut snapshot = commit - 1;
    if may_lag && shape.snapshot_age > 0 {
        let age = random.below(shape.snapshot_age) as usize;
        snapshot = snapshot.saturating_sub(age).max(oldest);
    }
    let begun = snapshot;
    if is_reader && stale.is_some_and(|from| commit >= from) {
        *stale = None;
        snapshot /= 2;
    }
    let mut own: Vec<(u64, u64)> = Vec::new();
    for (writes, key, value) in &mut body {
        if *writes {
            store.value += 1;
            *value = store.value;
            own.retain(|entry| entry.0 != *key);
            own.push((*key, *value));
        } else {
            let found = own.iter().find(|entry| entry.0 == *key).map(|entry| entry.1);
            *value = found.unwrap_or_else(|| store.at(*key as usize, snapshot));
        }
    }
    for (key, value) in own {
        store.keys[key as usize].push((commit, value));
    }
    (body, begun)
}
