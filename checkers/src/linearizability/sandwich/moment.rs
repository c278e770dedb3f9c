//! What is live between two events: which calls may take effect now, by what they see and leave.

use super::bits::Bits;
use super::problem::{Act, Kind, NONE, Problem};

/// A set of numbers that is cheap to change and to walk.
struct Members {
    items: Vec<u32>,
    place: Vec<u32>,
}

impl Members {
    fn new(numbers: usize) -> Self {
        Self { items: Vec::new(), place: vec![NONE; numbers] }
    }

    fn insert(&mut self, item: u32) {
        self.place[item as usize] = self.items.len() as u32;
        self.items.push(item);
    }

    fn remove(&mut self, item: u32) {
        let place = std::mem::replace(&mut self.place[item as usize], NONE) as usize;
        self.items.swap_remove(place);
        if let Some(&moved) = self.items.get(place) {
            self.place[moved as usize] = place as u32;
        }
    }
}

/// The moment before event `next`. A *token* of a signature is a call of it which may take
/// effect: a live one or a crashed one.
pub(super) struct Moment<'p, const W: usize> {
    pub problem: &'p Problem,
    pub next: usize,
    tenants: Vec<u32>,
    /// The live calls of each kind.
    pub reads: Bits<W>,
    pub writes: Bits<W>,
    pub cas: Bits<W>,
    /// Live reads by value.
    pub readers: Vec<Bits<W>>,
    /// Live calls by signature.
    pub live: Vec<Bits<W>>,
    /// Crashed calls by signature.
    pub crashed: Vec<u32>,
    /// Values with a token to write them.
    written: Members,
    /// Per value the compare-and-sets of it, and to it, that have tokens.
    leaving: Vec<Vec<u32>>,
    entering: Vec<Vec<u32>>,
    /// Values that some live call sees or leaves, and how many do.
    current: Members,
    mentions: Vec<u32>,
}

impl<'p, const W: usize> Moment<'p, W> {
    pub(super) fn new(problem: &'p Problem) -> Self {
        let (values, signatures) = (problem.values, problem.ends.len());
        Self {
            problem,
            next: 0,
            tenants: vec![NONE; W * 64],
            reads: Bits::EMPTY,
            writes: Bits::EMPTY,
            cas: Bits::EMPTY,
            readers: vec![Bits::EMPTY; values],
            live: vec![Bits::EMPTY; signatures],
            crashed: vec![0; signatures],
            written: Members::new(values),
            leaving: vec![Vec::new(); values],
            entering: vec![Vec::new(); values],
            current: Members::new(values),
            mentions: vec![0; values],
        }
    }

    /// The call of the next event, and whether that is its completion.
    pub(super) fn peek(&self) -> Option<(&'p Act, bool)> {
        let event = self.problem.events.get(self.next)?;
        Some((&self.problem.acts[event.act as usize], event.completes))
    }

    /// Passes the next event.
    pub(super) fn forward(&mut self) {
        if let Some(event) = self.problem.events.get(self.next) {
            self.next += 1;
            self.change(event.act, !event.completes);
        }
    }

    /// Takes back the last event.
    pub(super) fn back(&mut self) {
        if let Some(event) = self.next.checked_sub(1).map(|last| self.problem.events[last]) {
            self.next -= 1;
            self.change(event.act, event.completes);
        }
    }

    fn change(&mut self, place: u32, arrives: bool) {
        let act = &self.problem.acts[place as usize];
        let had = act.signature != NONE && self.has_token(act.signature);
        if act.crashed() {
            let crashed = &mut self.crashed[act.signature as usize];
            *crashed = if arrives { *crashed + 1 } else { *crashed - 1 };
        } else {
            self.tenants[act.slot as usize] = place;
            let bit = Bits::one(act.slot);
            self.flip(act, bit);
            for value in [act.sees, act.sets].into_iter().filter(|&value| value != NONE) {
                self.mention(value, arrives);
            }
        }
        if act.signature == NONE || had == self.has_token(act.signature) {
            return;
        }
        match (act.kind, arrives) {
            (Kind::Write, true) => self.written.insert(act.sets),
            (Kind::Write, false) => self.written.remove(act.sets),
            (_, true) => {
                self.leaving[act.sees as usize].push(act.signature);
                self.entering[act.sets as usize].push(act.signature);
            }
            (_, false) => {
                self.leaving[act.sees as usize].retain(|&other| other != act.signature);
                self.entering[act.sets as usize].retain(|&other| other != act.signature);
            }
        }
    }

    fn flip(&mut self, act: &Act, bit: Bits<W>) {
        let of_kind = match act.kind {
            Kind::Read => &mut self.reads,
            Kind::Write => &mut self.writes,
            Kind::Cas => &mut self.cas,
        };
        *of_kind = *of_kind ^ bit;
        let alike = match act.kind {
            Kind::Read => &mut self.readers[act.sees as usize],
            _ => &mut self.live[act.signature as usize],
        };
        *alike = *alike ^ bit;
    }

    fn mention(&mut self, value: u32, arrives: bool) {
        let mentions = &mut self.mentions[value as usize];
        if arrives {
            *mentions += 1;
            if *mentions == 1 {
                self.current.insert(value);
            }
        } else {
            *mentions -= 1;
            if *mentions == 0 {
                self.current.remove(value);
            }
        }
    }

    fn has_token(&self, signature: u32) -> bool {
        !self.live[signature as usize].is_empty() || self.crashed[signature as usize] > 0
    }

    /// Values that can be written now.
    pub(super) fn written(&self) -> &[u32] {
        &self.written.items
    }

    /// Signatures of compare-and-sets of `value`.
    pub(super) fn leaving(&self, value: u32) -> &[u32] {
        &self.leaving[value as usize]
    }

    /// Signatures of compare-and-sets to `value`.
    pub(super) fn entering(&self, value: u32) -> &[u32] {
        &self.entering[value as usize]
    }

    /// Values that live calls are about.
    pub(super) fn current(&self) -> &[u32] {
        &self.current.items
    }

    /// The call in `among` that completes first, and its slot.
    pub(super) fn first_due(&self, among: Bits<W>) -> Option<(u32, u32)> {
        let due = |&slot: &u32| self.problem.acts[self.tenants[slot as usize] as usize].to;
        among.slots().min_by_key(due).map(|slot| (self.tenants[slot as usize], slot))
    }
}
