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

use std::collections::BTreeMap;

use super::check::TxnOptions;
use super::decide::{self, Decided, Effort};
use super::models::Model;
use super::weak::{self, Followed, FollowedBoth, Scope};
use super::{exact, register};
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

/// Judges transactions of reads and writes of registers (`["w", k, v]`, `["r", k, v]`).
///
/// Verdict and figures as for [`list_append`](super::list_append), and `decided`: the models of
/// which *valid* or *violated* is certain, not only as far as was inferred.
pub fn rw_register(history: &History, options: &TxnOptions) -> CheckResult {
    let mut exactly = Exactly::of(history);
    let mut further = |_: &_, model, effort| exactly.decide(model, effort);
    let result = register::by_inference(history, options, &mut further);
    let is_register = result.figures.contains_key("transactions");
    if result.verdict == Verdict::Violated || !options.anomalies.is_empty() || !is_register {
        return result;
    }
    decide::refine(result, &options.models, &mut |model, effort| exactly.decide(model, effort))
}

/// Decides models of a history of registers, each with what was found out for the others.
struct Exactly<'h> {
    history: &'h History,
    known: BTreeMap<exact::Level, CheckResult>,
    followed: FollowedBoth<'h>,
}

impl<'h> Exactly<'h> {
    fn of(history: &'h History) -> Self {
        Self { history, known: BTreeMap::new(), followed: FollowedBoth::default() }
    }

    /// The exact answer for a model, if there is an algorithm for it.
    fn decide(&mut self, model: Model, effort: Effort) -> Option<Decided> {
        if !effort.reaches(self.history.len()) {
            return None;
        }
        let exact = exact::Level::ALL.into_iter().find(|known| known.name() == model.name());
        let weak = weak::Level::ALL.into_iter().find(|known| known.name() == model.name());
        match (exact, weak, model.name()) {
            (Some(level), ..) => Some(self.exactly(level, effort)),
            (_, Some(level), _) => self.weakly(level),
            (.., "sequential") => {
                Some(self.exactly(exact::Level::StrongSessionSerializable, effort))
            }
            (.., "linearizable") => Some(self.exactly(exact::Level::StrictSerializable, effort)),
            // A serial order of what was read; transactions that contradict themselves are not
            // view serializable either.
            (.., "view-serializable") => Some(self.serially(effort)),
            (.., "monotonic-atomic-view") => {
                let alone = self.followed(Scope::Transaction)?;
                Some(Decided::of(alone.judge(weak::Level::ReadCommitted)))
            }
            // Any order of commits that reads keep is one of versions, if only ww and wr count.
            (
                ..,
                "read-uncommitted"
                | "strong-session-read-uncommitted"
                | "strong-session-read-committed"
                | "strong-read-uncommitted"
                | "strong-read-committed",
            ) => Some(Decided::Valid),
            _ => None,
        }
    }

    fn exactly(&mut self, level: exact::Level, effort: Effort) -> Decided {
        let budget = match effort {
            Effort::Full => exact::Budget::default(),
            Effort::Little => exact::Budget { conflicts: 10_000, steps: 20_000_000 },
        };
        let judged = || exact::check(self.history, level, &budget);
        Decided::of(self.known.entry(level).or_insert_with(judged).clone())
    }

    /// Whether some serial order gives what was read. None does where even what one transaction
    /// read of another contradicts itself, and that is found much sooner.
    fn serially(&mut self, effort: Effort) -> Decided {
        if effort == Effort::Little
            && let Some(alone) = self.followed(Scope::Transaction)
            && let found = alone.judge(weak::Level::ReadAtomic)
            && found.verdict == Verdict::Violated
        {
            return Decided::Violated(found, Vec::new());
        }
        self.exactly(exact::Level::Serializable, effort)
    }

    /// `None` where a session's transactions cannot be followed.
    fn followed(&mut self, scope: Scope) -> Option<&Followed<'h>> {
        self.followed.get(scope, || Followed::registers(self.history, scope).ok())
    }

    fn weakly(&mut self, level: weak::Level) -> Option<Decided> {
        let followed = self.followed(Scope::Process)?;
        let found = followed.judge(level);
        Some(match (level, Decided::of(found)) {
            // The search for that alone does not see everything.
            (weak::Level::WritesFollowReads, Decided::Valid)
                if followed.judge(weak::Level::Causal).verdict != Verdict::Valid =>
            {
                let reason = "no violation was found, but it is not causally consistent either, \
                              and without that not everything is seen";
                Decided::Unknown(reason.to_owned())
            }
            (weak::Level::ReadCommitted | weak::Level::ReadAtomic, Decided::Violated(found, _)) => {
                Decided::Violated(found, self.without(level)?)
            }
            (_, found) => found,
        })
    }

    /// The models that are ruled out where one of these levels is violated: if it takes sessions,
    /// only models that know them.
    fn without(&mut self, level: weak::Level) -> Option<Vec<Model>> {
        let alone = self.followed(Scope::Transaction)?.judge(level).verdict == Verdict::Violated;
        let names: &[&str] = match (alone, level) {
            (false, _) => &["causal", "strong-session-snapshot-isolation"],
            (true, weak::Level::ReadCommitted) => &["monotonic-atomic-view"],
            (true, _) => &["read-atomic"],
        };
        Some(names.iter().filter_map(|name| Model::parse(name).ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::finding::Finding;
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
        let also_not = result.figures["also-not"].to_string();
        assert!(also_not.contains("\"strong-session-serializable\""), "{also_not}");
        let result = judged(FORK, &["serializable", "read-committed"]);
        assert_eq!(result.verdict, Verdict::Valid, "{}", result.summary);
        assert_eq!(result.figures["decided"], json!(["serializable", "read-committed"]));
        assert_eq!(judged(FORK, &["causal"]).verdict, Verdict::Violated);
    }

    /// Of what is violated the weakest is told, whatever was asked about.
    #[test]
    fn the_weakest_models_that_are_violated_are_found() {
        let torn = "0-9 wx1 wy1 | 0-9 wx2 wy2 | 0-9 rx1 ry2";
        for (line, not) in [
            (torn, &["read-atomic", "view-serializable", "PRAM"][..]),
            (FORK, &["causal"]),
            // The second writer was over before the reader began.
            (
                "0-1 p0 wx1 | 2-3 p1 wx2 | 4-5 p2 rx1",
                &["linearizable", "strong-snapshot-isolation"],
            ),
            ("0-1 p0 wx1 | 2-3 p0 wx2 | 4-5 p0 rx1", &["read-your-writes"]),
        ] {
            let result = judged(line, &["strict-serializable"]);
            assert_eq!(result.figures["not"], json!(not), "{line}");
            assert!(!result.findings.is_empty(), "{line}");
            for (place, finding) in result.findings.iter().enumerate() {
                let again = |other: &Finding| other.operations == finding.operations;
                assert!(!result.findings[..place].iter().any(again), "{line}");
            }
        }
    }

    #[test]
    fn without_times_sessions_violate_what_real_time_asks() {
        let judged = |line, model| {
            let mut history = notation::history(line);
            history.untimed = true;
            let models = vec![Model::parse(model).unwrap()];
            rw_register(&history, &TxnOptions { models, ..TxnOptions::default() })
        };
        for model in ["strict-serializable", "strong-snapshot-isolation", "linearizable"] {
            let crossed = "0-1 p0 wx1 | 2-3 p0 rx2 | 0-1 p1 wx2 | 2-3 p1 rx1";
            assert_eq!(judged(crossed, model).verdict, Verdict::Violated, "{model}");
            let stale = "0-1 p0 wx1 | 2-3 p1 wx2 | 4-5 p2 rx1";
            let verdict = judged(stale, model).verdict;
            assert!(matches!(&verdict, Verdict::Unknown(why) if why.contains("no times")));
        }
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
