//! From the input to an execution, or to transactions that contradict each other.

use super::Budget;
use super::assumptions::Assumptions;
use super::chains::{LostUpdate, Versions};
use super::graph::{Graph, NONE, TooLarge};
use super::guess::guess;
use super::input::{Input, Rules};
use super::order::Order;
use super::overlap::{Overlaps, ends};
use super::replay::{Event, execution};
use super::saturate::{Halt, State};
use super::search::Search;
use super::sort::cycle;
use crate::txn::sources::INITIAL;

pub(super) enum Answer {
    Execution(Vec<Event>),
    /// Some transactions that have to do with it.
    Impossible(Vec<u32>),
    /// Why.
    Unknown(String),
}

pub(super) struct Judged {
    pub answer: Answer,
    /// What it took, by name.
    pub effort: Vec<(&'static str, u64)>,
}

impl From<Answer> for Judged {
    fn from(answer: Answer) -> Self {
        Self { answer, effort: Vec::new() }
    }
}

/// Judges `input`, which has no faults.
pub(super) fn judge(input: &Input, rules: Rules, budget: &Budget) -> Judged {
    let sources = &input.sources;
    let versions = match Versions::of(sources) {
        Ok(versions) => versions,
        Err(LostUpdate { version, first, second, .. }) => {
            let writer = (version != INITIAL).then(|| sources.writer(version));
            let suspects = [first, second].into_iter().chain(writer).collect();
            return Answer::Impossible(suspects).into();
        }
    };
    let runs = match versions.runs(sources) {
        Ok(runs) => runs,
        Err(round) => return Answer::Impossible(round).into(),
    };
    let mut graph = match Graph::of(input, rules, versions, &runs) {
        Ok(graph) => graph,
        Err(TooLarge) => {
            return Answer::Unknown("more than a thousand million nodes".to_owned()).into();
        }
    };
    let chain_ends = ends(graph.due.len(), &graph.chains);
    let position = match guess(&graph, rules.snapshots, &chain_ends) {
        Some(position) => position,
        None => {
            let nodes = cycle(&graph.out, &graph.into);
            let txns = graph.transactions(&nodes, |node| graph.into.at(node));
            return Answer::Impossible(txns).into();
        }
    };
    // Only the guess asks for it.
    graph.due = Vec::new();
    settle(input, rules, budget, graph, position, chain_ends)
}

/// Mends the guess until nothing overlaps.
fn settle(
    input: &Input,
    rules: Rules,
    budget: &Budget,
    mut graph: Graph,
    position: Vec<u32>,
    chain_ends: crate::txn::lists::Lists,
) -> Judged {
    let is_read_only = |txn: &u32| input.sources.versions(*txn as usize).is_empty();
    let read_only = graph.txns.iter().map(is_read_only).collect();
    let time_line = if graph.assumed { graph.time_line.clone() } else { 0..0 };
    let (out, into) = (std::mem::take(&mut graph.out), std::mem::take(&mut graph.into));
    let chains = std::mem::take(&mut graph.chains);
    let retracted = std::mem::take(&mut graph.retracted);
    let order = Order::new(position, out, into, time_line, retracted);
    let overlaps = Overlaps::new(chains, graph.keys, rules.snapshots, chain_ends, &order);
    let free = overlaps.chains.len() as u64;
    let mut state = State { order, overlaps, assumptions: Assumptions::new(read_only), forced: 0 };
    let mut done = Ok(0);
    if !state.overlaps.is_clean() {
        state.order.prepare();
        done = state.saturate(budget).map(|()| 0);
        if done.is_ok() && !state.overlaps.is_clean() {
            done = Search::new(&mut state).run(budget);
        }
    }
    let conflicts = *done.as_ref().unwrap_or(&0);
    let answer = match done {
        Ok(_) => Answer::Execution(execution(&graph, state.order.positions())),
        Err(Halt::Budget) => Answer::Unknown(format!(
            "the budget of {} conflicts and {} steps was used up",
            budget.conflicts, budget.steps
        )),
        Err(Halt::Conflict(conflict)) => {
            let before = |node| state.order.predecessors(node);
            Answer::Impossible(graph.transactions(&conflict.nodes, before))
        }
    };
    let effort = vec![
        ("chains", free),
        ("forced", state.forced as u64),
        ("conflicts", conflicts),
        ("assumptions_retracted", state.assumptions.retracted as u64),
    ];
    Judged { answer, effort }
}

impl Graph {
    /// The transactions of nodes; of nodes that gather readers, those.
    fn transactions<'a>(&self, nodes: &[u32], before: impl Fn(u32) -> &'a [u32]) -> Vec<u32> {
        let mut of_commit = rustc_hash::FxHashMap::default();
        for &txn in &self.txns {
            of_commit.insert(self.commit[txn as usize], txn);
        }
        let mut txns = Vec::new();
        for &node in nodes.iter().filter(|&&node| node != NONE) {
            match self.txns.get(node as usize) {
                Some(&txn) => txns.push(txn),
                None if self.gatherers.contains(&node) => {
                    let readers = before(node).iter();
                    txns.extend(readers.map(|&reader| self.txns[reader as usize]));
                }
                None => txns.extend(of_commit.get(&node)),
            }
        }
        txns.sort_unstable();
        txns.dedup();
        txns
    }
}
