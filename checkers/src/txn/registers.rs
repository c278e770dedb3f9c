//! Registers in transactions, by all that is known of them.
//!
//! ```text
//! inference (register/) ──▶ anomalies by name: violated
//!                       └─▶ none: exact/ and weak/ decide the models they know ──▶ verdict
//! ```
//!
//! Inference names what it finds as Adya does, but without reads before writes it knows little of
//! the order of versions, and finds little. What it lets pass is judged again by the algorithms
//! that look for an execution. Of models for which there is no such algorithm (repeatable read,
//! the consistent view, …), *valid* means that nothing was found.

use serde_json::{Value, json};

use super::check::TxnOptions;
use super::models::{Boundary, Model};
use super::{exact, register, weak};
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "rw-register";

/// Judges transactions of reads and writes of registers (`["w", k, v]`, `["r", k, v]`).
///
/// Verdict and figures as for [`list_append`](super::list_append), and `decided`: the models of
/// which *valid* or *violated* is certain, not only as far as was inferred.
pub fn rw_register(history: &History, options: &TxnOptions) -> CheckResult {
    let mut result = register::by_inference(history, options);
    let is_register = result.figures.contains_key("transactions");
    if result.verdict == Verdict::Violated || !options.anomalies.is_empty() || !is_register {
        return result;
    }
    let mut decided: Vec<&str> = Vec::new();
    let mut open = None;
    for &model in &options.models {
        let Some(found) = decide(history, model) else { continue };
        match found.verdict {
            Verdict::Violated => return told(result, &found, model),
            Verdict::Valid => decided.push(model.name()),
            Verdict::Unknown(reason) => {
                open = open.or(Some(format!("{}: {reason}", model.name())));
            }
        }
    }
    if let Some(reason) = open {
        result.verdict = Verdict::Unknown(reason);
    } else if decided.len() == options.models.len() {
        // What inference left open, an execution has answered.
        result.verdict = Verdict::Valid;
    }
    result.figures.insert("decided".to_owned(), json!(decided));
    result
}

/// The exact answer for a model, if there is an algorithm for it.
fn decide(history: &History, model: Model) -> Option<CheckResult> {
    let is = |name: &str| Model::parse(name).is_ok_and(|known| known == model);
    if let Some(&level) = exact::Level::ALL.iter().find(|level| is(level.name())) {
        return Some(exact::check(history, level, &exact::Budget::default()));
    }
    let level = *weak::Level::ALL.iter().find(|level| is(level.name()))?;
    Some(weak::check(history, level))
}

/// The result of inference, which found nothing, with what an exact algorithm found.
fn told(inferred: CheckResult, found: &CheckResult, model: Model) -> CheckResult {
    let mut figures = inferred.figures;
    let mut counts = serde_json::Map::new();
    for finding in &found.findings {
        let count = counts.get(&finding.anomaly).and_then(Value::as_u64).unwrap_or(0);
        counts.insert(finding.anomaly.clone(), json!(count + 1));
    }
    let boundary = Boundary::without(model);
    let names = |models: &[Model]| -> Value { models.iter().map(|m| json!(m.name())).collect() };
    figures.insert("anomalies".to_owned(), Value::Object(counts));
    figures.insert("not".to_owned(), names(&boundary.not));
    figures.insert("also-not".to_owned(), names(&boundary.also_not));
    figures.insert("survive".to_owned(), names(&boundary.survive));
    figures.insert("decided".to_owned(), json!([model.name()]));
    CheckResult {
        check: CHECK.to_owned(),
        verdict: Verdict::Violated,
        summary: format!("not {}: {}", model.name(), found.summary),
        figures,
        findings: found.findings.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

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
