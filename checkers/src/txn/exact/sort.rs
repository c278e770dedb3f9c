//! Topological orders, and cycles where there is none.

use std::collections::VecDeque;

use super::graph::NONE;
use crate::txn::lists::Lists;

/// After so many nodes no further start is tried for a shorter cycle.
const WORK_MAX: usize = 4_000_000;

/// Kahn's algorithm: an order of all nodes, or of those that are on no cycle and after none.
fn order(out: &Lists) -> Vec<u32> {
    let len = out.len();
    let mut waits_for = vec![0_u32; len];
    out.items().iter().for_each(|&next| waits_for[next as usize] += 1);
    let mut order: Vec<u32> = (0..len as u32).filter(|&n| waits_for[n as usize] == 0).collect();
    let mut done = 0;
    while let Some(&node) = order.get(done) {
        done += 1;
        for &next in out.at(node) {
            waits_for[next as usize] -= 1;
            if waits_for[next as usize] == 0 {
                order.push(next);
            }
        }
    }
    order
}

/// A topological order, or none.
pub(super) fn sort(out: &Lists) -> Option<Vec<u32>> {
    Some(order(out)).filter(|order| order.len() == out.len())
}

/// The nodes of a cycle, not a long one where that is cheap; empty if there is none.
pub(super) fn cycle(out: &Lists, into: &Lists) -> Vec<u32> {
    let mut is_left = vec![true; out.len()];
    order(out).iter().for_each(|&node| is_left[node as usize] = false);
    let Some(first) = (0..out.len() as u32).find(|&node| is_left[node as usize]) else {
        return Vec::new();
    };
    // What is left has something left before it: going back comes round.
    let mut place = vec![NONE; out.len()];
    let (mut walk, mut node) = (Vec::new(), first);
    while place[node as usize] == NONE {
        place[node as usize] = walk.len() as u32;
        walk.push(node);
        let before = into.at(node).iter().find(|&&before| is_left[before as usize]);
        let Some(&before) = before else { return Vec::new() };
        node = before;
    }
    let mut best = walk.split_off(place[node as usize] as usize);
    let mut work = 0;
    for start in best.clone() {
        if work > WORK_MAX {
            break;
        }
        let found = shortest(out, start, best.len(), &mut work);
        best = found.unwrap_or(best);
    }
    best
}

/// The shortest cycle through a node, if it is shorter than `limit`.
fn shortest(out: &Lists, start: u32, limit: usize, work: &mut usize) -> Option<Vec<u32>> {
    let mut reached = rustc_hash::FxHashMap::default();
    let mut open = VecDeque::from([(start, 1)]);
    while let Some((node, length)) = open.pop_front() {
        *work += 1;
        if length >= limit || *work > WORK_MAX {
            return None;
        }
        for &next in out.at(node) {
            if next == start {
                let mut cycle = vec![node];
                let mut node = node;
                while let Some(&before) = reached.get(&node) {
                    cycle.push(before);
                    node = before;
                }
                return Some(cycle);
            }
            if let std::collections::hash_map::Entry::Vacant(entry) = reached.entry(next) {
                entry.insert(node);
                open.push_back((next, length + 1));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_short_cycles_are_found() {
        let lists = |edges: &[(u32, u32)]| {
            let into = edges.iter().map(|&(from, to)| (to, from));
            (Lists::of(6, edges.iter().copied()), Lists::of(6, into))
        };
        let (out, into) = lists(&[(5, 4), (4, 3), (5, 3)]);
        assert_eq!(sort(&out), Some(vec![0, 1, 2, 5, 4, 3]));
        assert!(cycle(&out, &into).is_empty());
        let (out, into) = lists(&[(0, 1), (1, 2), (2, 3), (3, 0), (3, 1), (3, 2), (3, 4)]);
        assert_eq!(sort(&out), None);
        let mut found = cycle(&out, &into);
        found.sort_unstable();
        assert_eq!(found, [2, 3]);
    }
}
