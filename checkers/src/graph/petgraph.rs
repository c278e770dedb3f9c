//! A [`Graph`] as petgraph sees graphs: for its algorithms as oracles.

use std::collections::HashSet;

use ::petgraph::Directed;
use ::petgraph::visit::{GraphBase, GraphProp, GraphRef, IntoNeighbors, Visitable};

use super::{Graph, Kinds};

/// A graph without the edges of other kinds.
#[derive(Clone, Copy)]
pub(super) struct Only<'a> {
    pub graph: &'a Graph,
    pub kinds: Kinds,
}

impl GraphBase for Only<'_> {
    type NodeId = u32;
    type EdgeId = usize;
}

impl GraphRef for Only<'_> {}

impl GraphProp for Only<'_> {
    type EdgeType = Directed;
}

impl<'a> IntoNeighbors for Only<'a> {
    type Neighbors = std::vec::IntoIter<u32>;

    fn neighbors(self, node: u32) -> Self::Neighbors {
        let there = self.graph.out(node).filter(|(_, kind)| kind & self.kinds != 0);
        there.map(|(to, _)| to).collect::<Vec<u32>>().into_iter()
    }
}

impl Visitable for Only<'_> {
    type Map = HashSet<u32>;

    fn visit_map(&self) -> HashSet<u32> {
        HashSet::new()
    }

    fn reset_map(&self, map: &mut HashSet<u32>) {
        map.clear();
    }
}
