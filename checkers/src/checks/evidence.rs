//! From what a check found to its result: findings with their words, counted and cut.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::parts::{Op, is_fail, is_ok};
use crate::finding::{Against, CheckResult, Finding, Verdict};
use crate::history::{History, Nanos};
use crate::topics;

/// Findings of one anomaly told in full; the others are counted.
const TOLD_MAX: usize = 10;
/// Operations listed with a finding.
const LISTED_MAX: usize = 50;
/// Characters of a value in a sentence.
const VALUE_CHARS: usize = 120;

/// One accusation, in words.
pub(crate) struct Case<'a> {
    pub key: Option<&'a Value>,
    /// A sentence without its full stop.
    pub title: String,
    /// From the premises to the contradiction; what the operations did is told before it.
    pub argument: String,
    /// In any order; the findings' operations and time.
    pub about: Vec<Op<'a>>,
}

/// Gathers accusations.
pub(crate) struct Evidence<'a> {
    history: &'a History,
    check: &'static str,
    findings: Vec<Finding>,
    counts: BTreeMap<&'static str, usize>,
}

impl<'a> Evidence<'a> {
    pub(crate) fn new(check: &'static str, history: &'a History) -> Self {
        Self { history, check, findings: Vec::new(), counts: BTreeMap::new() }
    }

    /// Counts one `anomaly`; `case` is asked for only when it will be told.
    pub(crate) fn add(
        &mut self,
        anomaly: &'static str,
        case: impl FnOnce() -> Case<'a>,
    ) -> Against<'_> {
        let count = self.counts.entry(anomaly).or_default();
        *count += 1;
        if *count > TOLD_MAX {
            return Against(None);
        }
        self.findings.push(told(self.history, anomaly, case()));
        Against(self.findings.last_mut().map(|finding| &mut finding.contrast))
    }

    pub(crate) fn count(&self) -> usize {
        self.counts.values().sum()
    }

    /// *Violated* when anything was found, and otherwise the verdict and words given.
    ///
    /// Adds the figures `anomalies` (how many of each) and `findings_left_out`.
    pub(crate) fn finish(
        mut self,
        otherwise: Verdict,
        summary: String,
        figures: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> CheckResult {
        let mut figures: BTreeMap<String, Value> =
            figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        figures.insert("anomalies".into(), json!(self.counts));
        figures.insert("findings_left_out".into(), json!(self.count() - self.findings.len()));
        self.findings.sort_by_key(|finding| finding.to);
        let (verdict, summary) = match self.counts.is_empty() {
            true => (otherwise, summary),
            false => (Verdict::Violated, self.in_words(&summary)),
        };
        CheckResult {
            check: self.check.to_owned(),
            verdict,
            summary,
            figures,
            findings: self.findings,
        }
    }

    fn in_words(&self, summary: &str) -> String {
        let counted = self.counts.iter().map(|(name, count)| format!("{count} × {name}"));
        format!("{}; {summary}", counted.collect::<Vec<_>>().join(", "))
    }
}

/// The result for a history which is none of the check's.
pub(crate) fn unjudged(check: &str, problem: String) -> CheckResult {
    CheckResult {
        check: check.to_owned(),
        verdict: Verdict::Unknown(format!("the history is not of this data type: {problem}")),
        summary: problem,
        figures: BTreeMap::new(),
        findings: Vec::new(),
    }
}

fn told(history: &History, anomaly: &'static str, case: Case<'_>) -> Finding {
    let Case { key, title, argument, mut about } = case;
    about.sort_by_key(|op| op.invoked_rank);
    about.dedup_by_key(|op| op.invoked_rank);
    let ends = |op: &Op<'_>| [Some(op.invoked_at), op.completed_at];
    let times: Vec<Nanos> = about.iter().flat_map(ends).flatten().collect();
    let from = times.iter().min().copied().unwrap_or_default();
    let to = times.iter().max().copied().unwrap_or_default();
    let digits = digits(times);
    let mut prose: Vec<String> =
        about.iter().take(LISTED_MAX).map(|op| sentence(op, digits)).collect();
    prose.push(argument);
    let on = key.map_or_else(String::new, |key| format!(" (key {})", shown(key)));
    Finding {
        anomaly: topics::known(anomaly).to_owned(),
        key: key.cloned(),
        title: format!("{title}{on}"),
        prose,
        operations: about.iter().take(LISTED_MAX).map(|op| op.index).collect(),
        from,
        to,
        faults: history.faults_during(from, to),
        witness: None,
        cycle: None,
        contrast: Vec::new(),
    }
}

/// Which faults were in force while `op` was under way, as a sentence; nothing without any.
pub(crate) fn meanwhile(history: &History, op: Op<'_>) -> String {
    let during = history.faults_during(op.invoked_at, op.completed_at.unwrap_or(Nanos(u64::MAX)));
    let told: Vec<String> = history
        .faults
        .iter()
        .filter(|window| during.contains(&window.id))
        .map(|window| {
            let end = window.to.map_or("the end".to_owned(), |end| end.to_string());
            let nodes = window.nodes.join(" ");
            format!("{} #{} of {nodes} ({} to {end})", window.fault, window.id, window.from)
        })
        .collect();
    match told.is_empty() {
        true => String::new(),
        false => format!(" While {} was under way, in force was {}.", name(op), told.join(", ")),
    }
}

/// Digits after the second: as many as it takes to tell `times` apart.
fn digits(mut times: Vec<Nanos>) -> usize {
    times.sort_unstable();
    times.dedup();
    let tells = |unit: u64| times.windows(2).all(|pair| pair[0].0 / unit < pair[1].0 / unit);
    [(3, 1_000_000), (6, 1_000)].into_iter().find(|(_, unit)| tells(*unit)).map_or(9, |(d, _)| d)
}

/// `op 840`
pub(crate) fn name(op: Op<'_>) -> String {
    format!("op {}", op.index.0)
}

/// What begins with `op`, at the beginning of a sentence.
pub(crate) fn capital(name: &str) -> String {
    name.replacen("op", "Op", 1)
}

/// `op 840 (process 3 on n3)`
pub(crate) fn who(op: Op<'_>) -> String {
    let node = op.node.map_or_else(String::new, |node| format!(" on {node}"));
    format!("{} (process {}{node})", name(op), op.process)
}

/// A value on one line, shortened.
pub(crate) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_CHARS) {
        None => text,
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
    }
}

/// `[1, 2, 3, …]`: the first few of many.
pub(crate) fn some<'v>(values: impl IntoIterator<Item = &'v Value>) -> String {
    let mut text = String::new();
    for (place, value) in values.into_iter().enumerate() {
        let separator = if place == 0 { "" } else { ", " };
        if place == 8 {
            text.push_str(", …");
            break;
        }
        let _ = write!(text, "{separator}{}", shown(value));
    }
    text
}

/// Who did what and when, as a whole sentence: `Op 4 (process 1): read → [1], 1.000 s to 1.200 s.`
fn sentence(op: Op<'_>, digits: usize) -> String {
    let mut text = format!("{}: {}", capital(&who(op)), op.f);
    if !op.argument.is_null() {
        let _ = write!(text, " {}", shown(&op.argument));
    }
    if is_ok(op) && op.result != op.argument {
        let _ = write!(text, " → {}", shown(&op.result));
    }
    if let Some(answer) = op.remark.filter(|_| is_ok(op)) {
        let _ = write!(text, " ({answer})");
    }
    let begin = op.invoked_at;
    let _ = match op.completed_at {
        Some(end) if is_ok(op) => write!(text, ", {begin:.digits$} to {end:.digits$}."),
        Some(end) if is_fail(op) => {
            write!(text, ", failed, {begin:.digits$} to {end:.digits$}.")
        }
        _ => write!(text, ", invoked at {begin:.digits$}, its outcome was never known."),
    };
    text
}
