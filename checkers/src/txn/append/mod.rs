//! List-append: a read of a list tells the whole order of its versions, so that dependencies are
//! known rather than guessed (Kingsbury & Alvaro, VLDB 2020).
//!
//! What could be argued, decided once:
//!
//! * The **initial** list is empty; null is the empty list.
//! * A **failed** transaction did not happen: whoever reads its element has read what was aborted.
//! * A transaction in **doubt** (info) happened if an ok transaction found one of its elements, as
//!   all models from read committed upwards have it; then all of its appends happened. Otherwise
//!   nothing is asked of it.
//! * An ok append that **nobody read** comes after all that was read of that list: else it would
//!   have been read. Among several such appends the order is open.
//! * What a transaction reads **after its own appends** ends with these; the rest is what it read
//!   of others.
//! * When two reads of a list **contradict** each other, only what all reads agree on is taken as
//!   its order. When an element is **in a list twice**, what is before the second.
//! * An element **appended to a key twice**, by transactions that may both have happened, has no
//!   known writer: what rests on it is left out, and *valid* becomes *unknown*.

mod edges;
mod key;
mod links;
mod lists;
mod own;
#[cfg(test)]
mod tests;
mod told;

use lists::Lists;

use super::Transactions;
use super::check::{Known, TxnOptions, undecided};
use crate::finding::CheckResult;
use crate::history::History;

const CHECK: &str = "list-append";

/// Judges transactions of appends to lists and reads of them.
///
/// *Violated* if and only if an anomaly was found that one of the asked models rules out. Figures:
/// `anomalies` (how many of each), `anomalies-allowed` (those that the asked models allow), `not`
/// (the weakest models ruled out), `also-not` (stronger ones), `survive` (the strongest that are
/// not), `transactions`, `transactions_ok`, `dependencies`, `findings_left_out`.
pub fn list_append(history: &History, options: &TxnOptions) -> CheckResult {
    let problem = |text: String| undecided(CHECK, format!("not a history of lists: {text}"));
    let txns = match Transactions::of(history) {
        Ok(txns) => txns,
        Err(error) => return problem(error.to_string()),
    };
    let lists = match Lists::of(&txns) {
        Ok(lists) => lists,
        Err(error) => return problem(error),
    };
    let known = Known {
        check: CHECK,
        txns: &txns,
        versions: &lists,
        sightings: &lists.sightings,
        doubts: &lists.doubts,
    };
    known.judge(options)
}
