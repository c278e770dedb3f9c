//! Registers whose values repeat: decided from two sides, exactly only where they do not meet.
//!
//! ```text
//! relaxed ── nothing left ──▶ violated        tracked ── nothing left ──▶ violated
//!    │                                           ▲  │
//!    └──▶ beam ── an order ──▶ valid ── lost ────┘  └──▶ wider beam ──▶ exact ──▶ the answer
//! ```
//!
//! Completions are met in order; calls take effect only just before a completion that needs it
//! (see the general search). A configuration is (value, live calls that took effect, how many
//! crashed calls of each signature did). What keeps their number small, and why it may:
//!
//! * **Signatures.** Crashed calls alike in function and arguments have no deadline and differ in
//!   nothing, so they are counted. Of live ones alike the one that completes first goes first: in
//!   an order where it does not, swap the two; each then is where the other, also live, was.
//! * **Reads at once.** A live read of the value that is there takes effect: removed from a later
//!   place it changes no state there.
//! * **Absorbed writes.** Just before a write, any other live write may take effect unseen. So
//!   when a write is chosen, the live ones become *absorbed*: each may be taken, when it
//!   completes, to have been there, or it may still be chosen. Both, always: a register that
//!   never chooses an absorbed write rejects `0-9 w1, 0-9 w2, 1-2 r2, 3-4 r1`, where w1 is
//!   absorbed by w2 at once.
//! * **No idle writes in a row.** Two writes one after the other with no read between: the first
//!   might as well be absorbed by the second.
//! * **Dominance.** With equal values and equal live compare-and-sets, a configuration stands in
//!   for another one if all reads and writes that passed there passed here too, no write was
//!   chosen here and not there, and no more crashed calls of any signature were used. It can
//!   follow every continuation of the other: an absorbed write passes as a chosen one does, and
//!   tokens are only more.
//! * **Unseen values.** A value which no call that completes later can see is as good as any
//!   other such value.
//!
//! Rules that look right and are refuted in the tests: the call that completes last goes first;
//! a compare-and-set that took effect stands in for one that did not, or the other way round; an
//! absorbed write is not chosen any more.
//!
//! The relaxed and tracked passes allow more than linearizability: *violated* is final there. The
//! beam looks at less; the order that it finds is replayed. Nothing depends on time, only on the
//! budget.

mod antichain;
mod beam;
mod bits;
mod configuration;
mod exact;
mod moment;
mod problem;
mod relaxed;
#[cfg(test)]
mod tests;
mod trail;

use std::hash::Hash;

use super::register::RegisterOp;
use super::search::{Outcome, Partial};
use super::{Budget, Call};

use beam::Beam;
use exact::{Exact, Scope};
use problem::{Act, Problem};

/// Levels of the first beam, and of the last one.
const NARROW: usize = 2;
const WIDE: usize = 4;
/// Configurations at one completion, with untracked signatures and without.
const TRACKED_WIDTH: usize = 20_000;
const EXACT_WIDTH: usize = 200_000;
/// Events to look at past the one where the beam was lost.
const MARGIN: usize = 40;

/// Decides within `budget`, and takes from it what was used; the register begins with the default
/// value. `None`: too concurrent (over 512 live calls), or not decided with its share of the
/// budget.
pub(super) fn search<V: Default + Eq + Hash>(
    calls: &[Call<RegisterOp<V>>],
    budget: &mut Budget,
) -> Option<Outcome> {
    let problem = Problem::new(calls);
    match problem.width {
        0..=64 => decide::<1>(&problem, budget),
        65..=128 => decide::<2>(&problem, budget),
        129..=256 => decide::<4>(&problem, budget),
        257..=512 => decide::<8>(&problem, budget),
        _ => None,
    }
}

fn decide<const W: usize>(problem: &Problem, budget: &mut Budget) -> Option<Outcome> {
    if let Some(act) = relaxed::stuck::<W>(problem) {
        return Some(violated(problem, act));
    }
    let lost = match budget.share(4, |share| beam::pass::<W>(problem, NARROW, share)) {
        Beam::Order(order) => return Some(Outcome::Valid(order)),
        Beam::Lost(event) => event,
    };
    for tracked in tracked(problem, lost) {
        let scope = Scope { tracked: Some(&tracked), until: lost + MARGIN, width: TRACKED_WIDTH };
        let outcome = budget.share(8, |share| exact::pass::<W>(problem, scope, share));
        if let Exact::Stuck(act) = outcome {
            return Some(violated(problem, &act));
        }
    }
    if let Beam::Order(order) = budget.share(2, |share| beam::pass::<W>(problem, WIDE, share)) {
        return Some(Outcome::Valid(order));
    }
    let scope = Scope { tracked: None, until: usize::MAX, width: EXACT_WIDTH };
    match budget.share(2, |share| exact::pass::<W>(problem, scope, share)) {
        Exact::Order(order) => Some(Outcome::Valid(order)),
        Exact::Stuck(act) => Some(violated(problem, &act)),
        Exact::Undecided => None,
    }
}

/// The signatures that lead to the value which the call at `event` belongs to; then all writes
/// besides.
fn tracked(problem: &Problem, event: usize) -> [Vec<bool>; 2] {
    let act = &problem.acts[problem.events[event].act as usize];
    let value = if act.sees == problem::NONE { act.sets } else { act.sees };
    let leads: Vec<bool> = problem.ends.iter().map(|&(_, leaves)| leaves == value).collect();
    let mut writes = leads.clone();
    writes[..problem.values].fill(true);
    [leads, writes]
}

fn violated(problem: &Problem, act: &Act) -> Outcome {
    let passed = problem.events.iter().filter(|event| event.completes && event.rank < act.to);
    Outcome::Violated(Partial { order: Vec::new(), stuck: Some(act.call), passed: passed.count() })
}
