//! From anomalies to the answer: which models are out, and whether an asked one is among them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::cycles::{Cycle, Searched, search};
use super::decide::{self, Decided, Effort};
use super::dependencies::{Dependencies, Source};
use super::evidence::Sightings;
use super::explain::{self, Reasons};
use super::models::{Boundary, Model};
use super::{Anomaly, Assumptions, Level, Transactions};
use crate::finding::{CheckResult, Finding, Verdict};
use crate::history::Completion;

/// What is asked of transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnOptions {
    /// The models that were promised: an anomaly that one of them rules out is a violation.
    pub models: Vec<Model>,
    /// If there are any, these alone are violations, whatever the models.
    pub anomalies: Vec<Anomaly>,
    /// Of registers, what is assumed of the order of versions.
    pub assumptions: Assumptions,
}

impl Default for TxnOptions {
    fn default() -> Self {
        Self {
            models: vec![Model::STRICT_SERIALIZABLE],
            anomalies: Vec::new(),
            assumptions: Assumptions::default(),
        }
    }
}

impl TxnOptions {
    fn counts(&self, anomaly: Anomaly) -> bool {
        match self.anomalies.is_empty() {
            true => self.models.iter().any(|model| model.forbids(anomaly)),
            false => self.anomalies.contains(&anomaly),
        }
    }

    /// `strict-serializable`, `serializable and read-atomic`
    fn claim(&self) -> String {
        let names: Vec<&str> = match self.anomalies.is_empty() {
            true => self.models.iter().map(|model| model.name()).collect(),
            // Those that are another one of them too go without saying.
            false => {
                let all = &self.anomalies;
                let special =
                    |one: &Anomaly| all.iter().any(|other| one != other && one.is(*other));
                all.iter().filter(|one| !special(one)).map(|one| one.name()).collect()
            }
        };
        let names = names.join(" and ");
        if self.anomalies.is_empty() { names } else { format!("free of {names}") }
    }
}

/// What is known of the data before cycles are sought.
pub(crate) struct Known<'a, T> {
    pub check: &'static str,
    pub txns: &'a Transactions<'a>,
    pub versions: &'a T,
    pub sightings: &'a Sightings,
    /// Why something had to be left out.
    pub doubts: &'a [String],
}

/// The anomalies that were found.
#[derive(Default)]
pub(crate) struct Counted {
    pub counts: BTreeMap<Anomaly, usize>,
    /// Whether it was left open if unseen orders allow snapshot isolation.
    pub undecided: bool,
}

/// Decides a model that these anomalies do not rule out, if there is an algorithm for it.
pub(crate) type Further<'f> = dyn FnMut(&Counted, Model, Effort) -> Option<Decided> + 'f;

impl<T: Source + Reasons> Known<'_, T> {
    /// Looks for cycles, and answers; `further` tells what else is ruled out by a history that
    /// violates what was asked.
    pub(crate) fn judge(
        &self,
        options: &TxnOptions,
        further: &mut Further<'_>,
    ) -> (CheckResult, Counted) {
        let dependencies = Dependencies::of(self.txns, self.versions);
        let edges = dependencies.as_ref().map_or(0, Dependencies::edge_count);
        let Some(core) = dependencies.and_then(Dependencies::core) else {
            let problem = "more dependencies than 4,294,967,295".to_owned();
            return (unjudged(self.check, problem), Counted::default());
        };
        let Searched { found, undecided } = search(core.with_rivals(self.versions));
        let mut counts = self.sightings.counts.clone();
        counts.extend(found.iter().map(|found| (found.anomaly, found.count)));
        let mut findings: Vec<(Anomaly, Finding)> = Vec::new();
        let told = self.sightings.cases.iter();
        for told in told.filter(|told| options.counts(told.case.anomaly)) {
            findings.push((told.case.anomaly, explain::of_case(self.txns, told)));
        }
        for found in found.iter().filter(|found| options.counts(found.anomaly)) {
            let tell =
                |cycle: &Cycle| explain::of_cycle(self.txns, self.versions, found.anomaly, cycle);
            findings.extend(found.told.iter().map(|cycle| (found.anomaly, tell(cycle))));
        }
        findings.sort_by_key(|(anomaly, _)| *anomaly);
        let findings = findings.into_iter().map(|(_, finding)| finding).collect();
        let counted = Counted { counts, undecided };
        (self.answer(options, &counted, findings, edges, further), counted)
    }

    fn answer(
        &self,
        options: &TxnOptions,
        counted: &Counted,
        findings: Vec<Finding>,
        edges: usize,
        further: &mut Further<'_>,
    ) -> CheckResult {
        let &Counted { ref counts, undecided } = counted;
        let violated = counts.keys().any(|&anomaly| options.counts(anomaly));
        let timeless = self.txns.history().untimed
            && options.anomalies.is_empty()
            && options.models.iter().any(|model| model.needs_time());
        let verdict = match (violated, self.doubts.first()) {
            (true, _) => Verdict::Violated,
            (false, Some(doubt)) => Verdict::Unknown(self.doubt(doubt)),
            (false, None) if timeless => {
                let reason =
                    format!("the history has no times, and {} needs them", options.claim());
                Verdict::Unknown(reason)
            }
            (false, None) if undecided && options.counts(Anomaly::GSingle(Level::Plain)) => {
                let reason = "too many transactions wrote the same lists in an order that nobody \
                              saw: whether any order is snapshot isolation was not found out";
                Verdict::Unknown(reason.to_owned())
            }
            (false, None) => Verdict::Valid,
        };
        let anomalies: Vec<Anomaly> = counts.keys().copied().collect();
        let (boundary, more) = if violated {
            let asked = if options.anomalies.is_empty() { &options.models[..] } else { &[] };
            decide::boundary(&anomalies, asked, &mut |model, effort| {
                further(counted, model, effort)
            })
        } else {
            (Boundary::of(anomalies), Vec::new())
        };
        let names = |models: &[Model]| json!(models.iter().map(|m| m.name()).collect::<Vec<_>>());
        let total: usize =
            counts.iter().filter(|(anomaly, _)| options.counts(**anomaly)).map(|(_, n)| n).sum();
        let by_name: BTreeMap<&str, usize> =
            counts.iter().map(|(anomaly, count)| (anomaly.name(), *count)).collect();
        let beyond: BTreeSet<&str> =
            counts.keys().filter(|a| !options.counts(**a)).map(|a| a.name()).collect();
        let ok = (0..self.txns.len()).filter(|&txn| self.txns.completion(txn) == Completion::Ok);
        let ok = ok.count();
        let figures: [(&str, Value); 9] = [
            ("anomalies", json!(by_name)),
            ("anomalies-allowed", json!(beyond)),
            ("not", names(&boundary.not)),
            ("also-not", names(&boundary.also_not)),
            ("survive", names(&boundary.survive)),
            ("transactions", json!(self.txns.len())),
            ("transactions_ok", json!(ok)),
            ("dependencies", json!(edges)),
            ("findings_left_out", json!(total - findings.len())),
        ];
        CheckResult {
            check: self.check.to_owned(),
            verdict,
            summary: summary(options, counts, &boundary, ok),
            figures: figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            findings: decide::once([findings].into_iter().chain(more)),
        }
    }

    fn doubt(&self, first: &str) -> String {
        match self.doubts.len() - 1 {
            0 => first.to_owned(),
            more => format!("{first}; and {more} more like this"),
        }
    }
}

/// `2 × G-single, 1 × G2-item: not serializable; at most read-committed`
fn summary(
    options: &TxnOptions,
    counts: &BTreeMap<Anomaly, usize>,
    boundary: &Boundary,
    ok: usize,
) -> String {
    let list = |models: &[Model]| models.iter().map(|m| m.name()).collect::<Vec<_>>().join(", ");
    if counts.is_empty() {
        return format!("{ok} transactions ok, no anomaly: {}", options.claim());
    }
    let counted = counts.iter().map(|(anomaly, count)| format!("{count} × {anomaly}"));
    let counted = counted.collect::<Vec<_>>().join(", ");
    let rest = match boundary.survive.is_empty() {
        true => "nothing survives".to_owned(),
        false => format!("may still be {}", list(&boundary.survive)),
    };
    format!("{counted} in {ok} transactions: not {}; {rest}", list(&boundary.not))
}

/// The answer where there is none.
pub(crate) fn unjudged(check: &str, problem: String) -> CheckResult {
    CheckResult {
        check: check.to_owned(),
        verdict: Verdict::Unknown(problem.clone()),
        summary: problem,
        figures: BTreeMap::new(),
        findings: Vec::new(),
    }
}
