//! The graph itself: the edges of a node lie side by side, 5 bytes each.

use rayon::prelude::*;

/// Nodes whose edges are found one after the other, at least; few in tests.
const NODES_MIN: usize = if cfg!(test) { 2 } else { 1 << 13 };

/// Kinds of edges, a bit each.
pub(crate) type Kinds = u8;

/// A directed graph with typed edges; parallel edges are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    /// Per node where its edges begin, and one more for the end.
    starts: Vec<u32>,
    targets: Vec<u32>,
    kinds: Vec<Kinds>,
}

/// Makes a [`Graph`] of edges that are given twice, in the same order: first counted, then placed.
/// So no list of edges is ever in memory beside the graph.
pub(crate) struct Builder {
    /// Its starts are one behind where they belong: each is the place of the node's next edge.
    graph: Graph,
}

/// The edges out of each node, while they are counted.
pub(crate) struct Count {
    /// Two behind where they belong.
    starts: Vec<u32>,
    total: u64,
}

impl Count {
    /// Counts an edge.
    #[inline]
    pub(crate) fn add(&mut self, from: u32) {
        let place = from as usize + 2;
        if place >= self.starts.len() {
            self.starts.resize(place + 1, 0);
        }
        self.starts[place] += 1;
        self.total += 1;
    }

    /// `None` when there are more than 2^32 - 1 edges.
    pub(crate) fn finish(mut self) -> Option<Builder> {
        let total = u32::try_from(self.total).ok()? as usize;
        for place in 2..self.starts.len() {
            self.starts[place] += self.starts[place - 1];
        }
        let (targets, kinds) = (vec![0; total], vec![0; total]);
        Some(Builder { graph: Graph { starts: self.starts, targets, kinds } })
    }
}

impl Builder {
    /// Of so many nodes, or more if there are edges from them.
    pub(crate) fn count(nodes: usize) -> Count {
        Count { starts: vec![0; nodes + 2], total: 0 }
    }

    /// Places an edge that was counted.
    #[inline]
    pub(crate) fn place(&mut self, from: u32, to: u32, kinds: Kinds) {
        let place = &mut self.graph.starts[from as usize + 1];
        self.graph.targets[*place as usize] = to;
        self.graph.kinds[*place as usize] = kinds;
        *place += 1;
    }

    pub(crate) fn finish(mut self) -> Graph {
        self.graph.starts.pop();
        self.graph
    }
}

impl Graph {
    /// From a list of edges, kept in that order at each node.
    pub(crate) fn of_edges(nodes: usize, edges: &[(u32, u32, Kinds)]) -> Self {
        let mut count = Builder::count(nodes);
        edges.iter().for_each(|edge| count.add(edge.0));
        let Some(mut builder) = count.finish() else { return Self::default() };
        edges.iter().for_each(|&(from, to, kinds)| builder.place(from, to, kinds));
        builder.finish()
    }

    /// Of so many nodes, the edges out of each given by `each`: twice, in the same order, those of
    /// some nodes at a time. `None` when there are more than 2^32 - 1 edges.
    pub(crate) fn by_node(
        nodes: usize,
        each: impl Fn(u32, &mut dyn FnMut(u32, Kinds)) + Sync,
    ) -> Option<Self> {
        let mut starts = vec![0_u32; nodes + 1];
        starts[1..].par_iter_mut().with_min_len(NODES_MIN).enumerate().for_each(|(node, end)| {
            each(node as u32, &mut |_, _| *end += 1);
        });
        let total: u64 = starts.iter().map(|&count| u64::from(count)).sum();
        let total = u32::try_from(total).ok()? as usize;
        for node in 0..nodes {
            starts[node + 1] += starts[node];
        }
        let (mut targets, mut kinds) = (vec![0; total], vec![0; total]);
        let mut parts = Vec::new();
        let (mut to, mut of) = (&mut targets[..], &mut kinds[..]);
        for first in (0..nodes).step_by(NODES_MIN) {
            let last = nodes.min(first + NODES_MIN);
            let count = (starts[last] - starts[first]) as usize;
            let (targets, kinds);
            (targets, to) = to.split_at_mut(count);
            (kinds, of) = of.split_at_mut(count);
            parts.push((first as u32..last as u32, targets, kinds));
        }
        parts.into_par_iter().for_each(|(nodes, targets, kinds)| {
            let mut room = targets.iter_mut().zip(kinds);
            for node in nodes {
                each(node, &mut |target, kind| {
                    if let Some(edge) = room.next() {
                        (*edge.0, *edge.1) = (target, kind);
                    }
                });
            }
        });
        Some(Self { starts, targets, kinds })
    }

    /// From what it consists of: `starts` has the number of edges as its last.
    pub(super) fn of_columns(starts: Vec<u32>, targets: Vec<u32>, kinds: Vec<Kinds>) -> Self {
        Self { starts, targets, kinds }
    }

    pub(crate) fn nodes(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(crate) fn edge_count(&self) -> usize {
        self.targets.len()
    }

    /// Where each edge leads.
    pub(crate) fn targets(&self) -> &[u32] {
        &self.targets
    }

    /// Places of the edges out of a node, for [`edge`](Self::edge).
    #[inline]
    pub(crate) fn range(&self, node: u32) -> std::ops::Range<usize> {
        self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize
    }

    /// Target and kind of the edge at a place.
    #[inline]
    pub(crate) fn edge(&self, place: usize) -> (u32, Kinds) {
        (self.targets[place], self.kinds[place])
    }

    /// Edges out of a node.
    #[inline]
    pub(crate) fn out(&self, node: u32) -> impl Iterator<Item = (u32, Kinds)> + '_ {
        let range = self.range(node);
        self.targets[range.clone()].iter().copied().zip(self.kinds[range].iter().copied())
    }

    /// All edges, by the node they leave: from, to, kind.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (u32, u32, Kinds)> + '_ {
        (0..self.nodes() as u32)
            .flat_map(|from| self.out(from).map(move |(to, kinds)| (from, to, kinds)))
    }

    /// With every edge turned round.
    pub(crate) fn reversed(&self) -> Self {
        let mut count = Builder::count(self.nodes());
        self.targets.iter().for_each(|&to| count.add(to));
        let Some(mut builder) = count.finish() else { return Self::default() };
        self.edges().for_each(|(from, to, kinds)| builder.place(to, from, kinds));
        builder.finish()
    }
}
