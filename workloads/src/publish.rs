//! Objects of several parts, each written as a whole and read as a whole.

use serde_json::{Value, json};

use crate::draw::Draw;
use crate::{Invocation, Outcome, Workload};

/// How to draw the operations of a [`Publish`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishOptions {
    pub seed: u64,
    /// Objects; 0 counts as 1.
    pub keys: u32,
    /// Of 100 operations, how many read.
    pub read_percent: u32,
}

/// `write` v gives every part of one of the objects `o0`, `o1`, … the value v, counting from 1 for
/// each; `read` → the list of its parts.
///
/// From the stream `isobar/publish`, two words per operation: object and function.
#[derive(Debug)]
pub struct Publish {
    options: PublishOptions,
    draw: Draw,
    /// The last value of each object.
    written: Vec<u64>,
}

impl Publish {
    pub fn new(options: PublishOptions) -> Self {
        let written = vec![0; options.keys.max(1) as usize];
        Self { draw: Draw::new(options.seed, "isobar/publish"), written, options }
    }
}

fn key(number: usize) -> Option<Value> {
    Some(json!(format!("o{number}")))
}

impl Workload for Publish {
    fn next(&mut self, _worker: u32) -> Option<Invocation> {
        let object = self.draw.below(self.options.keys.max(1)) as usize;
        if self.draw.below(100) < self.options.read_percent {
            return Some(Invocation::of("read", key(object), Value::Null));
        }
        self.written[object] += 1;
        Some(Invocation::of("write", key(object), json!(self.written[object])))
    }

    fn observe(&mut self, _invocation: &Invocation, _outcome: &Outcome) {}

    fn final_reads(&mut self) -> Vec<Invocation> {
        (0..self.written.len()).map(|n| Invocation::of("read", key(n), Value::Null)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_value_is_written_to_an_object_twice() {
        let mut publish = Publish::new(PublishOptions { seed: 1, keys: 2, read_percent: 50 });
        let drawn: Vec<Invocation> = (0..400).map(|n| publish.next(n % 3).unwrap()).collect();
        let writes = drawn.iter().filter(|op| op.f == "write");
        let told: Vec<String> = writes.map(|op| format!("{:?} {}", op.key, op.value)).collect();
        assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len());
        assert!((150..250).contains(&told.len()), "{}", told.len());
        assert_eq!(publish.final_reads().len(), 2);
    }
}
