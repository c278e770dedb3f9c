//! When a container may have been empty.
//!
//! **Empty answers.** A remove may have found the container empty iff some moment between its
//! invocation and completion lies in no value's sure presence. Needed: at its moment in a
//! linearization no value is present. Enough, for any discipline that does not mind values left
//! out: given a linearization L of the rest and for each empty answer such a moment t, split the
//! values at all t: those with b1 ≤ t go before, the others after. A value before t has both
//! calls invoked by t; one after has b1 > t, so a2 ≥ t, as t is none of its sure moments: both of
//! its calls complete at t or later. So L of the first part, the empty answers at t, L of the next
//! part, and so on obeys real time; each part leaves the container empty but for the last one.
//!
//! Moments are times of events: an uncovered stretch between two events has its ends uncovered.

use super::order::Conflict;
use super::values::{Life, Values, Window};
use crate::linearizability::Rule;

const NOT_EMPTY: Rule = Rule {
    anomaly: "false-empty",
    although: "although something was in it all the while",
    argument: "From the completion of its insertion until its removal is invoked a value is there. \
               At every moment of the answer one of these values was there.",
};

/// Each empty answer with its moment, in order of moments.
pub(super) fn moments(values: &Values, by_a2: &[u32]) -> Result<Vec<(u32, u32)>, Conflict> {
    if values.empties.is_empty() {
        return Ok(Vec::new());
    }
    let stretches = stretches(values, by_a2);
    let mut moments = Vec::with_capacity(values.empties.len());
    for window in &values.empties {
        let before = stretches.partition_point(|&(start, _)| start < window.from);
        let moment = match before.checked_sub(1).map(|last| stretches[last].1) {
            Some(over) if over > window.from => over,
            _ => window.from,
        };
        if moment > window.to {
            return Err(not_empty(values, window));
        }
        moments.push((moment, window.call));
    }
    moments.sort_unstable();
    Ok(moments)
}

/// Maximal stretches of sure presence.
fn stretches(values: &Values, by_a2: &[u32]) -> Vec<(u32, u32)> {
    let mut stretches: Vec<(u32, u32)> = Vec::new();
    for life in by_a2.iter().map(|&life| values.lives[life as usize]).filter(Life::is_sure) {
        match stretches.last_mut() {
            Some(last) if life.a2 < last.1 => last.1 = last.1.max(life.b1),
            _ => stretches.push((life.a2, life.b1)),
        }
    }
    stretches
}

pub(super) fn not_empty(values: &Values, window: &Window) -> Conflict {
    let lives = chain(values, window.from, window.to, |_| true);
    Conflict { rule: &NOT_EMPTY, call: window.call, lives, calls: vec![window.call] }
}

/// The fewest lives, of those that `counts`, which are surely present from `from` to `to` without
/// a gap; as far as they go.
pub(super) fn chain(values: &Values, from: u32, to: u32, counts: impl Fn(u32) -> bool) -> Vec<u32> {
    let mut over: Vec<u32> = (0..values.lives.len() as u32)
        .filter(|&life| {
            let times = &values.lives[life as usize];
            times.is_sure() && times.a2 < to && times.b1 > from && counts(life)
        })
        .collect();
    over.sort_unstable_by_key(|&life| values.lives[life as usize].a2);
    let (mut chain, mut reached, mut best, mut place) = (Vec::new(), from, None::<u32>, 0);
    while reached <= to {
        while place < over.len() && values.lives[over[place] as usize].a2 < reached {
            let life = over[place];
            let further =
                |best: u32| values.lives[best as usize].b1 < values.lives[life as usize].b1;
            if best.is_none_or(further) {
                best = Some(life);
            }
            place += 1;
        }
        match best.take() {
            Some(life) if values.lives[life as usize].b1 > reached => {
                reached = values.lives[life as usize].b1;
                chain.push(life);
            }
            _ => break,
        }
    }
    chain
}
