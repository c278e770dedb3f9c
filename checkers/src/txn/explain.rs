//! Cycles and other accusations as findings, argued as Elle argues: who must come before whom, and
//! why that cannot be.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::cycles::Cycle as Found;
use super::dependencies::{PROCESS, REALTIME, RW, WR, WW};
use super::evidence::Told;
use super::{Anomaly, Function, Transactions, words};
use crate::finding::{Cycle, CycleEdge, CycleNode, Dependency, Finding};
use crate::graph::Kinds;
use crate::history::{Completion, Nanos};
use crate::topics;

/// Transactions listed with a finding.
const LISTED_MAX: usize = 50;

/// The micro-operations that make one transaction depend on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Place of the key.
    pub key: u32,
    /// Places in the micro-operations of their transactions.
    pub from: usize,
    pub to: usize,
}

/// Who knows the reason of a dependency.
pub(crate) trait Reasons {
    /// The micro-operations behind an edge of kind ww, wr or rw.
    fn link(&self, from: u32, to: u32, kind: Kinds) -> Option<Link>;

    /// `T2 observed T1's append of 5 to key "x"`
    fn because(&self, edge: Edge<'_>) -> String;
}

/// A dependency to be put in words.
#[derive(Clone, Copy)]
pub(crate) struct Edge<'a> {
    pub from: u32,
    pub to: u32,
    /// Their names in the argument.
    pub names: [&'a str; 2],
    pub kind: Kinds,
    pub link: Link,
}

/// The finding that a cycle is.
pub(crate) fn of_cycle(
    txns: &Transactions<'_>,
    reasons: &impl Reasons,
    anomaly: Anomaly,
    found: &Found,
) -> Finding {
    let steps = from_the_strongest(found);
    let names: Vec<String> = (1..=steps.len()).map(|number| format!("T{number}")).collect();
    let edges: Vec<CycleEdge> = (0..steps.len())
        .map(|place| {
            let next = (place + 1) % steps.len();
            let between = (steps[place].0, steps[next].0);
            edge(txns, reasons, (place, next), between, steps[place].1, &names)
        })
        .collect();
    let members: Vec<u32> = steps.iter().map(|step| step.0).collect();
    let mut argument = Vec::new();
    for (place, edge) in edges.iter().enumerate() {
        let last = place + 1 == edges.len();
        let (begin, end) = match (place, last) {
            (_, true) => ("However, ", ": a contradiction!"),
            (0, _) => ("Then ", "."),
            _ => ("", "."),
        };
        let (from, to) = (&names[edge.from], &names[edge.to]);
        argument.push(format!("{begin}{from} < {to}, because {}{end}", edge.because));
    }
    let keyed = edges.iter().find(|edge| edge.kind == Dependency::Rw).or(edges.first());
    let title = title(txns, anomaly, &members, keyed);
    let key = keyed.and_then(|edge| edge.key.clone());
    let nodes = (0..members.len()).map(|place| CycleNode {
        name: names[place].clone(),
        operation: txns.operation(members[place] as usize).index(),
        micros: micros(txns, members[place]),
    });
    let cycle = Cycle { nodes: nodes.collect(), edges };
    Finding { cycle: Some(cycle), ..finding(txns, anomaly, key, title, &members, argument) }
}

/// The finding that another accusation is.
pub(crate) fn of_case(txns: &Transactions<'_>, told: &Told) -> Finding {
    let case = &told.case;
    let key = txns.values().get(txns.keys()[case.key as usize]);
    let argument = vec![case.argument.clone()];
    let found = finding(txns, case.anomaly, Some(key), case.title.clone(), &case.txns, argument);
    Finding { contrast: told.contrast.clone(), ..found }
}

/// Begins with what a session or time says last: that is what contradicts the data. Without
/// these, with the anti-dependency last.
fn from_the_strongest(found: &Found) -> Vec<(u32, Kinds)> {
    let mut steps = found.steps.clone();
    let strongest = (0..steps.len()).max_by_key(|&place| (steps[place].1, place));
    let first = strongest.map_or(0, |place| (place + 1) % steps.len());
    steps.rotate_left(first);
    steps
}

fn edge(
    txns: &Transactions<'_>,
    reasons: &impl Reasons,
    (place, next): (usize, usize),
    (from, to): (u32, u32),
    kind: Kinds,
    names: &[String],
) -> CycleEdge {
    let names = [names[place].as_str(), names[next].as_str()];
    let plain = |kind, because| CycleEdge {
        from: place,
        to: next,
        kind,
        key: None,
        from_value: None,
        to_value: None,
        from_micro: None,
        to_micro: None,
        because,
    };
    let kind_of = match kind {
        WW => Dependency::Ww,
        WR => Dependency::Wr,
        RW => Dependency::Rw,
        PROCESS => {
            let process = txns.operation(from as usize).process();
            let because = format!("process {process} did {} before {}", names[0], names[1]);
            return plain(Dependency::Process, because);
        }
        _ => {
            debug_assert_eq!(kind, REALTIME);
            return plain(Dependency::Realtime, in_time(txns, from, to, names));
        }
    };
    let Some(link) = reasons.link(from, to, kind) else {
        debug_assert!(false, "no reason for {kind_of:?} from {from} to {to}");
        return plain(kind_of, "of what they read and wrote".to_owned());
    };
    let value = |txn: u32, micro: usize| {
        txns.micros(txn as usize).get(micro).map(|micro| txns.values().get(micro.value))
    };
    CycleEdge {
        key: Some(txns.values().get(txns.keys()[link.key as usize])),
        from_value: value(from, link.from),
        to_value: value(to, link.to),
        from_micro: Some(link.from),
        to_micro: Some(link.to),
        ..plain(kind_of, reasons.because(Edge { from, to, names, kind, link }))
    }
}

fn in_time(txns: &Transactions<'_>, from: u32, to: u32, [a, b]: [&str; 2]) -> String {
    let over = txns.operation(from as usize).completed_at().unwrap_or_default();
    let begun = txns.operation(to as usize).invoked_at();
    let digits = digits([over, begun]);
    let gap = Nanos(begun.0.saturating_sub(over.0));
    format!(
        "{a} completed at {over:.digits$}, {gap:.digits$} before the invocation of {b} at \
         {begun:.digits$}"
    )
}

/// Digits after the second: as many as it takes to tell two times apart.
fn digits([a, b]: [Nanos; 2]) -> usize {
    let apart = |unit: u64| a.0 / unit != b.0 / unit;
    [(3, 1_000_000), (6, 1_000)].into_iter().find(|(_, unit)| apart(*unit)).map_or(9, |(d, _)| d)
}

fn title(
    txns: &Transactions<'_>,
    anomaly: Anomaly,
    members: &[u32],
    edge: Option<&CycleEdge>,
) -> String {
    let on = match edge.and_then(|edge| edge.key.as_ref()) {
        Some(key) => format!(" (key {key})"),
        None => String::new(),
    };
    let ops: Vec<String> = members.iter().take(6).map(|&txn| words::op(txns, txn)).collect();
    let more = if members.len() > ops.len() { ", …" } else { "" };
    let ops = ops.join(", ");
    format!("{anomaly}: {} transactions in a circle{on}: {ops}{more}", members.len())
}

fn finding(
    txns: &Transactions<'_>,
    anomaly: Anomaly,
    key: Option<Value>,
    title: String,
    members: &[u32],
    argument: Vec<String>,
) -> Finding {
    let mut prose: Vec<String> =
        (1..).zip(members).take(LISTED_MAX).map(|(n, &txn)| told(txns, n, txn)).collect();
    prose.extend(argument);
    let mut inorder: Vec<u32> = members.iter().copied().take(LISTED_MAX).collect();
    inorder.sort_unstable();
    inorder.dedup();
    let operations: Vec<_> = inorder.iter().map(|&txn| txns.operation(txn as usize)).collect();
    let ends = operations.iter().flat_map(|op| [Some(op.invoked_at()), op.completed_at()]);
    let times: Vec<Nanos> = ends.flatten().collect();
    let from = times.iter().min().copied().unwrap_or_default();
    let to = times.iter().max().copied().unwrap_or_default();
    Finding {
        anomaly: topics::known(anomaly.name()).to_owned(),
        key,
        title,
        prose,
        operations: operations.iter().map(|operation| operation.index()).collect(),
        from,
        to,
        faults: txns.history().faults_during(from, to),
        witness: None,
        cycle: None,
        contrast: Vec::new(),
    }
}

/// `Let T1 = {op 4, process 1 on n2, append "x" 5, r "y" [1, 2], 1.000 s to 1.200 s}.`
fn told(txns: &Transactions<'_>, number: usize, txn: u32) -> String {
    let operation = txns.operation(txn as usize);
    let mut text =
        format!("Let T{number} = {{{}, process {}", words::op(txns, txn), operation.process());
    if let Some(node) = operation.node() {
        let _ = write!(text, " on {node}");
    }
    for micro in txns.micros(txn as usize) {
        let key = words::key(txns, micro.key());
        let _ = match (micro.f(), txns.completion(txn as usize)) {
            (Function::Append, _) => {
                write!(text, ", append {key} {}", words::value(txns, micro.value))
            }
            (Function::Write, _) => write!(text, ", w {key} {}", words::value(txns, micro.value)),
            (Function::Read, Completion::Ok) => {
                write!(text, ", r {key} {}", words::value(txns, micro.value))
            }
            (Function::Read, _) => write!(text, ", r {key}"),
        };
    }
    let begin = operation.invoked_at();
    let _ = match operation.completed_at() {
        Some(end) => {
            let digits = digits([begin, end]);
            let failed = match operation.completion() {
                Completion::Fail => "failed, ",
                Completion::Ok | Completion::Info => "",
            };
            write!(text, ", {failed}{begin:.digits$} to {end:.digits$}}}.")
        }
        None => write!(text, ", invoked at {begin:.3}, its outcome was never known}}."),
    };
    text
}

fn micros(txns: &Transactions<'_>, txn: u32) -> Value {
    let micro = |micro: &super::Micro| {
        let f = match micro.f() {
            Function::Append => "append",
            Function::Write => "w",
            Function::Read => "r",
        };
        let key = txns.values().get(txns.keys()[micro.key() as usize]);
        json!([f, key, txns.values().get(micro.value)])
    };
    txns.micros(txn as usize).iter().map(micro).collect()
}
