//! All runs of the store: to search, to filter, to sort, to compare two of them.
//!
//! Every row is in the page and carries what it is filtered and sorted by; the script only hides
//! and orders rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::answer::Refusal;
use super::super::entry::{Entry, Known};
use super::super::query::Query;
use super::super::site::Site;
use super::frame;
use super::label::{address, live_address, outcome, outcome_badge, run_address, when};
use crate::report::html::Html;
use crate::report::words;

/// Rows in one page; of more, the latest.
const ROWS_MAX: usize = 5000;
/// Rows laid out at first; the script shows more of them when asked. The same number is there.
const ROWS_AT_FIRST: usize = 200;

/// A column: its heading, and what its rows are sorted by.
const COLUMNS: [(&str, Option<&str>); 9] = [
    ("Compare", None),
    ("Began (UTC)", Some("began")),
    ("Test", Some("test")),
    ("Verdict", Some("verdict")),
    ("Findings", Some("findings")),
    ("Faults", Some("faults")),
    ("Operations", Some("operations")),
    ("Length", Some("length")),
    ("Report", None),
];

/// `?test=NAME` narrows to one test before anything is left out.
pub fn page(site: &Site, query: &Query) -> Result<frame::Page, Refusal> {
    let runs = match query.first("test").filter(|test| !test.is_empty()) {
        Some(test) => site.catalog().of_test(&test)?,
        None => site.catalog().all()?,
    };
    let all = runs.len();
    let shown = &runs[..all.min(ROWS_MAX)];
    Ok(frame::page("Runs", |html| {
        html.element("main", &[("class", "store")], |html| {
            html.leaf("h1", &[], "Runs");
            if runs.is_empty() {
                html.leaf("p", &[("class", "lead")], "None yet: `isobar demo` makes one.");
                return;
            }
            if all > ROWS_MAX {
                let told = format!(
                    "The latest {} of {}. Add ?test=NAME to the address for one test's.",
                    words::count(ROWS_MAX as u64),
                    words::count(all as u64)
                );
                html.leaf("p", &[("class", "left-out")], &told);
            }
            filters(html, shown);
            table(html, shown);
        });
    }))
}

fn filters(html: &mut Html, runs: &[Arc<Entry>]) {
    html.element("form", &[("id", "filters"), ("class", "filters"), ("hidden", "")], |html| {
        html.element("label", &[], |html| {
            html.text("Search ");
            html.void("input", &[("type", "search"), ("name", "q")]);
        });
        let known = || runs.iter().filter_map(|run| run.known.as_ref().ok());
        let tests = runs.iter().map(|run| run.test.as_str()).collect();
        choose(html, "Test", "test", &tests);
        choose(html, "Verdict", "verdict", &runs.iter().map(|run| outcome(run)).collect());
        let found = known().flat_map(|run| run.found.keys());
        choose(html, "Anomaly", "anomaly", &found.map(|name| name.anomaly.as_str()).collect());
        let faults = known().flat_map(|run| &run.faults);
        choose(html, "Fault", "fault", &faults.map(String::as_str).collect());
        for (label, name) in [("From ", "from"), ("to ", "to")] {
            html.element("label", &[], |html| {
                html.text(label);
                html.void("input", &[("type", "date"), ("name", name)]);
            });
        }
        html.leaf("button", &[("type", "reset")], "Show all");
        html.leaf("output", &[("aria-live", "polite")], "");
    });
}

/// One of `names`, or any.
fn choose(html: &mut Html, label: &str, name: &str, names: &BTreeSet<&str>) {
    html.element("label", &[], |html| {
        html.text(label);
        html.text(" ");
        html.element("select", &[("name", name)], |html| {
            html.leaf("option", &[("value", "")], "any");
            for name in names {
                html.leaf("option", &[("value", name)], &words::plain(name));
            }
        });
    });
}

fn table(html: &mut Html, runs: &[Arc<Entry>]) {
    html.element("form", &[("id", "compare"), ("action", "/compare")], |html| {
        html.leaf("button", &[("type", "submit")], "Compare the two chosen");
    });
    html.element("table", &[("id", "runs"), ("class", "runs cards")], |html| {
        html.element("thead", &[], |html| html.element("tr", &[], headings));
        html.element("tbody", &[], |html| {
            for (place, run) in runs.iter().enumerate() {
                row(html, run, if place < ROWS_AT_FIRST { "" } else { "later" });
            }
        });
    });
}

fn headings(html: &mut Html) {
    for (name, sorted_by) in COLUMNS {
        match sorted_by {
            None => html.leaf("th", &[("scope", "col")], name),
            Some(by) => html.leaf("th", &[("scope", "col"), ("data-sort", by)], name),
        }
    }
}

fn row(html: &mut Html, entry: &Entry, class: &str) {
    let known = entry.known.as_ref().ok();
    let joined = |names: Vec<&str>| names.join("\n");
    let faults = known.map(|run| joined(run.faults.iter().map(String::as_str).collect()));
    let names = known.map(|run| run.found.keys().map(|name| name.anomaly.as_str()).collect());
    let anomalies = names.map(joined);
    let number = |of: fn(&Known) -> u64| known.map(of).unwrap_or_default().to_string();
    let attributes = [
        ("data-began", entry.started_at()),
        ("data-test", &entry.test),
        ("data-verdict", outcome(entry)),
        ("data-anomaly", &anomalies.unwrap_or_default()),
        ("data-fault", &faults.unwrap_or_default()),
        ("data-findings", &number(|run| run.found.values().map(|f| f.times as u64).sum())),
        ("data-faults", &number(|run| run.faults.len() as u64)),
        ("data-operations", &number(|run| run.operations.invoked)),
        ("data-length", &number(|run| run.length.0)),
        ("class", class),
    ];
    html.element("tr", &attributes, |html| {
        let (id, label) = (entry.id(), format!("Compare {}", words::plain(&entry.id())));
        html.element("td", &[("data-label", "Compare")], |html| {
            let chooser = [
                ("type", "checkbox"),
                ("name", "run"),
                ("value", id.as_str()),
                ("form", "compare"),
                ("aria-label", &label),
            ];
            html.void("input", &chooser);
        });
        cells(html, entry);
    });
}

fn cells(html: &mut Html, entry: &Entry) {
    html.element("th", &[("scope", "row"), ("data-label", "Began")], |html| {
        html.element("a", &[("href", &run_address(entry))], |html| when(html, entry));
    });
    html.element("td", &[("data-label", "Test")], |html| {
        let trend = address("tests", &[&entry.test]);
        html.leaf("a", &[("href", &trend)], &words::plain(&entry.test));
    });
    html.element("td", &[("data-label", "Verdict")], |html| outcome_badge(html, entry));
    let known = match &entry.known {
        Ok(known) => known,
        Err(why) => {
            html.leaf("td", &[("colspan", "5"), ("data-label", "Why")], &words::clip(why, 200));
            return;
        }
    };
    html.element("td", &[("data-label", "Findings")], |html| {
        // One part, also where a cell is a row of parts.
        html.element("span", &[], |html| findings(html, known));
    });
    let faults: Vec<String> = known.faults.iter().map(|name| words::plain(name)).collect();
    html.leaf("td", &[("data-label", "Faults")], &faults.join(", "));
    let number = |label| [("class", "number"), ("data-label", label)];
    html.leaf("td", &number("Operations"), &words::count(known.operations.invoked));
    html.leaf(
        "td",
        &number("Length"),
        &words::span(known.length.0 / 1_000_000_000 * 1_000_000_000),
    );
    html.element("td", &[("data-label", "Report")], |html| {
        if entry.is_running() {
            html.leaf("a", &[("href", &live_address(entry))], "watch");
        } else if known.has_report {
            let page = format!("{}{}", run_address(entry), crate::report::PAGE);
            html.leaf("a", &[("href", &page)], "open");
        }
    });
}

/// `stale-read × 3, lost-write`
fn findings(html: &mut Html, known: &Known) {
    for (place, (name, found)) in known.found.iter().enumerate() {
        if place > 0 {
            html.text(", ");
        }
        html.leaf("span", &[("class", "anomaly")], &words::plain(&name.anomaly));
        if found.times > 1 {
            html.text(&format!(" × {}", words::count(found.times as u64)));
        }
    }
}
