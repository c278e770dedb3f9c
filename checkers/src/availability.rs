//! How much of the service was there, and how soon it came back after faults.
//!
//! * **Share of ok.** A compare-and-set that failed is left out on both sides: a comparison that
//!   did not match is an answer, and the history does not tell it from a refusal.
//! * **Disturbances.** Fault windows that overlap, or touch, are one disturbance: recovery from one
//!   of them cannot be measured while another is in force.
//! * **Recovery** of a node: from the end of a disturbance to the first ok completion on the node,
//!   looked for until the next disturbance begins or the history ends. A node which is never tried
//!   in that time, or whose time is shorter than the threshold, is not judged.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::finding::{CheckResult, Finding, Verdict};
use crate::history::{Completion, FaultWindow, History, Nanos, OpIndex, Operation};
use crate::latency::{milliseconds, share};
use crate::topics;

/// What is required; `None` measures only.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// The least share of ok operations over the whole history, 0 to 1.
    pub min_ok: Option<f64>,
    /// The longest time from the end of a disturbance to the next ok, on every node.
    pub recovery: Option<Nanos>,
}

/// *Violated* when a threshold is broken. *Unknown* when nothing can be measured against one.
///
/// Figures: `ok_share`, `ok_share_outside_faults`, `ok_share_during_<kind>`, `windows` (an array:
/// `id`, `fault`, `operations`, `ok_share`), `unavailable_ms_max` (the longest time without any ok
/// completion), `recovery_ms_max`, `recovery_ms_by_node`, `cas_failed_left_out`.
pub fn availability(history: &History, thresholds: &Thresholds) -> CheckResult {
    let judged: Vec<Operation<'_>> = history.operations().filter(|&op| counts(op)).collect();
    let overall = ok_share(&judged);
    let recoveries = recoveries(history);
    let mut figures = shares(history, &judged);
    let left_out = history.len() - judged.len();
    figures.insert("cas_failed_left_out".into(), json!(left_out));
    let gap = longest_gap(history);
    figures.insert("unavailable_ms_max".into(), json!(milliseconds(Nanos(gap.1.0 - gap.0.0))));
    let mut by_node: BTreeMap<&str, Nanos> = BTreeMap::new();
    for recovery in &recoveries {
        if let Some(took) = recovery.took {
            let longest = by_node.entry(recovery.node).or_default();
            *longest = took.max(*longest);
        }
    }
    let longest = by_node.values().max().copied();
    if let Some(longest) = longest {
        let by_node: serde_json::Map<String, Value> = by_node
            .iter()
            .map(|(node, took)| ((*node).to_owned(), json!(milliseconds(*took))))
            .collect();
        figures.insert("recovery_ms_max".into(), json!(milliseconds(longest)));
        figures.insert("recovery_ms_by_node".into(), Value::Object(by_node));
    }
    let mut findings = Vec::new();
    if let Some(least) = thresholds.min_ok.filter(|&least| overall < least && !judged.is_empty()) {
        findings.push(low(history, overall, least, gap));
    }
    if let Some(limit) = thresholds.recovery {
        let slow = recoveries.iter().filter(|recovery| recovery.breaks(limit));
        findings.extend(slow.map(|recovery| late(history, recovery, limit)));
    }
    let recovered = longest.map_or_else(
        || "no recovery was measured".to_owned(),
        |longest| format!("longest recovery {longest}"),
    );
    let summary =
        format!("{:.1} % of {} operations were ok; {recovered}", overall * 100.0, judged.len());
    let verdict = match findings.is_empty() {
        false => Verdict::Violated,
        true if judged.is_empty() => Verdict::Unknown("there are no operations to judge".into()),
        true => Verdict::Valid,
    };
    CheckResult { check: "availability".to_owned(), verdict, summary, figures, findings }
}

fn counts(operation: Operation<'_>) -> bool {
    operation.f() != "cas" || operation.completion() != Completion::Fail
}

fn ok_share(operations: &[Operation<'_>]) -> f64 {
    let ok = operations.iter().filter(|op| op.completion() == Completion::Ok).count();
    share(ok, operations.len())
}

/// Shares overall, by kind of fault, by window, and with no fault in force.
fn shares(history: &History, judged: &[Operation<'_>]) -> BTreeMap<String, Value> {
    let invoked_in = |windows: &[&FaultWindow]| -> Vec<Operation<'_>> {
        let during = |op: &&Operation<'_>| {
            windows.iter().any(|window| window.overlaps(op.invoked_at(), op.invoked_at()))
        };
        judged.iter().filter(during).copied().collect()
    };
    let mut figures = BTreeMap::from([("ok_share".to_owned(), json!(ok_share(judged)))]);
    let mut kinds: BTreeMap<&str, Vec<&FaultWindow>> = BTreeMap::new();
    let mut windows = Vec::new();
    for window in &history.faults {
        kinds.entry(&window.fault).or_default().push(window);
        let operations = invoked_in(&[window]);
        windows.push(json!({
            "id": window.id,
            "fault": window.fault,
            "operations": operations.len(),
            "ok_share": ok_share(&operations),
        }));
    }
    for (kind, windows) in kinds {
        let share = ok_share(&invoked_in(&windows));
        figures.insert(format!("ok_share_during_{kind}"), json!(share));
    }
    let quiet =
        |op: &&Operation<'_>| history.faults_during(op.invoked_at(), op.invoked_at()).is_empty();
    let outside: Vec<Operation<'_>> = judged.iter().filter(quiet).copied().collect();
    figures.insert("ok_share_outside_faults".into(), json!(ok_share(&outside)));
    figures.insert("windows".into(), Value::Array(windows));
    figures
}

/// The longest time, between the first invocation and the end, without an ok completion.
fn longest_gap(history: &History) -> (Nanos, Nanos) {
    let begin = history.operations().next().map_or(history.end, |op| op.invoked_at());
    let ok = history.operations().filter(|op| op.completion() == Completion::Ok);
    let mut times: Vec<Nanos> = ok.filter_map(|op| op.completed_at()).collect();
    times.push(begin);
    times.push(history.end.max(begin));
    times.sort_unstable();
    let gaps = times.windows(2).map(|pair| (pair[0], pair[1]));
    gaps.max_by_key(|(from, to)| to.0 - from.0).unwrap_or((begin, begin))
}

/// One node after one disturbance.
struct Recovery<'a> {
    node: &'a str,
    /// End of the disturbance.
    healed: Nanos,
    /// When the next one began, or the end of the history.
    until: Nanos,
    /// To the first ok completion, if there was one.
    took: Option<Nanos>,
    /// The first attempt.
    tried: Option<OpIndex>,
}

impl Recovery<'_> {
    fn breaks(&self, limit: Nanos) -> bool {
        match self.took {
            Some(took) => took > limit,
            None => self.tried.is_some() && self.until.0 - self.healed.0 > limit.0,
        }
    }
}

fn recoveries(history: &History) -> Vec<Recovery<'_>> {
    let mut nodes: BTreeMap<&str, Vec<Operation<'_>>> = BTreeMap::new();
    for operation in history.operations() {
        if let Some(node) = &operation.node() {
            nodes.entry(node).or_default().push(operation);
        }
    }
    let mut recoveries = Vec::new();
    for (healed, until) in quiet_times(history) {
        for (&node, operations) in &nodes {
            let ok = operations.iter().filter(|op| op.completion() == Completion::Ok);
            let first = ok.filter_map(|op| op.completed_at()).filter(|&end| end >= healed).min();
            let took = first.filter(|&end| end <= until).map(|end| Nanos(end.0 - healed.0));
            let tried =
                operations.iter().find(|op| op.invoked_at() >= healed && op.invoked_at() <= until);
            let tried = tried.map(|op| op.index());
            recoveries.push(Recovery { node, healed, until, took, tried });
        }
    }
    recoveries
}

/// From the end of each disturbance to the beginning of the next one, or to the end.
fn quiet_times(history: &History) -> Vec<(Nanos, Nanos)> {
    let mut windows: Vec<(Nanos, Option<Nanos>)> = history
        .faults
        .iter()
        .filter(|window| window.overlaps(Nanos(0), Nanos(u64::MAX)))
        .map(|window| (window.from, window.to))
        .collect();
    windows.sort_unstable();
    let mut quiet = Vec::new();
    let mut disturbed_until = None;
    for (from, to) in windows {
        if let Some(healed) = disturbed_until.filter(|&healed| healed < from) {
            quiet.push((healed, from));
        }
        match to {
            // Never healed: nothing recovers after it.
            None => return quiet,
            Some(to) => disturbed_until = disturbed_until.max(Some(to)),
        }
    }
    quiet.extend(disturbed_until.map(|healed| (healed, history.end.max(healed))));
    quiet
}

fn finding(
    anomaly: &'static str,
    title: String,
    prose: Vec<String>,
    from: Nanos,
    to: Nanos,
) -> Finding {
    Finding {
        anomaly: topics::known(anomaly).to_owned(),
        key: None,
        title,
        prose,
        operations: Vec::new(),
        from,
        to,
        faults: Vec::new(),
        witness: None,
        cycle: None,
        contrast: Vec::new(),
    }
}

fn low(history: &History, overall: f64, least: f64, gap: (Nanos, Nanos)) -> Finding {
    let title = format!(
        "{:.2} % of the operations were ok; at least {:.2} % were required",
        overall * 100.0,
        least * 100.0
    );
    let prose = vec![format!("The longest time without any ok operation: {} to {}.", gap.0, gap.1)];
    let mut finding = finding("low-availability", title, prose, gap.0, gap.1);
    finding.faults = history.faults_during(gap.0, gap.1);
    finding
}

fn late(history: &History, recovery: &Recovery<'_>, limit: Nanos) -> Finding {
    let Recovery { node, healed, until, took, tried } = recovery;
    let title = match took {
        Some(took) => format!("{node} needed {took} to recover; {limit} was allowed"),
        None => format!("{node} did not recover; {limit} was allowed"),
    };
    let end = took.map_or(*until, |took| Nanos(healed.0 + took.0));
    let prose = vec![
        format!("All faults were healed at {healed}."),
        match took {
            Some(_) => format!("The first ok operation on {node} completed at {end}."),
            None => format!("No operation on {node} was ok until {end}, though some were tried."),
        },
    ];
    let mut finding = finding("slow-recovery", title, prose, *healed, end);
    finding.operations.extend(tried);
    finding.faults = history.faults_during(*healed, *healed);
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linearizability::notation::{edited, history, with_fault};

    fn on(history: History, nodes: &[&str]) -> History {
        edited(history, |operations| {
            for (operation, node) in operations.iter_mut().zip(nodes) {
                operation.node = Some((*node).to_owned());
            }
        })
    }

    const SECOND: u64 = 1_000_000_000;

    fn thresholds(min_ok: f64, recovery: u64) -> Thresholds {
        Thresholds { min_ok: Some(min_ok), recovery: Some(Nanos(recovery * SECOND)) }
    }

    /// Times in seconds.
    fn seconds(line: &str) -> History {
        let scale = |word: &str| {
            let Some((times, rest)) = word.split_once(' ') else { return word.to_owned() };
            let nano = format!("{:09}", 0);
            let times: Vec<String> = times
                .split('-')
                .map(|time| match time.trim_end_matches('!') {
                    "?" => "?".to_owned(),
                    digits => format!("{digits}{nano}{}", &time[digits.len()..]),
                })
                .collect();
            format!("{} {rest}", times.join("-"))
        };
        let items: Vec<String> = line.split(", ").map(scale).collect();
        history(&items.join(", "))
    }

    #[test]
    fn accepts_what_keeps_its_thresholds() {
        let history = on(seconds("1-2 w1, 11-12 r1, 20-21! c1:2, 22-23 r1"), &["n1", "n2"]);
        let history = with_fault(history, "partition", 5 * SECOND, Some(10 * SECOND));
        let result = availability(&history, &thresholds(1.0, 3));
        assert_eq!(result.verdict, Verdict::Valid, "{result:?}");
        assert_eq!(result.figures["ok_share"], 1.0);
        assert_eq!(result.figures["cas_failed_left_out"], 1);
        assert_eq!(result.figures["recovery_ms_by_node"], json!({"n2": 2000.0}));
        assert_eq!(result.figures["unavailable_ms_max"], 11000.0);
    }

    #[test]
    fn rejects_a_low_share() {
        let history = seconds("1-2 w1, 3-4! r1, 5-6! r1, 7-8 r1");
        let history = with_fault(history, "kill", 3 * SECOND, Some(6 * SECOND));
        let result = availability(&history, &thresholds(0.9, 3));
        assert_eq!(result.verdict, Verdict::Violated);
        assert_eq!(result.findings[0].anomaly, "low-availability");
        assert_eq!(result.findings[0].faults, [0]);
        assert_eq!(result.figures["ok_share_during_kill"], 0.0);
        assert_eq!(result.figures["ok_share_outside_faults"], 1.0);
        assert_eq!(result.figures["windows"][0]["operations"], 2);
    }

    #[test]
    fn rejects_a_slow_recovery_and_none_at_all() {
        let nodes = ["n1", "n1", "n2", "n3"];
        let history = on(seconds("1-2 w1, 10-19 r1, 11-12! r1, 1-2 r1, 20-21 r1"), &nodes);
        let history = with_fault(history, "kill", 3 * SECOND, Some(6 * SECOND));
        let result = availability(&history, &thresholds(0.0, 5));
        assert_eq!(result.verdict, Verdict::Violated);
        let titles: Vec<&str> = result.findings.iter().map(|f| f.title.as_str()).collect();
        assert!(titles.iter().any(|title| title.contains("needed 13.000 s")), "{titles:?}");
        assert!(titles.iter().any(|title| title.contains("did not recover")), "{titles:?}");
        assert_eq!(titles.len(), 2, "a node never tried is not judged: {titles:?}");
    }

    #[test]
    fn overlapping_faults_are_one_disturbance() {
        let history = on(seconds("1-2 w1, 11-12 r1, 30-31 r1"), &["n1", "n1"]);
        let history = with_fault(history, "kill", 3 * SECOND, Some(6 * SECOND));
        let history = with_fault(history, "pause", 5 * SECOND, Some(11 * SECOND));
        assert_eq!(quiet_times(&history), [(Nanos(11 * SECOND), Nanos(31 * SECOND))]);
        assert_eq!(availability(&history, &thresholds(0.5, 2)).verdict, Verdict::Valid);
        let open = with_fault(history, "kill", 12 * SECOND, None);
        assert_eq!(quiet_times(&open), [(Nanos(11 * SECOND), Nanos(12 * SECOND))]);
    }

    #[test]
    fn nothing_to_judge_is_unknown() {
        let result = availability(&History::default(), &Thresholds::default());
        assert!(matches!(result.verdict, Verdict::Unknown(_)));
    }
}
