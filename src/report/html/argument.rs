//! The contradiction in prose.

use isobar_checkers::{CheckResult, FaultWindow, Finding, InjectOutcome, OpIndex};

use super::super::{glossary, words};
use super::{Html, Page, drawing, section};

/// Sentences of one argument; the others are counted.
const SENTENCES_SHOWN: usize = 60;

/// The first finding, in full.
pub fn write(html: &mut Html, page: &Page<'_>) {
    let Some((check, finding)) = page.findings.first() else { return };
    let title = match finding.operations.is_empty() {
        true => "What was found",
        false => "The contradiction",
    };
    section(html, "contradiction", title, |html| told(html, page, check, finding));
}

/// The findings after the first, each with its drawing.
pub fn write_others(html: &mut Html, page: &Page<'_>) {
    let Some((_, others)) = page.findings.split_first() else { return };
    if others.is_empty() {
        return;
    }
    let all = page.findings.len() + page.findings_left_out;
    let title = format!("Other findings ({})", words::count(all as u64 - 1));
    section(html, "other-findings", &title, |html| {
        for (place, (check, finding)) in others.iter().enumerate() {
            html.element("details", &[], |html| {
                let title = words::shorten(&finding.title, 200);
                html.element("summary", &[], |html| {
                    html.leaf("strong", &[], &words::anomaly(finding));
                    html.text(": ");
                    html.text(&title);
                });
                told(html, page, check, finding);
                drawing::draw(html, page, finding, place + 1);
            });
        }
        if page.findings_left_out > 0 {
            let left = words::counted(page.findings_left_out, "more finding");
            html.leaf("p", &[("class", "left-out")], &format!("{left}, in results.json."));
        }
    });
}

fn told(html: &mut Html, page: &Page<'_>, check: &CheckResult, finding: &Finding) {
    html.element("p", &[("class", "kind")], |html| {
        html.leaf("strong", &[], &words::anomaly(finding));
        html.text(" against ");
        html.leaf("em", &[], &words::plain(&check.check));
        html.text(&format!(
            ", between {} and {}",
            words::instant(finding.from),
            words::instant(finding.to)
        ));
        faults_in_force(html, page, finding);
        html.text(".");
    });
    if let Some(meaning) = glossary::anomaly(&finding.anomaly) {
        html.leaf("p", &[("class", "meaning")], meaning);
    }
    html.element("ol", &[("class", "argument")], |html| {
        for sentence in finding.prose.iter().take(SENTENCES_SHOWN) {
            html.element("li", &[], |html| linked(html, page, sentence));
        }
    });
    if let Some(left @ 1..) = finding.prose.len().checked_sub(SENTENCES_SHOWN) {
        let left = words::counted(left, "more sentence");
        html.leaf("p", &[("class", "left-out")], &format!("{left}, in results.json."));
    }
}

/// The faults that the finding lies under; without any, the last one that ended before it.
fn faults_in_force(html: &mut Html, page: &Page<'_>, finding: &Finding) {
    if finding.faults.is_empty() {
        let all = page.source.history.faults.iter().filter(|fault| !is_skipped(fault));
        let ended = all.filter_map(|fault| Some((fault.to?, fault)));
        let before = ended.filter(|(to, _)| *to <= finding.from).max_by_key(|(to, _)| *to);
        if let Some((to, fault)) = before {
            let ago = words::span(finding.from.0 - to.0);
            html.text(&format!(", with no fault in force, {ago} after "));
            fault_link(html, fault);
            html.text(" had ended");
        }
        return;
    }
    for (place, id) in finding.faults.iter().take(8).enumerate() {
        html.text(if place == 0 { ", under " } else { " and " });
        match page.source.history.faults.iter().find(|fault| fault.id == *id) {
            Some(fault) => fault_link(html, fault),
            None => html.text(&format!("fault #{id}")),
        }
    }
}

fn is_skipped(fault: &FaultWindow) -> bool {
    matches!(fault.outcome, InjectOutcome::Skipped(_))
}

fn fault_link(html: &mut Html, fault: &FaultWindow) {
    let name = format!("{} #{}", words::plain(&fault.fault), fault.id);
    html.leaf("a", &[("href", &format!("#fault-{}", fault.id))], &name);
}

/// A sentence in which names of operations (`op 17`, `op-17`) lead to their rows.
fn linked(html: &mut Html, page: &Page<'_>, sentence: &str) {
    let sentence = words::shorten(sentence, 2000);
    let mut rest: &str = &sentence;
    while let Some((before, name, index)) = next_name(rest) {
        html.text(before);
        match page.tables.has(index) {
            true => {
                let target = format!("#{}", words::op_name(index));
                html.leaf("a", &[("class", "name"), ("href", &target)], name);
            }
            false => html.text(name),
        }
        rest = &rest[before.len() + name.len()..];
    }
    html.text(rest);
}

/// What comes before the next name of an operation, the name as it is written, and whose it is.
fn next_name(text: &str) -> Option<(&str, &str, OpIndex)> {
    let bytes = text.as_bytes();
    for (start, _) in text.match_indices(['o', 'O']) {
        // A word which only ends in `op` is no name.
        let within = start > 0 && bytes[start - 1].is_ascii_alphanumeric();
        let Some(digits) =
            text[start + 1..].strip_prefix("p ").or(text[start + 1..].strip_prefix("p-"))
        else {
            continue;
        };
        if within {
            continue;
        }
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        if let Ok(index) = digits[..length].parse() {
            return Some((&text[..start], &text[start..start + 3 + length], OpIndex(index)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_operations_are_found_in_prose() {
        let found = |text| next_name(text).map(|(before, name, index)| (before, name, index.0));
        assert_eq!(found("Op 17 ended"), Some(("", "Op 17", 17)));
        assert_eq!(found("then op-4, then op-5"), Some(("then ", "op-4", 4)));
        assert_eq!(found("ä: op 9"), Some(("ä: ", "op 9", 9)));
        for none in ["stop 17", "op ", "op x", "", "p 1", "op 99999999999", "шop"] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
