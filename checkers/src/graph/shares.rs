//! A graph whose edges several threads give at a time, each its share; first counted, then placed,
//! as for a [`Builder`](super::Builder).

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

use super::{Graph, Kinds};

/// The edges that one thread gives.
///
/// Beside the nodes that all know, a share may have nodes of its own, from which only it has edges;
/// it numbers them from the number of common ones on.
pub(crate) struct Share {
    common: usize,
    /// Per node that the share knows how many edges leave it; then the place of the next of them.
    edges: Vec<u32>,
    /// What is to be added to the numbers of its own nodes.
    moved: u32,
}

/// The places of all edges.
pub(crate) struct Room {
    starts: Vec<u32>,
    targets: Vec<AtomicU32>,
    kinds: Vec<AtomicU8>,
}

impl Share {
    pub(crate) fn new(common: usize) -> Self {
        Self { common, edges: vec![0; common], moved: 0 }
    }

    #[inline]
    pub(crate) fn count(&mut self, from: u32) {
        let from = from as usize;
        if from >= self.edges.len() {
            self.edges.resize(from + 1, 0);
        }
        self.edges[from] += 1;
    }

    /// Places an edge that was counted. At each node the edges keep their order, and the shares
    /// theirs.
    #[inline]
    pub(crate) fn place(&mut self, room: &Room, from: u32, to: u32, kinds: Kinds) {
        let is_own = to as usize >= self.common;
        let to = if is_own { to + self.moved } else { to };
        let place = &mut self.edges[from as usize];
        // No two shares have a place in common, and nobody reads before all are done.
        room.targets[*place as usize].store(to, Relaxed);
        room.kinds[*place as usize].store(kinds, Relaxed);
        *place += 1;
    }
}

impl Room {
    /// For the edges that were counted; `None` when there are more than 2^32 - 1 of them.
    pub(crate) fn of(common: usize, shares: &mut [Share]) -> Option<Self> {
        let counted = shares.iter().flat_map(|share| &share.edges);
        let total = u32::try_from(counted.map(|&count| u64::from(count)).sum::<u64>()).ok()?;
        let own: usize = shares.iter().map(|share| share.edges.len() - common).sum();
        let mut starts = Vec::with_capacity(common + own + 1);
        let mut next = 0;
        for node in 0..common {
            starts.push(next);
            for share in &mut *shares {
                next += std::mem::replace(&mut share.edges[node], next);
            }
        }
        for share in shares {
            share.moved = (starts.len() - common) as u32;
            for edges in &mut share.edges[common..] {
                starts.push(next);
                next += std::mem::replace(edges, next);
            }
        }
        starts.push(next);
        let targets = vec![0; total as usize].into_iter().map(AtomicU32::new).collect();
        let kinds = vec![0; total as usize].into_iter().map(AtomicU8::new).collect();
        Some(Self { starts, targets, kinds })
    }

    /// Once all edges are placed.
    pub(crate) fn finish(self) -> Graph {
        let targets = self.targets.into_iter().map(AtomicU32::into_inner).collect();
        let kinds = self.kinds.into_iter().map(AtomicU8::into_inner).collect();
        Graph::of_columns(self.starts, targets, kinds)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn shares_make_the_graph_that_one_builder_makes() {
        // Common nodes 0 to 2; each share's own nodes are from 3 on.
        let given: [&[(u32, u32, Kinds)]; 3] = [
            &[(1, 2, 1), (0, 3, 2), (3, 1, 4), (1, 0, 1)],
            &[(1, 2, 8), (4, 0, 2), (2, 3, 1), (2, 4, 1), (3, 2, 1)],
            &[(0, 1, 1)],
        ];
        let mut shares: Vec<Share> = given.iter().map(|_| Share::new(3)).collect();
        for (share, edges) in shares.iter_mut().zip(given) {
            edges.iter().for_each(|edge| share.count(edge.0));
        }
        let room = Room::of(3, &mut shares).unwrap();
        // In whatever order the shares are placed.
        for (share, edges) in shares.iter_mut().zip(given).rev() {
            edges.iter().for_each(|&(from, to, kinds)| share.place(&room, from, to, kinds));
        }
        let edges = [
            (1, 2, 1),
            (0, 3, 2),
            (3, 1, 4),
            (1, 0, 1),
            (1, 2, 8),
            (5, 0, 2),
            (2, 4, 1),
            (2, 5, 1),
            (4, 2, 1),
            (0, 1, 1),
        ];
        let expected = Graph::of_edges(6, &edges);
        let found = room.finish();
        assert_eq!(found.nodes(), expected.nodes());
        assert!(found.edges().eq(expected.edges()));
    }
}
