//! Models that ask at which moments a transaction read, not only what: each is unfolded into the
//! moments of its reads and that of its commit, one after the other, and the order of all moments
//! is sought.
//!
//! * *Prefix*: all reads of a transaction are of one moment, after the commits that it saw and
//!   before those it missed (Burckhardt et al., ECOOP 2015; Cerone et al., CONCUR 2015).
//! * *Monotonic snapshot reads* (Adya 1999, PL-MSR): each read has a moment of its own.
//! * *Monotonic view* (PL-2L): with the same moments, no cycle has exactly one anti-dependency.
//! * *Update serializability* (PL-3U): nothing is unfolded. What writes is acyclic, and stays so
//!   with any one of the transactions that only read.

use super::super::cycles::Cycle;
use super::super::dependencies::{HUB, PROCESS, RW, WR, WW};
use super::super::transactions::NONE;
use super::super::{Function, Model};
use super::entry::Entry;
use super::lists::Lists;
use crate::graph::path::{BothWays, shortest};
use crate::graph::{Components, Graph, Kinds, Query, components, reachable, topological};

/// From one moment of a transaction to the next.
const NEXT: Kinds = PROCESS;
/// Cycles of which the shortest is told.
const STARTS_MAX: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfolded {
    Prefix,
    SnapshotReads,
    MonotonicView,
    UpdateSerializable,
}

impl Unfolded {
    /// What a model asks, if it is one of these.
    pub(super) fn of(model: Model) -> Option<Self> {
        match model.name() {
            "prefix" => Some(Self::Prefix),
            "monotonic-snapshot-read" => Some(Self::SnapshotReads),
            "monotonic-view" => Some(Self::MonotonicView),
            "update-serializable" => Some(Self::UpdateSerializable),
            _ => None,
        }
    }
}

/// Moments and their order. The commit of a transaction is the node of its number; then come the
/// moments of reads, then hubs.
struct Moments {
    graph: Graph,
    /// Per node the transaction, or [`NONE`].
    txns: Vec<u32>,
}

/// A cycle that the model does not allow.
pub(super) fn cycle(lists: &Lists<'_>, model: Unfolded) -> Option<Cycle> {
    let moments = match model {
        Unfolded::UpdateSerializable => Moments::of_updates(lists),
        _ => Moments::of(lists, model == Unfolded::Prefix),
    };
    let all = components(&moments.graph, Kinds::MAX);
    match model {
        Unfolded::MonotonicView => moments.with_one_rw(&all),
        Unfolded::UpdateSerializable => {
            moments.shortest(&all).or_else(|| moments.through_readers(lists))
        }
        _ => moments.shortest(&all),
    }
}

impl Moments {
    /// One moment for all reads of a transaction, or one for each.
    fn of(lists: &Lists<'_>, one: bool) -> Self {
        let count = lists.txns.len() as u32;
        let micros = lists.txns.all_micros().len();
        let moments = if one { count } else { micros as u32 };
        let read = |entry: &Entry| count + if one { entry.txn } else { entry.micro.place() as u32 };
        let mut txns: Vec<u32> = (0..count).collect();
        let mut edges: Vec<(u32, u32, Kinds)> = Vec::new();
        for txn in 0..count {
            let first = if one { txn } else { lists.txns.first_micro(txn as usize) as u32 };
            let own = if one { 1 } else { lists.txns.micros(txn as usize).len() as u32 };
            for moment in count + first..count + first + own {
                let last = moment + 1 == count + first + own;
                edges.push((moment, if last { txn } else { moment + 1 }, NEXT));
                txns.push(txn);
            }
        }
        let mut hub = count + moments;
        for key in 0..lists.txns.keys().len() {
            add_key(lists, key, hub, &read, &mut edges);
            txns.push(NONE);
            hub += 1;
        }
        Self { graph: Graph::of_edges(hub as usize, &edges), txns }
    }

    /// Transactions that write, and hubs.
    fn of_updates(lists: &Lists<'_>) -> Self {
        let count = lists.txns.len();
        let (mut edges, mut nodes) = (Vec::new(), count);
        lists.edges_of(0..lists.txns.keys().len(), &mut |from, to, kind| {
            let other = |node: u32| node as usize >= count || writes(lists, node);
            edges.extend((other(from) && other(to)).then_some((from, to, kind)));
            nodes = nodes.max(from as usize + 1);
        });
        let txns = (0..nodes).map(|node| if node < count { node as u32 } else { NONE });
        Self { graph: Graph::of_edges(nodes, &edges), txns: txns.collect() }
    }

    /// A shortest cycle of the smallest component.
    fn shortest(&self, all: &Components) -> Option<Cycle> {
        let members = all.iter().min_by_key(|members| members.len())?;
        let both = BothWays::new(self.graph.clone());
        let out = |&from: &u32| self.graph.out(from).map(move |(to, kind)| (from, to, kind));
        let edges = members.iter().flat_map(out).filter(|edge| all.within(edge.0, edge.1));
        let cycles = edges.filter(|edge| edge.2 != NEXT).take(STARTS_MAX).filter_map(|edge| {
            let path = shortest(&both, Kinds::MAX, edge.1, edge.0)?;
            Some(self.told(edge, &path))
        });
        cycles.min_by_key(|cycle| cycle.steps.len())
    }

    /// A cycle with exactly one anti-dependency.
    fn with_one_rw(&self, all: &Components) -> Option<Cycle> {
        let rw: Vec<(u32, u32, Kinds)> =
            self.graph.edges().filter(|edge| edge.2 == RW && all.within(edge.0, edge.1)).collect();
        self.closed(&self.graph, &rw, WW | WR | HUB | NEXT)
    }

    /// A cycle through one transaction that only reads.
    fn through_readers(&self, lists: &Lists<'_>) -> Option<Cycle> {
        let count = lists.txns.len();
        let (mut into, mut out) = (Vec::new(), Vec::new());
        lists.edges_of(0..lists.txns.keys().len(), &mut |from, to, kind| {
            let reads = |node: u32| (node as usize) < count && !writes(lists, node);
            match (reads(from), reads(to)) {
                (true, _) => out.push((from, to, kind)),
                (false, true) => into.push((from, to, kind)),
                (false, false) => {}
            }
        });
        into.extend(self.graph.edges());
        let graph = Graph::of_edges(self.graph.nodes(), &into);
        self.closed(&graph, &out, Kinds::MAX)
    }

    /// A shortest cycle that edges of these kinds make of one of `closing`.
    fn closed(&self, graph: &Graph, closing: &[(u32, u32, Kinds)], kinds: Kinds) -> Option<Cycle> {
        let order = topological(graph, kinds, &vec![0; graph.nodes()]);
        let queries: Vec<Query> =
            closing.iter().map(|&(reader, writer, _)| Query { from: writer, to: reader }).collect();
        let answers = reachable(graph, [kinds], &order, &queries);
        let both = BothWays::new(graph.clone());
        let found = closing.iter().zip(answers).filter(|(_, [closes])| *closes);
        let cycles = found.take(STARTS_MAX).filter_map(|(&edge, _)| {
            let path = shortest(&both, kinds, edge.1, edge.0)?;
            Some(self.told_in(graph, edge, &path))
        });
        cycles.min_by_key(|cycle| cycle.steps.len())
    }

    fn told(&self, edge: (u32, u32, Kinds), path: &[u32]) -> Cycle {
        self.told_in(&self.graph, edge, path)
    }

    /// An edge and a path from its end to its beginning, as a cycle of transactions.
    fn told_in(&self, graph: &Graph, edge: (u32, u32, Kinds), path: &[u32]) -> Cycle {
        let mut steps = vec![(edge.0, edge.2)];
        for pair in path.windows(2) {
            let edges = graph.out(pair[0]).filter(|&(target, _)| target == pair[1]);
            steps.push((pair[0], edges.map(|(_, kind)| kind).min().unwrap_or(NEXT)));
        }
        let steps = steps.into_iter().filter(|step| step.1 & (WW | WR | RW) != 0);
        Cycle { steps: steps.map(|(node, kind)| (self.txns[node as usize], kind)).collect() }
    }
}

fn writes(lists: &Lists<'_>, txn: u32) -> bool {
    lists.txns.micros(txn as usize).iter().any(|micro| micro.f() == Function::Append)
}

/// The edges of one key; `hub` stands before all its unread appends.
fn add_key(
    lists: &Lists<'_>,
    key: usize,
    hub: u32,
    read: &impl Fn(&Entry) -> u32,
    edges: &mut Vec<(u32, u32, Kinds)>,
) {
    let writers: Vec<u32> =
        lists.order(key).map(|entry| entry.map_or(NONE, |entry| entry.txn)).collect();
    let known: Vec<u32> = writers.iter().copied().filter(|&writer| writer != NONE).collect();
    let pairs = known.windows(2).filter(|pair| pair[0] != pair[1]);
    edges.extend(pairs.map(|pair| (pair[0], pair[1], WW)));
    for writer in lists.unread(key) {
        edges.push((hub, writer, HUB));
        let last = known.last().filter(|&&last| last != writer);
        edges.extend(last.map(|&last| (last, writer, WW)));
    }
    for entry in lists.reads(key) {
        let place = entry.place as usize;
        let before = writers[..place].iter().rev().find(|&&writer| writer != NONE);
        let before = before.filter(|&&writer| writer != entry.txn);
        edges.extend(before.map(|&writer| (writer, read(&entry), WR)));
        match writers[place..].iter().find(|&&writer| writer != NONE) {
            // Between two appends of one transaction: G1b says it all.
            Some(next) if before == Some(next) => {}
            Some(&next) => edges.push((read(&entry), next, RW)),
            None => edges.push((read(&entry), hub, RW)),
        }
    }
}
