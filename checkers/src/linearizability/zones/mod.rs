//! Registers whose values are written once each: decided in O(n log n).
//!
//! Gibbons & Korach, *Testing shared memories*, SIAM J. Comput. 26 (1997), §4, extended to
//! compare-and-set and to calls that crashed.
//!
//! **Blocks.** A value is written by one call (the initial one, null, before all time). In a
//! linearization its reads follow the write before the next write does, and a compare-and-set of
//! it is what ends it. So values linked by compare-and-sets form a *chain* whose calls follow one
//! another without a gap: each write that is no compare-and-set heads a chain, and a value is left
//! by at most one compare-and-set. A call that crashed counts only if its value was observed, by a
//! read or by a compare-and-set that counts; it then has no completion.
//!
//! **Inside a chain** the order is fixed but for the reads of one value, which go by invocation.
//! It obeys real time iff no call completes before one ahead of it is invoked: one pass with the
//! latest invocation so far.
//!
//! **Between chains** A must come before B iff a call of A precedes one of B: f(A) < s(B), with f
//! the least completion and s the greatest invocation of a chain. Whole chains can be put in such
//! an order iff that relation has no cycle, and it has one only if two chains are before each
//! other: on a cycle take A with the least f, its predecessor P, and P's predecessor Q. Then
//! f(A) ≤ f(Q) < s(P), so A is before P, and P is before A. Two such chains cannot both have
//! s ≤ f (*backward* zones [s, f]): one is *forward*, (f, s), and the other overlaps it, if
//! forward, or lies inside, if backward. One sweep finds either.
//!
//! **The order** by min(f, s) is then a linearization: if A is before B but not B before A, then
//! f(A) < s(B) and s(A) ≤ f(B), so neither end of B is less than both ends of A.

mod evidence;
mod sheet;
#[cfg(test)]
mod tests;

use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::register::RegisterOp;
use super::{Call, Decision};

pub(super) use sheet::Sheet;

/// No call, or no value.
const NONE: u32 = u32::MAX;
/// The number of null.
const INITIAL: u32 = 0;

/// Decides, or `None` when a value is written twice (or the first one, the default, is written):
/// then blocks do not hold.
pub(super) fn decide<V: Default + Eq + Hash>(calls: &[Call<RegisterOp<V>>]) -> Option<Decision> {
    decide_moves(&number(calls))
}

fn decide_moves(moves: &[Move]) -> Option<Decision> {
    let mut zones = Zones::new(moves)?;
    Some(match zones.order() {
        Ok(order) => Decision::Valid(order),
        Err(conflict) => Decision::Violated(evidence::contradiction(&zones, conflict)),
    })
}

/// A call with its values numbered; 0 is null.
#[derive(Clone, Copy, Debug)]
struct Move {
    sees: u32,
    sets: u32,
    invoked: u32,
    completed: u32,
}

impl Move {
    fn is_read(self) -> bool {
        self.sets == NONE
    }

    fn is_open(self) -> bool {
        self.completed == Call::<()>::OPEN
    }
}

fn number<V: Default + Eq + Hash>(calls: &[Call<RegisterOp<V>>]) -> Vec<Move> {
    let initial = V::default();
    let mut numbers = FxHashMap::default();
    numbers.insert(&initial, INITIAL);
    let mut moves = Vec::with_capacity(calls.len());
    for call in calls {
        let mut number = |value| {
            let next = numbers.len() as u32;
            *numbers.entry(value).or_insert(next)
        };
        moves.push(Move {
            sees: call.op.sees().map_or(NONE, &mut number),
            sets: call.op.sets().map_or(NONE, &mut number),
            invoked: call.invoked,
            completed: call.completed,
        });
    }
    moves
}

/// The first thing found that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conflict {
    /// The value which the call found was never written.
    NeverWritten(u32),
    TwoSuccessors(u32, u32),
    /// Some compare-and-sets hang on no head.
    Circle,
    /// Inside the chain of this head, real time is not obeyed.
    Inside(u32),
    /// The chains of these heads are before each other.
    Mutual(u32, u32),
}

/// What is known per value.
struct Zones<'a> {
    moves: &'a [Move],
    writer: Vec<u32>,
    /// The compare-and-set that leaves the value.
    next: Vec<u32>,
    /// Reads by value, in order of invocation: `reads[first[v]..first[v + 1]]`.
    first: Vec<u32>,
    reads: Vec<u32>,
    /// Calls that changed the value for certain.
    effective: Vec<bool>,
}

/// A chain: `head` is its first value.
struct Chain {
    head: u32,
    /// Least completion and greatest invocation; the initial write has 0 for both.
    least_completed: u32,
    greatest_invoked: u32,
}

impl Chain {
    fn left(&self) -> u32 {
        self.least_completed.min(self.greatest_invoked)
    }

    fn before(&self, other: &Self) -> bool {
        self.least_completed < other.greatest_invoked
    }
}

/// How far a chain is from its place, on average, where it pays to move it there step by step.
const STEPS: usize = 8;

/// Puts chains in order of their left ends: nearly that of their first mention, in which they come.
fn sort(chains: &mut [Chain]) {
    let mut left = chains.len() * STEPS;
    for place in 1..chains.len() {
        let mut at = place;
        while at > 0 && left > 0 && chains[at - 1].left() > chains[at].left() {
            chains.swap(at - 1, at);
            at -= 1;
            left -= 1;
        }
        if left == 0 {
            return chains.sort_unstable_by_key(Chain::left);
        }
    }
}

impl<'a> Zones<'a> {
    fn new(moves: &'a [Move]) -> Option<Self> {
        // One more than the greatest number; NONE becomes 0.
        let beyond = |call: &Move| call.sees.wrapping_add(1).max(call.sets.wrapping_add(1));
        let values = moves.iter().map(beyond).max().unwrap_or(0).max(INITIAL + 1) as usize;
        let mut writer = vec![NONE; values];
        let mut first = vec![0; values + 1];
        for (number, call) in (0..).zip(moves) {
            if call.is_read() {
                first[call.sees as usize + 1] += 1;
            } else {
                let slot = &mut writer[call.sets as usize];
                if *slot != NONE || call.sets == INITIAL {
                    return None;
                }
                *slot = number;
            }
        }
        for value in 0..values {
            first[value + 1] += first[value];
        }
        let mut place = first.clone();
        let mut reads = vec![NONE; first[values] as usize];
        for (number, call) in (0..).zip(moves).filter(|(_, call)| call.is_read()) {
            let slot = &mut place[call.sees as usize];
            reads[*slot as usize] = number;
            *slot += 1;
        }
        let next = vec![NONE; values];
        let effective = vec![false; moves.len()];
        Some(Self { moves, writer, next, first, reads, effective })
    }

    fn call(&self, number: u32) -> Move {
        self.moves[number as usize]
    }

    fn reads(&self, value: u32) -> &[u32] {
        let value = value as usize;
        &self.reads[self.first[value] as usize..self.first[value + 1] as usize]
    }

    fn is_written(&self, value: u32) -> bool {
        value == INITIAL || self.writer[value as usize] != NONE
    }

    /// A linearization, or why there is none.
    fn order(&mut self) -> Result<Vec<u32>, Conflict> {
        self.link()?;
        let mut chains = Vec::new();
        let mut linked = 0;
        for head in 0..self.writer.len() as u32 {
            if self.is_head(head) {
                chains.push(self.chain(head, &mut linked)?);
            }
        }
        if linked < self.effective.iter().filter(|&&effective| effective).count() {
            return Err(Conflict::Circle);
        }
        sort(&mut chains);
        let mut forward: Option<&Chain> = None;
        for chain in &chains {
            if let Some(open) = forward
                && open.before(chain)
                && chain.before(open)
            {
                return Err(Conflict::Mutual(open.head, chain.head));
            }
            if chain.least_completed < chain.greatest_invoked {
                forward = Some(chain);
            }
        }
        let mut order = Vec::with_capacity(self.moves.len());
        for chain in &chains {
            order.extend(self.members(chain.head).map(|(call, _)| call));
        }
        Ok(order)
    }

    /// Finds the calls that took effect and links each value with the compare-and-set of it.
    fn link(&mut self) -> Result<(), Conflict> {
        let mut found = Vec::new();
        for (number, call) in (0..).zip(self.moves) {
            if call.is_read() {
                if !self.is_written(call.sees) {
                    return Err(Conflict::NeverWritten(number));
                }
            } else if !call.is_open() || !self.reads(call.sets).is_empty() {
                self.effective[number as usize] = true;
                found.push(number);
            }
        }
        while let Some(number) = found.pop() {
            let value = self.call(number).sees;
            if value == NONE {
                continue;
            }
            if !self.is_written(value) {
                return Err(Conflict::NeverWritten(number));
            }
            let other = std::mem::replace(&mut self.next[value as usize], number);
            if other != NONE {
                return Err(Conflict::TwoSuccessors(other.min(number), other.max(number)));
            }
            let writer = self.writer[value as usize];
            if writer != NONE && !std::mem::replace(&mut self.effective[writer as usize], true) {
                found.push(writer);
            }
        }
        Ok(())
    }

    fn is_head(&self, value: u32) -> bool {
        let writer = self.writer[value as usize];
        value == INITIAL
            || (writer != NONE && self.effective[writer as usize] && self.call(writer).sees == NONE)
    }

    /// Walks a chain; counts its writes.
    fn chain(&self, head: u32, linked: &mut usize) -> Result<Chain, Conflict> {
        let mut chain = Chain { head, least_completed: NONE, greatest_invoked: 0 };
        if head == INITIAL {
            chain.least_completed = 0;
        }
        for (number, _) in self.members(head) {
            let call = self.call(number);
            *linked += usize::from(!call.is_read());
            // A read never breaks this for those of its own value: they go by invocation.
            if call.completed < chain.greatest_invoked {
                return Err(Conflict::Inside(head));
            }
            chain.least_completed = chain.least_completed.min(call.completed);
            chain.greatest_invoked = chain.greatest_invoked.max(call.invoked);
        }
        Ok(chain)
    }

    /// The calls of a chain in order, each with the number of its value along the chain. A
    /// compare-and-set belongs to the value that it writes.
    fn members(&self, head: u32) -> impl Iterator<Item = (u32, u32)> {
        let mut link = (head, 0);
        let mut place = 0;
        std::iter::from_fn(move || {
            loop {
                let (value, number) = link;
                let writer = self.writer[value as usize];
                let reads = self.reads(value);
                place += 1;
                match place {
                    1 if writer != NONE => return Some((writer, number)),
                    1 => {}
                    _ if place - 2 < reads.len() => return Some((reads[place - 2], number)),
                    _ => {
                        let next = self.next[value as usize];
                        if next == NONE {
                            // Stay at the end.
                            place -= 1;
                            return None;
                        }
                        link = (self.call(next).sets, number + 1);
                        place = 0;
                    }
                }
            }
        })
    }
}
