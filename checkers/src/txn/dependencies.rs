//! Which transaction must come before which: dependencies as edges, real time as a line of
//! moments; and the part of them that is cyclic.
//!
//! Real time costs no edges in memory. Completions between two invocations are one *moment*: who
//! completed leads to it, each moment leads to the next, and the last one before an invocation to
//! the transaction invoked. Transactions are in order of invocation, so the ones that follow a
//! moment are a range.
//!
//! A *hub* stands for all pairs of two sets: every reader of a version has an rw edge to the hub,
//! the hub an edge to every transaction which overwrote that version.

use std::ops::Range;

use rayon::prelude::*;

use super::timeline::Timeline;
use super::transactions::NONE;
use super::{Transactions, peel};
use crate::graph::{Components, Graph, Kinds, Room, Share, Walk, components};
use crate::history::Completion;

/// Consecutive versions.
pub(crate) const WW: Kinds = 1;
/// From the writer of a version to its reader.
pub(crate) const WR: Kinds = 2;
/// From the reader of a version to the writer of the next: an anti-dependency.
pub(crate) const RW: Kinds = 4;
/// Consecutive transactions of a process.
pub(crate) const PROCESS: Kinds = 8;
/// One was over before the other began; also to, from and between moments.
pub(crate) const REALTIME: Kinds = 16;
/// From a hub.
pub(crate) const HUB: Kinds = 32;

/// Who gives the dependencies between transactions.
pub(crate) trait Source: Sync {
    /// Calls `add` with transactions that wrote the same one after the other, nobody saw in which
    /// order.
    fn rivals(&self, add: &mut dyn FnMut(&[u32]));
    /// Whether a transaction is certain to have happened.
    fn committed(&self, txn: u32) -> bool;
    /// In how many parts the edges are given.
    fn parts(&self) -> usize;
    /// Calls `add(from, to, kind)` for every edge of a part but those of processes and of real
    /// time, in the same order each time. Hubs are the nodes from the number of transactions on,
    /// numbered anew in each part; from each there is an edge.
    fn edges(&self, part: usize, add: &mut impl FnMut(u32, u32, Kinds));
}

/// The dependencies of a history.
pub(crate) struct Dependencies {
    pub(super) graph: Graph,
    /// Nodes that are transactions; the rest are hubs.
    txns: usize,
    pub(super) timeline: Timeline,
}

impl Dependencies {
    /// `None` when there are more edges than 32 bits can name.
    pub(crate) fn of(txns: &Transactions<'_>, source: &impl Source) -> Option<Self> {
        let count = |part: usize| {
            let mut share = Share::new(txns.len());
            source.edges(part, &mut |from, _, _| share.count(from));
            share
        };
        let count = || (0..source.parts()).into_par_iter().map(count).collect();
        let (mut shares, (before, timeline)): (Vec<Share>, _) =
            rayon::join(count, || (before_in_process(txns, source), Timeline::of(txns)));
        let in_process = || (0..).zip(&before).filter(|(_, before)| **before != NONE);
        let mut processes = Share::new(txns.len());
        in_process().for_each(|(_, &before)| processes.count(before));
        shares.push(processes);
        let room = Room::of(txns.len(), &mut shares)?;
        shares.into_par_iter().enumerate().for_each(|(part, mut share)| {
            if part < source.parts() {
                source.edges(part, &mut |from, to, kind| share.place(&room, from, to, kind));
            } else {
                in_process().for_each(|(txn, &before)| share.place(&room, before, txn, PROCESS));
            }
        });
        Some(Self { graph: room.finish(), txns: txns.len(), timeline })
    }

    /// Dependencies counted, moments aside.
    pub(crate) fn edge_count(&self) -> usize {
        self.graph.edge_count()
    }
}

/// Per transaction that happened the one before it in its process, or [`NONE`]. Who is ok came
/// before everything its process did later; who crashed may still be under way then.
fn before_in_process(txns: &Transactions<'_>, source: &impl Source) -> Vec<u32> {
    let mut last = rustc_hash::FxHashMap::default();
    let mut before = vec![NONE; txns.len()];
    for txn in 0..txns.len() as u32 {
        if !source.committed(txn) {
            continue;
        }
        let process = txns.operation(txn as usize).process();
        if let Some(&last) = last.get(&process) {
            before[txn as usize] = last;
        }
        if txns.completion(txn as usize) == Completion::Ok {
            last.insert(process, txn);
        }
    }
    before
}

/// What a node of the cyclic part stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Txn(u32),
    Hub,
    Moment,
}

/// Nodes that are left of all: transactions first, then hubs, then moments.
#[derive(Default)]
pub(crate) struct Nodes {
    txns: Vec<u32>,
    hubs: usize,
    moments: usize,
}

impl Nodes {
    fn push(&mut self, node: Node) {
        match node {
            Node::Txn(txn) => self.txns.push(txn),
            Node::Hub => self.hubs += 1,
            Node::Moment => self.moments += 1,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.txns.len() + self.hubs + self.moments
    }

    /// What a node stands for.
    pub(crate) fn at(&self, node: u32) -> Node {
        match self.txns.get(node as usize) {
            Some(&txn) => Node::Txn(txn),
            None if (node as usize) < self.txns.len() + self.hubs => Node::Hub,
            None => Node::Moment,
        }
    }
}

/// The cyclic part: every node and every edge that is on a cycle.
#[derive(Default)]
pub(crate) struct Core {
    pub graph: Graph,
    pub nodes: Nodes,
    /// By all edges: every node is in one.
    pub components: Components,
    /// Nodes that wrote the same in an order that nobody saw.
    pub rivals: Vec<(u32, u32)>,
}

/// What is left when everything that comes before all cycles is taken away.
struct Rest<'a> {
    all: &'a Dependencies,
    is_left: &'a [bool],
}

/// Rivals of one key that are compared; of more, only neighbours are.
const RIVALS_MAX: usize = 32;

impl Core {
    /// Finds rivals among the nodes.
    pub(crate) fn with_rivals(mut self, source: &impl Source) -> Self {
        if self.nodes.len() == 0 {
            return self;
        }
        // Ascending.
        let txns = &self.nodes.txns;
        let number = |txn: &u32| txns.binary_search(txn).ok().map(|number| number as u32);
        source.rivals(&mut |group| {
            let here: Vec<u32> = group.iter().filter_map(number).collect();
            let near = if here.len() > RIVALS_MAX { 1 } else { RIVALS_MAX };
            for (place, &one) in here.iter().enumerate() {
                let others = here[place + 1..].iter().take(near);
                self.rivals.extend(others.map(|&other| (one, other)));
            }
        });
        self
    }
}

impl Dependencies {
    /// Takes away what has nothing left before it, again and again: a history without anomalies
    /// vanishes in one pass. Of the rest, keeps what is in strongly connected components. `None`
    /// when there are more edges than 32 bits can name.
    pub(crate) fn core(self) -> Option<Core> {
        let is_left = peel::rest(&self.graph, &self.timeline);
        if !is_left.contains(&true) {
            return Some(Core::default());
        }
        let found = components(&Rest { all: &self, is_left: &is_left }, Kinds::MAX);
        let kept: Vec<u32> = (0..found.of.len() as u32)
            .filter(|&node| found.of[node as usize] != Components::NONE)
            .collect();
        let mut number = vec![NONE; found.of.len()];
        (0..).zip(&kept).for_each(|(new, &old)| number[old as usize] = new);
        let graph = Graph::by_node(kept.len(), |new, add| {
            let from = kept[new as usize];
            self.out(from, |to, kind| {
                if found.within(from, to) {
                    add(number[to as usize], kind);
                }
            });
        })?;
        let mut nodes = Nodes::default();
        kept.iter().for_each(|&node| nodes.push(self.node(node)));
        drop(self);
        let components = found.renumbered(&kept, &number);
        Some(Core { graph, nodes, components, rivals: Vec::new() })
    }

    fn node(&self, node: u32) -> Node {
        match node as usize {
            txn if txn < self.txns => Node::Txn(node),
            hub if hub < self.graph.nodes() => Node::Hub,
            _ => Node::Moment,
        }
    }

    /// Calls `to` with every edge out of a node; moments come after transactions and hubs.
    pub(super) fn out(&self, node: u32, mut to: impl FnMut(u32, Kinds)) {
        let moments = self.graph.nodes();
        let Some(moment) = (node as usize).checked_sub(moments) else {
            self.graph.out(node).for_each(|(target, kind)| to(target, kind));
            if let Some(&over) = self.timeline.over.get(node as usize)
                && over != NONE
            {
                to(moments as u32 + over, REALTIME);
            }
            return;
        };
        if moment + 1 < self.timeline.len() {
            to(node + 1, REALTIME);
        }
        self.timeline.after(moment).for_each(|txn| to(txn, REALTIME));
    }
}

impl Walk for Rest<'_> {
    fn nodes(&self) -> usize {
        self.is_left.len()
    }

    /// As [`Dependencies::out`]; from what is left, all leads to what is left. An edge of the graph
    /// is called by its place there, and what leads on to a moment comes after them; that from a
    /// moment to a transaction by the transaction.
    #[inline]
    fn places(&self, node: u32) -> Range<u32> {
        if !self.is_left[node as usize] {
            return 0..0;
        }
        let Dependencies { graph, timeline, .. } = self.all;
        let (places, leads_on) = match (node as usize).checked_sub(graph.nodes()) {
            None => {
                let over = timeline.over.get(node as usize);
                (graph.places(node), over.is_some_and(|&over| over != NONE))
            }
            Some(moment) => (timeline.after(moment), moment + 1 < timeline.len()),
        };
        places.start..places.end + u32::from(leads_on)
    }

    #[inline]
    fn edge(&self, node: u32, place: u32) -> (u32, Kinds) {
        let Dependencies { graph, timeline, .. } = self.all;
        let moments = graph.nodes();
        match (node as usize).checked_sub(moments) {
            None if place < graph.places(node).end => graph.edge(place as usize),
            None => (moments as u32 + timeline.over[node as usize], REALTIME),
            Some(moment) if place < timeline.after(moment).end => (place, REALTIME),
            Some(_) => (node + 1, REALTIME),
        }
    }
}
