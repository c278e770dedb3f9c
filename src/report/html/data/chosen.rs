//! Which operations of a long run are on the page.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use isobar_checkers::OpIndex;
use isobar_checkers::history::{Completion, History, Operation};

/// All operations of a run up to so many are on the page, and no more of a longer one.
pub const OPERATIONS_MAX: usize = 20_000;
/// Of the same key, before and after each one that a finding names.
pub const NEIGHBOURS: usize = 100;
/// The slowest are always there.
pub const SLOWEST: usize = 250;
/// Of unknown outcome, at most.
pub const UNKNOWN_MAX: usize = 2000;

/// Places in the history, in order. The same history and findings have the same choice.
pub fn places(history: &History, named: &HashSet<OpIndex>) -> Vec<usize> {
    let count = history.len();
    if count <= OPERATIONS_MAX {
        return (0..count).collect();
    }
    let mut chosen = vec![false; count];
    around(history, named, &mut chosen);
    remarkable(history, &mut chosen);
    let taken = chosen.iter().filter(|taken| **taken).count();
    let room = OPERATIONS_MAX.saturating_sub(taken);
    for step in 0..room {
        chosen[step * count / room] = true;
    }
    (0..count).filter(|place| chosen[*place]).collect()
}

/// Those that findings name and their neighbours on the same key.
fn around(history: &History, named: &HashSet<OpIndex>, chosen: &mut [bool]) {
    let mut of_key: HashMap<_, Vec<usize>> = HashMap::new();
    let is_named = |operation: &Operation<'_>| named.contains(&operation.index());
    for operation in history.operations().filter(is_named) {
        of_key.entry(operation.key_id()).or_default();
    }
    for operation in history.operations() {
        if let Some(places) = of_key.get_mut(&operation.key_id()) {
            places.push(operation.place());
        }
    }
    for places in of_key.values() {
        for (rank, place) in places.iter().enumerate() {
            if named.contains(&history.operation(*place).index()) {
                let to = (rank + NEIGHBOURS + 1).min(places.len());
                for near in &places[rank.saturating_sub(NEIGHBOURS)..to] {
                    chosen[*near] = true;
                }
            }
        }
    }
}

/// The slowest, and those of which nobody knows what became.
fn remarkable(history: &History, chosen: &mut [bool]) {
    let mut slowest: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::with_capacity(SLOWEST + 1);
    let mut unknown = 0;
    for operation in history.operations() {
        if operation.completion() == Completion::Info && unknown < UNKNOWN_MAX {
            unknown += 1;
            chosen[operation.place()] = true;
        }
        if let Some(end) = operation.completed_at() {
            let took = end.0.saturating_sub(operation.due_at().0);
            slowest.push(Reverse((took, operation.place())));
            if slowest.len() > SLOWEST {
                slowest.pop();
            }
        }
    }
    for Reverse((_, place)) in slowest {
        chosen[place] = true;
    }
}
