//! The end of a run on a terminal.

use std::fmt::Write as _;

use isobar_checkers::history::History;
use isobar_checkers::{CheckResult, FaultWindow, Finding, InjectOutcome, Verdict};

use super::style::{Style, Tone};
use super::{PAGE, Source, words};

/// Findings told in full; the others are counted.
const FINDINGS_TOLD: usize = 3;
/// Troubles and fault problems listed; the others are counted.
const LINES_TOLD: usize = 8;
/// Characters of a sentence; a value of a megabyte does not scroll the verdict away.
const SENTENCE_CHARS: usize = 600;

/// Verdict, contradictions, checks, operations, faults, where the report is and how to repeat it.
pub fn text(source: &Source<'_>, style: Style) -> String {
    let mut out = String::new();
    verdict(&mut out, source, style);
    findings(&mut out, source, style);
    checks(&mut out, source, style);
    summary(&mut out, source, style);
    out
}

fn sentence(text: &str) -> String {
    words::visible(&words::shorten(text, SENTENCE_CHARS)).replace('\n', " ")
}

fn tone(verdict: &Verdict) -> Tone {
    match verdict {
        Verdict::Valid => Tone::Good,
        Verdict::Violated => Tone::Bad,
        Verdict::Unknown(_) => Tone::Doubtful,
    }
}

fn verdict(out: &mut String, source: &Source<'_>, style: Style) {
    let verdict = &source.results.verdict;
    let word = words::verdict(verdict).to_uppercase();
    let name = sentence(&source.meta.name);
    let _ =
        writeln!(out, "{}  {name}, seed {}", style.paint(tone(verdict), &word), source.meta.seed);
    if let Verdict::Unknown(reason) = verdict {
        let _ = writeln!(out, "  {}", sentence(reason));
    }
    if !source.is_complete() {
        let note = "incomplete: the run was cut short and is judged as far as it was recorded";
        let _ = writeln!(out, "  {}", style.paint(Tone::Doubtful, note));
    }
    told(out, &source.results.trouble, |out, trouble| {
        let _ = writeln!(out, "  {} {}", style.paint(Tone::Bad, "trouble:"), sentence(trouble));
    });
}

fn findings(out: &mut String, source: &Source<'_>, style: Style) {
    let findings = source.findings();
    for (check, finding) in findings.iter().take(FINDINGS_TOLD) {
        finding_in_full(out, check, finding, source.history, style);
    }
    let left = findings.len().saturating_sub(FINDINGS_TOLD);
    if left > 0 {
        let more = words::counted(left, "more finding");
        let _ = writeln!(out, "\n  {}", style.paint(Tone::Muted, &format!("and {more}")));
    }
}

fn finding_in_full(
    out: &mut String,
    check: &CheckResult,
    finding: &Finding,
    history: &History,
    style: Style,
) {
    let kind = words::anomaly(finding);
    let against = format!("against {}", sentence(&check.check));
    let _ = writeln!(
        out,
        "\n{} {}",
        style.paint(Tone::Heading, &kind),
        style.paint(Tone::Muted, &against)
    );
    let _ = writeln!(out, "  {}", sentence(&finding.title));
    for item in &finding.prose {
        let _ = writeln!(out, "    {}", sentence(item));
    }
    let during = words::faults_named(finding, history);
    if !during.is_empty() {
        let _ = writeln!(out, "  in force meanwhile: {}", sentence(&during));
    }
}

fn checks(out: &mut String, source: &Source<'_>, style: Style) {
    let _ = writeln!(out, "\n{}", style.paint(Tone::Heading, "checks"));
    let names: Vec<String> =
        source.results.checks.iter().map(|check| sentence(&check.check)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for (check, name) in source.results.checks.iter().zip(names) {
        let word = words::verdict(&check.verdict);
        let painted = style.paint(tone(&check.verdict), &format!("{word:<8}"));
        let _ = writeln!(out, "  {painted}  {name:<width$}  {}", sentence(&check.summary));
        if let Verdict::Unknown(reason) = &check.verdict {
            let _ = writeln!(out, "  {:<8}  {:<width$}  because {}", "", "", sentence(reason));
        }
    }
}

fn summary(out: &mut String, source: &Source<'_>, style: Style) {
    let counts = source.results.operations;
    let _ = writeln!(
        out,
        "\n{}  {}: {} ok, {} failed, {} unknown",
        style.paint(Tone::Heading, "operations"),
        words::count(counts.invoked),
        words::count(counts.ok),
        words::count(counts.fail),
        words::count(counts.info),
    );
    let missed = source.meta.arrivals_missed;
    if missed > 0 {
        let _ = writeln!(
            out,
            "            {} more were due by the rate, but their workers were held up",
            words::count(missed)
        );
    }
    faults(out, source, style);
    let page = source.directory.join(PAGE);
    let _ = writeln!(out, "{}      {}", style.paint(Tone::Heading, "report"), page.display());
    let _ = writeln!(
        out,
        "{}   {}",
        style.paint(Tone::Heading, "reproduce"),
        words::visible(&source.meta.reproduce)
    );
}

fn faults(out: &mut String, source: &Source<'_>, style: Style) {
    let faults = &source.history.faults;
    let heading = style.paint(Tone::Heading, "faults");
    if faults.is_empty() {
        let _ = writeln!(out, "{heading}      none");
        return;
    }
    let (mut installed, mut skipped, mut indeterminate) = (0, 0, 0);
    let mut problems = Vec::new();
    for fault in faults {
        let name = format!("{} #{}", sentence(&fault.fault), fault.id);
        match &fault.outcome {
            InjectOutcome::Installed => installed += 1,
            InjectOutcome::Skipped(why) => {
                skipped += 1;
                problems.push(format!("{name} skipped: {}", sentence(why)));
            }
            InjectOutcome::Indeterminate(why) => {
                indeterminate += 1;
                problems.push(format!("{name} indeterminate: {}", sentence(why)));
            }
        }
        if let Some(why) = &fault.dirty {
            problems.push(format!("{name} left the cluster dirty: {}", sentence(why)));
        }
    }
    let _ = writeln!(
        out,
        "{heading}      {installed} installed, {skipped} skipped, {indeterminate} indeterminate"
    );
    if let Some(line) = recovery(source.history) {
        let _ = writeln!(out, "            {line}");
    }
    told(out, &problems, |out, problem| {
        let _ = writeln!(out, "            {problem}");
    });
}

/// How soon the service was back after the heals: in the middle, and at most.
fn recovery(history: &History) -> Option<String> {
    let recoveries = isobar_checkers::recoveries(history);
    let ms = |fault: &FaultWindow| fault.settled_ms.map(|ms| ms.saturating_mul(1_000_000));
    let settled: Vec<u64> = recoveries.iter().filter_map(|found| ms(found.fault)).collect();
    let served: Vec<u64> = recoveries.iter().filter_map(|f| Some(f.all_ok()?.0)).collect();
    let parts: Vec<String> = [("agreement of the nodes", settled), ("ok on every node", served)]
        .into_iter()
        .filter_map(|(what, mut times)| {
            times.sort_unstable();
            let (middle, most) = (times.get((times.len().max(1) - 1) / 2)?, times.last()?);
            Some(format!("{what}: median {}, at most {}", words::span(*middle), words::span(*most)))
        })
        .collect();
    (!parts.is_empty()).then(|| format!("from heal to {}", parts.join("; to ")))
}

fn told<T>(out: &mut String, lines: &[T], mut tell: impl FnMut(&mut String, &T)) {
    for line in lines.iter().take(LINES_TOLD) {
        tell(out, line);
    }
    let left = lines.len().saturating_sub(LINES_TOLD);
    if left > 0 {
        let _ = writeln!(out, "            and {} more, in the report", words::count(left as u64));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::sample::Sample;
    use super::*;

    fn plain(sample: &Sample) -> String {
        text(&sample.source(Path::new("runs/etcd-register/latest")), Style::Plain)
    }

    #[test]
    fn a_violation_is_told_as_an_argument() {
        insta::assert_snapshot!(plain(&Sample::stale_read()));
    }

    #[test]
    fn a_valid_run_is_told_shortly() {
        insta::assert_snapshot!(plain(&Sample::valid()));
    }

    #[test]
    fn unknown_says_why() {
        insta::assert_snapshot!(plain(&Sample::unknown()));
    }

    #[test]
    fn low_availability_names_its_figures() {
        insta::assert_snapshot!(plain(&Sample::low_availability()));
    }

    #[test]
    fn an_incomplete_run_says_so() {
        insta::assert_snapshot!(plain(&Sample::incomplete()));
    }

    #[test]
    fn findings_beyond_the_first_are_counted() {
        let mut sample = Sample::stale_read();
        let check = &mut sample.results.checks[0];
        check.findings = vec![check.findings[0].clone(); 12];
        let text = plain(&sample);
        assert!(text.contains("and 9 more findings"), "{text}");
        assert_eq!(text.matches("against linearizable").count(), FINDINGS_TOLD);
    }

    #[test]
    fn values_cannot_steer_the_terminal() {
        let sample = Sample::hostile();
        let text = plain(&sample);
        let steers = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
        assert!(!text.contains(steers), "{text:?}");
        assert!(text.len() < 20_000, "{} bytes", text.len());
    }

    #[test]
    fn colour_only_adds_to_the_text() {
        let sample = Sample::stale_read();
        let coloured = text(&sample.source(Path::new("runs/etcd-register/latest")), Style::Ansi);
        assert!(coloured.contains("\u{1b}[1;31mVIOLATED\u{1b}[0m"));
        let mut stripped = String::new();
        for (place, part) in coloured.split('\u{1b}').enumerate() {
            let rest = part.split_once('m').map_or(part, |(_, rest)| rest);
            stripped.push_str(if place == 0 { part } else { rest });
        }
        assert_eq!(stripped, plain(&sample));
    }
}
