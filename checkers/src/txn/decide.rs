//! The verdict on models that no class of cycles defines, or of which cycles tell too little: by
//! algorithms of their own where there are any, and otherwise by the models around them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::anomaly::Anomaly;
use super::models::{Boundary, Model};
use super::weak;
use crate::finding::{CheckResult, Finding, Verdict};

/// What an algorithm says of a model.
pub(super) enum Decided {
    Valid,
    /// With the models that are ruled out; none: the model asked about.
    Violated(CheckResult, Vec<Model>),
    /// By an anomaly that was found already.
    Forbidden,
    /// Why.
    Unknown(String),
}

impl Decided {
    pub(super) fn of(result: CheckResult) -> Self {
        match result.verdict {
            Verdict::Valid => Self::Valid,
            Verdict::Violated => Self::Violated(result, Vec::new()),
            Verdict::Unknown(reason) => Self::Unknown(reason),
        }
    }
}

/// How much is done to decide a model.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// It was asked about.
    Full,
    /// It only tells more of what is known to be violated.
    Little,
}

impl Effort {
    /// Whether it is worth while for so many transactions.
    pub(super) fn reaches(self, transactions: usize) -> bool {
        self == Self::Full || transactions <= SEARCHED_MAX
    }
}

/// Beyond so many transactions, models that were not asked about are not searched for.
const SEARCHED_MAX: usize = 50_000;

/// What decides a model, if there is an algorithm for it.
pub(super) type Exact<'a> = dyn FnMut(Model, Effort) -> Option<Decided> + 'a;

/// `result` found no anomaly that one of `models` forbids; `exact` decides the models that it can.
/// Where one is violated, so may weaker ones be: it is told by the weakest. Figure added:
/// `decided`, the models of which *valid* or *violated* is certain.
pub(super) fn refine(
    mut result: CheckResult,
    models: &[Model],
    exact: &mut Exact<'_>,
) -> CheckResult {
    let mut decided: Vec<&str> = Vec::new();
    let mut open = None;
    for &model in models {
        match exact(model, Effort::Full).unwrap_or_else(|| between(model, exact)) {
            Decided::Valid => decided.push(model.name()),
            Decided::Violated(found, out) => {
                return violated(result, model, Broken::below(model, found, out, exact));
            }
            // Then it is none of those asked.
            Decided::Forbidden => {}
            Decided::Unknown(reason) => {
                open = open.or(Some(format!("{}: {reason}", model.name())));
            }
        }
    }
    // What was left open has been answered.
    result.verdict = open.map_or(Verdict::Valid, Verdict::Unknown);
    result.figures.insert("decided".to_owned(), json!(decided));
    result
}

/// A model without an algorithm is violated if a weaker one is, and valid if a stronger one is.
fn between(model: Model, exact: &mut Exact<'_>) -> Decided {
    let (mut kept, mut broken) = (None, None);
    for weaker in Model::all().rev().filter(|&other| other != model && model.implies(other)) {
        match exact(weaker, Effort::Full) {
            Some(Decided::Violated(found, out)) => {
                let out = ruled_out(weaker, out);
                if !out.iter().any(|&out| model.implies(out)) {
                    continue;
                }
                return Decided::Violated(found, out);
            }
            Some(Decided::Valid) => kept = kept.or(Some(weaker)),
            Some(Decided::Forbidden | Decided::Unknown(_)) | None => {}
        }
    }
    for stronger in Model::all().filter(|&other| other != model && other.implies(model)) {
        let known = |broken: Option<Model>| broken.is_some_and(|broken| stronger.implies(broken));
        match if known(broken) { None } else { exact(stronger, Effort::Full) } {
            Some(Decided::Valid) => return Decided::Valid,
            Some(Decided::Violated(..) | Decided::Forbidden) => broken = Some(stronger),
            Some(Decided::Unknown(_)) | None => {}
        }
    }
    let kept = kept.map_or_else(String::new, |kept| format!(", though {} is kept", kept.name()));
    let broken = broken.map_or_else(String::new, |model| format!("; {} is not", model.name()));
    Decided::Unknown(format!(
        "no anomaly shows that it is violated{kept}{broken}: what lies between is not decided"
    ))
}

/// What `anomalies` rule out, and beside that what `exact` finds to be violated; with its findings,
/// the weakest model first, as far as one of `models` implies what they rule out.
pub(super) fn boundary(
    anomalies: &[Anomaly],
    models: &[Model],
    exact: &mut Exact<'_>,
) -> (Boundary, Vec<Vec<Finding>>) {
    let out = |model: &Model| anomalies.iter().any(|&anomaly| model.forbids(anomaly));
    let open = Model::all().rev().filter(|model| !out(model));
    let broken = Broken::among(open, Vec::new(), exact);
    let boundary = Boundary::without(&broken.out, anomalies.iter().copied());
    let asked = |out: &[Model]| models.iter().any(|asked| out.iter().any(|&m| asked.implies(m)));
    let found = broken.found.into_iter().filter(|(_, out)| asked(out));
    (boundary, found.map(|(found, _)| found.findings).collect())
}

/// Of models that are quickly decided: if one of them is violated, what is stronger need not be.
fn is_quick(model: Model) -> bool {
    let name = model.name();
    name == "monotonic-atomic-view" || weak::Level::ALL.iter().any(|level| level.name() == name)
}

/// Where `model` is violated with these models ruled out; none: itself.
fn ruled_out(model: Model, out: Vec<Model>) -> Vec<Model> {
    if out.is_empty() { vec![model] } else { out }
}

/// What is known of models that are violated.
#[derive(Default)]
struct Broken {
    /// What was found of the weakest, the weakest first, and the models that this rules out.
    found: Vec<(CheckResult, Vec<Model>)>,
    /// All of these.
    out: Vec<Model>,
    decided: Vec<Model>,
}

impl Broken {
    /// `model` is violated, by what was `found`, which rules `out` some models.
    fn below(model: Model, found: CheckResult, out: Vec<Model>, exact: &mut Exact<'_>) -> Self {
        let weaker = Model::all().rev().filter(|&other| other != model && model.implies(other));
        let out = ruled_out(model, out);
        Self::among(weaker, vec![(model, found, out)], exact)
    }

    /// Decides models, beside those that are known to be `violated`.
    fn among(
        models: impl Iterator<Item = Model>,
        mut violated: Vec<(Model, CheckResult, Vec<Model>)>,
        exact: &mut Exact<'_>,
    ) -> Self {
        let (quick, slow): (Vec<Model>, Vec<Model>) = models.partition(|&model| is_quick(model));
        let (mut kept, mut out): (Vec<Model>, Vec<Model>) = (Vec::new(), Vec::new());
        for model in quick.into_iter().chain(slow) {
            let follows = kept.iter().any(|kept| kept.implies(model))
                || out.iter().any(|&out| model.implies(out));
            match if follows { None } else { exact(model, Effort::Little) } {
                Some(Decided::Valid) => kept.push(model),
                Some(Decided::Violated(found, rules_out)) => {
                    let rules_out = ruled_out(model, rules_out);
                    out.extend(&rules_out);
                    violated.push((model, found, rules_out));
                }
                Some(Decided::Forbidden | Decided::Unknown(_)) | None => {}
            }
        }
        violated.sort_by_key(|(model, ..)| *model);
        let mut broken = Self { decided: kept, ..Self::default() };
        for (model, found, out) in violated {
            broken.decided.push(model);
            let follows = |model: &Model| broken.out.iter().any(|&known| model.implies(known));
            if !out.iter().all(follows) {
                broken.out.extend(&out);
                broken.found.push((found, out));
            }
        }
        broken.decided.sort_unstable();
        broken
    }
}

/// `result`, which found nothing that counts, with what an algorithm found of `model`.
fn violated(result: CheckResult, model: Model, broken: Broken) -> CheckResult {
    let mut figures = result.figures;
    let counted = |figures: &BTreeMap<String, Value>| -> BTreeMap<String, u64> {
        let counts = figures.get("anomalies").and_then(Value::as_object);
        let counts = counts.into_iter().flatten();
        counts.filter_map(|(name, n)| Some((name.clone(), n.as_u64()?))).collect()
    };
    let allowed = counted(&figures);
    let anomalies = allowed.keys().filter_map(|name| Anomaly::parse(name).ok());
    let mut boundary = Boundary::without(&broken.out, anomalies);
    if !boundary.not.contains(&model) && !boundary.also_not.contains(&model) {
        boundary.not.push(model);
        boundary.survive.retain(|&other| other != model);
    }
    let mut counts = BTreeMap::new();
    let mut left_out = 0;
    for (found, _) in &broken.found {
        counts.extend(counted(&found.figures));
        left_out += found.figures.get("findings_left_out").and_then(Value::as_u64).unwrap_or(0);
    }
    counts.extend(allowed);
    let names = |models: &[Model]| -> Value { models.iter().map(|m| json!(m.name())).collect() };
    figures.insert("anomalies".to_owned(), json!(counts));
    figures.insert("not".to_owned(), names(&boundary.not));
    figures.insert("also-not".to_owned(), names(&boundary.also_not));
    figures.insert("survive".to_owned(), names(&boundary.survive));
    figures.insert("decided".to_owned(), names(&broken.decided));
    if left_out > 0 {
        figures.insert("findings_left_out".to_owned(), json!(left_out));
    }
    let summary = broken.found.first().map_or("", |(found, _)| &found.summary);
    CheckResult {
        check: result.check,
        verdict: Verdict::Violated,
        summary: format!("not {}: {summary}", model.name()),
        figures,
        findings: once(broken.found.into_iter().map(|(found, _)| found.findings)),
    }
}

/// What several checks found, of the same operations once.
pub(super) fn once(found: impl IntoIterator<Item = Vec<Finding>>) -> Vec<Finding> {
    let mut told: Vec<Finding> = Vec::new();
    for mut findings in found {
        let known = |finding: &Finding| told.iter().any(|one| one.operations == finding.operations);
        findings.retain(|finding| !known(finding));
        told.append(&mut findings);
    }
    told
}
