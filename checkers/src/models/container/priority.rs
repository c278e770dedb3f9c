//! Priority queues of distinct values, in O(n log n); and unordered queues, where all have the
//! same priority.
//!
//! **Which moments a remove can have.** When w is removed, nothing that goes before w (of greater
//! priority) is present. So its moment lies in [b1(w), b2(w)] and in no sure presence of such a
//! value. Let t(w) be the least such moment: if t(w) > b2(w) for some w there is no linearization.
//! An empty answer is the removal of something that goes after all values.
//!
//! **Otherwise this is one:** remove w at t(w), at equal moments what goes first first; insert w
//! at a2(w), or right before its removal if that is not later. All moments are inside of their
//! calls. Let v go after w, and show that w is absent at t(v). If t(v) ≥ b1(w), then as t(v) lies
//! in no sure presence of what goes before v, so of nothing that goes before w, t(w) ≤ t(v): w was
//! removed. Else t(v) < b1(w), so t(v) ≤ a2(w), as it is no sure moment of w; and t(v) is no
//! completion, so w is inserted later than that at a2(w), or at t(w) > t(v) together with its
//! removal. (A removal right after its insertion is in nobody's way.)
//!
//! Values are handled from first to last; covered moments are skipped in [`Moments`].

use super::cover;
use super::moments::Moments;
use super::order::{Conflict, Plan};
use super::values::Values;
use crate::linearizability::Rule;
use crate::models::sorted;

const OVERTAKEN: Rule = Rule {
    anomaly: "priority-inversion",
    although: "although something that goes before it was in the queue all the while",
    argument: "From the completion of its insertion until its removal is invoked a value is there. \
               At every moment of this removal one of the values that go before was there.",
};

pub(super) fn plan(values: &Values) -> Result<Plan, Conflict> {
    let lives = &values.lives;
    let rank = |life: u32| lives[life as usize].rank;
    let greatest = lives.iter().map(|life| life.rank).max().unwrap_or(0);
    let order = sorted(lives.len(), greatest, |life| lives[life].rank);
    let mut moments = vec![0; lives.len()];
    // The end is never covered.
    let mut free = Moments::up_to(values.end);
    for equals in order.chunk_by(|&a, &b| rank(a) == rank(b)) {
        for &number in equals {
            let life = &lives[number as usize];
            let moment = free.next(life.b1).unwrap_or(values.end);
            if moment > life.b2 {
                let goes_before = |other: u32| rank(other) < life.rank;
                let mut chain = cover::chain(values, life.b1, life.b2, goes_before);
                chain.push(number);
                let call = life.remove;
                return Err(Conflict { rule: &OVERTAKEN, call, lives: chain, calls: Vec::new() });
            }
            moments[number as usize] = moment;
        }
        for &number in equals {
            free.cover(lives[number as usize].a2, lives[number as usize].b1);
        }
    }
    let mut empties = Vec::with_capacity(values.empties.len());
    for window in &values.empties {
        let moment = free.next(window.from).unwrap_or(values.end);
        if moment > window.to {
            return Err(cover::not_empty(values, window));
        }
        empties.push((moment, window.call));
    }
    Ok(Plan(merged(values, &order, &moments, &empties)))
}

/// Removals and empty answers by moment, and each insert at its a2 or right before its removal.
fn merged(values: &Values, order: &[u32], moments: &[u32], empties: &[(u32, u32)]) -> Vec<u32> {
    let lives = &values.lives;
    let by_a2 = values.by_a2();
    // At equal moments in this order: empty answers last.
    let by_moment =
        sorted(order.len() + empties.len(), values.end, |place| match order.get(place) {
            Some(&life) => moments[life as usize],
            None => empties[place - order.len()].0,
        });
    let mut merged = Vec::with_capacity(2 * lives.len() + empties.len());
    let mut inserts = by_a2.iter().map(|&life| (life, &lives[life as usize])).peekable();
    for place in by_moment.into_iter().map(|place| place as usize) {
        let life = order.get(place).map(|&life| (&lives[life as usize], moments[life as usize]));
        let moment = life.map_or_else(|| empties[place - order.len()].0, |(_, moment)| moment);
        while let Some((number, earlier)) = inserts.next_if(|(_, life)| life.a2 < moment) {
            if moments[number as usize] > earlier.a2 {
                merged.push(earlier.insert);
            }
        }
        match life {
            None => merged.push(empties[place - order.len()].1),
            Some((life, _)) => {
                if moment <= life.a2 {
                    merged.push(life.insert);
                }
                if life.is_removed() {
                    merged.push(life.remove);
                }
            }
        }
    }
    merged
}
