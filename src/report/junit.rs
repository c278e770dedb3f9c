//! `junit.xml` for CI: a case per check, and per key on which it is violated.
//!
//! *Unknown* is an error, not skipped: CI shows skipped cases as green, and a run which proves
//! nothing is no success.

use std::collections::BTreeMap;

use isobar_checkers::{CheckResult, Finding, Verdict};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{ReportError, Source, words};
use crate::fingerprint::Fingerprint;

/// Characters of one text; CI servers refuse files of many megabytes.
const TEXT_CHARS: usize = 20_000;
/// Keys with a case of their own; the others share one.
const KEYS_MAX: usize = 20;
/// Findings told per case; the others are counted.
const FINDINGS_TOLD: usize = 20;

/// The whole document.
pub fn document(source: &Source<'_>) -> Result<String, ReportError> {
    let mut report = Report::new("isobar");
    let mut suite = TestSuite::new(clean(&source.meta.name));
    suite.add_property(("seed", source.meta.seed.to_string().as_str()));
    suite.add_property(("isobar", clean(&source.meta.isobar_version).as_str()));
    suite.add_property(("reproduce", clean(&source.meta.reproduce).as_str()));
    suite.add_property(("complete", if source.is_complete() { "true" } else { "false" }));
    for check in &source.results.checks {
        suite.add_test_cases(cases(source, check));
    }
    if !source.results.trouble.is_empty() {
        suite.set_system_err(clean(&source.results.trouble.join("\n")));
    }
    report.add_test_suite(suite);
    Ok(report.to_string()?)
}

/// Of a check that is violated on some keys, a case per key; of any other, one.
fn cases(source: &Source<'_>, check: &CheckResult) -> Vec<TestCase> {
    let keyed = check.findings.iter().all(|finding| finding.key.is_some());
    if check.verdict != Verdict::Violated || check.findings.is_empty() || !keyed {
        let findings: Vec<&Finding> = check.findings.iter().collect();
        return vec![case(source, check, &check.check, &findings)];
    }
    let mut groups: BTreeMap<String, Vec<&Finding>> = BTreeMap::new();
    for finding in &check.findings {
        let key = finding.key.as_ref().map(words::key).unwrap_or_default();
        groups.entry(key).or_default().push(finding);
    }
    let rest: Vec<&Finding> = groups.values().skip(KEYS_MAX).flatten().copied().collect();
    let mut cases: Vec<TestCase> = groups
        .iter()
        .take(KEYS_MAX)
        .map(|(key, findings)| {
            case(source, check, &format!("{} [key {key}]", check.check), findings)
        })
        .collect();
    if !rest.is_empty() {
        let left = words::counted(groups.len() - KEYS_MAX, "more key");
        cases.push(case(source, check, &format!("{} [{left}]", check.check), &rest));
    }
    cases
}

fn case(source: &Source<'_>, check: &CheckResult, name: &str, findings: &[&Finding]) -> TestCase {
    let status = match &check.verdict {
        Verdict::Valid => TestCaseStatus::success(),
        Verdict::Violated => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let first = findings.first();
            let message = first.map_or(&check.summary, |finding| &finding.title);
            status.set_message(clean(message));
            status.set_type(clean(first.map_or("violated", |finding| &finding.anomaly)));
            status.set_description(clean(&argument(source, check, findings)));
            status
        }
        Verdict::Unknown(reason) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(clean(reason));
            status.set_type("unknown");
            status.set_description(clean(&check.summary));
            status
        }
    };
    let mut case = TestCase::new(clean(name), status);
    case.set_classname(clean(&format!("isobar.{}", source.meta.name)));
    if check.verdict == Verdict::Valid {
        case.set_system_out(clean(&measured(check)));
    }
    case
}

/// The summary, then every measured value.
fn measured(check: &CheckResult) -> String {
    let plain = check.figures.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
    let figures = plain.map(|(name, value)| format!("{name}: {value}"));
    std::iter::once(check.summary.clone()).chain(figures).collect::<Vec<_>>().join("\n")
}

fn argument(source: &Source<'_>, check: &CheckResult, findings: &[&Finding]) -> String {
    let mut lines = vec![measured(check)];
    for finding in findings.iter().take(FINDINGS_TOLD) {
        lines.push(String::new());
        let id = Fingerprint::of(&check.check, finding).id;
        lines.push(format!("{} ({id}): {}", words::anomaly(finding), finding.title));
        lines.extend(finding.prose.iter().map(|sentence| format!("  {sentence}")));
    }
    let left = findings.len().saturating_sub(FINDINGS_TOLD);
    if left > 0 {
        lines.push(format!("\nand {}", words::counted(left, "more finding")));
    }
    lines.push(format!("\nreproduce: {}", source.meta.reproduce));
    lines.join("\n")
}

/// XML 1.0 has no way to write most control characters (§2.2): they are shown as what they are.
fn clean(text: &str) -> String {
    words::visible(&words::shorten(text, TEXT_CHARS)).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use quick_junit::Report;

    use super::super::sample::Sample;
    use super::*;

    fn xml(sample: &Sample) -> String {
        document(&sample.source(Path::new("run"))).unwrap()
    }

    #[test]
    fn a_violation_is_a_failure() {
        insta::assert_snapshot!(xml(&Sample::stale_read()));
    }

    #[test]
    fn unknown_is_an_error_with_its_reason() {
        insta::assert_snapshot!(xml(&Sample::unknown()));
    }

    #[test]
    fn every_key_that_failed_is_a_case_up_to_a_limit() {
        let mut sample = Sample::stale_read();
        let check = &mut sample.results.checks[0];
        let finding = check.findings[0].clone();
        let on = |key: usize| Finding { key: Some(format!("k{key}").into()), ..finding.clone() };
        check.findings = (0..KEYS_MAX + 3).map(on).collect();
        let report = Report::deserialize_from_str(&xml(&sample)).unwrap();
        assert_eq!(report.failures, KEYS_MAX + 1);
        let last = &report.test_suites[0].test_cases[KEYS_MAX];
        assert_eq!(last.name.as_str(), "linearizable [3 more keys]");
    }

    #[test]
    fn valid_checks_are_successes() {
        let report = Report::deserialize_from_str(&xml(&Sample::valid())).unwrap();
        assert_eq!((report.tests, report.failures, report.errors), (4, 0, 0));
    }

    #[test]
    fn hostile_values_leave_it_well_formed() {
        let xml = xml(&Sample::hostile());
        let report = Report::deserialize_from_str(&xml).unwrap();
        assert_eq!(report.test_suites[0].test_cases.len(), 2);
        assert!(!xml.contains(|c: char| c.is_control() && c != '\n'), "{xml:?}");
        assert!(!xml.contains("<img"));
        assert!(xml.len() < 200_000);
    }
}
