//! Locks decided in O(n log n): every acquire as late, every release as early as can be.
//!
//! A process does one thing at a time, so its acquires and releases have one order. Let every
//! acquire take effect when it completes and every release when it is invoked; leave out acquires
//! that never completed. At each moment every process then holds as little as it can in any
//! linearization, all at once: it holds no more than what it acquired for certain and has not
//! begun to release.
//!
//! * **If that order is legal**, it is a linearization: each moment lies inside of its call.
//! * **If a release in it is refused**, its process holds nothing, by its own order alone. One
//!   in doubt then never happened.
//! * **If an acquire in it is refused**, then right after its completion all the processes in the
//!   way still hold, and so does this one, in every linearization: the lock is held too often.
//! * **Tokens.** Holds of a fenced lock that are sure (from the completion of the acquire to the
//!   invocation of the release, never empty) do not overlap if no acquire is refused for the
//!   holder; so their order is the order of any linearization, and tokens must grow along it.
//!
//! All that needs a process to be done with one operation before the next. One that goes on after
//! an operation in doubt is left to the general search.
//!
//! **Evidence.** Only the sections in the way count: pairs of acquire and release of a process
//! may be left out of a linearization. So the refused call, with its own release, and for each
//! holder the acquires that are not released yet, with their releases, are a contradiction.

use rustc_hash::FxHashMap;

use super::op::Holding;
use crate::linearizability::{Call, Contradiction, Decision, Model, Reason, Rule};

const DOUBLE: Rule = Rule {
    anomaly: "double-acquire",
    although: "although no more holders were allowed then",
    argument: "An acquisition holds at least from its completion until its release is invoked, so \
               right after the last of these acquisitions the lock was held more often than it \
               can be.",
};
const TOKEN: Rule = Rule {
    anomaly: "stale-token",
    although: "although a token at least as great had been given before",
    argument: "Each held the lock at least from the completion of its acquisition until its \
               release was invoked: that tells which came first, and its token is not the less.",
};
const NOT_HELD: Rule = Rule {
    anomaly: "release-without-acquire",
    although: "although it held nothing",
    argument: "All that this process acquired before, it had released before.",
};

pub(super) fn decide<M: Model<Op: Holding>>(model: &M, calls: &[Call<M::Op>]) -> Option<Decision> {
    let order = order(calls)?;
    let mut state = model.initial();
    // By process: its acquisitions not yet released.
    let mut held: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    let mut last_acquired = None;
    let mut legal = Vec::with_capacity(order.len());
    for (place, &number) in order.iter().enumerate() {
        let op = &calls[number as usize].op;
        if calls[number as usize].is_open() && model.apply(&state, op).is_none() {
            continue;
        }
        legal.push(number);
        if !model.advance(&mut state, op) {
            let ahead = Ahead { calls, order: &order, place, held, last_acquired };
            let is_held = ahead.is_in_the_way(model);
            return Some(Decision::Violated(ahead.contradiction(is_held)));
        }
        let of_process = held.entry(op.process()).or_default();
        if op.acquires() {
            of_process.push(number);
            last_acquired = Some(number);
        } else {
            of_process.pop();
        }
    }
    Some(Decision::Valid(legal))
}

/// Acquires by completion, releases by invocation; `None` if a process goes on after a call in
/// doubt.
fn order<O: Holding>(calls: &[Call<O>]) -> Option<Vec<u32>> {
    let mut last: FxHashMap<u32, u32> = FxHashMap::default();
    let mut moments = Vec::with_capacity(calls.len());
    for (number, call) in (0..).zip(calls) {
        let until = last.insert(call.op.process(), call.completed).unwrap_or(0);
        if until > call.invoked {
            return None;
        }
        match call.op.acquires() {
            true if call.is_open() => {}
            true => moments.push((call.completed, number)),
            false => moments.push((call.invoked, number)),
        }
    }
    moments.sort_unstable();
    Some(moments.into_iter().map(|(_, number)| number).collect())
}

/// What came before a call that was refused.
struct Ahead<'a, O> {
    calls: &'a [Call<O>],
    order: &'a [u32],
    place: usize,
    held: FxHashMap<u32, Vec<u32>>,
    last_acquired: Option<u32>,
}

impl<O: Holding + Clone> Ahead<'_, O> {
    fn refused(&self) -> u32 {
        self.order[self.place]
    }

    /// Whether the calls that hold are what refuses the acquire; else it is its token.
    fn is_in_the_way<M: Model<Op = O>>(&self, model: &M) -> bool {
        let mut state = model.initial();
        let mut holders: Vec<u32> = self.held.values().flatten().copied().collect();
        holders.sort_unstable_by_key(|&call| self.calls[call as usize].completed);
        holders.iter().for_each(|&call| {
            model.advance(&mut state, &self.calls[call as usize].op);
        });
        !holders.is_empty()
            && model.apply(&state, &self.calls[self.refused() as usize].op).is_none()
    }

    fn contradiction(self, is_held: bool) -> Contradiction {
        let call = self.refused();
        let (rule, mut suspects) = if !self.calls[call as usize].op.acquires() {
            (&NOT_HELD, vec![call])
        } else if is_held {
            let holders = self.held.values().flatten().copied();
            (&DOUBLE, holders.chain([call]).collect())
        } else {
            (&TOKEN, self.last_acquired.into_iter().chain([call]).collect())
        };
        if rule != &NOT_HELD {
            suspects.extend(self.releases(&suspects));
        }
        suspects.sort_unstable();
        suspects.dedup();
        Contradiction {
            calls: suspects,
            effective: Vec::new(),
            reason: Reason::Rule { call, rule },
        }
    }

    /// The releases which go with `acquires`: per process, first in, last out.
    fn releases(&self, acquires: &[u32]) -> Vec<u32> {
        let mut held: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let mut releases = Vec::new();
        for &number in self.order {
            let op = &self.calls[number as usize].op;
            let of_process = held.entry(op.process()).or_default();
            if op.acquires() {
                of_process.push(number);
            } else if let Some(acquire) = of_process.pop()
                && acquires.contains(&acquire)
            {
                releases.push(number);
            }
        }
        releases
    }
}
