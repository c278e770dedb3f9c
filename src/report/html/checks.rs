//! Every check: its verdict, what it says, its figures, and why any is unknown.

use isobar_checkers::{CheckResult, Verdict};
use serde_json::Value;

use super::super::{glossary, words};
use super::verdict::badge;
use super::{Html, Page, profile, section};

/// Figures listed per check.
const FIGURES_MAX: usize = 100;
/// Characters of one figure.
const FIGURE_CHARS: usize = 240;

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

/// A number, or what a figure of several parts holds: `p50 938.882, max 1606.187`.
fn figure(value: &Value) -> String {
    words::visible(&words::shorten(&in_words(value), FIGURE_CHARS)).into_owned()
}

/// Parts of parts are in parentheses; JSON nests no deeper than its reader allows.
fn in_words(value: &Value) -> String {
    let part = |value: &Value| match value {
        Value::Object(_) | Value::Array(_) => format!("({})", in_words(value)),
        other => in_words(other),
    };
    let parts: Vec<String> = match value {
        Value::Object(parts) => {
            parts.iter().map(|(name, value)| format!("{name} {}", part(value))).collect()
        }
        Value::Array(parts) => parts.iter().map(in_words).collect(),
        Value::String(text) => return text.clone(),
        other => return other.as_u64().map_or_else(|| other.to_string(), words::count),
    };
    match parts.is_empty() {
        true => "none".to_owned(),
        false => parts.join(if value.is_array() { "; " } else { ", " }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_figure_of_several_parts_is_told_in_words() {
        let windows = json!([{"id": 0, "ms": {"n1": 7.5, "n2": 14}}, {"id": 1, "ms": {}}]);
        assert_eq!(figure(&windows), "id 0, ms (n1 7.5, n2 14); id 1, ms (none)");
        assert_eq!(figure(&json!({})), "none");
        assert_eq!(figure(&json!(1234)), "1,234");
        assert!(figure(&json!("x".repeat(9000))).ends_with("(9,000 characters)"));
    }
}
