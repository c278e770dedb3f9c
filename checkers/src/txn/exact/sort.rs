//! Topological orders, and cycles where there is none.

use std::collections::VecDeque;

use crate::txn::lists::Lists;
use crate::txn::transactions::NONE;

/// After so many nodes no further start is tried for a shorter cycle.
const WORK_MAX: usize = 4_000_000;

/// How many edges lead to each node.
pub(super) fn degrees(out: &Lists) -> Vec<u32> {
    let mut degrees = vec![0_u32; out.len()];
    out.items().iter().for_each(|&next| degrees[next as usize] += 1);
    degrees
}

/// A topological order, by Kahn's algorithm.
///
/// # Errors
/// [`Cyclic`].
pub(super) fn sort(out: &Lists) -> Result<Vec<u32>, Cyclic> {
    let mut waits_for = degrees(out);
    let mut order: Vec<u32> =
        (0..out.len() as u32).filter(|&n| waits_for[n as usize] == 0).collect();
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
    if done == out.len() { Ok(order) } else { Err(Cyclic { waits_for }) }
}

/// There is no topological order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cyclic {
    /// 0 of nodes that are on no cycle and after none.
    waits_for: Vec<u32>,
}

impl Cyclic {
    fn is_left(&self, node: u32) -> bool {
        self.waits_for[node as usize] > 0
    }

    /// The nodes of a cycle, not a long one where that is cheap.
    pub(super) fn cycle(&self, out: &Lists) -> Vec<u32> {
        let nodes = 0..out.len() as u32;
        let left = nodes.clone().filter(|&node| self.is_left(node));
        let into = left.flat_map(|from| out.at(from).iter().map(move |&to| (to, from)));
        let into = Lists::of(out.len(), into);
        let Some(first) = nodes.into_iter().find(|&node| self.is_left(node)) else {
            return Vec::new();
        };
        // What is left has something left before it: going back comes round.
        let mut place = vec![NONE; out.len()];
        let (mut walk, mut node) = (Vec::new(), first);
        while place[node as usize] == NONE {
            place[node as usize] = walk.len() as u32;
            walk.push(node);
            let Some(&before) = into.at(node).first() else { return Vec::new() };
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
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn orders_and_short_cycles_are_found() {
        let lists = |edges: &[(u32, u32)]| Lists::of(6, edges.iter().copied());
        let out = lists(&[(5, 4), (4, 3), (5, 3)]);
        assert_eq!(sort(&out), Ok(vec![0, 1, 2, 5, 4, 3]));
        let out = lists(&[(0, 1), (1, 2), (2, 3), (3, 0), (3, 1), (3, 2), (3, 4)]);
        let mut found = sort(&out).unwrap_err().cycle(&out);
        found.sort_unstable();
        assert_eq!(found, [2, 3]);
    }
}
