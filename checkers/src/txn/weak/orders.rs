//! Looks for an order of commits, and accuses where there is none.

use super::Level;
use super::commits::{Commits, Paths, Step, Why, readers};
use super::demand::{self, Demand, Orders, Sink, tidy};
use super::explain::Explain;
use super::sessions::Sessions;
use super::sort::sort;
use super::visible::{self, Clocks, Entries};
use crate::txn::told::Evidence;

/// Cycles told of one history; every knot holds at least one.
const KNOTS_MAX: usize = 10;

/// Keeps the first demand, in order of readers, for each of a few pairs.
struct Reasons<'a> {
    /// Sorted.
    wanted: &'a [(u32, u32)],
    found: Vec<Option<Demand>>,
}

impl<'a> Reasons<'a> {
    fn new(wanted: &'a [(u32, u32)]) -> Self {
        Self { wanted, found: vec![None; wanted.len()] }
    }

    fn add(&mut self, other: &Self) {
        for (found, other) in self.found.iter_mut().zip(&other.found) {
            *found = found.or(*other);
        }
    }
}

impl Sink for Reasons<'_> {
    fn take(&mut self, demand: Demand) {
        if let Ok(place) = self.wanted.binary_search(&(demand.older, demand.newer)) {
            self.found[place].get_or_insert(demand);
        }
    }
}

/// What a level demands of the one order, as often as asked.
struct Demands<'a> {
    level: Level,
    sessions: &'a Sessions,
    /// For causal consistency.
    clocks: Option<(Clocks, Entries)>,
}

impl<'a> Demands<'a> {
    /// `order` is one of all nodes by sessions and reads.
    fn new(level: Level, sessions: &'a Sessions, order: &[u32]) -> Self {
        let clocks =
            (level == Level::Causal).then(|| (Clocks::of(sessions, order), Entries::of(sessions)));
        Self { level, sessions, clocks }
    }

    /// In the order of readers.
    fn parts<S: Sink + Send>(&self, new_sink: impl Fn() -> S + Sync) -> Vec<S> {
        match &self.clocks {
            Some((clocks, entries)) => visible::causal(self.sessions, clocks, entries, new_sink),
            None if self.level == Level::ReadCommitted => {
                demand::committed(self.sessions, new_sink)
            }
            None => demand::atomic(self.sessions, new_sink),
        }
    }

    fn orders(&self) -> Demanded {
        let mut demanded = Demanded { parts: Vec::new(), impossible: Vec::new() };
        for part in self.parts(|| Orders::new(self.sessions)) {
            let (pairs, impossible) = part.finish();
            demanded.parts.push(pairs);
            demanded.impossible.extend(impossible);
        }
        if self.sessions.are_ranked() {
            demanded.parts.push(self.sessions.neighbours());
        }
        demanded
    }

    /// The first reason for each of `wanted`, which is sorted; only what is there.
    fn reasons(&self, wanted: &[(u32, u32)]) -> Vec<Demand> {
        let mut reasons = Reasons::new(wanted);
        self.parts(|| Reasons::new(wanted)).iter().for_each(|part| reasons.add(part));
        reasons.found.into_iter().flatten().collect()
    }
}

/// What is demanded, with what is known of the order of versions.
struct Demanded {
    /// Who comes before whom; perhaps more than once.
    parts: Vec<Vec<(u32, u32)>>,
    impossible: Vec<Demand>,
}

impl Demanded {
    fn sort(&self, sessions: &Sessions) -> Result<Vec<u32>, Vec<u32>> {
        sort(sessions, self.parts.iter().flatten().copied())
    }

    /// Each once, in order.
    fn into_pairs(self) -> Vec<(u32, u32)> {
        let mut pairs = self.parts.concat();
        tidy(&mut pairs);
        pairs
    }
}

/// An order by sessions and reads alone.
fn happened(sessions: &Sessions) -> Result<Vec<u32>, Vec<u32>> {
    sort(sessions, std::iter::empty())
}

/// Whether there is one order for all at a level, faults aside.
pub(super) fn has_one(sessions: &Sessions, level: Level) -> bool {
    let Ok(order) = happened(sessions) else { return false };
    let demanded = Demands::new(level, sessions, &order).orders();
    demanded.impossible.is_empty() && demanded.sort(sessions).is_ok()
}

/// One order for all: read committed, read atomic, causal.
pub(super) fn one(explain: &Explain<'_, '_>, level: Level, evidence: &mut Evidence<'_, '_>) {
    let &Explain { sessions, .. } = explain;
    // Only the demands of causal consistency need an order that is without cycles.
    let order = match level {
        Level::Causal => happened(sessions),
        _ => Ok(Vec::new()),
    };
    let order = match order {
        Ok(order) => order,
        Err(left) => return circular(explain, &left, evidence),
    };
    let mut demanded = Demands::new(level, sessions, &order).orders();
    drop(order);
    let sorted = demanded.sort(sessions);
    if sorted.is_ok() && demanded.impossible.is_empty() {
        return;
    }
    let order = match happened(sessions) {
        Ok(order) => order,
        Err(left) => return circular(explain, &left, evidence),
    };
    let readers = readers(sessions);
    let happened = Commits::new(sessions, &readers, &[]);
    let impossible = std::mem::take(&mut demanded.impossible);
    if !impossible.is_empty() {
        initial(explain, level, &happened, &impossible, evidence);
    }
    let Err(left) = sorted else { return };
    let commits = Commits::new(sessions, &readers, &demanded.into_pairs());
    let cycles = cycles(&commits, &left);
    let mut wanted: Vec<(u32, u32)> = cycles.iter().flatten().filter_map(of_demand).collect();
    tidy(&mut wanted);
    let reasons = Demands::new(level, sessions, &order).reasons(&wanted);
    let mut paths = Paths::new(&happened);
    for cycle in cycles {
        let of = |step| reasons.iter().find(|reason| of_demand(step) == Some(pair(reason)));
        let reasons: Vec<Demand> = cycle.iter().filter_map(of).copied().collect();
        if let [demand] = reasons[..] {
            evidence.add(explain.anomaly(level, &demand), || {
                let known = explain.knowledge(&demand, &mut paths);
                explain.overwritten(&demand, &known, &cycle[1..])
            });
        } else {
            evidence.add("conflict-cycle", || explain.cycle(&cycle, &reasons));
        }
    }
}

/// Tells where sessions and reads alone have no order.
fn circular(explain: &Explain<'_, '_>, left: &[u32], evidence: &mut Evidence<'_, '_>) {
    let readers = readers(explain.sessions);
    let happened = Commits::new(explain.sessions, &readers, &[]);
    for cycle in cycles(&happened, left) {
        evidence.add("cyclic-causality", || explain.cycle(&cycle, &[]));
    }
}

fn pair(demand: &Demand) -> (u32, u32) {
    (demand.older, demand.newer)
}

fn of_demand(step: &Step) -> Option<(u32, u32)> {
    (step.why == Why::Demand).then_some((step.from, step.to))
}

fn cycles(commits: &Commits<'_>, left: &[u32]) -> Vec<Vec<Step>> {
    let mut paths = Paths::new(commits);
    let knots = commits.knots(left);
    knots.iter().take(KNOTS_MAX).map(|knot| paths.cycle(knot)).collect()
}

/// Tells of reads of the initial value, or of one certainly older, by who knew of a write.
fn initial(
    explain: &Explain<'_, '_>,
    level: Level,
    happened: &Commits<'_>,
    impossible: &[Demand],
    evidence: &mut Evidence<'_, '_>,
) {
    let mut paths = Paths::new(happened);
    // One finding for each read.
    for same in impossible.chunk_by(|a, b| (a.reader, a.key) == (b.reader, b.key)) {
        let demand = &same[0];
        evidence.add(explain.anomaly(level, demand), || {
            let known = explain.knowledge(demand, &mut paths);
            explain.overwritten(demand, &known, &[])
        });
    }
}

/// An order for each session: PRAM.
pub(super) fn each(explain: &Explain<'_, '_>, evidence: &mut Evidence<'_, '_>) {
    let &Explain { sessions, .. } = explain;
    let entries = Entries::of(sessions);
    for session in 0..sessions.count() {
        let demands = visible::pram(sessions, &entries, session);
        let impossible = demands
            .iter()
            .find(|demand| sessions.contradicts(demand.older, demand.newer, demand.key));
        if let Some(demand) = impossible {
            evidence.add("out-of-session-order", || explain.overwritten(demand, &[], &[]));
            continue;
        }
        let reads = sessions
            .nodes(session)
            .flat_map(|reader| sessions.read_from(reader).map(move |writer| (writer, reader)));
        let mut edges: Vec<(u32, u32, bool)> = reads.map(|(from, to)| (from, to, false)).collect();
        edges.extend(demands.iter().map(|demand| (demand.older, demand.newer, true)));
        let Some(cycle) = small_cycle(sessions, &edges) else { continue };
        let of = |step: &Step| {
            demands.iter().find(|demand| of_demand(step) == Some(pair(demand))).copied()
        };
        let reasons: Vec<Demand> = cycle.iter().filter_map(of).collect();
        evidence.add("out-of-session-order", || match reasons[..] {
            [demand] => explain.overwritten(&demand, &[], &cycle[1..]),
            _ => explain.cycle(&cycle, &reasons),
        });
    }
}

/// A cycle through a few edges (whether each is demanded) and sessions; one that begins with a
/// demand, if any does.
pub(super) fn small_cycle(sessions: &Sessions, edges: &[(u32, u32, bool)]) -> Option<Vec<Step>> {
    let mut nodes: Vec<u32> = edges.iter().flat_map(|&(from, to, _)| [from, to]).collect();
    nodes.sort_unstable();
    nodes.dedup();
    // Places of nodes: those of a session lie side by side.
    let place = |node: u32| nodes.partition_point(|&other| other < node);
    let mut next: Vec<Vec<(usize, Why)>> = vec![Vec::new(); nodes.len()];
    let mut waits_for = vec![0; nodes.len()];
    let mut add = |from: usize, to: usize, why: Why| {
        next[from].push((to, why));
        waits_for[to] += 1;
    };
    for (at, pair) in nodes.windows(2).enumerate() {
        if sessions.precedes(pair[0], pair[1]) {
            add(at, at + 1, Why::Session);
        }
    }
    for (at, &node) in nodes.iter().enumerate() {
        let stem = sessions.stem(node).and_then(|stem| sessions.last_up_to(&nodes, stem));
        if let Some(stem) = stem {
            add(stem, at, Why::Session);
        }
    }
    for &(from, to, is_demand) in edges {
        add(place(from), place(to), if is_demand { Why::Demand } else { Why::Read });
    }
    let mut free: Vec<usize> = (0..nodes.len()).filter(|&at| waits_for[at] == 0).collect();
    while let Some(at) = free.pop() {
        for &(to, _) in &next[at] {
            waits_for[to] -= 1;
            if waits_for[to] == 0 {
                free.push(to);
            }
        }
    }
    let left: Vec<usize> = (0..nodes.len()).filter(|&at| waits_for[at] > 0).collect();
    walk(&nodes, &next, &waits_for, *left.first()?)
}

/// Goes back from a node that waits for ever: to a predecessor that waits too, until one comes
/// round again.
fn walk(
    nodes: &[u32],
    next: &[Vec<(usize, Why)>],
    waits_for: &[u32],
    start: usize,
) -> Option<Vec<Step>> {
    let mut before: Vec<Option<(usize, Why)>> = vec![None; nodes.len()];
    for (from, list) in next.iter().enumerate().filter(|&(from, _)| waits_for[from] > 0) {
        for &(to, why) in list {
            before[to].get_or_insert((from, why));
        }
    }
    let mut order = vec![usize::MAX; nodes.len()];
    let (mut steps, mut at): (Vec<Step>, usize) = (Vec::new(), start);
    while order[at] == usize::MAX {
        order[at] = steps.len();
        let (from, why) = before[at]?;
        steps.push(Step { from: nodes[from], to: nodes[at], why });
        at = from;
    }
    let mut cycle = steps.split_off(order[at]);
    cycle.reverse();
    let first = cycle.iter().position(|step| step.why == Why::Demand).unwrap_or(0);
    cycle.rotate_left(first);
    let mut merged: Vec<Step> = Vec::new();
    for step in cycle {
        match merged.last_mut() {
            Some(last) if last.why == Why::Session && step.why == Why::Session => last.to = step.to,
            _ => merged.push(step),
        }
    }
    Some(merged)
}
