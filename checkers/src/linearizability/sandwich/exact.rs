//! The exact pass: all configurations but those that another one can stand in for.
//!
//! With a choice of *tracked* signatures it is a relaxation: calls of the others take effect any
//! number of times while live, and for ever if crashed. Then nothing left still means *violated*.

use super::antichain::Antichain;
use super::bits::Bits;
use super::configuration::Configuration;
use super::moment::Moment;
use super::problem::{Act, INITIAL, Kind, Problem};
use super::trail::Trail;
use crate::linearizability::Budget;

pub(super) enum Exact {
    /// A linearization; empty when signatures were left untracked.
    Order(Vec<u32>),
    /// The call which cannot have completed when it did.
    Stuck(Act),
    /// The budget is used up, or `until` was passed.
    Undecided,
}

/// What to look at, and how far.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// By signature; `None`: all.
    pub tracked: Option<&'a [bool]>,
    /// Events after this one are not looked at.
    pub until: usize,
    /// Configurations at one event.
    pub width: usize,
}

pub(super) fn pass<const W: usize>(
    problem: &Problem,
    scope: Scope<'_>,
    budget: &mut Budget,
) -> Exact {
    let mut pass = Pass {
        moment: Moment::<W>::new(problem),
        trail: if scope.tracked.is_some() { Trail::unkept() } else { Trail::new() },
        scope,
        untracked_cas: Bits::EMPTY,
    };
    let mut frontier = vec![Configuration::first(INITIAL)];
    let mut collect_at = COLLECT_FROM;
    while let Some((act, completes)) = pass.moment.peek() {
        if pass.moment.next > scope.until {
            return Exact::Undecided;
        }
        if !completes {
            pass.invoke(act, &mut frontier);
            continue;
        }
        let Some(next) = pass.complete(act, frontier, budget) else { return Exact::Undecided };
        if next.is_empty() {
            return Exact::Stuck(*act);
        }
        frontier = next;
        if pass.trail.len() > collect_at {
            pass.trail.collect(frontier.iter_mut().map(|configuration| &mut configuration.trail));
            collect_at = pass.trail.len() * 2 + COLLECT_FROM;
        }
    }
    match frontier.first() {
        Some(last) if scope.tracked.is_none() => {
            Exact::Order(pass.trail.order(problem, last.trail))
        }
        _ => Exact::Undecided,
    }
}

/// Steps from which on unused ones are looked for.
const COLLECT_FROM: usize = 200_000;

struct Pass<'a, const W: usize> {
    moment: Moment<'a, W>,
    trail: Trail,
    scope: Scope<'a>,
    /// Live compare-and-sets of untracked signatures: once done they stay so, like reads.
    untracked_cas: Bits<W>,
}

impl<const W: usize> Pass<'_, W> {
    fn is_tracked(&self, signature: u32) -> bool {
        self.scope.tracked.is_none_or(|tracked| tracked[signature as usize])
    }

    fn invoke(&mut self, act: &Act, frontier: &mut [Configuration<W>]) {
        if act.kind == Kind::Cas && !act.crashed() && !self.is_tracked(act.signature) {
            self.untracked_cas = self.untracked_cas | Bits::one(act.slot);
        }
        if act.kind == Kind::Read {
            frontier.iter_mut().for_each(|configuration| configuration.invoke_read(act));
        }
        self.moment.forward();
    }

    /// Passes the completion of `act`. `None`: too much to look at.
    fn complete(
        &mut self,
        act: &Act,
        frontier: Vec<Configuration<W>>,
        budget: &mut Budget,
    ) -> Option<Vec<Configuration<W>>> {
        let bit = Bits::one(act.slot);
        let exact = self.moment.cas.without(self.untracked_cas);
        let mut seen = Antichain::new(exact);
        let mut passed = Antichain::new(exact);
        for configuration in frontier {
            seen.add(configuration, &self.moment);
        }
        let free = act.kind != Kind::Read && !self.is_tracked(act.signature);
        let mut place = 0;
        while place < seen.len() {
            place += 1;
            let Some(from) = seen.get(place - 1).cloned() else { continue };
            if from.passes(bit) {
                let mut after = from.clone();
                after.retire(&self.moment, bit);
                passed.add(after, &self.moment);
                // An absorbed write may also take effect where it is seen.
                if !free && bit.meets(from.done) {
                    continue;
                }
            }
            let work = seen.work;
            self.expand(&from, &mut seen);
            let bytes = Self::BYTES * seen.len() as u64 + Trail::BYTES * self.trail.len() as u64;
            if seen.len() > self.scope.width
                || bytes > budget.bytes
                || !budget.spend(1 + seen.work - work)
            {
                return None;
            }
        }
        self.untracked_cas = self.untracked_cas.without(bit);
        self.moment.forward();
        Some(passed.into_frontier())
    }

    /// Of a configuration in an antichain, about.
    const BYTES: u64 = size_of::<Configuration<W>>() as u64 + 64;

    fn expand(&mut self, from: &Configuration<W>, seen: &mut Antichain<W>) {
        let written = self.moment.written().iter();
        for &signature in written.chain(self.moment.leaving(from.value)) {
            let next = if self.is_tracked(signature) {
                from.step(&self.moment, signature, &mut self.trail)
            } else {
                let mut next = from.clone();
                if !self.moment.problem.is_write(signature) {
                    next.done = next.done | self.moment.live[signature as usize];
                }
                next.arrive(&self.moment, signature);
                Some(next)
            };
            if let Some(next) = next {
                seen.add(next, &self.moment);
            }
        }
    }
}
