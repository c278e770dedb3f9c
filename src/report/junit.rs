//! `junit.xml` for CI: a case per check.
//!
//! *Unknown* is an error, not skipped: CI shows skipped cases as green, and a run which proves
//! nothing is no success.

use isobar_checkers::{CheckResult, Verdict};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{ReportError, Source, words};

/// Characters of one text; CI servers refuse files of many megabytes.
const TEXT_CHARS: usize = 20_000;
/// Findings told per check; the others are counted.
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
        suite.add_test_case(case(source, check));
    }
    if !source.results.trouble.is_empty() {
        suite.set_system_err(clean(&source.results.trouble.join("\n")));
    }
    report.add_test_suite(suite);
    Ok(report.to_string()?)
}

fn case(source: &Source<'_>, check: &CheckResult) -> TestCase {
    let status = match &check.verdict {
        Verdict::Valid => TestCaseStatus::success(),
        Verdict::Violated => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let first = check.findings.first();
            let message = first.map_or(&check.summary, |finding| &finding.title);
            status.set_message(clean(message));
            status.set_type(clean(first.map_or("violated", |finding| &finding.anomaly)));
            status.set_description(clean(&argument(source, check)));
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
    let mut case = TestCase::new(clean(&check.check), status);
    case.set_classname(clean(&format!("isobar.{}", source.meta.name)));
    if check.verdict == Verdict::Valid {
        case.set_system_out(clean(&check.summary));
    }
    case
}

fn argument(source: &Source<'_>, check: &CheckResult) -> String {
    let mut lines = vec![check.summary.clone()];
    for finding in check.findings.iter().take(FINDINGS_TOLD) {
        lines.push(String::new());
        lines.push(format!("{}: {}", words::anomaly(finding), finding.title));
        lines.extend(finding.prose.iter().map(|sentence| format!("  {sentence}")));
    }
    let left = check.findings.len().saturating_sub(FINDINGS_TOLD);
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
