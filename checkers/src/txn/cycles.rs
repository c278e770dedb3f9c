//! Cycles of dependencies, each blamed on the weakest edges that close it.
//!
//! Classes from G0 to G2 say how many anti-dependencies a cycle has and whether two are adjacent
//! (Adya 1999, §4.2; Cerone & Gotsman, PODC 2016, for those that are not); levels say whether it
//! takes the order of processes, or real time.
//!
//! **What is counted.** G-single: pairs of a reader and a transaction whose write it missed
//! although that came before it. The others: strongly connected components of the edges that are
//! allowed, in which no more specific anomaly, of this level or a weaker one, was found. So the
//! counts depend on nothing but the history.

use rustc_hash::FxHashMap;

use super::anomaly::{Anomaly, Level};
use super::dependencies::{Core, HUB, Node, Nodes, PROCESS, REALTIME, RW, WR, WW};
use super::rivals::{Settled, settle};
use super::transactions::NONE;
use crate::graph::path::{BothWays, shortest};
use crate::graph::{
    Builder, Components, Graph, Kinds, Query, Topological, Within, components, reachable,
    topological,
};

/// Cycles of one anomaly that are told in full.
pub(crate) const TOLD_MAX: usize = 10;
/// Edges of a component from which its shortest cycle is sought, and nodes that may be passed.
const STARTS_MAX: usize = 64;
const PASSED_MAX: usize = 1 << 20;
/// Nodes of a graph that is not turned round before there is need.
const LARGE: usize = 1 << 22;

/// A cycle of transactions: the last leads back to the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cycle {
    /// Each with the kind of the edge to the next.
    pub steps: Vec<(u32, Kinds)>,
}

/// How often an anomaly was found, and some of its cycles, the shortest first.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub anomaly: Anomaly,
    pub count: usize,
    pub told: Vec<Cycle>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    G0,
    G1c,
    Single,
    Nonadjacent,
    G2,
}

impl Class {
    fn anomaly(self, level: Level) -> Anomaly {
        match self {
            Self::G0 => Anomaly::G0(level),
            Self::G1c => Anomaly::G1c(level),
            Self::Single => Anomaly::GSingle(level),
            Self::Nonadjacent => Anomaly::GNonadjacent(level),
            Self::G2 => Anomaly::G2Item(level),
        }
    }

    fn bit(self, level: Level) -> u16 {
        1 << (self as u32 * 3 + level as u32)
    }

    /// The bits of every class up to this and every level up to `level`.
    fn upto(self, level: Level) -> u16 {
        [Self::G0, Self::G1c, Self::Single, Self::Nonadjacent, Self::G2]
            .into_iter()
            .filter(|&class| class <= self)
            .flat_map(|class| Level::ALL.into_iter().map(move |level| (class, level)))
            .filter(|&(_, other)| other <= level)
            .map(|(class, level)| class.bit(level))
            .sum()
    }
}

/// The kinds of order that a level has beside dependencies.
fn order(level: Level) -> Kinds {
    match level {
        Level::Plain => 0,
        Level::Process => PROCESS,
        Level::Realtime => PROCESS | REALTIME,
    }
}

/// Everything but anti-dependencies; hubs are only reached by those.
fn deps(level: Level) -> Kinds {
    WW | WR | HUB | order(level)
}

/// Finds all anomalies in the cyclic part of a history, in the order of [`Anomaly`].
pub(crate) fn search(core: Core) -> Searched {
    if core.nodes.len() == 0 {
        return Searched::default();
    }
    let mut search = Search {
        all: core.components,
        pairs: core.rivals,
        undecided: false,
        marks: vec![0; core.nodes.len()],
        graph: BothWays::new(core.graph),
        nodes: core.nodes,
        found: Vec::new(),
    };
    let graph = &search.graph.forth;
    let by_time = || topological(graph, deps(Level::Realtime), &search.all.of);
    let with_rw = || {
        let process = components(graph, deps(Level::Process) | RW);
        let within = Within { graph, all: &process };
        (components(&within, deps(Level::Plain) | RW), process)
    };
    let turn_round = || {
        // The paths sought below need it; of a large graph only then, for its memory.
        if graph.nodes() < LARGE {
            search.graph.turn_round();
        }
    };
    let (order, ((plain, process), ())) = rayon::join(by_time, || rayon::join(with_rw, turn_round));
    if !order.is_acyclic() {
        search.without_rw(Class::G0, WW);
        search.without_rw(Class::G1c, WW | WR);
    }
    search.singles(&order);
    drop(order);
    let realtime = std::mem::take(&mut search.all);
    search.several(Level::Plain, &plain);
    drop(plain);
    search.several(Level::Process, &process);
    drop(process);
    // These are all kinds.
    search.several(Level::Realtime, &realtime);
    search.found.sort_by_key(|found| found.anomaly);
    Searched { found: search.found, undecided: search.undecided }
}

/// What a search found.
#[derive(Default)]
pub(crate) struct Searched {
    pub found: Vec<Found>,
    /// Whether it was left open if unseen orders allow snapshot isolation.
    pub undecided: bool,
}

struct Search {
    /// The strongly connected components by all edges.
    all: Components,
    /// Nodes that wrote the same in an order that nobody saw.
    pairs: Vec<(u32, u32)>,
    undecided: bool,
    graph: BothWays,
    nodes: Nodes,
    /// Per node the anomalies it has part in, as bits of [`Class::bit`].
    marks: Vec<u16>,
    found: Vec<Found>,
}

impl Search {
    /// G0 and G1c: any component of these edges has such a cycle.
    fn without_rw(&mut self, class: Class, kinds: Kinds) {
        for level in Level::ALL {
            let kinds = kinds | order(level);
            let all = components(&self.graph.forth, kinds);
            let fresh = self.unblamed(&all, class.upto(level));
            self.blame(&all, &fresh, class.bit(level));
            let needed = match (level, class) {
                (Level::Process, _) => PROCESS,
                (Level::Realtime, _) => REALTIME,
                (Level::Plain, Class::G0) => WW,
                (Level::Plain, _) => WR,
            };
            let cycle = |members: &[u32]| {
                let edges = self.edges_within(members, &all, needed);
                let cycles = edges.filter_map(|(from, to)| {
                    let mut path = shortest(&self.graph, kinds, to, from)?;
                    path.rotate_right(1);
                    Some(self.cycle(&path, needed, kinds))
                });
                cycles.take(starts(members)).min_by_key(|cycle| cycle.steps.len())
            };
            let told = told(&all, &fresh, cycle);
            self.report(class.anomaly(level), fresh.len(), told);
        }
    }

    /// G-single: anti-dependencies from a to b where b comes before a by other edges.
    /// `order`: the [`topological`] one by those.
    fn singles(&mut self, order: &Topological) {
        let mut pairs: Vec<(u32, u32)> = self
            .graph
            .forth
            .edges()
            .filter(|&(from, to, kind)| kind == RW && order.of(to) <= order.of(from))
            .map(|(from, to, _)| (from, to))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let queries: Vec<Query> =
            pairs.iter().map(|&(reader, writer)| Query { from: writer, to: reader }).collect();
        let answers = reachable(&self.graph.forth, Level::ALL.map(deps), order, &queries);
        for (number, level) in Level::ALL.into_iter().enumerate() {
            // What a level accuses, a stronger one does too.
            let first = |answer: &[bool; 3]| answer.iter().position(|&is_there| is_there);
            let fresh = pairs.iter().zip(&answers).filter(|(_, it)| first(it) == Some(number));
            let mut fresh: Vec<(u32, u32)> = fresh.map(|(pair, _)| *pair).collect();
            for &(reader, writer) in &fresh {
                self.marks[reader as usize] |= Class::Single.bit(level);
                self.marks[writer as usize] |= Class::Single.bit(level);
            }
            let count = fresh.len();
            let span = |&(from, to): &(u32, u32)| order.of(from) - order.of(to);
            fresh.sort_by_key(|pair| (span(pair), *pair));
            let cycle = |&(reader, writer): &(u32, u32)| {
                let mut path = shortest(&self.graph, deps(level), writer, reader)?;
                path.rotate_right(1);
                Some(self.cycle(&path, RW, deps(level)))
            };
            let told = fresh.iter().take(TOLD_MAX).filter_map(cycle).collect();
            self.report(Class::Single.anomaly(level), count, told);
        }
    }

    /// G-nonadjacent and G2-item, in components that have nothing more specific.
    fn several(&mut self, level: Level, all: &Components) {
        let kinds = deps(level) | RW;
        let fresh = self.unblamed(all, Class::Single.upto(level));
        self.nonadjacent(level, all, &fresh);
        if !self.pairs.is_empty() {
            let fresh = self.unblamed(all, Class::Nonadjacent.upto(level));
            self.rivals(level, all, &fresh);
        }
        let fresh = self.unblamed(all, Class::G2.upto(level));
        self.blame(all, &fresh, Class::G2.bit(level));
        let cycle = |members: &[u32]| {
            let edges = self.edges_within(members, all, RW);
            let cycles = edges.filter_map(|(from, to)| {
                let mut path = shortest(&self.graph, kinds, to, from)?;
                path.rotate_right(1);
                Some(self.cycle(&path, RW, kinds))
            });
            cycles.take(starts(members)).min_by_key(|cycle| cycle.steps.len())
        };
        let told = told(all, &fresh, cycle);
        self.report(Class::G2.anomaly(level), fresh.len(), told);
    }

    /// Cycles without two adjacent anti-dependencies, on two layers: who is entered by one, is
    /// entered on the second layer, from which no other leads on.
    fn nonadjacent(&mut self, level: Level, all: &Components, within: &[usize]) {
        let weaker = Class::Nonadjacent.upto(level);
        let within: Vec<usize> = within
            .iter()
            .copied()
            .filter(|&number| self.mark_of(all.members(number)) & weaker == 0)
            .collect();
        if within.is_empty() {
            return;
        }
        let members: Vec<u32> =
            within.iter().flat_map(|&number| all.members(number)).copied().collect();
        let Some(layers) = self.layers(level, all, &members) else {
            self.undecided = true;
            return;
        };
        let (graph, nodes) = (BothWays::new(layers), members.len() as u32);
        let found = components(&graph.forth, Kinds::MAX);
        for &node in found.iter().flatten() {
            let node = members[(node % nodes) as usize];
            self.marks[node as usize] |= Class::Nonadjacent.bit(level);
        }
        let everything: Vec<usize> = (0..found.len()).collect();
        let cycle = |inside: &[u32]| {
            let rw = inside.iter().flat_map(|&from| graph.forth.out(from).map(move |e| (from, e)));
            let rw = rw.filter(|&(from, (to, kind))| kind == RW && found.within(from, to));
            let cycles = rw.take(starts(inside)).filter_map(|(from, (to, _))| {
                let path = shortest(&graph, Kinds::MAX, to, from)?;
                let steps = kinds_of(&path, &graph.forth, nodes).into_iter();
                let steps = steps.map(|(node, kind)| (members[node as usize], kind));
                Some(self.cycle_of(steps.collect()))
            });
            cycles.min_by_key(|cycle| cycle.steps.len())
        };
        let told = told(&found, &everything, cycle);
        self.report(Class::Nonadjacent.anomaly(level), found.len(), told);
    }

    /// Two layers of nodes in components, numbered by their places among `members`; `None` when
    /// there are too many edges.
    fn layers(&self, level: Level, all: &Components, members: &[u32]) -> Option<Graph> {
        let (nodes, len) = (self.nodes.len() as u32, members.len() as u32);
        let mut number = vec![NONE; self.nodes.len()];
        (0..).zip(members).for_each(|(new, &old)| number[old as usize] = new);
        let place = |node: u32| match node.checked_sub(nodes) {
            None => number[node as usize],
            Some(below) => len + number[below as usize],
        };
        let mut count = Builder::count(2 * members.len());
        self.on_layers(level, all, members, &mut |from, _, _| count.add(place(from)));
        let mut builder = count.finish()?;
        self.on_layers(level, all, members, &mut |from, to, kind| {
            builder.place(place(from), place(to), kind);
        });
        Some(builder.finish())
    }

    /// The edges within components as edges on two layers, the second numbered after the first.
    fn on_layers(
        &self,
        level: Level,
        all: &Components,
        members: &[u32],
        add: &mut impl FnMut(u32, u32, Kinds),
    ) {
        let nodes = self.nodes.len() as u32;
        for &from in members {
            for (to, kind) in self.graph.forth.out(from) {
                if kind & (deps(level) | RW) == 0 || !all.within(from, to) {
                    continue;
                }
                match kind {
                    RW if self.nodes.at(to) == Node::Hub => add(from, to, RW),
                    RW => add(from, to + nodes, RW),
                    HUB => add(from, to + nodes, HUB),
                    kind => {
                        add(from, to, kind);
                        add(from + nodes, to, kind);
                    }
                }
            }
        }
    }

    /// Components that only adjacent anti-dependencies close, as long as transactions which wrote
    /// the same in an order that nobody saw did so in neither order: whichever came first, a cycle
    /// without adjacent ones remains.
    fn rivals(&mut self, level: Level, all: &Components, within: &[usize]) {
        let nodes = self.nodes.len() as u32;
        let mut by_component: FxHashMap<u32, Vec<(u32, u32)>> = FxHashMap::default();
        for &pair in self.pairs.iter().filter(|pair| all.within(pair.0, pair.1)) {
            by_component.entry(all.of[pair.0 as usize]).or_default().push(pair);
        }
        for &number in within {
            let members = all.members(number);
            let Some(pairs) = by_component.remove(&(number as u32)) else { continue };
            let mut edges = Vec::new();
            self.on_layers(level, all, members, &mut |from, to, kind| {
                edges.push((from, to, kind));
            });
            match settle(&edges, nodes, &pairs) {
                Settled::Possible => {}
                Settled::Undecided => self.undecided = true,
                Settled::Impossible(steps) => {
                    for &node in members {
                        self.marks[node as usize] |= Class::Nonadjacent.bit(level);
                    }
                    let steps = steps.into_iter().map(|(node, kind)| (node % nodes, kind));
                    let cycle = self.cycle_of(steps.collect());
                    let rw = cycle.steps.iter().filter(|step| step.1 == RW).count();
                    let class = if rw == 1 { Class::Single } else { Class::Nonadjacent };
                    self.add(class.anomaly(level), cycle);
                }
            }
        }
    }

    /// Counts one more of an anomaly.
    fn add(&mut self, anomaly: Anomaly, cycle: Cycle) {
        let there = self.found.iter_mut().find(|found| found.anomaly == anomaly);
        let Some(found) = there else { return self.report(anomaly, 1, vec![cycle]) };
        found.count += 1;
        if found.told.len() < TOLD_MAX {
            found.told.push(cycle);
        }
    }

    fn mark_of(&self, members: &[u32]) -> u16 {
        members.iter().fold(0, |marks, &node| marks | self.marks[node as usize])
    }

    /// Components in which none of these anomalies was found.
    fn unblamed(&self, all: &Components, marks: u16) -> Vec<usize> {
        (0..all.len()).filter(|&number| self.mark_of(all.members(number)) & marks == 0).collect()
    }

    fn blame(&mut self, all: &Components, fresh: &[usize], bit: u16) {
        for &number in fresh {
            for &node in all.members(number) {
                self.marks[node as usize] |= bit;
            }
        }
    }

    /// Edges of a kind between members of one component.
    fn edges_within<'a>(
        &'a self,
        members: &'a [u32],
        all: &'a Components,
        kind: Kinds,
    ) -> impl Iterator<Item = (u32, u32)> + 'a {
        let out = |&from: &u32| self.graph.forth.out(from).map(move |(to, kind)| (from, to, kind));
        // A cycle in real time passes through some transaction.
        let begins = move |from: u32| kind != REALTIME || self.nodes.at(from) != Node::Moment;
        members
            .iter()
            .flat_map(out)
            .filter(move |&(from, to, other)| other == kind && all.within(from, to) && begins(from))
            .map(|(from, to, _)| (from, to))
    }

    /// A cycle of nodes, the first edge of a given kind, the others of any of `kinds`, the
    /// weakest first.
    fn cycle(&self, path: &[u32], first: Kinds, kinds: Kinds) -> Cycle {
        let steps = path.iter().enumerate().map(|(place, &from)| {
            let to = path[(place + 1) % path.len()];
            let edges = self.graph.forth.out(from).filter(|&(target, _)| target == to);
            let wanted = if place == 0 { first } else { kinds };
            (from, edges.map(|(_, kind)| kind).filter(|kind| kind & wanted != 0).min().unwrap_or(0))
        });
        self.cycle_of(steps.collect())
    }

    /// Joins the edges to, between and from hubs and moments: transactions remain.
    fn cycle_of(&self, mut steps: Vec<(u32, Kinds)>) -> Cycle {
        let is_txn = |step: &(u32, Kinds)| matches!(self.nodes.at(step.0), Node::Txn(_));
        let first = steps.iter().position(is_txn).unwrap_or(0);
        steps.rotate_left(first);
        let txn = |node: u32| match self.nodes.at(node) {
            Node::Txn(txn) => txn,
            Node::Hub | Node::Moment => NONE,
        };
        let steps = steps.iter().filter(|step| is_txn(step));
        Cycle { steps: steps.map(|&(node, kind)| (txn(node), kind)).collect() }
    }

    fn report(&mut self, anomaly: Anomaly, count: usize, mut told: Vec<Cycle>) {
        if count > 0 {
            told.sort_by_key(|cycle| cycle.steps.len());
            self.found.push(Found { anomaly, count, told });
        }
    }
}

/// From how many edges a cycle is sought: fewer in a large component.
fn starts(members: &[u32]) -> usize {
    (PASSED_MAX / members.len()).clamp(1, STARTS_MAX)
}

/// Cycles of the smallest components.
fn told(
    all: &Components,
    fresh: &[usize],
    cycle: impl FnMut(&[u32]) -> Option<Cycle>,
) -> Vec<Cycle> {
    let mut smallest = fresh.to_vec();
    smallest.sort_by_key(|&number| (all.members(number).len(), number));
    smallest.truncate(TOLD_MAX);
    smallest.into_iter().map(|number| all.members(number)).filter_map(cycle).collect()
}

/// A cycle on two layers as one on the graph. Where it passes a node on both layers, what lies
/// between is left out: from the second layer only dependencies lead on, and only they lead to
/// the first, so that no two anti-dependencies become adjacent.
fn kinds_of(path: &[u32], graph: &Graph, nodes: u32) -> Vec<(u32, Kinds)> {
    let step = |place: usize| {
        let (from, to) = (path[place], path[(place + 1) % path.len()]);
        let edges = graph.out(from).filter(|&(target, _)| target == to);
        (from, edges.map(|(_, kind)| kind).min().unwrap_or(0))
    };
    let mut steps: Vec<(u32, Kinds)> = (0..path.len()).map(step).collect();
    loop {
        let second = (0..steps.len()).find_map(|upper| {
            let node = steps[upper].0.checked_sub(nodes)?;
            let lower = steps.iter().position(|step| step.0 == node)?;
            Some((upper, lower))
        });
        let Some((upper, lower)) = second else { break };
        // Keep the part which leaves the upper visit by a dependency and enters the lower by one.
        steps.rotate_left(upper);
        let lower = (lower + steps.len() - upper) % steps.len();
        steps.truncate(lower);
    }
    steps.iter_mut().for_each(|step| step.0 %= nodes);
    steps
}
