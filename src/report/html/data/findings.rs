//! Findings as the script draws them: orders to step through, and cycles.

use isobar_checkers::history::Completion;
use isobar_checkers::{Cycle, CycleEdge, CycleNode, Finding};
use serde::Serialize;

use super::super::super::words;
use super::super::Page;
use super::shown;

/// Last steps of an order of events that are drawn.
const STEPS_MAX: usize = 400;
const BLOCKED_MAX: usize = 40;
/// Micro-operations told of one transaction.
const MICROS_MAX: usize = 64;

#[derive(Serialize)]
pub struct Told {
    title: String,
    from: u64,
    to: u64,
    faults: Vec<u32>,
    operations: Vec<u32>,
    witness: Option<Order>,
    cycle: Option<Ring>,
}

/// The longest partial linearization.
#[derive(Serialize)]
struct Order {
    /// (operation, state after it)
    steps: Vec<(u32, String)>,
    /// Steps before these.
    left_out: usize,
    /// At the end.
    state: String,
    /// (operation, why it cannot come next)
    blocked: Vec<(u32, String)>,
}

#[derive(Serialize)]
struct Ring {
    nodes: Vec<RingNode>,
    edges: Vec<RingEdge>,
}

#[derive(Serialize)]
struct RingNode {
    name: String,
    operation: u32,
    micros: Vec<String>,
}

#[derive(Serialize)]
struct RingEdge {
    from: usize,
    to: usize,
    kind: &'static str,
    from_micro: Option<usize>,
    to_micro: Option<usize>,
    because: String,
}

pub fn told(page: &Page<'_>, finding: &Finding) -> Told {
    let witness = finding.witness.as_ref().map(|witness| {
        let left_out = witness.linearization.len().saturating_sub(STEPS_MAX);
        let steps = witness.linearization[left_out..].iter();
        let blocked = witness.blocked.iter().take(BLOCKED_MAX);
        Order {
            steps: steps.map(|step| (step.operation.0, words::value(&step.state))).collect(),
            left_out,
            state: words::value(&witness.state),
            blocked: blocked.map(|one| (one.operation.0, shown(&one.reason, 400))).collect(),
        }
    });
    Told {
        title: shown(&finding.title, 300),
        from: finding.from.0,
        to: finding.to.0,
        faults: finding.faults.clone(),
        operations: finding.operations.iter().map(|index| index.0).collect(),
        witness,
        cycle: finding.cycle.as_ref().map(|cycle| ring(page, cycle)),
    }
}

fn ring(page: &Page<'_>, cycle: &Cycle) -> Ring {
    let node = |node: &CycleNode| {
        let micros = node.micros.as_array().map(Vec::as_slice).unwrap_or_default();
        let operation = page.operation(node.operation);
        let known = operation.is_some_and(|operation| operation.completion() == Completion::Ok);
        RingNode {
            name: shown(&node.name, 40),
            operation: node.operation.0,
            micros: micros.iter().take(MICROS_MAX).map(|one| words::micro(one, known)).collect(),
        }
    };
    let edge = |edge: &CycleEdge| RingEdge {
        from: edge.from,
        to: edge.to,
        kind: edge.kind.word(),
        from_micro: edge.from_micro,
        to_micro: edge.to_micro,
        because: shown(&edge.because, 400),
    };
    Ring {
        nodes: cycle.nodes.iter().map(node).collect(),
        edges: cycle.edges.iter().map(edge).collect(),
    }
}
