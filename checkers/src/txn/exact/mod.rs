//! Serializability and snapshot isolation of registers, exactly: also where transactions write
//! without having read, so that the order of versions is not known.
//!
//! ```text
//! Sources ──▶ chains of versions ──▶ graph of what is certain ──▶ guess of an order
//!         ──▶ chains that overlap: what is forced, then a search ──▶ execution, or a core
//! ```
//!
//! The problem is NP-complete (Papadimitriou, JACM 26:4, 1979), but histories of real systems leave
//! little to search for. *Valid* is only said with an execution that `replay` has carried out;
//! *violated* only with transactions that contradict each other, as few as could be found, which
//! were judged again by themselves. Past the [`Budget`] the answer is *unknown*.
//!
//! What could be argued, decided once: a crashed transaction happened if a value of its was found,
//! and otherwise counts as absent; a failed one did not happen; null is the initial value; values
//! that several transactions wrote to a key are matched with none, and where such a read is left
//! out the history is *valid* only if the execution found explains that read too.

mod assumptions;
#[cfg(test)]
mod brute;
mod chains;
mod core;
mod explain;
mod graph;
mod guess;
mod input;
mod judge;
mod label;
mod order;
mod overlap;
mod replay;
mod saturate;
mod search;
mod sort;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::input::Input;
use self::judge::{Answer, Judged, judge};
use super::sources::Sources;
use super::spelt::Spelt;
use super::told::{self, Evidence, unjudged};
use super::transactions::Transactions;
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

pub use replay::Event;

/// What a history is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// One transaction after the other, in some order.
    Serializable,
    /// In an order that sessions keep.
    StrongSessionSerializable,
    /// In an order that real time keeps.
    StrictSerializable,
    /// Reads come from a snapshot; of two transactions that write the same key, one ends before the
    /// other begins (Berenson et al., SIGMOD 1995). The snapshot may be of any time before.
    SnapshotIsolation,
    /// A snapshot holds what came before in the session.
    StrongSessionSnapshotIsolation,
    /// A snapshot holds all that was over when the transaction was invoked.
    StrongSnapshotIsolation,
}

impl Level {
    /// Every model that is decided exactly.
    pub const ALL: [Self; 6] = [
        Self::Serializable,
        Self::StrongSessionSerializable,
        Self::StrictSerializable,
        Self::SnapshotIsolation,
        Self::StrongSessionSnapshotIsolation,
        Self::StrongSnapshotIsolation,
    ];

    /// What it asks of a history without times.
    fn without_time(self) -> Self {
        match self {
            Self::StrictSerializable => Self::StrongSessionSerializable,
            Self::StrongSnapshotIsolation => Self::StrongSessionSnapshotIsolation,
            other => other,
        }
    }

    /// The name of the check.
    pub fn name(self) -> &'static str {
        match self {
            Self::Serializable => "serializable",
            Self::StrongSessionSerializable => "strong-session-serializable",
            Self::StrictSerializable => "strict-serializable",
            Self::SnapshotIsolation => "snapshot-isolation",
            Self::StrongSessionSnapshotIsolation => "strong-session-snapshot-isolation",
            Self::StrongSnapshotIsolation => "strong-snapshot-isolation",
        }
    }
}

/// Limits in units that do not depend on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Contradictions of the search.
    pub conflicts: u64,
    /// Nodes looked at while orders are mended: the measure of time. A core does some ten million
    /// in a second.
    pub steps: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { conflicts: 1_000_000, steps: 1_000_000_000 }
    }
}

/// Judges a history of `txn` operations on registers (`["w", k, v]`, `["r", k, v]`).
///
/// A level of real time is judged by its sessions where the history has no times: it is *violated*
/// or *unknown*. *Unknown* as well where the history is of another type, past the budget, and where
/// reads found values that several transactions wrote and nothing else is wrong. Figures:
/// `transactions` that happened, `reads`, `reads_left_out`, `chains` whose order was free,
/// `forced`, `conflicts`, `assumptions_retracted`.
pub fn check(history: &History, level: Level, budget: &Budget) -> CheckResult {
    let parts = Transactions::of(history).map_err(|error| error.to_string());
    let parts = parts.and_then(|txns| Sources::of(&txns).map(|sources| (txns, sources)));
    let (txns, sources) = match parts {
        Ok(parts) => parts,
        Err(problem) => return unjudged(level.name(), problem),
    };
    let spelt = Spelt::from(txns);
    let (txns, mut evidence) = (spelt.get(), Evidence::new(&spelt));
    for fault in &sources.faults {
        told::fault(txns, fault, &mut evidence);
    }
    let ambiguous = sources.ambiguous;
    let input = Input::new(txns, sources);
    let judged = if input.timed { level } else { level.without_time() };
    let rules = judged.rules();
    let mut figures = figures(&input, ambiguous);
    let summary = |figures: &BTreeMap<String, Value>| {
        format!("{} transactions with {} reads", figures["transactions"], figures["reads"])
    };
    if !evidence.is_empty() {
        return evidence.finish(level.name(), Verdict::Valid, summary(&figures), figures);
    }
    let Judged { answer, effort } = judge(&input, rules, budget);
    for (name, count) in effort {
        figures.insert(name.to_owned(), json!(count));
    }
    let verdict = match answer {
        Answer::Execution(execution) => {
            if judged != level {
                Verdict::Unknown("the history has no times".to_owned())
            } else if replay::accepts(txns, rules, &execution) {
                Verdict::Valid
            } else if ambiguous > 0 {
                Verdict::Unknown(format!(
                    "{ambiguous} reads found values that more than one transaction may have \
                     written"
                ))
            } else {
                Verdict::Unknown("the execution found was not confirmed".to_owned())
            }
        }
        Answer::Impossible(suspects) => {
            let core = core::shrink(&input, rules, suspects);
            let case = explain::case(txns, &input, rules, &core);
            evidence.add(explain::anomaly(&input, judged, &core), || case);
            Verdict::Violated
        }
        Answer::Unknown(reason) => Verdict::Unknown(reason),
    };
    evidence.finish(level.name(), verdict, summary(&figures), figures)
}

fn figures(input: &Input, ambiguous: usize) -> BTreeMap<String, Value> {
    let present = (0..input.spans.len()).filter(|&txn| input.sources.is_present(txn)).count();
    BTreeMap::from([
        ("transactions".to_owned(), json!(present)),
        ("reads".to_owned(), json!(input.sources.all_reads().len())),
        ("reads_left_out".to_owned(), json!(ambiguous)),
    ])
}
