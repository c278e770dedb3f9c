//! Transactions on lists and registers in the simulated world: without a bug the log is a serial
//! order of them; with one of isolation each keeps to what its name says.

use std::collections::BTreeMap;

use isobar_workloads::txn::{Function, Micro, perform};
use proptest::prelude::*;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{Answer, Entry, Operation, Placed, Seen, ToyBug, World, ordered};
use lists::{Lists, Order, Rule, Txn};

#[allow(dead_code, reason = "used in parts, as by other tests")]
#[path = "../../../../../tests/support/lists.rs"]
mod lists;

/// One to three micro-operations; all that transactions write differs.
pub fn draw(rng: &mut ChaCha8Rng, number: usize, lists_only: bool) -> Operation {
    let keys = if lists_only { 4 } else { 6 };
    let micros = (0..rng.random_range(1..=3)).map(|place| {
        let key = ["p", "q", "r", "s", "u", "v"][rng.random_range(0..keys)].to_owned();
        let written = json!(number * 3 + place);
        match (rng.random_bool(0.5), key.as_str()) {
            (true, _) => Micro(Function::Read, key, Value::Null),
            (false, "u" | "v") => Micro(Function::Write, key, written),
            (false, _) => Micro(Function::Append, key, written),
        }
    });
    Operation::Txn { micros: micros.collect() }
}

/// Every answer is what a serial execution in the order of the log gives, and the order keeps to
/// real time.
pub fn strictly_serializable(committed: &[Entry], history: &[Seen]) -> Result<(), String> {
    let states = States::of(committed)?;
    let mut placed: Vec<Placed<'_>> = Vec::new();
    for seen in history {
        let Some((completed, Answer::Ok(value))) = &seen.completed else { continue };
        let Operation::Txn { micros } = &seen.operation else { continue };
        let found = Micro::list(value)?;
        let place = states.place(micros, &found);
        let place = place.ok_or_else(|| format!("{seen:?} fits nowhere in the log"))?;
        placed.push((seen, *completed, place));
    }
    ordered(&placed)
}

/// Per key what it held, from which entry on; and the entry of each value that was written.
struct States {
    keys: BTreeMap<String, Vec<(u64, Value)>>,
    writers: BTreeMap<u64, u64>,
}

impl States {
    fn of(log: &[Entry]) -> Result<Self, String> {
        let mut states = Self { keys: BTreeMap::new(), writers: BTreeMap::new() };
        for (index, entry) in (1..).zip(log) {
            let Some(Operation::Txn { micros }) = &entry.operation else { continue };
            let performed = perform(micros, |key| states.at(key, index))?;
            for (key, value) in performed.written {
                states.keys.entry(key).or_default().push((index, value));
            }
            let written = micros.iter().filter(|micro| !micro.reads());
            states.writers.extend(written.filter_map(|m| Some((m.2.as_u64()?, index))));
        }
        Ok(states)
    }

    fn versions(&self, key: &str) -> &[(u64, Value)] {
        self.keys.get(key).map_or(&[], Vec::as_slice)
    }

    /// What the key held before the entry `index`.
    fn at(&self, key: &str, index: u64) -> Value {
        let before = self.versions(key).iter().rfind(|(since, _)| *since < index);
        before.map_or(Value::Null, |(_, value)| value.clone())
    }

    /// The earliest and the latest place where the transaction finds what it found.
    fn place(&self, micros: &[Micro], found: &[Micro]) -> Option<(u64, u64)> {
        if let Some(Micro(_, _, value)) = micros.iter().find(|micro| !micro.reads()) {
            let index = *self.writers.get(&value.as_u64()?)?;
            let performed = perform(micros, |key| self.at(key, index)).ok()?;
            return (performed.micros == found).then_some((index, index));
        }
        let (mut earliest, mut latest) = (0, u64::MAX);
        for Micro(_, key, value) in found {
            let versions = self.versions(key);
            let next = match value {
                Value::Null => 0,
                _ => versions.iter().position(|(_, version)| version == value)? + 1,
            };
            let from = next.checked_sub(1).map_or(0, |place| versions[place].0);
            earliest = earliest.max(from);
            latest = latest.min(versions.get(next).map_or(u64::MAX, |(since, _)| since - 1));
        }
        (earliest <= latest).then_some((earliest, latest))
    }
}

fn world(bug: ToyBug, seed: u64) -> World {
    World { transactions: true, ..World::new(bug, seed) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn without_a_bug_transactions_are_strictly_serializable(seed: u64) {
        let world = world(ToyBug::None, seed).run().map_err(TestCaseError::fail)?;
        let ok = world.history.iter().filter(|s| matches!(s.completed, Some((_, Answer::Ok(_)))));
        prop_assert!(ok.count() > 100, "a world in which nothing happens proves nothing");
    }
}

#[test]
#[ignore = "minutes: 20,000 worlds"]
fn without_a_bug_transactions_of_very_many_worlds_are_strictly_serializable() {
    for seed in 0..20_000 {
        if let Err(violation) = world(ToyBug::None, seed).run() {
            panic!("seed {seed}: {violation}");
        }
    }
}

#[test]
fn what_loses_writes_loses_transactions() {
    for bug in [ToyBug::LostWrite, ToyBug::SplitBrain] {
        let found = (0..8).filter(|seed| world(bug, *seed).run().is_err()).count();
        assert!(found >= 4, "{bug:?} was found in {found} of 8 worlds");
    }
}

/// A judge that knows nothing of the log.
fn lists(history: &[Seen]) -> Lists {
    let txn = |(process, seen): (u64, &Seen)| {
        let Operation::Txn { micros } = &seen.operation else { panic!("{seen:?}") };
        let invoked = serde_json::to_value(micros).unwrap();
        let (kind, value, completed) = match &seen.completed {
            Some((at, Answer::Ok(value))) => ("ok", value, Some(*at as usize * 2 + 1)),
            Some((_, Answer::Fail(_))) => ("fail", &invoked, None),
            Some((_, Answer::Info(_))) | None => ("info", &invoked, None),
        };
        Txn {
            process,
            // What ends in the same millisecond does not come before.
            invoked: seen.invoked as usize * 2,
            completed,
            kind: kind.to_owned(),
            micros: lists::micros(value),
        }
    };
    Lists::of((0..).zip(history).map(txn).collect())
}

/// Whether the bug showed; the error is what is worse than its name says.
fn shown(bug: ToyBug, lists: &Lists) -> Result<bool, String> {
    let keep = |kept: bool, what: &str| match kept {
        true => Ok(()),
        false => Err(format!("{bug:?}: {what}: {}", lists.figures())),
    };
    let acyclic = |rule, order| !lists.cyclic(rule, order);
    let committed = || {
        keep(lists.incompatible() + lists.aborted_reads() == 0, "not read committed")?;
        keep(lists.intermediate_reads() == 0, "intermediate reads")
    };
    match bug {
        ToyBug::WriteSkew => {
            committed()?;
            keep(acyclic(Rule::NoAdjacentRw, Order::Realtime), "not strong snapshot isolation")?;
            Ok(!acyclic(Rule::Any, Order::None))
        }
        ToyBug::LostUpdate => {
            committed()?;
            keep(lists.fractured_reads() == 0, "fractured reads")?;
            Ok(lists.lost_updates() > 0)
        }
        ToyBug::FracturedRead => {
            committed()?;
            keep(lists.lost_updates() == 0, "lost updates")?;
            Ok(lists.fractured_reads() > 0)
        }
        ToyBug::LongFork => {
            committed()?;
            keep(acyclic(Rule::OneRwAtMost, Order::None), "not parallel snapshot isolation")?;
            Ok(!acyclic(Rule::NoAdjacentRw, Order::None))
        }
        ToyBug::AbortedRead => {
            keep(lists.incompatible() + lists.intermediate_reads() == 0, "reads of no version")?;
            keep(acyclic(Rule::Any, Order::Realtime), "not strictly serializable")?;
            Ok(lists.aborted_reads() > 0)
        }
        // A leader that falls takes with it what it has shown.
        _ => Ok(lists.intermediate_reads() > 0),
    }
}

const ISOLATION: [ToyBug; 6] = [
    ToyBug::WriteSkew,
    ToyBug::LostUpdate,
    ToyBug::FracturedRead,
    ToyBug::LongFork,
    ToyBug::AbortedRead,
    ToyBug::DirtyRead,
];

/// In how many worlds each bug showed.
fn shown_in(seeds: std::ops::Range<u64>) -> Vec<(ToyBug, usize)> {
    let count = |bug: ToyBug| {
        let shows = |seed: &u64| {
            let world = world(bug, *seed).run().unwrap_or_else(|e| panic!("{bug:?} {seed}: {e}"));
            shown(bug, &lists(&world.history)).unwrap_or_else(|e| panic!("seed {seed}: {e}"))
        };
        (bug, seeds.clone().filter(shows).count())
    };
    ISOLATION.into_iter().map(count).collect()
}

/// A long fork takes more load than these worlds have: it is enough that it does no harm here.
fn least(bug: ToyBug, count: usize) -> usize {
    if bug == ToyBug::LongFork { 0 } else { count }
}

#[test]
fn every_bug_of_isolation_shows_and_does_no_more_than_its_name_says() {
    for (bug, found) in shown_in(0..4) {
        assert!(found >= least(bug, 1), "{bug:?} showed in {found} of 4 worlds");
    }
}

#[test]
#[ignore = "minutes: 1,000 worlds each"]
fn many_bugs_of_isolation_do_no_more_than_their_names_say() {
    for (bug, found) in shown_in(0..1_000) {
        assert!(found >= least(bug, 500), "{bug:?} showed in {found} of 1,000 worlds");
    }
}
