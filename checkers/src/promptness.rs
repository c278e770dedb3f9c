//! How long operations took, with faults in force and without, against limits.
//!
//! A latency counts from when the operation was due (no coordinated omission) to its ok
//! completion. An operation belongs to the time under faults if a fault was in force at any moment
//! of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::finding::{CheckResult, Finding, Verdict};
use crate::history::{Completion, History, Nanos, OpIndex, Operation};
use crate::latency::{Latencies, milliseconds};
use crate::topics;

/// Operations named in a finding: the slowest.
const SLOWEST: usize = 5;
/// The quantiles that are measured, by name.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)];

/// Which operations a limit is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum During {
    /// All of them.
    #[default]
    Always,
    /// Those with a fault in force at any moment.
    Faults,
    /// The others.
    NoFaults,
}

/// The longest latencies that are allowed; `None` measures only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencyLimits {
    /// Which operations count.
    pub during: During,
    /// For the median.
    pub p50: Option<Nanos>,
    /// For 95 of 100.
    pub p95: Option<Nanos>,
    /// For 99 of 100.
    pub p99: Option<Nanos>,
    /// For every one.
    pub max: Option<Nanos>,
}

impl LatencyLimits {
    fn limit(&self, quantile: &str) -> Option<Nanos> {
        match quantile {
            "p50" => self.p50,
            "p95" => self.p95,
            "p99" => self.p99,
            _ => self.max,
        }
    }
}

/// *Violated* when a quantile is above its limit; *unknown* when there is nothing to measure
/// against one. Figures, for each of `all`, `during_faults` and `outside_faults`:
/// `<part>_operations` (ok ones) and `<part>_latency_ms_p50`, `_p95`, `_p99`, `_max`.
pub fn latency(history: &History, limits: &LatencyLimits) -> CheckResult {
    let ok: Vec<Operation<'_>> =
        history.operations().filter(|op| op.completion() == Completion::Ok).collect();
    let (during, outside): (Vec<Operation<'_>>, Vec<_>) =
        ok.iter().copied().partition(|op| disturbed(history, op));
    let mut figures = BTreeMap::new();
    for (part, operations) in
        [("all", &ok), ("during_faults", &during), ("outside_faults", &outside)]
    {
        measure(part, operations, &mut figures);
    }
    let (judged, words) = match limits.during {
        During::Always => (&ok, "operations"),
        During::Faults => (&during, "operations during faults"),
        During::NoFaults => (&outside, "operations outside faults"),
    };
    let latencies = Latencies::of_ok(judged.iter().copied());
    let mut findings = Vec::new();
    let mut told = Vec::new();
    for (name, share) in QUANTILES {
        let Some(measured) = latencies.quantile(share) else { continue };
        told.push(format!("{name} {measured}"));
        if let Some(limit) = limits.limit(name).filter(|limit| measured > *limit) {
            findings.push(slow(history, judged, words, (name, measured, limit)));
        }
    }
    let summary = format!("{} ok {words}: {}", judged.len(), told.join(", "));
    let bounded = QUANTILES.iter().any(|(name, _)| limits.limit(name).is_some());
    let verdict = match findings.is_empty() {
        false => Verdict::Violated,
        true if judged.is_empty() && bounded => {
            Verdict::Unknown(format!("there are no ok {words} to measure"))
        }
        true => Verdict::Valid,
    };
    CheckResult { check: "latency".to_owned(), verdict, summary, figures, findings }
}

/// The least that has to be done for a run to prove something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeastVolume {
    /// Operations that are ok.
    pub operations: Option<u64>,
    /// Of these, with a fault in force at some moment.
    pub during_faults: Option<u64>,
}

/// *Unknown* when less was done than was asked for: the system broke no promise, but the run
/// proves too little. Figures: `operations_ok`, `operations_ok_during_faults`.
pub fn volume(history: &History, least: &LeastVolume) -> CheckResult {
    let ok: Vec<Operation<'_>> =
        history.operations().filter(|op| op.completion() == Completion::Ok).collect();
    let during = ok.iter().filter(|op| disturbed(history, op)).count();
    let figures = BTreeMap::from([
        ("operations_ok".to_owned(), json!(ok.len())),
        ("operations_ok_during_faults".to_owned(), json!(during)),
    ]);
    let short = |what: &str, done: usize, least: Option<u64>| {
        let least = least.filter(|&least| (done as u64) < least)?;
        Some(format!("{done} operations were ok{what}; at least {least} were required"))
    };
    let all = short("", ok.len(), least.operations);
    let reasons: Vec<String> =
        all.into_iter().chain(short(" during faults", during, least.during_faults)).collect();
    let verdict = match reasons.is_empty() {
        true => Verdict::Valid,
        false => Verdict::Unknown(format!("the run proves too little: {}", reasons.join("; "))),
    };
    let summary = format!("{} operations were ok, {during} of them during faults", ok.len());
    CheckResult { check: "volume".to_owned(), verdict, summary, figures, findings: Vec::new() }
}

fn disturbed(history: &History, operation: &Operation<'_>) -> bool {
    let end = operation.completed_at().unwrap_or(operation.invoked_at());
    history.faults.iter().any(|window| window.overlaps(operation.due_at(), end))
}

fn measure(part: &str, operations: &[Operation<'_>], figures: &mut BTreeMap<String, Value>) {
    figures.insert(format!("{part}_operations"), json!(operations.len()));
    let latencies = Latencies::of_ok(operations.iter().copied());
    for (name, share) in QUANTILES {
        if let Some(latency) = latencies.quantile(share) {
            figures.insert(format!("{part}_latency_ms_{name}"), json!(milliseconds(latency)));
        }
    }
}

fn slow(
    history: &History,
    judged: &[Operation<'_>],
    words: &str,
    (name, measured, limit): (&str, Nanos, Nanos),
) -> Finding {
    let took =
        |op: &Operation<'_>| op.completed_at().map_or(0, |end| end.0.saturating_sub(op.due_at().0));
    let mut slowest: Vec<&Operation<'_>> = judged.iter().collect();
    slowest.sort_by_key(|op| std::cmp::Reverse(took(op)));
    slowest.truncate(SLOWEST);
    let told = |op: &&Operation<'_>| {
        let on = op.node().map(|node| format!(" on {node}")).unwrap_or_default();
        format!("Op {}{on} took {}.", op.index().0, Nanos(took(op)))
    };
    let prose = slowest.iter().map(told).collect();
    let from = slowest.iter().map(|op| op.due_at()).min().unwrap_or_default();
    let to = slowest.iter().filter_map(|op| op.completed_at()).max().unwrap_or(from);
    let mut operations: Vec<OpIndex> = slowest.iter().map(|op| op.index()).collect();
    operations.sort_unstable();
    let count = judged.len();
    Finding {
        anomaly: topics::known("high-latency").to_owned(),
        key: None,
        title: format!("{name} of {count} {words} was {measured}; {limit} was allowed"),
        prose,
        operations,
        from,
        to,
        faults: history.faults_during(from, to),
        witness: None,
        contrast: Vec::new(),
        cycle: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linearizability::notation::{history, with_fault};

    /// Two fast operations, then one that takes 900 ms while a partition is in force.
    fn slow_under_faults() -> History {
        let line = "0-1000000 w1, 2000000-4000000 r1, 100000000-1000000000 r1";
        with_fault(history(line), "partition", 90_000_000, Some(500_000_000))
    }

    fn limits(during: During, max_ms: u64) -> LatencyLimits {
        LatencyLimits { during, max: Some(Nanos(max_ms * 1_000_000)), ..LatencyLimits::default() }
    }

    #[test]
    fn latencies_are_measured_with_and_without_faults() {
        let result = latency(&slow_under_faults(), &LatencyLimits::default());
        assert_eq!(result.verdict, Verdict::Valid);
        assert_eq!(result.figures["all_latency_ms_p50"], 2.0);
        assert_eq!(result.figures["during_faults_latency_ms_max"], 900.0);
        assert_eq!(result.figures["outside_faults_latency_ms_max"], 2.0);
        assert_eq!(result.figures["outside_faults_operations"], 2);
    }

    #[test]
    fn only_the_time_that_a_limit_is_about_breaks_it() {
        let history = slow_under_faults();
        let verdict = |during, max| latency(&history, &limits(during, max)).verdict;
        assert_eq!(verdict(During::NoFaults, 10), Verdict::Valid);
        assert_eq!(verdict(During::Faults, 900), Verdict::Valid);
        assert_eq!(verdict(During::Faults, 899), Verdict::Violated);
        let result = latency(&history, &limits(During::Always, 10));
        let finding = &result.findings[0];
        assert_eq!(finding.title, "max of 3 operations was 0.900 s; 0.010 s was allowed");
        assert_eq!(finding.prose[0], "Op 4 took 0.900 s.");
        assert_eq!(finding.operations.len(), 3);
    }

    #[test]
    fn nothing_to_measure_against_a_limit_is_unknown() {
        let none = History::default();
        assert!(matches!(latency(&none, &limits(During::Always, 1)).verdict, Verdict::Unknown(_)));
        assert_eq!(latency(&none, &LatencyLimits::default()).verdict, Verdict::Valid);
        let quiet = history("0-1 w1");
        let result = latency(&quiet, &limits(During::Faults, 1));
        assert_eq!(
            result.verdict,
            Verdict::Unknown("there are no ok operations during faults to measure".to_owned())
        );
    }

    #[test]
    fn too_little_proves_too_little() {
        let least = |operations, during_faults| LeastVolume {
            operations: Some(operations),
            during_faults: Some(during_faults),
        };
        let history = slow_under_faults();
        let result = volume(&history, &least(3, 1));
        assert_eq!(result.verdict, Verdict::Valid);
        assert_eq!(result.figures["operations_ok_during_faults"], 1);
        let Verdict::Unknown(why) = volume(&history, &least(4, 2)).verdict else {
            panic!("too little was enough")
        };
        assert_eq!(
            why,
            "the run proves too little: 3 operations were ok; at least 4 were required; \
             1 operations were ok during faults; at least 2 were required"
        );
    }
}
