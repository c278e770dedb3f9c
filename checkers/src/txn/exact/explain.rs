//! Why a few transactions have no execution, in words.
//!
//! The order of two writers of a key is told as it is forced: the other way round there is a cycle.
//! It ends where neither way is left. All over pairs and paths again and again: for a handful.

use std::collections::VecDeque;

use super::Level;
use super::chains::Versions;
use super::core::contradicts;
use super::input::{Input, Rules};
use crate::txn::sources::INITIAL;
use crate::txn::told::{self, Case, capital};
use crate::txn::transactions::Transactions;

/// Beyond so many transactions nobody follows an argument.
const ARGUED_MAX: usize = 16;

/// The name of a contradiction.
pub(super) fn anomaly(input: &Input, level: Level, core: &[u32]) -> &'static str {
    let rules = level.rules();
    let few = input.restrict(core);
    if Versions::of(&few.sources).is_err() {
        return "lost-update";
    }
    let plain = Rules { real_time: false, sessions: false, ..rules };
    match (rules.snapshots, contradicts(input, plain, core), rules.real_time) {
        (false, true, _) => "non-serializable",
        (false, false, false) => "non-serializable-process",
        (false, false, true) => "non-serializable-realtime",
        (true, true, _) => "non-snapshot-isolated",
        (true, false, false) => "non-snapshot-isolated-process",
        (true, false, true) => "non-snapshot-isolated-realtime",
    }
}

/// Why one thing comes before another.
#[derive(Clone, Copy, Debug)]
enum Reason {
    /// A transaction begins before it commits.
    Within,
    /// It was read from.
    Read {
        key: u32,
    },
    /// The value it read was replaced by the other.
    Replaced {
        key: u32,
    },
    /// Both wrote the key, in this order.
    Order {
        key: u32,
    },
    RealTime,
    Session,
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    from: usize,
    to: usize,
    reason: Reason,
}

/// A few transactions, numbered from 0; node `2 t` is the begin of `t`, `2 t + 1` its commit; the
/// same node where there are no snapshots.
struct Few<'a> {
    txns: &'a Transactions<'a>,
    names: &'a [u32],
    snapshots: bool,
    /// Who wrote each key: key and writers.
    writers: Vec<(u32, Vec<usize>)>,
    /// Key, writer (none: the initial value) and reader.
    reads: Vec<(u32, Option<usize>, usize)>,
    edges: Vec<Edge>,
}

impl Few<'_> {
    fn begin(txn: usize) -> usize {
        2 * txn
    }

    fn commit(&self, txn: usize) -> usize {
        if self.snapshots { 2 * txn + 1 } else { 2 * txn }
    }

    /// All that follows if `a` wrote the key before `b`.
    fn ordered(&self, key: u32, a: usize, b: usize) -> Vec<Edge> {
        let order = Reason::Order { key };
        let mut edges = vec![Edge { from: self.commit(a), to: Self::begin(b), reason: order }];
        for &(of, writer, reader) in &self.reads {
            if of == key && writer == Some(a) && reader != b {
                let reason = Reason::Replaced { key };
                edges.push(Edge { from: Self::begin(reader), to: self.commit(b), reason });
            }
        }
        edges
    }

    /// A shortest cycle through one of `new` and the edges that are there.
    fn cycle(&self, new: &[Edge]) -> Option<Vec<Edge>> {
        let cycles = new.iter().filter_map(|&edge| {
            let mut cycle = vec![edge];
            if edge.from != edge.to {
                cycle.extend(self.path(edge.to, edge.from, new)?);
            }
            Some(cycle)
        });
        cycles.min_by_key(Vec::len)
    }

    fn path(&self, from: usize, to: usize, new: &[Edge]) -> Option<Vec<Edge>> {
        let mut reached: Vec<Option<Edge>> = vec![None; 2 * self.names.len()];
        let mut open = VecDeque::from([from]);
        while let Some(node) = open.pop_front() {
            for edge in self.edges.iter().chain(new).filter(|edge| edge.from == node) {
                if edge.to != from && reached[edge.to].is_none() {
                    reached[edge.to] = Some(*edge);
                    open.push_back(edge.to);
                }
            }
        }
        let (mut path, mut node) = (Vec::new(), to);
        while node != from {
            let edge = reached[node]?;
            path.push(edge);
            node = edge.from;
        }
        path.reverse();
        Some(path)
    }

    fn name(&self, node: usize) -> String {
        told::name(self.txns, self.names[node / 2])
    }

    /// `op 3 comes before op 7, which read x = 1 from it`
    fn edge(&self, edge: &Edge) -> Option<String> {
        let (from, to) = (self.name(edge.from), self.name(edge.to));
        let key = |key| told::key(self.txns, key);
        // Of snapshots only the end matters to who is read from, and the begin to who reads.
        let before = if self.snapshots { "began before" } else { "comes before" };
        let ends = if self.snapshots { " committed" } else { "" };
        Some(match edge.reason {
            Reason::Within => return None,
            Reason::Read { key: of } => {
                let value = told::written(self.txns, self.names[edge.from / 2], of);
                format!("{from} comes before {to}, which read {} = {value} from it", key(of))
            }
            Reason::Replaced { key: of } => {
                format!("{from} {before} {to}{ends}, which replaced the {} it read", key(of))
            }
            Reason::Order { key: of } => format!("{from} wrote {} before {to}", key(of)),
            Reason::RealTime => format!("{from} was over before {to} was invoked"),
            Reason::Session => format!("{from} comes before {to} in their session"),
        })
    }

    fn told(&self, cycle: &[Edge]) -> String {
        let words: Vec<String> = cycle.iter().filter_map(|edge| self.edge(edge)).collect();
        words.join("; ")
    }

    /// The argument, a sentence per item; incomplete if it comes to no end.
    fn argue(&mut self) -> Vec<String> {
        let mut argument = Vec::new();
        let certain = self.edges.clone();
        if let Some(cycle) = self.cycle(&certain) {
            return vec![capital(&format!("{}: a contradiction.", self.told(&cycle)))];
        }
        let mut open: Vec<(u32, usize, usize)> = Vec::new();
        for (key, writers) in &self.writers {
            for (at, &a) in writers.iter().enumerate() {
                open.extend(writers[at + 1..].iter().map(|&b| (*key, a, b)));
            }
        }
        loop {
            let before = open.len();
            let mut left = Vec::new();
            for (key, a, b) in open {
                let (first, second) = (self.ordered(key, a, b), self.ordered(key, b, a));
                let what = |a: usize, b: usize| {
                    let key = told::key(self.txns, key);
                    format!("{} wrote {key} before {}", self.name(2 * a), self.name(2 * b))
                };
                let (chosen, cycle, text) = match (self.cycle(&first), self.cycle(&second)) {
                    (None, None) => {
                        left.push((key, a, b));
                        continue;
                    }
                    (Some(one), Some(other)) => {
                        for (cycle, text) in [(one, what(a, b)), (other, what(b, a))] {
                            argument.push(format!("Suppose {text}: {}.", self.told(&cycle)));
                        }
                        argument.push("Neither is possible: a contradiction.".to_owned());
                        return argument;
                    }
                    (Some(cycle), None) => (second, cycle, what(b, a)),
                    (None, Some(cycle)) => (first, cycle, what(a, b)),
                };
                // What the edges say anyway needs no words.
                if !self.is_plain(&cycle) {
                    let otherwise = self.told(&cycle);
                    argument.push(format!("{}, for otherwise: {otherwise}.", capital(&text)));
                }
                self.edges.extend(chosen);
            }
            if left.len() == before {
                argument.push(
                    "Every order of the writes that are left contradicts what was read.".to_owned(),
                );
                return argument;
            }
            open = left;
        }
    }

    /// The order supposed, and one thing that says the opposite: nobody doubts who came first.
    fn is_plain(&self, cycle: &[Edge]) -> bool {
        let steps = cycle.iter().filter(|edge| !matches!(edge.reason, Reason::Within)).count();
        steps <= 2 && matches!(cycle[0].reason, Reason::Order { .. })
    }
}

/// Writers, reads and certain edges of a few transactions.
fn few<'a>(txns: &'a Transactions<'a>, input: &Input, rules: Rules, core: &'a [u32]) -> Few<'a> {
    let mut few = Few {
        txns,
        names: core,
        snapshots: rules.snapshots,
        writers: Vec::new(),
        reads: Vec::new(),
        edges: Vec::new(),
    };
    let place = |txn: u32| core.binary_search(&txn).ok();
    let sources = &input.sources;
    let mut wrote: std::collections::BTreeMap<u32, Vec<usize>> = std::collections::BTreeMap::new();
    for (at, &txn) in core.iter().enumerate() {
        for &key in sources.keys_written(txn as usize) {
            wrote.entry(key).or_default().push(at);
        }
        for read in sources.reads(txn as usize) {
            let writer = match read.version {
                INITIAL => None,
                version => match place(sources.writer(version)) {
                    Some(writer) => Some(writer),
                    None => continue,
                },
            };
            few.reads.push((read.key, writer, at));
        }
    }
    few.writers = wrote.into_iter().collect();
    let mut edges = Vec::new();
    if rules.snapshots {
        let within = |at| Edge { from: 2 * at, to: 2 * at + 1, reason: Reason::Within };
        edges.extend((0..core.len()).map(within));
    }
    for &(key, writer, reader) in &few.reads {
        if let Some(writer) = writer {
            let (from, to) = (few.commit(writer), Few::begin(reader));
            edges.push(Edge { from, to, reason: Reason::Read { key } });
            continue;
        }
        let writers = few.writers.iter().filter(|writers| writers.0 == key);
        for &writer in writers.flat_map(|writers| &writers.1).filter(|&&writer| writer != reader) {
            let (from, to) = (Few::begin(reader), few.commit(writer));
            edges.push(Edge { from, to, reason: Reason::Replaced { key } });
        }
    }
    for a in 0..core.len() {
        for b in (0..core.len()).filter(|&b| b != a) {
            let (from, to) = (input.spans[core[a] as usize], input.spans[core[b] as usize]);
            let reason = match from.completed < to.invoked {
                true if rules.real_time => Reason::RealTime,
                true if rules.sessions && from.process == to.process => Reason::Session,
                _ => continue,
            };
            edges.push(Edge { from: few.commit(a), to: Few::begin(b), reason });
        }
    }
    few.edges = edges;
    few
}

/// The contradiction of a core.
pub(super) fn case(txns: &Transactions<'_>, input: &Input, rules: Rules, core: &[u32]) -> Case {
    let names: Vec<String> = core.iter().take(8).map(|&txn| told::name(txns, txn)).collect();
    let more = if core.len() > names.len() { ", …" } else { "" };
    let order = if rules.snapshots { "no order of snapshots and commits" } else { "no order" };
    let title = format!("{order} explains {}{more}", names.join(", "));
    let argument = if core.len() <= ARGUED_MAX {
        few(txns, input, rules, core).argue()
    } else {
        vec![format!("All orders of these {} transactions contradict what was read.", core.len())]
    };
    Case { key: None, title, argument, about: core.to_vec() }
}
