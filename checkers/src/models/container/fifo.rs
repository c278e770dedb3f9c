//! FIFO queues of distinct values, in O(n).
//!
//! Conditions of Henzinger, Sezgin & Vafeiadis, *Aspect-oriented linearizability proofs*, CONCUR
//! 2013; the order is ours.
//!
//! Say that x is *before* y if a2(x) < a1(y) (x was enqueued first) or b2(x) < b1(y) (x was
//! dequeued first). Values leave in the order in which they came, so in a linearization their
//! order extends this relation.
//!
//! **No two values are before each other** is enough for it to have no circle. Two steps of the
//! same kind in a row are one step of that kind, so on a shortest circle the kinds alternate:
//! x₁ →a x₂ →b x₃ →a x₄ →b … The ends a2(x₁) and a2(x₃) are in some order: if a2(x₁) is the less,
//! x₁ →a x₄ cuts the circle short; else x₃ →a x₂, and x₂ →b x₃ are before each other.
//!
//! **The order.** Take values in an order that extends it: again and again one whose a1 is not
//! after the least a2 left, and b1 not after the least b2 left. Let the enqueue of the i-th take
//! effect at E(i), the greatest a1 of the first i, and its dequeue at D(i), the greatest b1 of
//! them. E(i) ≤ a2(i), else a value ahead of i would be behind it; D(i) ≤ b2(i) likewise; and
//! E(i) ≤ D(i), as a1 ≤ b1 for each. Merged by these moments, enqueues first, all calls are inside
//! of their intervals, and both kinds go in the same order. Empty answers: see [`cover`](super).

use super::cover;
use super::order::{Conflict, Plan};
use super::values::Values;
use crate::linearizability::Rule;
use crate::models::sorted;

const OUT_OF_ORDER: Rule = Rule {
    anomaly: "out-of-order",
    although: "although something that was enqueued before it was still there",
    argument: "One of the two values was enqueued before the enqueue of the other began; so it \
               must leave first. But the removal of the other had ended before its own began, if \
               it was removed at all.",
};

pub(super) fn plan(values: &Values) -> Result<Plan, Conflict> {
    let by_a2 = values.by_a2();
    let moments = cover::moments(values, &by_a2)?;
    let Some(order) = order(values, &by_a2) else { return Err(out_of_order(values, &by_a2)) };
    Ok(Plan(in_stretches(values, &merged(values, &order), &moments)))
}

/// Values which are not removed yet, and the one that ends first.
struct Line<'a> {
    /// By start and by end.
    starts: &'a [u32],
    ends: &'a [u32],
    started: usize,
    ended: usize,
}

impl Line<'_> {
    /// Skips what is taken, then calls `unlock` for each value that nothing left is before.
    fn advance(
        &mut self,
        taken: &[bool],
        start: impl Fn(u32) -> u32,
        end: impl Fn(u32) -> u32,
        mut unlock: impl FnMut(u32),
    ) {
        while self.ended < self.ends.len() && taken[self.ends[self.ended] as usize] {
            self.ended += 1;
        }
        let Some(least) = self.ends.get(self.ended).map(|&first| end(first)) else { return };
        while self.started < self.starts.len() && start(self.starts[self.started]) <= least {
            unlock(self.starts[self.started]);
            self.started += 1;
        }
    }
}

/// The values in an order that extends *before*; `None` if there is none.
fn order(values: &Values, by_a2: &[u32]) -> Option<Vec<u32>> {
    let lives = &values.lives;
    let life = |life: u32| &lives[life as usize];
    let by_a1: Vec<u32> = (0..lives.len() as u32).collect();
    let by_b1 = sorted(lives.len(), values.end, |life| lives[life].b1);
    let by_b2 = sorted(lives.len(), values.end, |life| lives[life].b2);
    let mut enqueues = Line { starts: &by_a1, ends: by_a2, started: 0, ended: 0 };
    let mut dequeues = Line { starts: &by_b1, ends: &by_b2, started: 0, ended: 0 };
    let mut locks = vec![2_u8; lives.len()];
    let mut taken = vec![false; lives.len()];
    let mut ready = Vec::new();
    let mut order = Vec::with_capacity(lives.len());
    while order.len() < lives.len() {
        let mut unlock = |life: u32| {
            locks[life as usize] -= 1;
            if locks[life as usize] == 0 {
                ready.push(life);
            }
        };
        enqueues.advance(&taken, |v| life(v).a1, |v| life(v).a2, &mut unlock);
        dequeues.advance(&taken, |v| life(v).b1, |v| life(v).b2, &mut unlock);
        let next = ready.pop()?;
        taken[next as usize] = true;
        order.push(next);
    }
    Some(order)
}

/// Two values that are before each other.
fn out_of_order(values: &Values, by_a2: &[u32]) -> Conflict {
    let lives = &values.lives;
    let mut latest: Option<u32> = None;
    let mut ended = by_a2.iter().peekable();
    for (number, life) in (0..).zip(lives) {
        while let Some(&other) = ended.next_if(|&&other| lives[other as usize].a2 < life.a1) {
            let later = |latest: u32| lives[latest as usize].b1 < lives[other as usize].b1;
            if latest.is_none_or(later) {
                latest = Some(other);
            }
        }
        if let Some(first) = latest.filter(|&first| life.b2 < lives[first as usize].b1) {
            let (call, pair) = (life.remove, vec![first, number]);
            return Conflict { rule: &OUT_OF_ORDER, call, lives: pair, calls: Vec::new() };
        }
    }
    // Not reached: without such a pair there is an order. All values are evidence enough.
    let all = (0..lives.len() as u32).collect();
    Conflict { rule: &OUT_OF_ORDER, call: 0, lives: all, calls: Vec::new() }
}

/// Enqueues at E, dequeues at D: with the life of each call.
fn merged(values: &Values, order: &[u32]) -> Vec<(u32, u32)> {
    let mut merged = Vec::with_capacity(2 * values.lives.len());
    let mut coming = order.iter().peekable();
    let (mut came, mut left) = (0, 0);
    for &number in order {
        let life = &values.lives[number as usize];
        left = left.max(life.b1);
        // Enqueues up to this moment; at least its own.
        while let Some(&&next) = coming.peek() {
            let at = values.lives[next as usize].a1.max(came);
            if at > left {
                break;
            }
            came = at;
            merged.push((values.lives[next as usize].insert, next));
            coming.next();
        }
        if life.is_removed() {
            merged.push((life.remove, number));
        }
    }
    merged
}

/// The order split at the moments of the empty answers.
fn in_stretches(values: &Values, merged: &[(u32, u32)], moments: &[(u32, u32)]) -> Vec<u32> {
    if moments.is_empty() {
        return merged.iter().map(|&(call, _)| call).collect();
    }
    // Answers at one moment follow the values before it: those with b1 not after it.
    let stretch = |at: usize| {
        let (_, life) = merged[at];
        let b1 = values.lives[life as usize].b1;
        moments.partition_point(|&(moment, _)| moment < b1) as u32
    };
    let by_stretch = sorted(merged.len(), moments.len() as u32, stretch);
    let mut order = Vec::with_capacity(merged.len() + moments.len());
    let mut next = 0;
    for at in by_stretch {
        while next < stretch(at as usize) as usize {
            order.push(moments[next].1);
            next += 1;
        }
        order.push(merged[at as usize].0);
    }
    order.extend(moments[next..].iter().map(|&(_, call)| call));
    order
}
