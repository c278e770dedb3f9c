//! The first screen: what was claimed, what was decided, how to see it again.

use isobar_checkers::{CheckResult, InjectOutcome, Verdict};

use super::super::{glossary, words};
use super::{Html, Page, drawing};

/// Troubles listed; the others are counted.
const TROUBLES_SHOWN: usize = 20;

pub fn write(html: &mut Html, page: &Page<'_>) {
    let results = &page.source.results;
    let class = format!("verdict {}", words::verdict(&results.verdict));
    html.element("header", &[("class", &class)], |html| {
        html.element("div", &[("class", "run")], |html| {
            let meta = page.source.meta;
            html.leaf("span", &[("class", "run-name")], &words::plain(&meta.name));
            if page.source.is_run() {
                html.text(&format!(" · seed {} · ", meta.seed));
                html.leaf("time", &[], &words::plain(&meta.started_at));
            }
        });
        html.element("h1", &[], |html| {
            html.leaf(
                "span",
                &[("class", "mark"), ("aria-hidden", "true")],
                mark(&results.verdict),
            );
            html.text(&words::capitalised(words::verdict(&results.verdict)));
        });
        html.leaf("p", &[("class", "lead")], &lead(page));
        notes(html, page);
        claims(html, page);
        summary(html, page);
        html.element("p", &[("class", "reproduce")], |html| {
            html.leaf("span", &[("class", "label")], "Reproduce");
            html.leaf("code", &[], &page.source.meta.reproduce);
        });
    });
    contents(html, page);
}

/// A sign for each verdict, so that colour is not the only one.
pub fn mark(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "✓",
        Verdict::Violated => "✗",
        Verdict::Unknown(_) => "?",
    }
}

fn lead(page: &Page<'_>) -> String {
    match (&page.source.results.verdict, page.findings.first()) {
        (Verdict::Violated, Some((_, finding))) => sentence(&finding.title),
        (Verdict::Violated, None) => "A promise of the system was broken.".to_owned(),
        (Verdict::Valid, _) => "No promise of the system was broken in this run.".to_owned(),
        (Verdict::Unknown(reason), _) => format!("This run proves nothing. {}", sentence(reason)),
    }
}

/// With a capital at the beginning and a full stop at the end.
fn sentence(text: &str) -> String {
    let text = words::visible(&words::shorten(text, 400)).into_owned();
    let stop = if text.ends_with(['.', '!', '?', ')']) { "" } else { "." };
    // A name as `n5` is written as it is, even at the beginning.
    let first = text.split(' ').next().unwrap_or_default();
    let word = first.chars().all(char::is_alphabetic);
    format!("{}{stop}", if word { words::capitalised(&text) } else { text })
}

fn notes(html: &mut Html, page: &Page<'_>) {
    if !page.source.is_complete() {
        html.element("p", &[("class", "note")], |html| {
            html.leaf("strong", &[], "Incomplete. ");
            let end = words::instant(page.source.history.end);
            html.text(&format!(
                "The run was cut short at {end} and is judged as far as it was recorded."
            ));
        });
    }
    let troubles = &page.source.results.trouble;
    for trouble in troubles.iter().take(TROUBLES_SHOWN) {
        html.element("p", &[("class", "note")], |html| {
            html.leaf("strong", &[], "Trouble. ");
            html.text(&sentence(trouble));
        });
    }
    if let Some(left @ 1..) = troubles.len().checked_sub(TROUBLES_SHOWN) {
        html.leaf("p", &[("class", "note")], &format!("{left} more are in results.json."));
    }
}

fn claims(html: &mut Html, page: &Page<'_>) {
    html.element("ul", &[("class", "claims"), ("aria-label", "What was claimed")], |html| {
        for check in &page.source.results.checks {
            html.element("li", &[("class", words::verdict(&check.verdict))], |html| {
                badge(html, &check.verdict);
                html.element("div", &[], |html| claim(html, check));
            });
        }
    });
}

/// A check and what it came to, with what was claimed where that was broken.
pub fn claim(html: &mut Html, check: &CheckResult) {
    html.leaf("strong", &[], &words::plain(&check.check));
    html.text(" ");
    html.text(&words::shorten(&check.summary, 300));
    if let (Some(claim), Verdict::Violated) = (glossary::claim(&check.check), &check.verdict) {
        html.element("p", &[("class", "meaning")], |html| {
            html.text("Claimed: ");
            for (place, part) in claim.split('`').enumerate() {
                if place % 2 == 1 { html.leaf("code", &[], part) } else { html.text(part) }
            }
        });
    }
}

/// A verdict as a sign and a word.
pub fn badge(html: &mut Html, verdict: &Verdict) {
    let class = format!("badge {}", words::verdict(verdict));
    html.element("span", &[("class", &class)], |html| {
        html.leaf("span", &[("aria-hidden", "true")], mark(verdict));
        html.text(" ");
        html.text(words::verdict(verdict));
    });
}

fn summary(html: &mut Html, page: &Page<'_>) {
    let counts = page.source.results.operations;
    let meta = page.source.meta;
    let mut system = words::plain(&meta.system);
    if let Some(version) = &meta.system_version {
        system = format!("{system} {}", words::plain(version));
    }
    html.element("dl", &[("class", "summary")], |html| {
        if page.source.is_run() {
            let nodes = words::counted(meta.nodes.len(), "node");
            item(html, "System", &format!("{system} on {nodes}"));
        } else {
            item(html, "Judged as", &system);
        }
        item(html, "Recorded", &words::instant(page.source.history.end));
        item(
            html,
            "Operations",
            &format!(
                "{} ({} ok, {} failed, {} unknown)",
                words::count(counts.invoked),
                words::count(counts.ok),
                words::count(counts.fail),
                words::count(counts.info)
            ),
        );
        item(html, "Faults", &faults(page));
    });
}

fn item(html: &mut Html, name: &str, value: &str) {
    html.element("div", &[], |html| {
        html.leaf("dt", &[], name);
        html.leaf("dd", &[], value);
    });
}

fn faults(page: &Page<'_>) -> String {
    let (mut installed, mut skipped, mut indeterminate) = (0, 0, 0);
    for fault in &page.source.history.faults {
        match fault.outcome {
            InjectOutcome::Installed => installed += 1,
            InjectOutcome::Skipped(_) => skipped += 1,
            InjectOutcome::Indeterminate(_) => indeterminate += 1,
        }
    }
    let counts = [(installed, "installed"), (skipped, "skipped"), (indeterminate, "indeterminate")];
    let told: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", words::count(count)))
        .collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

fn contents(html: &mut Html, page: &Page<'_>) {
    let mut sections: Vec<(&str, &str)> = Vec::new();
    if let Some((_, finding)) = page.findings.first() {
        sections.push(("#contradiction", "Finding"));
        if drawing::has_witness(finding) {
            sections.push(("#witness", "Witness"));
        }
    }
    sections.push(("#run", "Whole run"));
    if !page.source.history.is_empty() {
        sections.push(("#operations", "Operations"));
    }
    sections.extend([("#checks", "Checks"), ("#faults", "Faults"), ("#reproduction", "Data")]);
    html.element("nav", &[("aria-label", "Sections")], |html| {
        for (target, name) in sections {
            html.leaf("a", &[("href", target)], name);
        }
    });
}
