//! What GitHub Actions shows of a run: annotations on the job, and a page of its own.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::fmt::Write as _;

use isobar_checkers::{CheckResult, Finding, Verdict};

use super::{PAGE, Source, words};
use crate::fingerprint::Fingerprint;

/// GitHub shows ten errors of a step and drops the others.
const ANNOTATIONS_MAX: usize = 10;
/// Findings told in full on the page.
const FINDINGS_TOLD: usize = 5;

/// A workflow command per finding, and per check of which nobody knows.
pub fn annotations(source: &Source<'_>) -> String {
    let findings = source.findings().into_iter().map(|(check, finding)| {
        let level = if check.verdict == Verdict::Violated { "error" } else { "notice" };
        let title = format!("{} against {}", words::anomaly(finding), check.check);
        command(level, &title, &argument(finding, source))
    });
    let unknown = source.results.checks.iter().filter_map(|check| match &check.verdict {
        Verdict::Unknown(why) => {
            Some(command("warning", &format!("{}: unknown", check.check), why))
        }
        Verdict::Valid | Verdict::Violated => None,
    });
    findings.chain(unknown).take(ANNOTATIONS_MAX).collect()
}

fn argument(finding: &Finding, source: &Source<'_>) -> String {
    let mut lines = vec![finding.title.clone()];
    lines.extend(finding.prose.iter().cloned());
    lines.push(format!("reproduce: {}", source.meta.reproduce));
    lines.join("\n")
}

fn command(level: &str, title: &str, message: &str) -> String {
    let data = |text: &str| {
        let text = words::shorten(text, 4_000).into_owned();
        text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
    };
    let title = data(title).replace(':', "%3A").replace(',', "%2C");
    format!("::{level} title={title}::{}\n", data(message))
}

/// The page of a run, in Markdown.
pub fn summary(source: &Source<'_>) -> String {
    let (meta, results) = (source.meta, source.results);
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = write!(
        out,
        "## {} {}\n\nseed {}, {} operations, {} faults\n\n",
        cell(&meta.name),
        words::verdict(&results.verdict),
        meta.seed,
        words::count(results.operations.invoked),
        source.history.faults.len(),
    );
    out.push_str("| check | verdict | |\n|---|---|---|\n");
    for CheckResult { check, verdict, summary, .. } in &results.checks {
        let why = match verdict {
            Verdict::Unknown(reason) => reason,
            Verdict::Valid | Verdict::Violated => summary,
        };
        let _ = writeln!(out, "| {} | {} | {} |", cell(check), words::verdict(verdict), cell(why));
    }
    for (check, finding) in source.findings().into_iter().take(FINDINGS_TOLD) {
        let id = Fingerprint::of(&check.check, finding).id;
        let head = format!("{} ({id}): {}", words::anomaly(finding), finding.title);
        let _ = write!(out, "\n<details><summary>{}</summary>\n\n", cell(&head));
        for sentence in &finding.prose {
            let _ = writeln!(out, "- {}", cell(sentence));
        }
        out.push_str("\n</details>\n");
    }
    for trouble in &results.trouble {
        let _ = write!(out, "\n> {}\n", cell(trouble));
    }
    let page = source.directory.join(PAGE);
    let (reproduce, page) = (cell(&meta.reproduce), page.display().to_string());
    let _ = write!(out, "\nreport: `{page}`\n\n```sh\n{reproduce}\n```\n");
    out
}

/// Text as text: what a database returned is neither markup nor another cell.
fn cell(text: &str) -> String {
    let text = words::visible(&words::shorten(text, 1_000)).replace('\n', " ");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|").replace('`', "'")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::sample::Sample;
    use super::*;

    #[test]
    fn a_violation_is_an_error_and_a_page() {
        let sample = Sample::stale_read();
        let source = sample.source(Path::new("runs/etcd-register/latest"));
        insta::assert_snapshot!(annotations(&source));
        insta::assert_snapshot!(summary(&source));
    }

    #[test]
    fn unknown_is_a_warning() {
        let sample = Sample::unknown();
        let told = annotations(&sample.source(Path::new("run")));
        assert!(told.starts_with("::warning title="), "{told}");
    }

    #[test]
    fn values_cannot_give_commands_of_their_own() {
        let sample = Sample::hostile();
        let source = sample.source(Path::new("run"));
        let told = annotations(&source);
        assert!(told.lines().all(|line| line.starts_with("::")), "{told}");
        assert!(!summary(&source).contains("<img"));
    }
}
