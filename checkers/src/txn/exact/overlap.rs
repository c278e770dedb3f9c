//! Chains of a key that overlap in the order: the only thing that keeps it from being an execution.

use super::graph::Chain;
use super::order::Order;
use crate::txn::lists::Lists;
use crate::txn::transactions::NONE;

/// The chains in the order of their first begins, key by key.
pub(super) struct Overlaps {
    pub chains: Vec<Chain>,
    snapshots: bool,
    /// By node, the chains that it is an end of.
    ends: Lists,
    /// The chains of each key side by side, in order; and by chain its place there.
    sorted: Vec<u32>,
    place: Vec<u32>,
    /// Per key the first place, and the end.
    starts: Vec<u32>,
    /// Chains to be looked at again.
    dirty: Vec<u32>,
    is_dirty: Vec<bool>,
}

/// The edges that put a chain before another.
pub(super) type Edges = [Option<(u32, u32)>; 2];

/// By node, the chains that it is an end of.
pub(super) fn ends(nodes: usize, chains: &[Chain]) -> Lists {
    let of = |(number, chain): (u32, &Chain)| {
        let mut ends = [chain.begin, chain.commit, chain.last, chain.readers];
        for at in 1..ends.len() {
            if ends[..at].contains(&ends[at]) {
                ends[at] = NONE;
            }
        }
        ends.into_iter().filter(|&end| end != NONE).map(move |end| (end, number))
    };
    Lists::of(nodes, (0..).zip(chains).flat_map(of))
}

impl Overlaps {
    pub(super) fn new(
        chains: Vec<Chain>,
        keys: usize,
        snapshots: bool,
        ends: Lists,
        order: &Order,
    ) -> Self {
        let mut starts = vec![0; keys + 1];
        for chain in &chains {
            starts[chain.key as usize + 1] += 1;
        }
        for key in 0..keys {
            starts[key + 1] += starts[key];
        }
        let (mut sorted, mut next) = (vec![0; chains.len()], starts.clone());
        for (number, chain) in (0..).zip(&chains) {
            let next = &mut next[chain.key as usize];
            sorted[*next as usize] = number;
            *next += 1;
        }
        drop(next);
        for key in 0..keys {
            let range = starts[key] as usize..starts[key + 1] as usize;
            sorted[range].sort_unstable_by_key(|&chain| order.at(chains[chain as usize].begin));
        }
        let mut place = vec![0; chains.len()];
        for (at, &chain) in (0..).zip(&sorted) {
            place[chain as usize] = at;
        }
        let is_dirty = vec![false; chains.len()];
        let mut overlaps =
            Self { chains, snapshots, ends, sorted, place, starts, dirty: Vec::new(), is_dirty };
        overlaps.touch_all(order);
        // The earliest are looked at first, so that what they move is near.
        let begin = |&chain: &u32| order.at(overlaps.chains[chain as usize].begin);
        overlaps.dirty.sort_unstable_by_key(|chain| std::cmp::Reverse(begin(chain)));
        overlaps
    }

    pub(super) fn edges(&self, first: u32, second: u32) -> Edges {
        let second = &self.chains[second as usize];
        self.chains[first as usize].before(second, self.snapshots)
    }

    fn is_apart(&self, first: u32, second: u32, order: &Order) -> bool {
        let mut edges = self.edges(first, second).into_iter().flatten();
        edges.all(|(from, to)| order.at(from) < order.at(to))
    }

    /// The chain and a neighbour that overlap, in their order.
    pub(super) fn of(&self, chain: u32, order: &Order) -> Option<(u32, u32)> {
        let key = self.chains[chain as usize].key as usize;
        let place = self.place[chain as usize];
        if place > self.starts[key] {
            let before = self.sorted[place as usize - 1];
            if !self.is_apart(before, chain, order) {
                return Some((before, chain));
            }
        }
        if place + 1 < self.starts[key + 1] {
            let after = self.sorted[place as usize + 1];
            if !self.is_apart(chain, after, order) {
                return Some((chain, after));
            }
        }
        None
    }

    pub(super) fn touch(&mut self, chain: u32) {
        if !self.is_dirty[chain as usize] {
            self.is_dirty[chain as usize] = true;
            self.dirty.push(chain);
        }
    }

    pub(super) fn pop(&mut self) -> Option<u32> {
        let chain = self.dirty.pop()?;
        self.is_dirty[chain as usize] = false;
        Some(chain)
    }

    pub(super) fn is_clean(&self) -> bool {
        self.dirty.is_empty()
    }

    /// An overlap of the chain to be looked at next; those without are done with.
    pub(super) fn next(&mut self, order: &Order) -> Option<(u32, u32)> {
        while let Some(&chain) = self.dirty.last() {
            if let Some(pair) = self.of(chain, order) {
                return Some(pair);
            }
            self.pop();
        }
        None
    }

    /// Touches all that overlap; whether there were none.
    pub(super) fn verify(&mut self, order: &Order) -> bool {
        self.touch_all(order);
        self.is_clean()
    }

    fn touch_all(&mut self, order: &Order) {
        for place in 1..self.sorted.len() {
            let (before, after) = (self.sorted[place - 1], self.sorted[place]);
            let same = self.chains[before as usize].key == self.chains[after as usize].key;
            if same && !self.is_apart(before, after, order) {
                self.touch(before);
                self.touch(after);
            }
        }
    }

    /// After nodes have moved: puts chains in order again, and touches what may overlap now.
    pub(super) fn settle(&mut self, order: &mut Order) {
        let mut moved = std::mem::take(&mut order.moved);
        let mut begun = Vec::new();
        for &node in &moved {
            for place in 0..self.ends.at(node).len() {
                let chain = self.ends.at(node)[place];
                self.touch(chain);
                if self.chains[chain as usize].begin == node {
                    begun.push(chain);
                }
            }
        }
        // One pass may leave a chain between two that have moved past it.
        let mut any = true;
        while std::mem::take(&mut any) {
            for &chain in &begun {
                any |= self.sink(chain, order);
            }
        }
        moved.clear();
        order.moved = moved;
    }

    /// Swaps a chain with neighbours until it is in order; whether it was not.
    fn sink(&mut self, chain: u32, order: &Order) -> bool {
        let key = self.chains[chain as usize].key as usize;
        let (start, end) = (self.starts[key], self.starts[key + 1]);
        let begin = |this: &Self, place: u32| {
            order.at(this.chains[this.sorted[place as usize] as usize].begin)
        };
        let mut any = false;
        loop {
            let place = self.place[chain as usize];
            let own = begin(self, place);
            let other = if place > start && begin(self, place - 1) > own {
                place - 1
            } else if place + 1 < end && begin(self, place + 1) < own {
                place + 1
            } else {
                return any;
            };
            let neighbour = self.sorted[other as usize];
            self.sorted.swap(place as usize, other as usize);
            self.place[chain as usize] = other;
            self.place[neighbour as usize] = place;
            self.touch(neighbour);
            any = true;
        }
    }
}
