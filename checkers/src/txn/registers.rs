//! Registers in transactions, by all that is known of them.
//!
//! ```text
//! inference (register/) ──▶ anomalies by name: violated
//!                       └─▶ none: exact/ and weak/ decide the models they know ──▶ verdict
//! ```
//!
//! Inference names what it finds as Adya does, but without reads before writes it knows little of
//! the order of versions, and finds little. What it lets pass is judged again by the algorithms
//! that look for an execution. A model for which there is no such algorithm (the consistent view,
//! update serializability, …) lies between models for which there is one: it is *valid* if a
//! stronger one is, *violated* if a weaker one is, and otherwise *unknown*.
//!
//! *Read committed* and *read atomic* are those of Biswas & Enea (OOPSLA 2019) here, in which
//! sessions count; what else they rule out is said accordingly.

use super::check::TxnOptions;
use super::decide::{self, Decided};
use super::models::Model;
use super::{exact, register, weak};
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

/// Judges transactions of reads and writes of registers (`["w", k, v]`, `["r", k, v]`).
///
/// Verdict and figures as for [`list_append`](super::list_append), and `decided`: the models of
/// which *valid* or *violated* is certain, not only as far as was inferred.
pub fn rw_register(history: &History, options: &TxnOptions) -> CheckResult {
    let result = register::by_inference(history, options);
    let is_register = result.figures.contains_key("transactions");
    if result.verdict == Verdict::Violated || !options.anomalies.is_empty() || !is_register {
        return result;
    }
    decide::refine(result, &options.models, &mut |model| of_registers(history, model))
}

/// The exact answer for a model, if there is an algorithm for it.
fn of_registers(history: &History, model: Model) -> Option<Decided> {
    let exactly = |level| Some(Decided::of(exact::check(history, level, &Default::default())));
    let level = |known: &exact::Level| known.name() == model.name();
    if let Some(&level) = exact::Level::ALL.iter().find(|known| level(known)) {
        return exactly(level);
    }
    if let Some(&level) = weak::Level::ALL.iter().find(|known| known.name() == model.name()) {
        let found = Decided::of(weak::check(history, level));
        return Some(match (level, found) {
            (weak::Level::WritesFollowReads, Decided::Valid) => followed(history),
            (
                weak::Level::ReadCommitted | weak::Level::ReadAtomic,
                Decided::Violated(result, _),
            ) => Decided::Violated(result, without(history, level)),
            (_, found) => found,
        });
    }
    match model.name() {
        "sequential" => exactly(exact::Level::StrongSessionSerializable),
        "linearizable" => exactly(exact::Level::StrictSerializable),
        // A serial order of what was read; transactions that contradict themselves are not view
        // serializable either.
        "view-serializable" => exactly(exact::Level::Serializable),
        "monotonic-atomic-view" => {
            Some(Decided::of(weak::without_sessions(history, weak::Level::ReadCommitted)))
        }
        // Any order of commits that reads keep is one of versions, if only ww and wr count.
        "read-uncommitted"
        | "strong-session-read-uncommitted"
        | "strong-session-read-committed"
        | "strong-read-uncommitted"
        | "strong-read-committed" => Some(Decided::Valid),
        _ => None,
    }
}

/// Whether writes certainly follow reads: the search for that alone does not see everything.
fn followed(history: &History) -> Decided {
    match weak::check(history, weak::Level::Causal).verdict {
        Verdict::Valid => Decided::Valid,
        _ => Decided::Unknown(
            "no violation was found, but it is not causally consistent either, and without that \
             not everything is seen"
                .to_owned(),
        ),
    }
}

/// The models that are ruled out where one of these levels is violated: if it takes sessions, only
/// models that know them.
fn without(history: &History, level: weak::Level) -> Vec<Model> {
    let alone = weak::without_sessions(history, level).verdict == Verdict::Violated;
    let names: &[&str] = match (alone, level) {
        (false, _) => &["causal", "strong-session-snapshot-isolation"],
        (true, weak::Level::ReadCommitted) => &["monotonic-atomic-view"],
        (true, _) => &["read-atomic"],
    };
    names.iter().filter_map(|name| Model::parse(name).ok()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::txn::notation;

    fn judged(line: &str, models: &[&str]) -> CheckResult {
        let models = models.iter().map(|name| Model::parse(name).unwrap()).collect();
        rw_register(&notation::history(line), &TxnOptions { models, ..TxnOptions::default() })
    }

    /// Two blind writers, and two readers who saw them in different orders.
    const FORK: &str =
        "0-1 p0 wx1 | 0-1 p1 wx2 | 2-3 p2 rx1 | 4-5 p2 rx2 | 2-3 p3 rx2 | 4-5 p3 rx1";

    #[test]
    fn what_inference_cannot_see_is_decided_exactly() {
        let result = judged(FORK, &["strong-session-serializable"]);
        assert_eq!(result.verdict, Verdict::Violated, "{}", result.summary);
        assert!(!result.findings.is_empty());
        assert_eq!(result.figures["not"], json!(["strong-session-serializable"]));
        assert_eq!(result.figures["also-not"], json!(["strict-serializable"]));
        let result = judged(FORK, &["serializable", "read-committed"]);
        assert_eq!(result.verdict, Verdict::Valid, "{}", result.summary);
        assert_eq!(result.figures["decided"], json!(["serializable", "read-committed"]));
        assert_eq!(judged(FORK, &["causal"]).verdict, Verdict::Violated);
    }

    #[test]
    fn what_inference_sees_has_its_name() {
        let skew = "0-9 rx_ wy1 | 0-9 ry_ wx1";
        let result = judged(skew, &["serializable"]);
        assert_eq!(result.figures["anomalies"], json!({"G2-item": 1}));
        assert_eq!(judged(skew, &["snapshot-isolation"]).verdict, Verdict::Valid);
    }

    #[test]
    fn what_is_no_register_is_not_judged() {
        let result = judged("0-1 ax1", &["serializable"]);
        assert!(matches!(result.verdict, Verdict::Unknown(_)), "{:?}", result.verdict);
    }
}
