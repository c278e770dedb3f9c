//! Transactions on lists in the simulated world: the log is a serial order of them.

use std::collections::BTreeMap;

use isobar_workloads::txn::{Function, Micro, perform};
use proptest::prelude::*;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{Answer, Entry, Operation, Placed, Seen, ToyBug, World, ordered};

/// One to three micro-operations; all elements of all transactions differ.
pub fn draw(rng: &mut ChaCha8Rng, number: usize) -> Operation {
    let micros = (0..rng.random_range(1..=3)).map(|place| {
        let key = ["p", "q", "r"][rng.random_range(0..3)].to_owned();
        match rng.random_bool(0.5) {
            true => Micro(Function::Read, key, Value::Null),
            false => Micro(Function::Append, key, json!(number * 3 + place)),
        }
    });
    Operation::Txn { micros: micros.collect() }
}

/// Every answer is what a serial execution in the order of the log gives, and the order keeps to
/// real time.
pub fn strictly_serializable(committed: &[Entry], history: &[Seen]) -> Result<(), String> {
    let lists = Lists::of(committed);
    let mut placed: Vec<Placed<'_>> = Vec::new();
    for seen in history {
        let Some((completed, Answer::Ok(value))) = &seen.completed else { continue };
        let Operation::Txn { micros } = &seen.operation else { continue };
        let found = Micro::list(value)?;
        let place = lists.place(micros, &found);
        let place = place.ok_or_else(|| format!("{seen:?} fits nowhere in the log"))?;
        placed.push((seen, *completed, place));
    }
    ordered(&placed)
}

/// Per key its elements, each with the index of the entry that appended it.
struct Lists(BTreeMap<String, Vec<(u64, Value)>>);

impl Lists {
    fn of(log: &[Entry]) -> Self {
        let mut lists: BTreeMap<String, Vec<(u64, Value)>> = BTreeMap::new();
        for (index, entry) in (1..).zip(log) {
            let Some(Operation::Txn { micros }) = &entry.operation else { continue };
            for Micro(_, key, value) in micros.iter().filter(|micro| !micro.reads()) {
                lists.entry(key.clone()).or_default().push((index, value.clone()));
            }
        }
        Self(lists)
    }

    /// The list after the entry `index`.
    fn at(&self, key: &str, index: u64) -> Value {
        let elements: Vec<Value> = self
            .0
            .get(key)
            .into_iter()
            .flatten()
            .take_while(|(appended, _)| *appended <= index)
            .map(|(_, value)| value.clone())
            .collect();
        if elements.is_empty() { Value::Null } else { Value::Array(elements) }
    }

    /// The earliest and the latest place where the transaction finds what it found.
    fn place(&self, micros: &[Micro], found: &[Micro]) -> Option<(u64, u64)> {
        if let Some(Micro(_, key, value)) = micros.iter().find(|micro| !micro.reads()) {
            let (index, _) = self.0.get(key)?.iter().find(|(_, element)| element == value)?;
            let performed = perform(micros, |key| self.at(key, index - 1)).ok()?;
            return (performed.micros == found).then_some((*index, *index));
        }
        let (mut earliest, mut latest) = (0, u64::MAX);
        for Micro(_, key, value) in found {
            let length = value.as_array().map_or(0, Vec::len);
            let list = self.0.get(key).map_or(&[][..], Vec::as_slice);
            let from = length.checked_sub(1).map_or(Some(0), |last| Some(list.get(last)?.0))?;
            if self.at(key, from) != *value {
                return None;
            }
            earliest = earliest.max(from);
            latest = latest.min(list.get(length).map_or(u64::MAX, |(next, _)| next - 1));
        }
        (earliest <= latest).then_some((earliest, latest))
    }
}

fn world(bug: ToyBug, seed: u64) -> World {
    World { transactions: true, ..World::new(bug, seed) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

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
        let found = (0..20).filter(|seed| world(bug, *seed).run().is_err()).count();
        assert!(found >= 10, "{bug:?} was found in {found} of 20 worlds");
    }
}
