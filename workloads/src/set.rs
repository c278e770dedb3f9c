//! A set that only grows: every `add` has an element of its own, and in the end all are read.
//!
//! Nothing is simpler to judge, and nothing shows a lost acknowledgement more plainly.

use serde_json::{Value, json};

use crate::draw::Draw;
use crate::{Invocation, Outcome, Workload};

/// How to draw the operations of a [`Set`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetOptions {
    pub seed: u64,
    /// Of 100 operations, how many read the whole set; the last read comes after the load anyway.
    pub read_percent: u32,
}

/// `add` 1, 2, 3, …, and `read` → the list of all elements.
///
/// From the stream `isobar/set`, one word per operation. The elements do not depend on it.
#[derive(Debug)]
pub struct Set {
    options: SetOptions,
    draw: Draw,
    added: u64,
}

impl Set {
    pub fn new(options: SetOptions) -> Self {
        Self { draw: Draw::new(options.seed, "isobar/set"), added: 0, options }
    }
}

impl Workload for Set {
    fn next(&mut self, _worker: u32) -> Option<Invocation> {
        if self.draw.below(100) < self.options.read_percent {
            return Some(Invocation::of("read", None, Value::Null));
        }
        self.added += 1;
        Some(Invocation::of("add", None, json!(self.added)))
    }

    fn observe(&mut self, _invocation: &Invocation, _outcome: &Outcome) {}

    fn final_reads(&mut self) -> Vec<Invocation> {
        vec![Invocation::of("read", None, Value::Null)]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_element_is_added_once_and_read_in_the_end() {
        let mut set = Set::new(SetOptions { seed: 1, read_percent: 0 });
        let added: Vec<Value> = (0..100).map(|n| set.next(n % 3).unwrap().value).collect();
        assert_eq!(added, (1..=100).map(|n| json!(n)).collect::<Vec<_>>());
        assert_eq!(set.final_reads(), [Invocation::of("read", None, Value::Null)]);
    }

    #[test]
    fn reads_have_their_share() {
        let mut set = Set::new(SetOptions { seed: 2, read_percent: 20 });
        let reads = (0..1_000).filter(|_| set.next(0).unwrap().f == "read").count();
        assert!((150..250).contains(&reads), "{reads}");
    }
}
