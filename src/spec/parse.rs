//! YAML text → [`Spec`], or all that is wrong with it. The only user of `serde_yaml`.
//!
//! The parser stops at the first error. To report the others too, the part which holds it (a
//! section, or one entry of a list of faults or checks) is blanked out, line by line so that
//! places stay true, and the rest is parsed again.

use std::collections::BTreeSet;
use std::ops::Range;

use super::diagnostic::{Diagnostic, SpecErrors};
use super::{FaultSpec, Spec, validate};

/// Parses and validates the text of the specification file called `file`.
///
/// # Errors
/// Every mistake found, in order of place.
pub fn parse(file: &str, source: &str) -> Result<Spec, SpecErrors> {
    let fail = |diagnostics| {
        Err(SpecErrors { file: file.to_owned(), source: source.to_owned(), diagnostics })
    };
    match parse_all(source) {
        Err(diagnostics) => fail(diagnostics),
        Ok(spec) => match validate::validate(&spec, source) {
            diagnostics if diagnostics.is_empty() => Ok(spec),
            diagnostics => fail(diagnostics),
        },
    }
}

/// Parses one fault, as `kill` or `partition: { split: leader }`, for the nodes of `spec`.
///
/// # Errors
/// What is wrong with it.
pub fn parse_fault(text: &str, spec: &Spec) -> Result<FaultSpec, SpecErrors> {
    let word = text.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let text = if word { format!("{}: {{}}", text.trim()) } else { text.trim().to_owned() };
    let fail =
        |diagnostics| SpecErrors { file: "FAULT".to_owned(), source: text.clone(), diagnostics };
    let fault: FaultSpec = serde_yaml::from_str(&text).map_err(|error| {
        let message = plain_message(&error);
        fail(vec![diagnose(&error, &message, &text)])
    })?;
    match validate::fault(&fault, spec, &text) {
        diagnostics if diagnostics.is_empty() => Ok(fault),
        diagnostics => Err(fail(diagnostics)),
    }
}

/// The specification as YAML text, all defaults written out.
pub fn to_yaml(spec: &Spec) -> Result<String, serde_yaml::ser::Error> {
    serde_yaml::to_string(spec)
}

/// Any YAML as a tree of JSON; the error is a sentence.
pub(super) fn tree_of(text: &str) -> Result<serde_json::Value, String> {
    serde_yaml::from_str(text).map_err(|error| plain_message(&error))
}

/// A tree of JSON as YAML text.
pub(super) fn text_of(tree: &serde_json::Value) -> Result<String, String> {
    serde_yaml::to_string(tree).map_err(|error| error.to_string())
}

fn parse_all(source: &str) -> Result<Spec, Vec<Diagnostic>> {
    let mut text = source.to_owned();
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let mut blanked_sections = BTreeSet::new();
    loop {
        let error = match serde_yaml::from_str::<Spec>(&text) {
            Ok(spec) if diagnostics.is_empty() => return Ok(spec),
            Ok(_) => break,
            Err(error) => error,
        };
        let message = plain_message(&error);
        let missing = quoted(&message, "missing field `");
        if missing.is_some_and(|field| blanked_sections.contains(field)) {
            break;
        }
        let diagnostic = diagnose(&error, &message, source);
        let part = part_at(&text, diagnostic.line);
        let blank = part.clone().is_none_or(|part| text[part.range].trim().is_empty());
        if blank && !diagnostics.is_empty() {
            break;
        }
        diagnostics.push(diagnostic);
        match part {
            Some(part) if missing.is_none() && !blank => {
                blanked_sections.insert(part.section);
                blank_out(&mut text, part.range);
            }
            _ => break,
        }
    }
    diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    Err(diagnostics)
}

/// A section of the document, or an entry of its list.
#[derive(Clone)]
struct Part {
    /// The section's key: `faults`.
    section: String,
    /// Bytes of whole lines.
    range: Range<usize>,
}

/// The smallest part which holds line number `line`; `None` in front of the first section.
fn part_at(text: &str, line: usize) -> Option<Part> {
    let lines: Vec<(usize, &str)> = text
        .split_inclusive('\n')
        .scan(0, |offset, line| {
            let start = *offset;
            *offset += line.len();
            Some((start, line))
        })
        .collect();
    let is_section = |line: &str| line.starts_with(|c: char| c.is_ascii_alphabetic());
    let at = line.checked_sub(1).filter(|&at| at < lines.len())?;
    let first = (0..=at).rev().find(|&index| is_section(lines[index].1))?;
    let end = (at + 1..lines.len()).find(|&i| is_section(lines[i].1)).unwrap_or(lines.len());
    let section = lines[first].1.split(':').next().unwrap_or_default().trim().to_owned();

    let indent = |line: &str| line.len() - line.trim_start().len();
    let items: Vec<usize> =
        (first + 1..end).filter(|&index| lines[index].1.trim_start().starts_with("- ")).collect();
    let outer = items.iter().map(|&index| indent(lines[index].1)).min();
    let starts: Vec<usize> =
        items.into_iter().filter(|&index| Some(indent(lines[index].1)) == outer).collect();
    let (from, to) = match starts.iter().rposition(|&start| start <= at) {
        Some(item) => (starts[item], starts.get(item + 1).copied().unwrap_or(end)),
        None => (first, end),
    };
    let offset = |index: usize| lines.get(index).map_or(text.len(), |(start, _)| *start);
    Some(Part { section, range: offset(from)..offset(to) })
}

/// Replaces everything but line ends by blanks.
fn blank_out(text: &mut String, range: Range<usize>) {
    let blanks: String =
        text[range.clone()].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
    text.replace_range(range, &blanks);
}

fn diagnose(error: &serde_yaml::Error, message: &str, source: &str) -> Diagnostic {
    let (line, column) = match error.location() {
        Some(location) => (location.line() as usize, location.column() as usize),
        None => (0, 1),
    };
    let mut diagnostic = Diagnostic {
        message: message.to_owned(),
        help: None,
        line,
        column: column.max(1),
        length: error.location().map_or(1, |location| location.span().len() as usize),
    };
    explain(&mut diagnostic);
    if message.starts_with("missing field") || source.trim().is_empty() {
        // The place of what is not there is the place it is missing from: the last line read.
        diagnostic.length = 1;
    }
    // A span may run over several lines, and offsets over characters of several bytes.
    let width = source.lines().nth(line.saturating_sub(1)).map_or(0, |line| line.chars().count());
    diagnostic.length = diagnostic.length.clamp(1, width.saturating_sub(column - 1).max(1));
    diagnostic
}

/// Puts the library's wording into the user's terms.
fn explain(diagnostic: &mut Diagnostic) {
    let message = diagnostic.message.clone();
    if let Some((found, known)) = unknown_name(&message) {
        let kind = if message.starts_with("unknown field") { "key" } else { "name" };
        diagnostic.message = format!("unknown {kind} `{found}`");
        diagnostic.help = Some(suggest(found, &known));
    } else if message.starts_with("expected mapping start") {
        diagnostic.message = "expected a map here".to_owned();
        diagnostic.help = Some("write `key: value`; without settings, `key: {}`".to_owned());
    } else if message.starts_with("expected string scalar") {
        diagnostic.message = "expected a word or a quoted text here".to_owned();
    } else if message.starts_with("unexpected end of input") {
        diagnostic.message = "the file is empty".to_owned();
        diagnostic.help = Some("see examples/ for specifications to start from".to_owned());
    } else if let Some(kind) = message.strip_prefix("invalid ")
        && (kind.starts_with('u') || kind.starts_with('i'))
    {
        diagnostic.message = "expected a whole number".to_owned();
    } else if let Some(key) = message.strip_prefix("duplicate mapping key: ") {
        let key = key.split(',').next().unwrap_or(key);
        diagnostic.message = format!("`{key}` is given twice");
        diagnostic.help = Some("keep one of them".to_owned());
    } else if let Some(field) = quoted(&message, "missing field `") {
        diagnostic.message = format!("`{field}` is missing");
        diagnostic.help = Some(format!("add `{field}:` to this map"));
    }
}

/// Takes apart ``unknown field `x`, expected one of a, b``.
fn unknown_name(message: &str) -> Option<(&str, Vec<&str>)> {
    let found = quoted(message, "unknown field `").or(quoted(message, "unknown variant `"))?;
    let (_, known) = message.split_once("expected ")?;
    let known = known.strip_prefix("one of ").unwrap_or(known);
    Some((found, known.split([',', ' ']).map(|k| k.trim_matches('`')).collect()))
}

/// Names the closest of the known words, or all.
fn suggest(found: &str, known: &[&str]) -> String {
    let known: Vec<&str> = known.iter().copied().filter(|word| !word.is_empty()).collect();
    let score = |word: &str| strsim::jaro_winkler(found, word);
    match known.iter().max_by(|a, b| score(a).total_cmp(&score(b))) {
        Some(best) if score(best) > 0.8 => format!("did you mean `{best}`?"),
        _ => format!("known here: {}", known.join(", ")),
    }
}

fn quoted<'a>(message: &'a str, prefix: &str) -> Option<&'a str> {
    message.strip_prefix(prefix)?.split('`').next()
}

/// The message without its place, which is shown on a line of its own.
fn plain_message(error: &serde_yaml::Error) -> String {
    let text = error.without_snippet().to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    const GOOD: &str = "\
version: 1
name: good
cluster:
  lab: { nodes: 5 }
system:
  etcd: {}
workload:
  register: {}
load: { time: 60s }
faults:
  - kill: { targets: one }
  - partition: { split: { isolate: leader } }
checks:
  - linearizable: {}
";

    fn errors(source: &str) -> String {
        parse("test.yaml", source).unwrap_err().to_string()
    }

    #[test]
    fn a_resolved_specification_reads_back_as_itself() {
        let spec = parse("good.yaml", GOOD).unwrap();
        let again = parse("resolved.yaml", &to_yaml(&spec).unwrap()).unwrap();
        assert_eq!(spec, again);
    }

    #[test]
    fn faults_are_a_list_or_a_preset() {
        let (head, rest) = GOOD.split_once("faults:").unwrap();
        let (_, tail) = rest.split_once("checks:").unwrap();
        let with =
            |faults: &str| parse("preset.yaml", &format!("{head}faults: {faults}\nchecks:{tail}"));
        let spec = with("{ preset: everything }").unwrap();
        assert_eq!(spec.faults.len(), 4);
        let spaced = with("{ preset: clocks, every: 20s }").unwrap().faults[0].schedule();
        let seconds = Duration::from_secs;
        assert_eq!((spaced.every, spaced.lasts), (Some(seconds(20)), Some(seconds(10))));
        let first = |fault: &FaultSpec| fault.schedule().first;
        let begins: Vec<Duration> = spec.faults.iter().map(first).collect();
        assert_eq!(begins, [2, 4, 6, 8].map(seconds));
        let again = parse("resolved.yaml", &to_yaml(&spec).unwrap()).unwrap();
        assert_eq!(spec, again);
        let wrong = [
            with("{ preset: evrything }").unwrap_err().to_string(),
            with("[{ random: { of: [] } }]").unwrap_err().to_string(),
            with("[{ delay: { time: 50 } }]").unwrap_err().to_string(),
            with("[{ rate: { to: [n9] } }]").unwrap_err().to_string(),
        ];
        insta::assert_snapshot!(wrong.join("\n=====\n"));
    }

    #[test]
    fn every_error_is_reported_at_its_place() {
        let source = GOOD
            .replace("time: 60s", "time: 60, rate: 5/s")
            .replace("kill: { targets: one }", "kill: { targts: one }")
            .replace("split: { isolate: leader }", "split: { isolate: [n9] }, evry: 10s")
            .replace("etcd: {}", "etdc: {}");
        insta::assert_snapshot!(errors(&source));
    }

    #[test]
    fn what_only_makes_sense_as_a_whole_is_checked_too() {
        let source = GOOD
            .replace("name: good", "name: ../evil")
            .replace("targets: one", "targets: [n1, n7]")
            .replace("etcd: {}", "toy: {}")
            .replace("time: 60s", "time: 0s, concurrency: 2");
        insta::assert_snapshot!(errors(&source));
    }

    #[test]
    fn roles_are_named_wherever_nodes_are() {
        let roles = "lab: { nodes: 5, roles: { app: [n1, n2, n3], db: [n4] } }";
        let good =
            GOOD.replace("lab: { nodes: 5 }", roles).replace("targets: one", "targets: role:db");
        let good = good.replace("isolate: leader", "groups: [one of role:app, [role:db, n5]]");
        let spec = parse("roles.yaml", &good).unwrap();
        assert_eq!(spec, parse("resolved.yaml", &to_yaml(&spec).unwrap()).unwrap());

        let bad = good.replace("db: [n4]", "db: [n1, n9], Lb: []");
        let bad = bad.replace("role:db, n5", "role:cache");
        insta::assert_snapshot!(errors(&bad));
    }

    #[test]
    fn transactions_are_specified_with_their_promise() {
        let source = GOOD
            .replace("register: {}", "append: { keys: 3, txn-length: 2..5, reads: 30% }")
            .replace("linearizable: {}", "list-append: { consistency: snapshot-isolation }");
        let spec = parse("txn.yaml", &source).unwrap();
        assert_eq!(spec, parse("resolved.yaml", &to_yaml(&spec).unwrap()).unwrap());
    }

    #[test]
    fn what_cannot_be_judged_or_cannot_show_is_refused() {
        let wrong = |source: String| errors(&source);
        let toy = GOOD
            .replace("lab: { nodes: 5 }", "local: { nodes: 3 }")
            .replace("etcd: {}", "toy: { bug: write-skew }");
        let append = GOOD.replace("register: {}", "append: { txn-length: 4..1 }");
        let promise = "list-append: { consistency: serialisable }";
        let all = [
            wrong(GOOD.replace("linearizable: {}", "list-append: {}")),
            wrong(GOOD.replace("register: {}", "append: { max-writes-per-key: 0 }")),
            wrong(toy),
            wrong(append.replace("linearizable: {}", promise)),
        ];
        insta::assert_snapshot!(all.join("\n\n=====\n"));
    }

    #[test]
    fn empty_and_broken_files_are_one_clear_error() {
        let broken =
            ["", "version: 1\nname: [\n", "version: 1\nname: x\n", "- a\n", "a: 1\na: 2\n"];
        insta::assert_snapshot!(broken.map(errors).join("\n\n=====\n"));
    }
}
