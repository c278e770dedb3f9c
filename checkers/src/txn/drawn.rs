//! Random small histories of registers for tests, as lines of the notation: some of a store that
//! serves stale snapshots, some with reads out of nowhere.

use crate::generate::Random;

fn percent(random: &mut Random, share: u64) -> bool {
    random.below(100) < share
}

const KEYS: [char; 4] = ['x', 'y', 'z', 'v'];

/// A micro-operation: key, and the value written, if any.
type Plan = Vec<(usize, Option<u32>)>;

/// What was found, or written, by a transaction; 0 is null.
type State = [u32; 4];

/// How reads find values.
#[derive(Clone, Copy)]
enum Style {
    /// A snapshot: the newest, that of the invocation, or any.
    Newest,
    Begun,
    Stale,
    /// Anything ever written to the key.
    Wild,
}

struct Store {
    states: Vec<State>,
    written: [Vec<u32>; 4],
    style: Style,
}

impl Store {
    /// What the transaction reads, and its effect.
    fn run(&self, plan: &Plan, begun: usize, random: &mut Random) -> (Vec<u32>, State) {
        let newest = self.states.len() - 1;
        let from = match self.style {
            Style::Newest => newest,
            Style::Begun => begun + random.below((newest - begun) as u64 + 1) as usize,
            Style::Stale | Style::Wild => random.below(newest as u64 + 1) as usize,
        };
        let (mut local, mut after) = (self.states[from], self.states[newest]);
        let (mut own, mut found) = ([false; 4], Vec::new());
        for &(key, write) in plan {
            if let Some(value) = write {
                (local[key], after[key], own[key]) = (value, value, true);
            } else if !own[key] && (matches!(self.style, Style::Wild) || percent(random, 4)) {
                let all = &self.written[key];
                let place = random.below(all.len() as u64 + 1) as usize;
                local[key] = all.get(place).copied().unwrap_or(0);
            }
            found.push(local[key]);
        }
        (found, after)
    }
}

/// One history of at most `most` transactions.
pub(crate) fn draw(random: &mut Random, most: u64) -> String {
    let count = 2 + random.below(most - 1).max(random.below(most - 1)) as usize;
    let keys = 1 + random.below(3);
    let clients = 1 + random.below(4) as usize;
    let writes = 25 + random.below(50);
    let length = 1 + random.below(4);
    let (crashes, failures) = (random.below(25), random.below(20));
    let style = match random.below(8) {
        0 => Style::Newest,
        1 => Style::Begun,
        2 => Style::Stale,
        _ => Style::Wild,
    };
    let mut value = 0;
    let plans: Vec<Plan> = (0..count)
        .map(|_| {
            let micros = 0..1 + random.below(length);
            let mut micro = |_| {
                value += 1;
                (random.below(keys) as usize, percent(random, writes).then_some(value))
            };
            micros.map(&mut micro).collect()
        })
        .collect();
    let mut written: [Vec<u32>; 4] = Default::default();
    for &(key, write) in plans.iter().flatten() {
        written[key].extend(write);
    }
    let mut store = Store { states: vec![[0; 4]], written, style };
    let mut items: Vec<(usize, String)> = Vec::new();
    let mut open: Vec<Option<(usize, usize, usize)>> = vec![None; clients];
    let mut process: Vec<usize> = (0..clients).collect();
    let (mut begun, mut now) = (0, 0);
    while items.len() < count {
        let client = random.below(clients as u64) as usize;
        let Some((plan, start, from)) = open[client].take() else {
            if begun < count {
                open[client] = Some((begun, now, store.states.len() - 1));
                (begun, now) = (begun + 1, now + 1);
            }
            continue;
        };
        let (found, after) = store.run(&plans[plan], from, random);
        let micros = micros(&plans[plan], &found);
        let name = process[client];
        let outcome = if percent(random, crashes) {
            if percent(random, 70) {
                process[client] += clients;
            }
            "?"
        } else if percent(random, failures) {
            "!"
        } else {
            ""
        };
        let end = if outcome == "?" { String::new() } else { now.to_string() };
        items.push((start, format!("{start}-{end}{outcome} p{name} {micros}")));
        if outcome.is_empty() || percent(random, if outcome == "?" { 50 } else { 10 }) {
            store.states.push(after);
        }
        now += 1;
    }
    items.sort_unstable_by_key(|item| item.0);
    let items: Vec<String> = items.into_iter().map(|item| item.1).collect();
    items.join(" | ")
}

fn micros(plan: &Plan, found: &[u32]) -> String {
    let mut words = Vec::new();
    for (&(key, write), &found) in plan.iter().zip(found) {
        let value = if found == 0 { "_".to_owned() } else { found.to_string() };
        words.push(format!("{}{}{value}", if write.is_some() { 'w' } else { 'r' }, KEYS[key]));
    }
    words.join(" ")
}

/// A history of writers that read nothing and readers of whatever was ever written, in intervals
/// of any width: little is certain in it, and much left to search for.
pub(crate) fn draw_blind(random: &mut Random, most: u64) -> String {
    let count = (5 + random.below(most - 4)) as usize;
    let keys = 2 + random.below(3) as usize;
    let mut value = 0;
    let mut plans: Vec<Vec<(usize, Option<u32>)>> = Vec::new();
    for number in 0..count {
        let kind = if number < 2 { 0 } else { random.below(5) };
        let mut plan: Plan = Vec::new();
        for _ in 0..1 + random.below(3) {
            let key = random.below(keys as u64) as usize;
            let writes = kind < 2 || kind == 4 && percent(random, 50);
            if plan.iter().all(|micro| micro.0 != key) {
                value += u32::from(writes);
                plan.push((key, writes.then_some(value)));
            }
        }
        plans.push(plan);
    }
    let found = |reader: usize, key: usize, random: &mut Random| {
        let others = plans.iter().enumerate().filter(|&(number, _)| number != reader);
        let all: Vec<u32> =
            others.flat_map(|(_, p)| p).filter(|m| m.0 == key).filter_map(|m| m.1).collect();
        if all.is_empty() || percent(random, 12) {
            return 0;
        }
        all[random.below(all.len() as u64) as usize]
    };
    let width = 1 + random.below(3 * count as u64);
    let crashes = random.below(15);
    let mut events = Vec::new();
    for number in 0..count {
        let start = random.below(2 * count as u64) * 64;
        events.push((start + random.below(64), number, false));
        events.push((start + 64 + random.below(64 * width), number, true));
    }
    events.sort_unstable();
    let mut times = vec![(0, 0); count];
    for (time, &(_, number, is_end)) in events.iter().enumerate() {
        if is_end { times[number].1 = time } else { times[number].0 = time }
    }
    let mut items: Vec<(usize, String)> = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        let values: Vec<u32> = plan
            .iter()
            .map(|&(key, write)| write.unwrap_or_else(|| found(number, key, random)))
            .collect();
        let (start, end) = times[number];
        let end = if percent(random, crashes) { "?".to_owned() } else { end.to_string() };
        items.push((start, format!("{start}-{end} p{number} {}", micros(plan, &values))));
    }
    items.sort_unstable();
    items.into_iter().map(|item| item.1).collect::<Vec<_>>().join(" | ")
}
