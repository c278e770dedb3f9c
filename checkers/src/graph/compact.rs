//! The graph itself: the edges of a node lie side by side, 5 bytes each.

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
    graph: Graph,
    next: Vec<u32>,
}

impl Builder {
    /// Counts the edges out of each node, of which there are `nodes`. `None` when there are more
    /// than 2^32 - 1 edges.
    pub(crate) fn count(nodes: usize, edges: impl FnOnce(&mut dyn FnMut(u32))) -> Option<Self> {
        let mut starts = vec![0_u32; nodes + 1];
        let mut total = 0_u64;
        edges(&mut |from| {
            starts[from as usize + 1] += 1;
            total += 1;
        });
        u32::try_from(total).ok()?;
        for node in 0..nodes {
            starts[node + 1] += starts[node];
        }
        let next = starts[..nodes].to_vec();
        let (targets, kinds) = (vec![0; total as usize], vec![0; total as usize]);
        Some(Self { graph: Graph { starts, targets, kinds }, next })
    }

    /// Places an edge that was counted.
    #[inline]
    pub(crate) fn place(&mut self, from: u32, to: u32, kinds: Kinds) {
        let place = &mut self.next[from as usize];
        self.graph.targets[*place as usize] = to;
        self.graph.kinds[*place as usize] = kinds;
        *place += 1;
    }

    pub(crate) fn finish(self) -> Graph {
        self.graph
    }
}

impl Graph {
    /// From a list of edges, kept in that order at each node.
    pub(crate) fn of_edges(nodes: usize, edges: &[(u32, u32, Kinds)]) -> Self {
        let count = |add: &mut dyn FnMut(u32)| edges.iter().for_each(|edge| add(edge.0));
        let Some(mut builder) = Builder::count(nodes, count) else { return Self::default() };
        edges.iter().for_each(|&(from, to, kinds)| builder.place(from, to, kinds));
        builder.finish()
    }

    pub(crate) fn nodes(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(crate) fn edge_count(&self) -> usize {
        self.targets.len()
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
        let count = |add: &mut dyn FnMut(u32)| self.targets.iter().for_each(|&to| add(to));
        let Some(mut builder) = Builder::count(self.nodes(), count) else {
            return Self::default();
        };
        self.edges().for_each(|(from, to, kinds)| builder.place(to, from, kinds));
        builder.finish()
    }
}
