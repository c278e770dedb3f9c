//! Shortest paths by breadth-first search from both ends.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::{Graph, Kinds};

/// A graph and, once a path is sought, itself turned round.
pub(crate) struct BothWays {
    pub forth: Graph,
    back: OnceLock<Graph>,
}

impl BothWays {
    pub(crate) fn new(forth: Graph) -> Self {
        Self { forth, back: OnceLock::new() }
    }

    /// Makes ready for [`shortest`], which does it when there is need.
    pub(crate) fn turn_round(&self) {
        self.back();
    }

    fn back(&self) -> &Graph {
        self.back.get_or_init(|| self.forth.reversed())
    }
}

/// One end of the search: whence each node was reached, and the nodes reached last.
struct Side {
    from: FxHashMap<u32, u32>,
    edge: Vec<u32>,
}

impl Side {
    fn new(start: u32) -> Self {
        Self { from: FxHashMap::from_iter([(start, start)]), edge: vec![start] }
    }

    /// Goes one step on: the least node that the other side has reached too.
    fn step(&mut self, graph: &Graph, kinds: Kinds, other: &Self) -> Option<u32> {
        let mut next = Vec::new();
        let mut met = None;
        for &node in &self.edge {
            for (to, kind) in graph.out(node) {
                if kind & kinds == 0 || self.from.contains_key(&to) {
                    continue;
                }
                self.from.insert(to, node);
                next.push(to);
                if other.from.contains_key(&to) {
                    met = met.into_iter().chain([to]).min();
                }
            }
        }
        self.edge = next;
        met
    }

    /// The nodes from the start of this side to `node`, the start last.
    fn trace(&self, node: u32) -> Vec<u32> {
        let mut nodes = vec![node];
        let mut at = node;
        while let Some(&from) = self.from.get(&at)
            && from != at
        {
            nodes.push(from);
            at = from;
        }
        nodes
    }
}

/// The nodes of a shortest path by edges of these kinds, both ends included; `start` alone if it
/// is `end`. The same every time.
pub(crate) fn shortest(graph: &BothWays, kinds: Kinds, start: u32, end: u32) -> Option<Vec<u32>> {
    if start == end {
        return Some(vec![start]);
    }
    let (mut here, mut there) = (Side::new(start), Side::new(end));
    loop {
        if here.edge.is_empty() || there.edge.is_empty() {
            return None;
        }
        let met = if here.edge.len() <= there.edge.len() {
            here.step(&graph.forth, kinds, &there)
        } else {
            there.step(graph.back(), kinds, &here)
        };
        if let Some(met) = met {
            let mut nodes = here.trace(met);
            nodes.reverse();
            nodes.extend(there.trace(met).into_iter().skip(1));
            return Some(nodes);
        }
    }
}
