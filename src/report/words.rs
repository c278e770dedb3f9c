//! Values, times and operations in words: shared by every rendering, so that they agree.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use isobar_checkers::history::{Completion, History, Operation};
use isobar_checkers::{FaultWindow, Finding, InjectOutcome, Nanos, OpIndex, Verdict};
use serde_json::{Map, Value};

/// Characters of one value in a label; a register's values are far shorter.
const VALUE_CHARS: usize = 60;

/// `text` with every character that hides, reorders or ends text shown as what it is.
///
/// Values come from the system under test. C0 and C1 controls and U+2028–9 break lines,
/// terminals and XML; marks of direction (Unicode TR 9) and of zero width make a value look like
/// another. Newlines and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(hides) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hides(c) {
            let _ = write!(out, "⟨U+{:04X}⟩", c as u32);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn hides(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => true,
        '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => true,
        _ => c.is_control(),
    }
}

/// At most `limit` characters of `text`, and how many there were if some are missing.
pub fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let all = count(text.chars().count() as u64);
            Cow::Owned(format!("{}… ({all} characters)", &text[..end]))
        }
    }
}

/// At most `limit` characters, for places with no room to say how many there were.
pub fn clip(text: &str, limit: usize) -> String {
    let text = visible(text);
    match text.char_indices().nth(limit) {
        None => text.into_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A value for a label: JSON on one line, shortened; null as the history has it.
pub fn value(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        other => visible(&shorten(&other.to_string(), VALUE_CHARS)).into_owned(),
    }
}

/// A key, without the quotes of a string.
pub fn key(key: &Value) -> String {
    match key {
        Value::String(name) => visible(&shorten(name, VALUE_CHARS)).replace(['\n', '\t'], " "),
        other => value(other),
    }
}

/// `op-1234`.
pub fn op_name(index: OpIndex) -> String {
    format!("op-{}", index.0)
}

/// What was asked and what came back: `write 17`, `read → 12`, `cas 1 ⇒ 2 (failed)`.
pub fn operation(operation: Operation<'_>) -> String {
    let name = visible(&shorten(operation.f(), VALUE_CHARS)).replace(['\n', '\t'], " ");
    let mut label = match (operation.f(), &operation.argument()) {
        ("read", _) => return read(&name, operation),
        ("cas", Value::Array(pair)) if pair.len() == 2 => {
            format!("{name} {} ⇒ {}", value(&pair[0]), value(&pair[1]))
        }
        ("txn", Value::Array(_)) => return transaction(operation),
        (_, Value::Null) => name,
        (_, argument) => format!("{name} {}", value(argument)),
    };
    match operation.completion() {
        Completion::Ok => {
            if !operation.result().is_null() && operation.result() != operation.argument() {
                let _ = write!(label, " → {}", value(&operation.result()));
            }
        }
        Completion::Fail => label.push_str(" (failed)"),
        Completion::Info => label.push_str(" (unknown)"),
    }
    label
}

/// `r "x" [1, 2]; append "y" 3 (failed)`: with what was read if that is known.
fn transaction(operation: Operation<'_>) -> String {
    let (told, known) = match operation.result() {
        Value::Array(micros) if operation.completion() == Completion::Ok => (micros, true),
        _ => (operation.argument().as_array().cloned().unwrap_or_default(), false),
    };
    let mut label = told.iter().map(|one| micro(one, known)).collect::<Vec<_>>().join("; ");
    match operation.completion() {
        Completion::Ok => {}
        Completion::Fail => label.push_str(" (failed)"),
        Completion::Info => label.push_str(" (unknown)"),
    }
    label
}

/// One micro-operation of a transaction: `append "x" 5`, `r "x" [1, 2]`. A read of null found
/// nothing, if what it found is `known` at all.
pub fn micro(micro: &Value, known: bool) -> String {
    let parts = micro.as_array().map(Vec::as_slice).unwrap_or_default();
    let words = parts.iter().enumerate().map(|(place, part)| match (place, part) {
        (0, Value::String(_)) => key(part),
        (2, Value::Array(list)) => recent(list),
        _ => value(part),
    });
    match parts {
        [f, k, Value::Null] if f.as_str() == Some("r") && !known => {
            format!("{} {} ?", key(f), value(k))
        }
        _ => words.collect::<Vec<_>>().join(" "),
    }
}

/// The end of a long list: what was appended last is what transactions differ in.
fn recent(list: &[Value]) -> String {
    const SHOWN: usize = 8;
    let from = list.len().saturating_sub(SHOWN);
    let items: Vec<String> = list[from..].iter().map(value).collect();
    let more = if from > 0 { format!("{from} more, ") } else { String::new() };
    format!("[{more}{}]", items.join(", "))
}

fn read(name: &str, operation: Operation<'_>) -> String {
    match operation.completion() {
        Completion::Ok => format!("{name} → {}", value(&operation.result())),
        Completion::Fail => format!("{name} (failed)"),
        Completion::Info => format!("{name} (unknown)"),
    }
}

/// Whether an operation changes nothing: a read, or a transaction of reads alone.
pub fn only_reads(operation: Operation<'_>) -> bool {
    let read = |micro: &Value| micro.get(0).and_then(Value::as_str) == Some("r");
    match operation.f() {
        "read" => true,
        "txn" => operation.argument().as_array().is_some_and(|micros| micros.iter().all(read)),
        _ => false,
    }
}

/// `ok`, `fail`, `info`.
pub fn completion(completion: Completion) -> &'static str {
    match completion {
        Completion::Ok => "ok",
        Completion::Fail => "fail",
        Completion::Info => "info",
    }
}

/// `valid`, `violated`, `unknown`.
pub fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::Violated => "violated",
        Verdict::Unknown(_) => "unknown",
    }
}

/// `stale read on key k3`. Adya's names, as G2-item, stay as they are.
pub fn anomaly(finding: &Finding) -> String {
    let name = visible(&shorten(&finding.anomaly, VALUE_CHARS)).replace(['\n', '\t'], " ");
    let adyas = name.starts_with('G') && name.chars().nth(1).is_some_and(|c| !c.is_lowercase());
    let name = if adyas { name } else { name.replace('-', " ") };
    match &finding.key {
        Some(on) => format!("{name} on key {}", key(on)),
        None => name,
    }
}

/// A point of time in the run: seconds with as many digits as tell operations apart.
pub fn instant(time: Nanos) -> String {
    format!("{}.{:03} s", time.0 / 1_000_000_000, time.0 / 1_000_000 % 1000)
}

/// A length of time with three significant digits or so: `350 µs`, `2.1 ms`, `12.3 s`, `2 m 5 s`.
pub fn span(nanos: u64) -> String {
    const MICRO: u64 = 1000;
    const MILLI: u64 = 1000 * MICRO;
    const SECOND: u64 = 1000 * MILLI;
    let tenths = |unit: u64, name: &str| {
        let whole = nanos / unit;
        match nanos % unit * 10 / unit {
            0 => format!("{whole} {name}"),
            tenth => format!("{whole}.{tenth} {name}"),
        }
    };
    match nanos {
        0..MICRO => format!("{nanos} ns"),
        MICRO..MILLI => format!("{} µs", nanos / MICRO),
        MILLI..SECOND => tenths(MILLI, "ms"),
        _ if nanos < 120 * SECOND => tenths(SECOND, "s"),
        _ => format!("{} m {} s", nanos / SECOND / 60, nanos / SECOND % 60),
    }
}

/// From `from` until `to`; `None` where the end is not known or lies before the beginning.
pub fn length(from: Nanos, to: Option<Nanos>) -> Option<String> {
    to.and_then(|to| to.0.checked_sub(from.0)).map(span)
}

/// `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 operation`, `2,000 operations`.
pub fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number as u64))
}

/// `a`, `a and b`, `a, b and c`.
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// Whether a fault was there, in one word.
pub fn outcome(outcome: &InjectOutcome) -> &'static str {
    match outcome {
        InjectOutcome::Installed => "installed",
        InjectOutcome::Skipped(_) => "skipped",
        InjectOutcome::Indeterminate(_) => "indeterminate",
    }
}

/// The faults in force during a finding: `partition #0 of n1, n4 (from 3.005 s to 8.046 s)`.
pub fn faults_named(finding: &Finding, history: &History) -> String {
    let windows = history.faults.iter().filter(|window| finding.faults.contains(&window.id));
    let named: Vec<String> = windows
        .map(|window| {
            let end = window.to.map_or_else(|| "the end".to_owned(), instant);
            let grudge = window.detail.get("grudge").and_then(Value::as_object);
            let whom = grudge.and_then(sides).unwrap_or_else(|| list(&window.nodes));
            let (fault, id) = (&window.fault, window.id);
            format!("{fault} #{id} of {whom} (from {} to {end})", instant(window.from))
        })
        .collect();
    named.join("; ")
}

/// What describes one injection: `split majority; n1 drops packets from n2 and n3`.
pub fn fault_detail(fault: &FaultWindow) -> String {
    let parts: Vec<String> = fault
        .detail
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, detail)| match (name.as_str(), detail) {
            ("grudge", Value::Object(grudge)) => {
                sides(grudge).unwrap_or_else(|| grudge_in_words(grudge))
            }
            (_, Value::String(word)) => format!("{} {}", key(&name.as_str().into()), plain(word)),
            (_, other) => format!("{} {}", key(&name.as_str().into()), value(other)),
        })
        .collect();
    parts.join("; ")
}

/// `n4 | n1 n2 n3`: groups which do not hear one another, if the grudge parts all of its nodes so.
fn sides(grudge: &Map<String, Value>) -> Option<String> {
    let mut groups: BTreeMap<BTreeSet<&str>, Vec<&str>> = BTreeMap::new();
    for (node, from) in grudge {
        let dropped = from.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?;
        groups.entry(dropped).or_default().push(node);
    }
    let dropped = groups.keys().flatten().copied();
    let nodes: BTreeSet<&str> = grudge.keys().map(String::as_str).chain(dropped).collect();
    // Every node drops, and exactly those that are not in its group.
    let parted = grudge.len() == nodes.len()
        && groups.iter().all(|(dropped, group)| {
            nodes.iter().all(|node| dropped.contains(node) != group.contains(node))
        });
    let mut sides: Vec<String> = groups.values().map(|group| group.join(" ")).collect();
    sides.sort_by_key(|side| (side.len(), side.clone()));
    parted.then(|| sides.join(" | "))
}

fn grudge_in_words(grudge: &Map<String, Value>) -> String {
    let sentences: Vec<String> = grudge
        .iter()
        .map(|(node, from)| {
            let from: Vec<String> = match from {
                Value::Array(nodes) => nodes.iter().map(key).collect(),
                other => vec![key(other)],
            };
            format!("{} drops packets from {}", plain(node), list(&from))
        })
        .collect();
    sentences.join(", ")
}

/// A word from outside, made visible and short.
pub fn plain(word: &str) -> String {
    visible(&shorten(word, VALUE_CHARS)).replace(['\n', '\t'], " ")
}

/// `Violated`
pub fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn what_hides_is_shown() {
        assert_eq!(visible("plain\ttext\n"), "plain\ttext\n");
        assert_eq!(visible("a\0b\u{202e}c\u{1b}[31m"), "a⟨U+0000⟩b⟨U+202E⟩c⟨U+001B⟩[31m");
        assert_eq!(visible("שלום"), "שלום");
    }

    #[test]
    fn long_values_say_how_long_they_are() {
        assert_eq!(shorten("short", 10), "short");
        assert_eq!(shorten("äöüß", 2), "äö… (4 characters)");
        assert_eq!(clip("äöüß", 2), "äö…");
        assert!(value(&json!("x".repeat(1 << 20))).ends_with("… (1,048,578 characters)"));
    }

    #[test]
    fn a_micro_operation_shows_the_end_of_a_list() {
        assert_eq!(micro(&json!(["append", "x", 5]), true), "append \"x\" 5");
        assert_eq!(micro(&json!(["r", "x", null]), false), "r \"x\" ?");
        assert_eq!(micro(&json!(["r", "x", null]), true), "r \"x\" null");
        let long: Vec<u32> = (1..=11).collect();
        assert_eq!(micro(&json!(["r", 1, long]), true), "r 1 [3 more, 4, 5, 6, 7, 8, 9, 10, 11]");
    }

    #[test]
    fn lengths_of_time_have_a_fitting_unit() {
        for (nanos, text) in [
            (999, "999 ns"),
            (350_000, "350 µs"),
            (2_100_000, "2.1 ms"),
            (12_000_000_000, "12 s"),
            (125_000_000_000, "2 m 5 s"),
        ] {
            assert_eq!(span(nanos), text);
        }
        assert_eq!(length(Nanos(5), Some(Nanos(3))), None);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn a_whole_partition_is_told_as_its_sides() {
        let grudge = json!({"n1": ["n2"], "n2": ["n1", "n3"], "n3": ["n2"]});
        assert_eq!(sides(grudge.as_object().unwrap()), Some("n2 | n1 n3".to_owned()));
        let one_way = json!({"n1": ["n2"]});
        assert_eq!(sides(one_way.as_object().unwrap()), None);
    }

    #[test]
    fn a_grudge_is_told_as_who_drops_whose_packets() {
        let detail = json!({"split": "one", "grudge": {"n1": ["n2", "n3"], "n2": ["n1"]}});
        let fault = FaultWindow {
            id: 1,
            fault: "partition".to_owned(),
            nodes: vec!["n1".to_owned()],
            detail: detail.as_object().cloned().unwrap_or_default(),
            outcome: InjectOutcome::Installed,
            from: Nanos(0),
            installed_at: None,
            heal_from: None,
            to: None,
            evidence: Default::default(),
            heal_evidence: Default::default(),
            settled_ms: None,
            dirty: None,
        };
        assert_eq!(
            fault_detail(&fault),
            "split one; n1 drops packets from n2 and n3, n2 drops packets from n1"
        );
    }
}
