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
//! * Models below those that cycles define (read atomic, causal, the session guarantees, …) have a
//!   transaction **read from** who appended the last element that it found of others: the version,
//!   as Adya has it. Who appended earlier ones was replaced.

mod edges;
mod entry;
mod found;
mod key;
mod links;
mod lists;
mod own;
#[cfg(test)]
mod tests;
mod told;
mod unfolded;

pub(super) use lists::Lists;
use serde_json::json;
use unfolded::Unfolded;

use super::check::{Counted, Known, TxnOptions, unjudged};
use super::cycles::Cycle;
use super::decide::{self, Decided, Effort};
use super::dependencies::RW;
use super::weak::{Followed, FollowedBoth, Level, Scope};
use super::{Anomaly, Model};
use super::{Transactions, explain};
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "list-append";

/// Judges transactions of appends to lists and reads of them.
///
/// *Violated* if and only if an anomaly was found that one of the asked models rules out. Figures:
/// `anomalies` (how many of each), `anomalies-allowed` (those that the asked models allow), `not`
/// (the weakest models ruled out), `also-not` (stronger ones), `survive` (the strongest that are
/// not), `transactions`, `transactions_ok`, `dependencies`, `findings_left_out`.
pub fn list_append(history: &History, options: &TxnOptions) -> CheckResult {
    let problem = |text: String| unjudged(CHECK, format!("not a history of lists: {text}"));
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
    let mut followed = FollowedBoth::default();
    let mut exactly = |counted: &Counted, model, effort: Effort| {
        let exactly = || of_lists(&lists, counted, &mut followed, model);
        effort.reaches(txns.len()).then(exactly).flatten()
    };
    let (result, counted) = known.judge(options, &mut exactly);
    if result.verdict == Verdict::Violated || !options.anomalies.is_empty() {
        return result;
    }
    let verdict = result.verdict.clone();
    let mut exactly = |model, effort| exactly(&counted, model, effort);
    let refined = decide::refine(result, &options.models, &mut exactly);
    match (&refined.verdict, &verdict) {
        // What was left out may matter to all.
        (Verdict::Valid | Verdict::Unknown(_), Verdict::Unknown(_)) => {
            CheckResult { verdict, ..refined }
        }
        _ => refined,
    }
}

/// The exact answer for a model, if its anomalies or an algorithm give it.
fn of_lists<'a>(
    lists: &Lists<'a>,
    counted: &Counted,
    followed: &mut FollowedBoth<'a>,
    model: Model,
) -> Option<Decided> {
    if counted.counts.keys().any(|&anomaly| model.forbids(anomaly)) {
        return Some(Decided::Forbidden);
    }
    if let Some((level, scope)) = by_search(model) {
        return Some(match counted.counts.is_empty() {
            // No anomaly of any kind: strictly serializable, in some order of what nobody saw.
            true => Decided::Valid,
            false => {
                let follow = || Some(Followed::of(lists.txns.history(), lists.sources(), scope));
                Decided::of(followed.get(scope, follow)?.judge(level))
            }
        });
    }
    let takes_single = model.forbids(Anomaly::GSingle(super::Level::Plain));
    match Unfolded::of(model) {
        _ if takes_single && counted.undecided => None,
        Some(_) if counted.counts.is_empty() => Some(Decided::Valid),
        Some(unfolded) => Some(match unfolded::cycle(lists, unfolded) {
            Some(cycle) => Decided::Violated(cyclic(lists, &cycle), Vec::new()),
            None => Decided::Valid,
        }),
        None => Some(Decided::Valid),
    }
}

/// A cycle that a model does not allow, although others do.
fn cyclic(lists: &Lists<'_>, cycle: &Cycle) -> CheckResult {
    let rw = cycle.steps.iter().filter(|step| step.1 == RW).count();
    let adjacent = (0..cycle.steps.len()).any(|place| {
        let next = (place + 1) % cycle.steps.len();
        rw > 1 && cycle.steps[place].1 == RW && cycle.steps[next].1 == RW
    });
    let anomaly = match (rw, adjacent) {
        (0, _) => Anomaly::G1c(super::Level::Plain),
        (1, _) => Anomaly::GSingle(super::Level::Plain),
        (_, false) => Anomaly::GNonadjacent(super::Level::Plain),
        (_, true) => Anomaly::G2Item(super::Level::Plain),
    };
    let finding = explain::of_cycle(lists.txns, lists, anomaly, cycle);
    CheckResult {
        check: CHECK.to_owned(),
        verdict: Verdict::Violated,
        summary: finding.title.clone(),
        figures: [("anomalies".to_owned(), json!({ anomaly.name(): 1 }))].into(),
        findings: vec![finding],
    }
}

/// The models that are searched for, not told by cycles.
fn by_search(model: Model) -> Option<(Level, Scope)> {
    match model.name() {
        "monotonic-atomic-view" => Some((Level::ReadCommitted, Scope::Transaction)),
        "read-atomic" | "update-atomic" => Some((Level::ReadAtomic, Scope::Transaction)),
        "causal-cerone" => Some((Level::Causal, Scope::Transaction)),
        "read-committed" => None,
        name => Level::ALL
            .into_iter()
            .find(|level| level.name() == name)
            .map(|level| (level, Scope::Process)),
    }
}
