//! From the input to an execution, or to transactions that contradict each other.

use super::Budget;
use super::assumptions::Assumptions;
use super::chains::{LostUpdate, Versions};
use super::graph::{Graph, Late, TooLarge};
use super::guess::guess;
use super::input::{Input, Rules};
use super::order::Order;
use super::overlap::{Overlaps, ends};
use super::replay::{Event, execution};
use super::saturate::{Halt, State};
use super::search::Search;
use super::sort::Cyclic;
use crate::txn::lists::Lists;
use crate::txn::sources::INITIAL;
use crate::txn::transactions::NONE;

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
    let mut made = guessed(input, rules, Late::Unsought);
    if matches!(&made, Err(Halted::Cycle(graph, _)) if graph.assumed) {
        // Real time may have been assumed of some who cannot have kept it.
        drop(made);
        made = guessed(input, rules, Late::Sought);
    }
    match made {
        Ok(guessed) => settle(input, rules, budget, guessed),
        Err(Halted::Answer(answer)) => answer.into(),
        Err(Halted::Cycle(graph, cyclic)) => {
            let nodes = cyclic.cycle(&graph.out);
            let before = |gatherers: &[u32]| graph.leading_to(gatherers);
            Answer::Impossible(graph.transactions(&nodes, before)).into()
        }
    }
}

/// A graph with an order of its nodes.
struct Guessed {
    graph: Graph,
    position: Vec<u32>,
    ends: Lists,
}

/// Why there is no guess.
enum Halted {
    Answer(Answer),
    /// The graph has a cycle.
    Cycle(Box<Graph>, Cyclic),
}

impl From<Answer> for Halted {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

fn guessed(input: &Input, rules: Rules, late: Late) -> Result<Guessed, Halted> {
    let sources = &input.sources;
    let versions =
        Versions::of(sources).map_err(|LostUpdate { version, first, second, .. }| {
            let writer = (version != INITIAL).then(|| sources.writer(version));
            Answer::Impossible([first, second].into_iter().chain(writer).collect())
        })?;
    let runs = versions.runs(sources).map_err(Answer::Impossible)?;
    let mut graph = Graph::of(input, rules, versions, &runs, late)
        .map_err(|TooLarge| Answer::Unknown("more than a thousand million nodes".to_owned()))?;
    let ends = ends(graph.due.len(), &graph.chains);
    match guess(&graph, rules.snapshots, &ends) {
        Ok(position) => {
            // Only the guess asks for it.
            graph.due = Vec::new();
            Ok(Guessed { graph, position, ends })
        }
        Err(cyclic) => Err(Halted::Cycle(Box::new(graph), cyclic)),
    }
}

/// Mends the guess until nothing overlaps.
fn settle(input: &Input, rules: Rules, budget: &Budget, guessed: Guessed) -> Judged {
    let Guessed { mut graph, position, ends } = guessed;
    let is_read_only = |txn: &u32| input.sources.versions(*txn as usize).is_empty();
    let read_only = graph.txns.iter().map(is_read_only).collect();
    let time_line = if graph.assumed { graph.time_line.clone() } else { 0..0 };
    let out = std::mem::take(&mut graph.out);
    let chains = std::mem::take(&mut graph.chains);
    let retracted = std::mem::take(&mut graph.retracted);
    let order = Order::new(position, out, time_line, retracted);
    let overlaps = Overlaps::new(chains, graph.keys, rules.snapshots, ends, &order);
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
    let effort = vec![
        ("chains", free),
        ("forced", state.forced as u64),
        ("conflicts", *done.as_ref().unwrap_or(&0)),
        ("assumptions_retracted", state.assumptions.retracted as u64),
    ];
    let order = state.order;
    // There may be little memory left for an execution.
    drop(state.overlaps);
    let answer = match done {
        Ok(_) => Answer::Execution(execution(&graph, &order.into_positions())),
        Err(Halt::Budget) => Answer::Unknown(format!(
            "the budget of {} conflicts and {} steps was used up",
            budget.conflicts, budget.steps
        )),
        Err(Halt::Conflict(conflict)) => {
            let before = |gatherers: &[u32]| {
                gatherers.iter().flat_map(|&node| order.predecessors(node)).copied().collect()
            };
            Answer::Impossible(graph.transactions(&conflict.nodes, before))
        }
    };
    Judged { answer, effort }
}

impl Graph {
    /// The transactions of nodes; of nodes that gather readers, those, who are found by `before`.
    fn transactions(&self, nodes: &[u32], before: impl Fn(&[u32]) -> Vec<u32>) -> Vec<u32> {
        let mut of_commit = rustc_hash::FxHashMap::default();
        for &txn in &self.txns {
            of_commit.insert(self.commit[txn as usize], txn);
        }
        let (mut txns, mut gatherers) = (Vec::new(), Vec::new());
        for &node in nodes.iter().filter(|&&node| node != NONE) {
            match self.txns.get(node as usize) {
                Some(&txn) => txns.push(txn),
                None if self.gatherers.contains(&node) => gatherers.push(node),
                None => txns.extend(of_commit.get(&node)),
            }
        }
        if !gatherers.is_empty() {
            gatherers.sort_unstable();
            let readers = before(&gatherers).into_iter();
            txns.extend(readers.map(|reader| self.txns[reader as usize]));
        }
        txns.sort_unstable();
        txns.dedup();
        txns
    }

    /// The nodes from which an edge leads to one of these, which are in order.
    fn leading_to(&self, nodes: &[u32]) -> Vec<u32> {
        let is_one = |to: &u32| nodes.binary_search(to).is_ok();
        (0..self.out.len() as u32).filter(|&from| self.out.at(from).iter().any(is_one)).collect()
    }
}
