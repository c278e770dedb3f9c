//! Things that are given to holders: by several clients at a time, and then looked at.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::{Invocation, Outcome, Workload};

/// A thing is read when so many others were given away after it.
const READ_AFTER: u64 = 4;
/// Things that [`Workload::final_reads`] reads, the latest ones.
const FINAL_READS_MAX: usize = 2_000;

/// How to draw the operations of a [`Relation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationOptions {
    /// How many clients at a time give one thing to a holder of their own; 0 counts as 1.
    pub holders: u32,
}

/// `add` gives the thing that is the key (`t0`, `t1`, …) to a holder (`"t0-h0"`, …); `read` → the
/// list of the holders that it has. Whether it may have several is what a check says: `exclusive`
/// for one-to-one relations, `set` for many-to-many.
///
/// Nothing is random in it: the races are the clients' own.
#[derive(Debug)]
pub struct Relation {
    options: RelationOptions,
    thing: u64,
    given: u32,
    /// Numbers of things that were given away.
    latest: VecDeque<u64>,
}

impl Relation {
    pub fn new(options: RelationOptions) -> Self {
        Self { options, thing: 0, given: 0, latest: VecDeque::new() }
    }
}

fn key(thing: u64) -> Option<Value> {
    Some(json!(format!("t{thing}")))
}

impl Workload for Relation {
    fn next(&mut self, _worker: u32) -> Option<Invocation> {
        if self.given < self.options.holders.max(1) {
            let holder = json!(format!("t{}-h{}", self.thing, self.given));
            self.given += 1;
            return Some(Invocation::of("add", key(self.thing), holder));
        }
        self.latest.push_back(self.thing);
        if self.latest.len() > FINAL_READS_MAX {
            self.latest.pop_front();
        }
        let read = self.thing.saturating_sub(READ_AFTER);
        (self.thing, self.given) = (self.thing + 1, 0);
        Some(Invocation::of("read", key(read), Value::Null))
    }

    fn observe(&mut self, _invocation: &Invocation, _outcome: &Outcome) {}

    fn final_reads(&mut self) -> Vec<Invocation> {
        let begun = (self.given > 0).then_some(self.thing);
        let things = self.latest.iter().copied().chain(begun);
        things.map(|thing| Invocation::of("read", key(thing), Value::Null)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn each_thing_goes_to_several_holders_and_is_read() {
        let mut relation = Relation::new(RelationOptions { holders: 2 });
        let drawn: Vec<Invocation> = (0..19).map(|n| relation.next(n).unwrap()).collect();
        assert_eq!(drawn[0], Invocation::of("add", key(0), json!("t0-h0")));
        assert_eq!(drawn[1], Invocation::of("add", key(0), json!("t0-h1")));
        let reads = drawn.iter().filter(|op| op.f == "read").map(|op| op.key.clone());
        let expected = [0, 0, 0, 0, 0, 1].map(key);
        assert_eq!(reads.collect::<Vec<_>>(), expected);
        // The seventh thing was given to one holder so far.
        assert_eq!(relation.final_reads().len(), 7);
    }
}
