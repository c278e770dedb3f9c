//! Every finding in full, and what a word of the field means, for `isobar explain`.

use std::collections::HashMap;
use std::fmt::Write as _;

use isobar_checkers::history::{History, Operation};
use isobar_checkers::topics::Topic;
use isobar_checkers::{CheckResult, Finding, OpIndex, Verdict, Witness};

use super::style::{Style, Tone};
use super::{glossary, words};

/// Columns of running text.
const COLUMNS: usize = 80;

/// All findings of all checks: the argument, the longest partial linearization step by step, why
/// it goes no further, and the faults in force. Nothing is left out.
pub fn explanation(checks: &[CheckResult], history: &History, style: Style) -> String {
    let operations: HashMap<OpIndex, Operation<'_>> =
        history.operations().map(|operation| (operation.index(), operation)).collect();
    let mut out = String::new();
    for check in checks {
        let word = words::verdict(&check.verdict);
        let tone = match &check.verdict {
            Verdict::Valid => Tone::Good,
            Verdict::Violated => Tone::Bad,
            Verdict::Unknown(_) => Tone::Doubtful,
        };
        let name = words::visible(&check.check);
        let summary = words::visible(&check.summary);
        let _ = writeln!(out, "{}  {name}: {summary}", style.paint(tone, word));
        if let Verdict::Unknown(reason) = &check.verdict {
            paragraph(&mut out, "  ", &format!("because {}", words::visible(reason)));
        }
        for (number, finding) in (1..).zip(&check.findings) {
            let place = format!("{number} of {}", check.findings.len());
            told(&mut out, finding, &place, (history, &operations), style);
        }
    }
    out
}

type Known<'a> = (&'a History, &'a HashMap<OpIndex, Operation<'a>>);

fn told(out: &mut String, finding: &Finding, place: &str, known: Known<'_>, style: Style) {
    let kind = words::anomaly(finding);
    let place = style.paint(Tone::Muted, place);
    let _ = writeln!(out, "\n{}  {place}", style.paint(Tone::Heading, &kind));
    paragraph(out, "  ", &format!("{}.", words::visible(&finding.title).trim_end_matches('.')));
    if let Some(meaning) = glossary::anomaly(&finding.anomaly) {
        paragraph(out, "  ", meaning);
    }
    out.push('\n');
    for sentence in &finding.prose {
        paragraph(out, "    ", &words::visible(sentence));
    }
    if let Some(witness) = &finding.witness {
        steps(out, witness, known.1, style);
    }
    let faults = words::faults_named(finding, known.0);
    if !faults.is_empty() {
        let _ = writeln!(out, "\n  {}", style.paint(Tone::Heading, "in force meanwhile"));
        paragraph(out, "    ", &words::visible(&faults));
    }
}

fn steps(out: &mut String, witness: &Witness, by: &HashMap<OpIndex, Operation<'_>>, style: Style) {
    let heading = style.paint(Tone::Heading, "the longest order that can be right");
    let _ = writeln!(out, "\n  {heading}");
    if witness.linearization.is_empty() {
        let _ = writeln!(out, "    none: not even the first operation can be right");
    }
    let width = witness.linearization.len().to_string().len();
    for (number, step) in (1..).zip(&witness.linearization) {
        let what = described(step.operation, by);
        let state = words::value(&step.state);
        let _ = writeln!(out, "    {number:>width$}. {what}  ⇒ {state}");
    }
    let _ = writeln!(out, "\n  {}", style.paint(Tone::Heading, "why it goes no further"));
    let _ = writeln!(out, "    the state is {}; none of these can come next:", {
        words::value(&witness.state)
    });
    for blocked in &witness.blocked {
        let what = described(blocked.operation, by);
        let reason = words::visible(&blocked.reason);
        let _ = writeln!(out, "    {} {what}: {reason}", style.paint(Tone::Bad, "✗"));
    }
}

/// `op-12 (process 3 on n2) read → 7`
fn described(index: OpIndex, by: &HashMap<OpIndex, Operation<'_>>) -> String {
    let name = words::op_name(index);
    let Some(operation) = by.get(&index) else { return name };
    let node = operation.node().map_or_else(String::new, |node| format!(" on {node}"));
    let what = words::operation(*operation);
    format!("{name} (process {}{}) {what}", operation.process(), words::visible(&node))
}

/// A topic: what it is, more on it, and a history that shows it.
pub fn lesson(topic: &Topic) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} ({})\n", topic.name, topic.kind.word());
    paragraph(&mut out, "  ", topic.sentence);
    for more in topic.more.split("\n\n").filter(|more| !more.is_empty()) {
        out.push('\n');
        paragraph(&mut out, "  ", more);
    }
    if !topic.example.is_empty() {
        let valid = match topic.kind {
            isobar_checkers::topics::Kind::Anomaly => "an example",
            _ => "an example that is valid",
        };
        let _ = writeln!(out, "\n  {valid} (milliseconds, process; ! failed, ? never known):\n");
        for line in topic.example.lines() {
            let _ = writeln!(out, "    {}", line.trim());
        }
    }
    out
}

/// Breaks lines between words; a word longer than a line stays whole, to be found and copied.
fn paragraph(out: &mut String, indent: &str, text: &str) {
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        match column {
            0 => {
                out.push_str(indent);
                column = indent.len() + length;
            }
            used if used + 1 + length > COLUMNS => {
                out.push('\n');
                out.push_str(indent);
                column = indent.len() + length;
            }
            _ => {
                out.push(' ');
                column += 1 + length;
            }
        }
        out.push_str(word);
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use isobar_checkers::topics;

    use super::super::sample::Sample;
    use super::*;

    #[test]
    fn a_stale_read_is_explained_to_the_end() {
        let sample = Sample::stale_read();
        insta::assert_snapshot!(explanation(&sample.results.checks, &sample.history, Style::Plain));
    }

    #[test]
    fn a_word_is_taught_with_an_example() {
        insta::assert_snapshot!(lesson(topics::find("linearizable").unwrap()));
    }

    #[test]
    fn values_cannot_steer_the_terminal() {
        let sample = Sample::hostile();
        let text = explanation(&sample.results.checks, &sample.history, Style::Plain);
        let steers = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
        assert!(!text.contains(steers), "{text:?}");
    }
}
