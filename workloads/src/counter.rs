//! Counters that clients add to and read.

use serde_json::{Value, json};

use crate::draw::Draw;
use crate::{Invocation, Outcome, Workload};

/// How to draw the operations of a [`Counter`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterOptions {
    pub seed: u64,
    /// 0 counts as 1.
    pub keys: u32,
    /// Of 100 operations, how many read.
    pub read_percent: u32,
}

/// `add` 1 to one of the counters `c0`, `c1`, …, which are 0 at first, and `read` → its number.
///
/// From the stream `isobar/counter`, two words per operation: counter and function.
#[derive(Debug)]
pub struct Counter {
    options: CounterOptions,
    draw: Draw,
}

impl Counter {
    pub fn new(options: CounterOptions) -> Self {
        Self { draw: Draw::new(options.seed, "isobar/counter"), options }
    }
}

fn key(number: u32) -> Option<Value> {
    Some(json!(format!("c{number}")))
}

impl Workload for Counter {
    fn next(&mut self, _worker: u32) -> Option<Invocation> {
        let key = key(self.draw.below(self.options.keys.max(1)));
        Some(match self.draw.below(100) < self.options.read_percent {
            true => Invocation::of("read", key, Value::Null),
            false => Invocation::of("add", key, json!(1)),
        })
    }

    fn observe(&mut self, _invocation: &Invocation, _outcome: &Outcome) {}

    fn final_reads(&mut self) -> Vec<Invocation> {
        let keys = 0..self.options.keys.max(1);
        keys.map(|number| Invocation::of("read", key(number), Value::Null)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn all_counters_are_added_to_and_read() {
        let mut counter = Counter::new(CounterOptions { seed: 1, keys: 3, read_percent: 30 });
        let drawn: Vec<Invocation> = (0..200).map(|n| counter.next(n % 3).unwrap()).collect();
        let told = drawn.iter().map(|op| (op.f.as_str(), op.key.as_ref().unwrap().to_string()));
        assert_eq!(told.collect::<BTreeSet<_>>().len(), 6);
        assert_eq!(counter.final_reads().len(), 3);
    }
}
