//! A configuration: what an order of the calls so far may have come to.

use std::rc::Rc;

use super::bits::Bits;
use super::moment::Moment;
use super::problem::{Act, NONE, UNSEEN};
use super::trail::{Step, Trail};
use crate::linearizability::search::covers;

#[derive(Clone)]
pub(super) struct Configuration<const W: usize> {
    pub value: u32,
    /// Live calls that took effect.
    pub done: Bits<W>,
    /// Live writes that may have taken effect just before the last write that did.
    pub absorbed: Bits<W>,
    /// (signature, crashed calls of it that took effect), in order of signature.
    used: Rc<Vec<(u32, u32)>>,
    pub spent: u32,
    /// The last step in the trail.
    pub trail: u32,
    /// Rank in the beam; less is better.
    pub cost: i32,
}

impl<const W: usize> Configuration<W> {
    pub(super) fn first(value: u32) -> Self {
        Self {
            value,
            done: Bits::EMPTY,
            absorbed: Bits::EMPTY,
            used: Rc::default(),
            spent: 0,
            trail: Trail::ROOT,
            cost: 0,
        }
    }

    pub(super) fn used(&self, signature: u32) -> u32 {
        let entry = self.used.binary_search_by_key(&signature, |&(signature, _)| signature);
        entry.map_or(0, |entry| self.used[entry].1)
    }

    pub(super) fn has_token(&self, moment: &Moment<'_, W>, signature: u32) -> bool {
        let crashed = moment.crashed[signature as usize];
        !moment.live[signature as usize].within(self.done)
            || (crashed > 0 && self.used(signature) < crashed)
    }

    /// Takes a token: the live one that completes first, else a crashed one. [`NONE`]: crashed.
    fn take(&mut self, moment: &Moment<'_, W>, signature: u32) -> u32 {
        let live = moment.live[signature as usize].without(self.done);
        if let Some((act, slot)) = moment.first_due(live) {
            self.done = self.done | Bits::one(slot);
            return act;
        }
        let used = Rc::make_mut(&mut self.used);
        match used.binary_search_by_key(&signature, |&(signature, _)| signature) {
            Ok(entry) => used[entry].1 += 1,
            Err(entry) => used.insert(entry, (signature, 1)),
        }
        self.spent += 1;
        NONE
    }

    /// After a call of `signature`, if there is a token of it; a compare-and-set must fit.
    pub(super) fn step(
        &self,
        moment: &Moment<'_, W>,
        signature: u32,
        trail: &mut Trail,
    ) -> Option<Self> {
        if !self.has_token(moment, signature) {
            return None;
        }
        let mut after = self.clone();
        let act = after.take(moment, signature);
        after.arrive(moment, signature);
        let at = moment.problem.events[moment.next].rank;
        after.trail = trail.push(Step { parent: self.trail, signature, act, at });
        Some(after)
    }

    /// Moves to the value which `signature` leaves: live reads of it take effect, and a write
    /// absorbs the other live ones.
    pub(super) fn arrive(&mut self, moment: &Moment<'_, W>, signature: u32) {
        self.value = moment.problem.ends[signature as usize].1;
        if moment.problem.is_write(signature) {
            self.absorbed = moment.writes;
        }
        self.done = self.done | moment.readers[self.value as usize];
    }

    /// A read of the value that is there takes effect at once.
    pub(super) fn invoke_read(&mut self, read: &Act) {
        if read.sees == self.value {
            self.done = self.done | Bits::one(read.slot);
        }
    }

    /// Whether the live call with this bit took effect, or may have.
    pub(super) fn passes(&self, bit: Bits<W>) -> bool {
        bit.meets(self.done | self.absorbed)
    }

    /// Forgets a call that has completed, and the value if nobody sees it any more.
    pub(super) fn retire(&mut self, moment: &Moment<'_, W>, bit: Bits<W>) {
        self.done = self.done.without(bit);
        self.absorbed = self.absorbed.without(bit);
        let now = moment.problem.events[moment.next].rank;
        if moment.problem.last_seen[self.value as usize] <= now {
            self.value = UNSEEN;
        }
    }

    /// Whether this one can do all that `other` can, given equal values and `exact` slots.
    pub(super) fn dominates(&self, other: &Self, moment: &Moment<'_, W>, exact: Bits<W>) -> bool {
        let (reads, writes) = ((moment.reads | moment.cas).without(exact), moment.writes);
        let passed = |one: &Self| (one.done | one.absorbed) & writes;
        (other.done & reads).within(self.done)
            && ((other.done ^ self.done) & exact).is_empty()
            && (self.done & writes).within(other.done)
            && passed(other).within(passed(self))
            && self.spent_within(other)
    }

    /// Whether no more crashed calls of any signature were used than in `other`.
    pub(super) fn spent_within(&self, other: &Self) -> bool {
        self.spent <= other.spent
            && (Rc::ptr_eq(&self.used, &other.used) || covers(&self.used, &other.used))
    }
}
