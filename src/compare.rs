//! Two runs beside each other: what is new, what is known, what is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::fingerprint::Fingerprint;
use crate::store::Results;

/// What changed from one run to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Version of this format; 1.
    pub schema: u32,
    pub findings: Vec<Change>,
    pub checks: Vec<CheckChange>,
}

/// A finding in one or both of two runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub kind: ChangeKind,
    pub finding: Fingerprint,
    /// How often it was found.
    pub before: usize,
    pub after: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    New,
    Known,
    Gone,
}

/// The verdicts of one check; `None` where it was not asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckChange {
    pub check: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Comparison {
    const SCHEMA: u32 = 1;

    pub fn of(before: &Results, after: &Results) -> Self {
        let counts = (Fingerprint::counted(before), Fingerprint::counted(after));
        let names: BTreeSet<&Fingerprint> = counts.0.keys().chain(counts.1.keys()).collect();
        let change = |finding: &Fingerprint| {
            let count = |side: &BTreeMap<Fingerprint, usize>| side.get(finding).copied();
            let (before, after) = (count(&counts.0), count(&counts.1));
            let kind = match (before, after) {
                (None, _) => ChangeKind::New,
                (_, None) => ChangeKind::Gone,
                _ => ChangeKind::Known,
            };
            let (before, after) = (before.unwrap_or(0), after.unwrap_or(0));
            Change { kind, finding: finding.clone(), before, after }
        };
        let mut findings: Vec<Change> = names.into_iter().map(change).collect();
        findings.sort_by_key(|change| change.kind);
        let word = |results: &Results, name: &str| {
            let check = results.checks.iter().find(|check| check.check == name);
            check.map(|check| check.verdict.word().to_owned())
        };
        let all = before.checks.iter().chain(&after.checks);
        let names: BTreeSet<&str> = all.map(|check| check.check.as_str()).collect();
        let checks = names.into_iter().map(|name| CheckChange {
            check: name.to_owned(),
            before: word(before, name),
            after: word(after, name),
        });
        Self { schema: Self::SCHEMA, findings, checks: checks.collect() }
    }

    /// Whether there is a new finding, or a check that was not violated before.
    pub fn is_worse(&self) -> bool {
        let violated = Some("violated");
        let new = self.findings.iter().any(|change| change.kind == ChangeKind::New);
        let broken = |check: &CheckChange| {
            check.after.as_deref() == violated && check.before.as_deref() != violated
        };
        new || self.checks.iter().any(broken)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.findings.is_empty() {
            writeln!(f, "neither run has a finding")?;
        }
        for Change { kind, finding, before, after } in &self.findings {
            match kind {
                ChangeKind::New => writeln!(f, "new    {finding}, × {after}")?,
                ChangeKind::Known => {
                    writeln!(f, "known  {finding}, × {before}, then × {after}")?;
                }
                ChangeKind::Gone => writeln!(f, "gone   {finding}, × {before} before")?,
            }
        }
        for CheckChange { check, before, after } in &self.checks {
            if before != after {
                let word = |side: &Option<String>| side.clone().unwrap_or("not asked".to_owned());
                writeln!(f, "check  {check}: {}, then {}", word(before), word(after))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use isobar_checkers::{CheckResult, Finding, Nanos, Verdict};

    use super::*;
    use crate::store::OperationCounts;

    fn results(anomalies: &[&str]) -> Results {
        let finding = |anomaly: &&str| Finding {
            anomaly: (*anomaly).to_owned(),
            key: None,
            title: String::new(),
            prose: Vec::new(),
            operations: Vec::new(),
            from: Nanos(0),
            to: Nanos(0),
            faults: Vec::new(),
            witness: None,
            contrast: Vec::new(),
            cycle: None,
        };
        let verdict = if anomalies.is_empty() { Verdict::Valid } else { Verdict::Violated };
        let check = CheckResult {
            check: "linearizable".to_owned(),
            verdict: verdict.clone(),
            summary: String::new(),
            figures: BTreeMap::new(),
            findings: anomalies.iter().map(finding).collect(),
        };
        let operations = OperationCounts::default();
        let (checks, trouble) = (vec![check], Vec::new());
        Results { schema: 1, verdict, complete: true, operations, checks, trouble }
    }

    #[test]
    fn findings_are_new_known_or_gone() {
        let before = results(&["stale-read", "stale-read", "lost-write"]);
        let after = results(&["stale-read", "illegal-read"]);
        let comparison = Comparison::of(&before, &after);
        insta::assert_snapshot!(comparison);
        assert!(comparison.is_worse());
        assert!(!Comparison::of(&before, &before).is_worse());
    }

    #[test]
    fn a_check_that_breaks_is_worse_and_one_that_is_mended_is_not() {
        let (bad, good) = (results(&["stale-read"]), results(&[]));
        assert!(Comparison::of(&good, &bad).is_worse());
        let mended = Comparison::of(&bad, &good);
        assert!(!mended.is_worse());
        assert!(mended.to_string().contains("linearizable: violated, then valid"), "{mended}");
        assert_eq!(Comparison::of(&good, &good).to_string(), "neither run has a finding\n");
    }
}
