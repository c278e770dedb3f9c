//! Every check: its verdict, what it says, its figures, and why any is unknown.

use isobar_checkers::{CheckResult, Verdict};
use serde_json::Value;

use super::super::{glossary, words};
use super::verdict::badge;
use super::{Html, Page, profile, section};

/// Figures listed per check.
const FIGURES_MAX: usize = 100;

pub fn write(html: &mut Html, page: &Page<'_>) {
    section(html, "checks", "Checks", |html| {
        for check in &page.source.results.checks {
            let class = format!("check {}", words::verdict(&check.verdict));
            html.element("div", &[("class", &class)], |html| one(html, check));
        }
    });
}

fn one(html: &mut Html, check: &CheckResult) {
    html.element("h3", &[], |html| {
        badge(html, &check.verdict);
        html.text(" ");
        html.text(&words::plain(&check.check));
    });
    html.leaf("p", &[], &words::shorten(&check.summary, 1000));
    if let Verdict::Unknown(reason) = &check.verdict {
        html.element("p", &[("class", "note")], |html| {
            html.leaf("strong", &[], "Unknown because ");
            html.text(&words::shorten(reason, 1000));
        });
    }
    if let Some(claim) = glossary::claim(&check.check) {
        html.leaf("p", &[("class", "meaning")], claim);
    }
    if !check.findings.is_empty() {
        html.leaf("p", &[], &format!("{}.", words::counted(check.findings.len(), "finding")));
    }
    if check.check == "profile" {
        profile::write(html, check);
        return;
    }
    if !check.figures.is_empty() {
        html.element("dl", &[("class", "figures")], |html| {
            for (name, value) in check.figures.iter().take(FIGURES_MAX) {
                html.element("div", &[], |html| {
                    html.leaf("dt", &[], &words::plain(name));
                    html.leaf("dd", &[], &figure(value));
                });
            }
        });
    }
}

fn figure(value: &Value) -> String {
    match value.as_u64() {
        Some(number) => words::count(number),
        None => words::value(value),
    }
}
