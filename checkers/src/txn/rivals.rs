//! Transactions that wrote the same in an order that nobody saw: whether any order of each pair
//! leaves no cycle without two adjacent anti-dependencies, which is what snapshot isolation asks.
//!
//! Of each pair one must come wholly before the other. An order that closes a cycle is excluded, so
//! the other one holds, which may exclude more; where that leaves a pair open, one order is tried,
//! then the other. The budget is one of steps.

use rustc_hash::FxHashMap;

use super::dependencies::WW;
use crate::graph::{Graph, Kinds};

/// Edges passed before it is given up.
const STEPS_MAX: u64 = 20_000_000;

/// What became of the pairs.
pub(crate) enum Settled {
    /// There is an order.
    Possible,
    /// There is none: a cycle for one of the orders tried, its first edge the supposed one.
    Impossible(Vec<(u32, Kinds)>),
    /// The budget ran out.
    Undecided,
}

/// What follows from the orders supposed so far.
enum Next {
    Contradiction(Vec<(u32, Kinds)>),
    Open((u32, u32)),
    Settled,
    Exhausted,
}

/// `edges` are on two layers, nodes of the second numbered `layer` higher; `pairs` on the first.
pub(crate) fn settle(edges: &[(u32, u32, Kinds)], layer: u32, pairs: &[(u32, u32)]) -> Settled {
    let mut rivals = Rivals { edges, layer, pairs, number: FxHashMap::default(), steps: STEPS_MAX };
    for node in edges.iter().flat_map(|&(from, to, _)| [from, to]) {
        let next = rivals.number.len() as u32;
        rivals.number.entry(node).or_insert(next);
    }
    let mut supposed: Vec<(u32, u32)> = Vec::new();
    // How many were supposed before, and what else can be tried there.
    let mut choices: Vec<(usize, (u32, u32))> = Vec::new();
    let mut witness = None;
    loop {
        match rivals.follow(&mut supposed) {
            Next::Settled => return Settled::Possible,
            Next::Exhausted => return Settled::Undecided,
            Next::Open((a, b)) => {
                choices.push((supposed.len(), (b, a)));
                supposed.push((a, b));
            }
            Next::Contradiction(cycle) => {
                let cycle = witness.get_or_insert(cycle);
                let Some((before, other)) = choices.pop() else {
                    return Settled::Impossible(std::mem::take(cycle));
                };
                supposed.truncate(before);
                supposed.push(other);
            }
        }
    }
}

struct Rivals<'a> {
    edges: &'a [(u32, u32, Kinds)],
    layer: u32,
    pairs: &'a [(u32, u32)],
    /// Of the nodes that have edges.
    number: FxHashMap<u32, u32>,
    steps: u64,
}

impl Rivals<'_> {
    /// Adds to `supposed` whatever follows from it.
    fn follow(&mut self, supposed: &mut Vec<(u32, u32)>) -> Next {
        loop {
            let graph = self.graph(supposed);
            let before = supposed.len();
            let mut open = None;
            for &(a, b) in self.pairs {
                let (forth, back) = (supposed.contains(&(a, b)), supposed.contains(&(b, a)));
                let to_b = if forth { None } else { self.path(&graph, a, b) };
                let to_a = if back { None } else { self.path(&graph, b, a) };
                if self.steps == 0 {
                    return Next::Exhausted;
                }
                match (forth || to_b.is_some(), back || to_a.is_some()) {
                    (true, true) => {
                        let (first, path) = match (to_a, to_b) {
                            (Some(path), _) => (a, path),
                            (None, Some(path)) => (b, path),
                            (None, None) => continue,
                        };
                        return Next::Contradiction(self.cycle(&graph, first, &path));
                    }
                    (true, false) if !forth => supposed.push((a, b)),
                    (false, true) if !back => supposed.push((b, a)),
                    (false, false) => {
                        open = open.or(Some((a, b)));
                    }
                    _ => {}
                }
            }
            if supposed.len() == before {
                return open.map_or(Next::Settled, Next::Open);
            }
        }
    }

    /// The edges with those that are supposed.
    fn graph(&self, supposed: &[(u32, u32)]) -> Graph {
        let of = |node: u32| self.number.get(&node).copied();
        let ww = supposed.iter().flat_map(|&(a, b)| [(a, b, WW), (a + self.layer, b, WW)]);
        let all = self.edges.iter().copied().chain(ww);
        let numbered: Vec<(u32, u32, Kinds)> =
            all.filter_map(|(from, to, kind)| Some((of(from)?, of(to)?, kind))).collect();
        Graph::of_edges(self.number.len(), &numbered)
    }

    /// From a transaction to another, whichever way it is entered: nodes of the graph, from end to
    /// start.
    fn path(&mut self, graph: &Graph, from: u32, to: u32) -> Option<Vec<u32>> {
        let of = |node: u32| self.number.get(&node).copied();
        let start = of(from)?;
        let ends = [of(to), of(to + self.layer)];
        let mut whence: FxHashMap<u32, u32> = FxHashMap::from_iter([(start, start)]);
        let mut queue = vec![start];
        let mut next = 0;
        while let Some(&node) = queue.get(next) {
            next += 1;
            for (to, _) in graph.out(node) {
                self.steps = self.steps.saturating_sub(1);
                if whence.contains_key(&to) {
                    continue;
                }
                whence.insert(to, node);
                if ends.contains(&Some(to)) {
                    let mut path = vec![to];
                    let mut at = to;
                    while at != start {
                        at = whence[&at];
                        path.push(at);
                    }
                    return Some(path);
                }
                queue.push(to);
            }
        }
        None
    }

    /// The cycle that `first` before the start of `path`, which ends in it, would close.
    fn cycle(&self, graph: &Graph, first: u32, path: &[u32]) -> Vec<(u32, Kinds)> {
        let mut names = vec![0; self.number.len()];
        self.number.iter().for_each(|(&node, &number)| names[number as usize] = node);
        let mut cycle = vec![(first, WW)];
        for pair in path.windows(2).rev() {
            let kinds = graph.out(pair[1]).filter(|&(to, _)| to == pair[0]);
            let kind = kinds.map(|(_, kind)| kind).min().unwrap_or(WW);
            cycle.push((names[pair[1] as usize], kind));
        }
        cycle
    }
}
