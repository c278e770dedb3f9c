//! Strongly connected components by Tarjan's algorithm (SIAM J. Comput. 1972) with a stack of its
//! own, so that a chain of ten million nodes does no harm.

use std::ops::Range;

use super::{Graph, Kinds};

/// The components of more than one node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Components {
    /// Per node its component, or [`Components::NONE`].
    pub of: Vec<u32>,
    ends: Vec<u32>,
    members: Vec<u32>,
}

impl Components {
    /// A node that is on no cycle.
    pub(crate) const NONE: u32 = u32::MAX;

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The nodes of a component, ascending.
    pub(crate) fn members(&self, component: usize) -> &[u32] {
        let start = component.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.members[start as usize..self.ends[component] as usize]
    }

    /// The nodes of the component of a node; that alone if it is on no cycle.
    #[inline]
    pub(super) fn together<'a>(&'a self, node: &'a u32) -> &'a [u32] {
        match self.of.get(*node as usize) {
            None | Some(&Self::NONE) => std::slice::from_ref(node),
            Some(&component) => self.members(component as usize),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.len()).map(|component| self.members(component))
    }

    /// Of the `kept` nodes, ascending, which are all that are in components, by new numbers.
    pub(crate) fn renumbered(mut self, kept: &[u32], number: &[u32]) -> Self {
        self.of = kept.iter().map(|&node| self.of[node as usize]).collect();
        self.members.iter_mut().for_each(|member| *member = number[*member as usize]);
        self
    }

    /// Whether an edge lies within a component.
    #[inline]
    pub(crate) fn within(&self, from: u32, to: u32) -> bool {
        let component = self.of[from as usize];
        component != Self::NONE && component == self.of[to as usize]
    }
}

/// What components are found in.
pub(crate) trait Walk {
    /// How many nodes there are.
    fn nodes(&self) -> usize;
    /// Names of the edges out of a node.
    fn places(&self, node: u32) -> Range<u32>;
    /// Target and kind of the edge out of a node which has that name.
    fn edge(&self, node: u32, place: u32) -> (u32, Kinds);
}

impl Walk for Graph {
    fn nodes(&self) -> usize {
        self.nodes()
    }

    #[inline]
    fn places(&self, node: u32) -> Range<u32> {
        let Range { start, end } = self.range(node);
        start as u32..end as u32
    }

    #[inline]
    fn edge(&self, _: u32, place: u32) -> (u32, Kinds) {
        self.edge(place as usize)
    }
}

/// The part of a graph that is in components.
pub(crate) struct Within<'a> {
    pub graph: &'a Graph,
    pub all: &'a Components,
}

impl Walk for Within<'_> {
    fn nodes(&self) -> usize {
        self.graph.nodes()
    }

    /// No edges lead back from what is in none.
    #[inline]
    fn places(&self, node: u32) -> Range<u32> {
        let is_in_one = self.all.of[node as usize] != Components::NONE;
        if is_in_one { self.graph.places(node) } else { 0..0 }
    }

    #[inline]
    fn edge(&self, _: u32, place: u32) -> (u32, Kinds) {
        self.graph.edge(place as usize)
    }
}

/// A node whose component is known: later than any visit.
const DONE: u32 = u32::MAX;

/// The components of the graph with only the edges of these kinds, in order of their least node.
/// Edges from a node to itself do not count.
pub(crate) fn components(graph: &impl Walk, kinds: Kinds) -> Components {
    let nodes = graph.nodes();
    // 0: not seen; else the time of the first visit, from 1.
    let mut index = vec![0_u32; nodes];
    let mut open: Vec<u32> = Vec::new();
    let mut path: Vec<Step> = Vec::new();
    let mut found = Found::default();
    let mut time = 0;
    for root in 0..nodes as u32 {
        if index[root as usize] != 0 {
            continue;
        }
        let mut enter = Some(root);
        loop {
            if let Some(node) = enter.take() {
                time += 1;
                index[node as usize] = time;
                open.push(node);
                path.push(Step { node, unseen: graph.places(node), low: time });
            }
            let Some(step) = path.last_mut() else { break };
            enter = step.on(graph, kinds, &index);
            if enter.is_some() {
                continue;
            }
            let (node, low) = (step.node, step.low);
            path.pop();
            if let Some(parent) = path.last_mut() {
                parent.low = parent.low.min(low);
            }
            if low == index[node as usize] {
                found.close(node, &mut open, &mut index);
            }
        }
    }
    found.gather(nodes)
}

/// A node on the path from the root.
struct Step {
    node: u32,
    /// Its edges that have not been looked at.
    unseen: Range<u32>,
    /// The first visit of any node that was found to be reachable and is open.
    low: u32,
}

impl Step {
    /// Looks at edges up to one to a node that was not seen yet.
    #[inline]
    fn on(&mut self, graph: &impl Walk, kinds: Kinds, index: &[u32]) -> Option<u32> {
        for place in self.unseen.by_ref() {
            let (to, kind) = graph.edge(self.node, place);
            if kind & kinds == 0 {
                continue;
            }
            match index[to as usize] {
                0 => return Some(to),
                // Nothing is less than what is done.
                seen => self.low = self.low.min(seen),
            }
        }
        None
    }
}

/// Components as they are closed, side by side.
#[derive(Default)]
struct Found {
    members: Vec<u32>,
    ends: Vec<u32>,
}

impl Found {
    /// Takes the component that `node` is the root of.
    fn close(&mut self, node: u32, open: &mut Vec<u32>, index: &mut [u32]) {
        let size = open.iter().rev().take_while(|&&other| other != node).count() + 1;
        let members = open.drain(open.len() - size..);
        if size == 1 {
            index[node as usize] = DONE;
            return;
        }
        let start = self.members.len();
        self.members.extend(members);
        let members = &mut self.members[start..];
        members.iter().for_each(|&member| index[member as usize] = DONE);
        members.sort_unstable();
        self.ends.push(self.members.len() as u32);
    }

    fn gather(self, nodes: usize) -> Components {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let mut ranges: Vec<(u32, u32)> = starts.zip(self.ends.iter().copied()).collect();
        ranges.sort_unstable_by_key(|range| self.members[range.0 as usize]);
        let mut all = Components {
            of: vec![Components::NONE; nodes],
            ends: Vec::with_capacity(ranges.len()),
            members: Vec::with_capacity(self.members.len()),
        };
        for (number, (start, end)) in (0..).zip(ranges) {
            let members = &self.members[start as usize..end as usize];
            members.iter().for_each(|&member| all.of[member as usize] = number);
            all.members.extend_from_slice(members);
            all.ends.push(all.members.len() as u32);
        }
        all
    }
}
