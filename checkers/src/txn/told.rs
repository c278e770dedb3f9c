//! From accusations of transactions to findings: words, operations, times. Told in full are the
//! first few of each anomaly; the others are counted.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::sources::{Fault, FaultKind};
use super::spelt::Spelt;
use super::transactions::{Function, Transactions};
use crate::finding::{CheckResult, Finding, Verdict};
use crate::history::{Completion, Nanos, ValueId};
use crate::topics;

/// Findings of one anomaly told in full.
const TOLD_MAX: usize = 10;
/// Operations listed with a finding.
const LISTED_MAX: usize = 50;
/// Micro-operations of a transaction told.
const MICROS_MAX: usize = 12;
/// Characters of a value in a sentence.
const VALUE_CHARS: usize = 60;

/// One accusation, in words.
pub(super) struct Case {
    pub key: Option<u32>,
    /// A sentence without its full stop.
    pub title: String,
    /// From the premises to the contradiction; what the transactions did is told before it.
    pub argument: Vec<String>,
    /// The transactions, in any order.
    pub about: Vec<u32>,
}

/// Gathers accusations.
pub(super) struct Evidence<'a, 'h> {
    txns: &'a Spelt<'h>,
    findings: Vec<Finding>,
    counts: BTreeMap<&'static str, usize>,
}

impl<'a, 'h> Evidence<'a, 'h> {
    pub(super) fn new(txns: &'a Spelt<'h>) -> Self {
        Self { txns, findings: Vec::new(), counts: BTreeMap::new() }
    }

    /// Counts one `anomaly`; `case` is asked for only when it will be told.
    pub(super) fn add(&mut self, anomaly: &'static str, case: impl FnOnce() -> Case) {
        let count = self.counts.entry(anomaly).or_default();
        *count += 1;
        if *count <= TOLD_MAX {
            self.findings.push(finding(self.txns.get(), anomaly, case()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// *Violated* when anything was found, and otherwise the verdict and words given. Figures:
    /// those given, `anomalies` (how many of each) and `findings_left_out`.
    pub(super) fn finish(
        mut self,
        check: &str,
        otherwise: Verdict,
        summary: String,
        mut figures: BTreeMap<String, Value>,
    ) -> CheckResult {
        let total: usize = self.counts.values().sum();
        figures.insert("anomalies".into(), json!(self.counts));
        figures.insert("findings_left_out".into(), json!(total - self.findings.len()));
        self.findings.sort_by_key(|finding| (finding.operations.len(), finding.to));
        let (verdict, summary) = if self.is_empty() {
            (otherwise, summary)
        } else {
            let counted = self.counts.iter().map(|(name, count)| format!("{count} × {name}"));
            let counted: Vec<String> = counted.collect();
            (Verdict::Violated, format!("{}; {summary}", counted.join(", ")))
        };
        CheckResult { check: check.to_owned(), verdict, summary, figures, findings: self.findings }
    }
}

/// The result for a history that is none of the check's.
pub(super) fn unjudged(check: &str, problem: String) -> CheckResult {
    CheckResult {
        check: check.to_owned(),
        verdict: Verdict::Unknown(format!("the history is not of this data type: {problem}")),
        summary: problem,
        figures: BTreeMap::new(),
        findings: Vec::new(),
    }
}

fn finding(txns: &Transactions<'_>, anomaly: &'static str, case: Case) -> Finding {
    let Case { key, title, argument, mut about } = case;
    about.sort_unstable();
    about.dedup();
    let listed = &about[..about.len().min(LISTED_MAX)];
    let operations = || about.iter().map(|&txn| txns.operation(txn as usize));
    let times = operations().flat_map(|op| [Some(op.invoked_at()), op.completed_at()]).flatten();
    let (mut from, mut to) = (Nanos(u64::MAX), Nanos(0));
    times.for_each(|time| (from, to) = (from.min(time), to.max(time)));
    let from = from.min(to);
    let key = key.map(|key| txns.values().get(txns.keys()[key as usize]));
    let mut prose: Vec<String> = listed.iter().map(|&txn| sentence(txns, txn)).collect();
    prose.extend(argument);
    Finding {
        anomaly: topics::known(anomaly).to_owned(),
        key,
        title,
        prose,
        operations: operations().take(LISTED_MAX).map(|op| op.index()).collect(),
        from,
        to,
        faults: txns.history().faults_during(from, to),
        witness: None,
        cycle: None,
        contrast: Vec::new(),
    }
}

/// Tells of a read that no execution explains.
pub(super) fn fault(txns: &Transactions<'_>, fault: &Fault, evidence: &mut Evidence<'_, '_>) {
    let anomaly = match fault.kind {
        FaultKind::Internal => "internal",
        FaultKind::NonRepeatable => "non-repeatable-read",
        FaultKind::Aborted => "G1a",
        FaultKind::Intermediate => "G1b",
        FaultKind::Garbage => "garbage-read",
        FaultKind::Future => "future-read",
    };
    evidence.add(anomaly, || {
        let writer = name(txns, fault.writer);
        let why = match fault.kind {
            FaultKind::Internal => "not what it had written itself".to_owned(),
            FaultKind::NonRepeatable => "which it had found otherwise before".to_owned(),
            FaultKind::Aborted => format!("which only {writer} wrote, which failed"),
            FaultKind::Intermediate => format!("which {writer} replaced itself"),
            FaultKind::Garbage => "which nobody wrote".to_owned(),
            FaultKind::Future => "which it wrote itself, and only later".to_owned(),
        };
        let (key, value) = (key(txns, fault.key), shown(txns, fault.value));
        Case {
            key: Some(fault.key),
            title: format!("{} read {key} = {value}, {why}", who(txns, fault.txn)),
            argument: vec!["No order of transactions explains that.".to_owned()],
            about: vec![fault.txn, fault.writer],
        }
    });
}

/// `op 840`
pub(super) fn name(txns: &Transactions<'_>, txn: u32) -> String {
    format!("op {}", txns.operation(txn as usize).index().0)
}

/// `op 840 (process 3 on n3)`
pub(super) fn who(txns: &Transactions<'_>, txn: u32) -> String {
    let op = txns.operation(txn as usize);
    let node = op.node().map_or_else(String::new, |node| format!(" on {node}"));
    format!("op {} (process {}{node})", op.index().0, op.process())
}

/// With a capital at the beginning of a sentence.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A value on one line, shortened; a text that needs no quotes has none.
pub(super) fn shown(txns: &Transactions<'_>, id: ValueId) -> String {
    let values = txns.values();
    let plain = |text: &&str| {
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c))
    };
    let text = match values.text(id).filter(plain) {
        Some(text) => text.to_owned(),
        None => values.get(id).to_string(),
    };
    match text.char_indices().nth(VALUE_CHARS) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

pub(super) fn key(txns: &Transactions<'_>, key: u32) -> String {
    shown(txns, txns.keys()[key as usize])
}

/// The last value that a transaction wrote to a key.
pub(super) fn written(txns: &Transactions<'_>, txn: u32, key: u32) -> String {
    let micros = txns.micros(txn as usize).iter().rev();
    let wrote = |micro: &&super::Micro| micro.key() == key && micro.f() != Function::Read;
    let value = micros.filter(|micro| micro.key() == key).find(wrote).map(|micro| micro.value);
    shown(txns, value.unwrap_or(ValueId::NULL))
}

/// What a transaction did: `Op 4 (process 1): writes x = 1, reads y = null, 1.000 s to 1.200 s.`
fn sentence(txns: &Transactions<'_>, txn: u32) -> String {
    let op = txns.operation(txn as usize);
    let all = txns.micros(txn as usize);
    let word = |micro: &super::Micro| {
        let (key, value) = (key(txns, micro.key()), shown(txns, micro.value));
        match micro.f() {
            Function::Append => format!("appends {value} to {key}"),
            Function::Write => format!("writes {key} = {value}"),
            Function::Read if op.completion() == Completion::Ok => format!("reads {key} = {value}"),
            Function::Read => format!("reads {key}"),
        }
    };
    let mut text = all.iter().take(MICROS_MAX).map(word).collect::<Vec<_>>().join(", ");
    if all.len() > MICROS_MAX {
        text.push_str(&format!(", … ({} in all)", all.len()));
    }
    if text.is_empty() {
        text.push_str("nothing");
    }
    let who = capital(&who(txns, txn));
    if txns.history().untimed {
        return format!("{who}: {text}.");
    }
    let begin = op.invoked_at();
    match (op.completion(), op.completed_at()) {
        (Completion::Ok, Some(end)) => format!("{who}: {text}; {begin:.6} to {end:.6}."),
        (Completion::Fail, Some(end)) => format!("{who}: {text}; failed, {begin:.6} to {end:.6}."),
        _ => format!("{who}: {text}; from {begin:.6}, its outcome was never known."),
    }
}
