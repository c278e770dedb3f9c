//! Linearizability: each operation seems to take effect at one moment between its invocation and
//! its completion (Herlihy & Wing, TOPLAS 1990).
//!
//! ```text
//! History ──split by key──▶ calls ──▶ Model::decide (zones) or the general search
//!   ──▶ Valid(order) ──▶ replayed, independently      ──▶ CheckResult
//!   ──▶ Violated(few calls) ──▶ explained in words    ──▶
//! ```
//!
//! A history is linearizable iff its part on each key is (locality), so keys are judged apart.

mod budget;
mod call;
mod decision;
mod explain;
mod general;
mod machine;
mod model;
#[cfg(test)]
pub(crate) mod notation;
mod numbered;
mod parts;
mod register;
mod replay;
mod sandwich;
mod search;
pub(crate) mod shrink;
mod sources;
#[cfg(test)]
mod tests;
mod timeline;
mod unparsed;
mod wording;
mod zones;

use rayon::prelude::*;
use serde_json::{Value, json};

pub use budget::Budget;
pub use call::Call;
pub use decision::{Contradiction, Decision, Reason, Rule};
pub use model::Model;
pub use register::{Register, RegisterOp};
pub use replay::Certificate;
pub use search::{Outcome, Partial};
pub use sources::Sources;
pub use unparsed::{Operations, Unparsed};

use crate::finding::{CheckResult, Verdict};
use crate::history::History;
use parts::Parts;

/// Findings told in full; the rest is counted.
const FINDINGS_MAX: usize = 10;

/// The operations on one key, and what was decided.
struct Object<O> {
    key: Option<Value>,
    /// How many operations were judged.
    count: usize,
    /// Those of which the decision speaks; none where nobody asks for them.
    calls: Vec<Call<O>>,
    decision: Decision,
    /// Configurations searched; `None` when an algorithm for the type decided.
    states: Option<u64>,
}

/// Whether `history` is linearizable for `model`, key by key.
///
/// *Valid* only with an order that was replayed, *violated* only with a contradiction, and
/// otherwise *unknown* with how far the search got. Figures: `keys`, `operations` (judged),
/// `keys_violated`, `keys_unknown`, `keys_searched` (by the general search),
/// `configurations_max`, `findings_left_out`.
pub fn linearizable<M: Model>(history: &History, model: &M, budget: &Budget) -> CheckResult {
    let objects = match judge(history, model, budget, false) {
        Ok(objects) => objects,
        Err(problem) => return unjudged(problem),
    };
    let mut violated: Vec<_> = objects
        .iter()
        .filter_map(|object| match &object.decision {
            Decision::Violated(contradiction) => Some((object, contradiction)),
            _ => None,
        })
        .collect();
    let unknown: Vec<String> = objects.iter().filter_map(unknown).collect();
    // The earliest evidence is told.
    violated.sort_by_key(|(object, contradiction)| {
        explain::span(history, &object.calls, contradiction).1
    });
    let told = violated.len().min(FINDINGS_MAX);
    let explain = |(object, contradiction): &(&Object<M::Op>, &Contradiction)| {
        explain::finding(history, model, object.key.as_ref(), &object.calls, contradiction)
    };
    let findings: Vec<_> = violated[..told].par_iter().map(explain).collect();
    let operations: usize = objects.iter().map(|object| object.count).sum();
    let figures = [
        ("keys", json!(objects.len())),
        ("operations", json!(operations)),
        ("keys_violated", json!(violated.len())),
        ("keys_unknown", json!(unknown.len())),
        ("keys_searched", json!(objects.iter().filter(|o| o.states.is_some()).count())),
        ("configurations_max", json!(objects.iter().filter_map(|o| o.states).max().unwrap_or(0))),
        ("findings_left_out", json!(violated.len() - findings.len())),
    ];
    let keys = objects.len();
    let (verdict, summary) = if !violated.is_empty() {
        let left_out = match violated.len() - findings.len() {
            0 => String::new(),
            more => format!("; {more} more findings are left out"),
        };
        let summary = format!(
            "not linearizable: {} of {keys} keys contradict every order{left_out}",
            violated.len()
        );
        (Verdict::Violated, summary)
    } else if let Some(first) = unknown.first() {
        let summary = format!("undecided for {} of {keys} keys", unknown.len());
        (Verdict::Unknown(format!("{summary}; {first}")), summary)
    } else {
        let summary =
            format!("linearizable: an order explains {operations} operations on {keys} keys");
        (Verdict::Valid, summary)
    };
    CheckResult {
        check: "linearizable".to_owned(),
        verdict,
        summary,
        figures: figures.map(|(name, value)| (name.to_owned(), value)).into(),
        findings,
    }
}

/// The linearization of every key, in order of first use.
///
/// # Errors
/// The verdict, when it is not *valid*.
pub fn certificates<M: Model>(
    history: &History,
    model: &M,
    budget: &Budget,
) -> Result<Vec<Certificate>, Verdict> {
    let objects = judge(history, model, budget, true).map_err(Verdict::Unknown)?;
    let mut certificates = Vec::with_capacity(objects.len());
    for object in objects {
        match &object.decision {
            Decision::Valid(order) => {
                let index =
                    |&call: &u32| history.operation(object.calls[call as usize].operation).index();
                let order = order.iter().map(index).collect();
                certificates.push(Certificate { key: object.key, order });
            }
            Decision::Violated(_) => return Err(Verdict::Violated),
            Decision::Unknown(reason) => return Err(Verdict::Unknown(reason.clone())),
        }
    }
    Ok(certificates)
}

/// Judges each key; the answer is in order of first use. Keys of valid objects come with their
/// calls and order only if `certified`.
fn judge<M: Model>(
    history: &History,
    model: &M,
    budget: &Budget,
    certified: bool,
) -> Result<Vec<Object<M::Op>>, String> {
    if history.untimed {
        return Err("nothing is known of its real time, without which nothing is \
                    linearizable or not"
            .to_owned());
    }
    let parts = Parts::of(history, model.is_register());
    let mut judged = Vec::with_capacity(parts.len());
    for group in 0..parts.groups() {
        let sheet = match model.is_register() {
            true => zones::Sheet::of(history, &parts, group),
            false => None,
        };
        let judge = |part| {
            let operations = || Operations::new(history, parts.places(part));
            let known = match &sheet {
                Some(sheet) => Some(sheet.decide(part, budget)),
                None => model.decide_unparsed(&operations()),
            };
            let key = parts.key(part).map(|key| history.values().get(key));
            let object = object(history, model, budget, known, operations, certified);
            (part, object.map(|object| Object { key, ..object }))
        };
        judged.par_extend(parts.by_size(group).into_par_iter().with_max_len(1).map(judge));
    }
    let mut objects: Vec<_> = (0..parts.len()).map(|_| None).collect();
    for (part, object) in judged {
        objects[part] = Some(object);
    }
    // The first error, not the fastest.
    objects.into_iter().flatten().collect()
}

/// Judges one key, of which something may be known already.
fn object<'a, M: Model>(
    history: &History,
    model: &M,
    budget: &Budget,
    known: Option<Unparsed>,
    operations: impl FnOnce() -> Operations<'a>,
    certified: bool,
) -> Result<Object<M::Op>, String> {
    let known = match known {
        Some(Unparsed { decision: Decision::Valid(_), count, states, .. }) if !certified => {
            let (calls, decision) = (Vec::new(), Decision::Valid(Vec::new()));
            return Ok(Object { key: None, count, calls, decision, states });
        }
        Some(Unparsed { decision: Decision::Violated(found), count, places, states })
            if !places.is_empty() =>
        {
            // Nothing but its own calls matters for it.
            let about = places.iter().map(|&place| history.operation(place));
            let calls = call::calls(model, about)?;
            let decision = Decision::Violated(found.among_its_own());
            return Ok(Object { key: None, count, calls, decision, states });
        }
        known => known,
    };
    let mut calls = call::calls(model, operations().iter())?;
    let count = calls.len();
    let (mut decision, states) = match known {
        Some(known) => (known.decision, known.states),
        None => decide(model, &calls, budget),
    };
    if let Decision::Valid(order) = &mut decision
        && !certified
    {
        (*order, calls) = (Vec::new(), Vec::new());
    }
    Ok(Object { key: None, count, calls, decision, states })
}

/// The decision, and the configurations searched for it.
fn decide<M: Model>(model: &M, calls: &[Call<M::Op>], budget: &Budget) -> (Decision, Option<u64>) {
    let (decision, states) = match model.decide(calls) {
        Some(decision) => (decision, None),
        None => {
            let mut left = *budget;
            let decision = general::decide(model, calls, &mut left);
            (decision, Some(budget.states - left.states))
        }
    };
    if let Decision::Valid(order) = &decision
        && let Err((call, problem)) = replay::replay(model, calls, order)
    {
        let reason = format!("internal error: in the order found, call {call} {problem}");
        return (Decision::Unknown(reason), states);
    }
    (decision, states)
}

/// The calls of a history on one key, for tests.
#[cfg(test)]
pub(crate) fn parsed<M: Model>(model: &M, history: &History) -> Result<Vec<Call<M::Op>>, String> {
    call::calls(model, history.operations())
}

fn unknown<O>(object: &Object<O>) -> Option<String> {
    match (&object.decision, &object.key) {
        (Decision::Unknown(reason), Some(key)) => Some(format!("key {key}: {reason}")),
        (Decision::Unknown(reason), None) => Some(reason.clone()),
        _ => None,
    }
}

fn unjudged(problem: String) -> CheckResult {
    CheckResult {
        check: "linearizable".to_owned(),
        verdict: Verdict::Unknown(format!("the history cannot be judged: {problem}")),
        summary: problem,
        figures: std::collections::BTreeMap::new(),
        findings: Vec::new(),
    }
}
