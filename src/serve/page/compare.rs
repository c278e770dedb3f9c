//! Two runs beside each other: which findings are new, known or gone.

use axum::http::StatusCode;

use super::super::answer::Refusal;
use super::super::entry::Entry;
use super::super::place::Place;
use super::super::query::Query;
use super::super::site::Site;
use super::frame;
use super::label::{outcome_badge, run_address, when};
use crate::compare::{Change, ChangeKind, CheckChange, Comparison};
use crate::report::html::{Html, scroller, section, table_head};
use crate::report::words;

/// `?run=TEST/RUN&run=TEST/RUN`; the earlier one is the one to compare with.
pub fn page(site: &Site, query: &Query) -> Result<frame::Page, Refusal> {
    let two = |why: &str| Refusal::new(StatusCode::BAD_REQUEST, why);
    let mut places = Vec::new();
    for id in query.all("run") {
        let (test, run) = id.split_once('/').ok_or_else(|| two("a run is named TEST/RUN"))?;
        places.push(Place::of(site, test, run)?);
    }
    places.sort_by(|a, b| a.run.cmp(&b.run));
    let [before, after] = &places[..] else {
        return Err(two("choose two runs in the list to compare them"));
    };
    let results = |place: &Place| {
        place.directory.results().map_err(|error| {
            Refusal::not_found(format!("{}/{} was not judged: {error}", place.test, place.run))
        })
    };
    let comparison = Comparison::of(&results(before)?, &results(after)?);
    let sides = [("Before", before), ("After", after)]
        .map(|(name, place)| (name, site.catalog().entry(place)));
    Ok(frame::page("Comparison", |html| {
        html.element("main", &[], |html| {
            section(html, "comparison", "Two runs", |html| {
                html.leaf("p", &[("class", "lead")], &lead(&comparison));
                runs(html, &sides);
            });
            if !comparison.findings.is_empty() {
                section(html, "findings", "Findings", |html| findings(html, &comparison.findings));
            }
            section(html, "checks", "Checks", |html| checks(html, &comparison.checks));
        });
    }))
}

/// `1 finding is new, 2 are known, none is gone.`
fn lead(comparison: &Comparison) -> String {
    if comparison.findings.is_empty() {
        return "Neither run has a finding.".to_owned();
    }
    let count = |kind| comparison.findings.iter().filter(|change| change.kind == kind).count();
    let noun = if count(ChangeKind::New) == 1 { "finding is" } else { "findings are" };
    let told = |kind, word: &str| match count(kind) {
        0 => format!("none is {word}"),
        1 => format!("1 is {word}"),
        more => format!("{} are {word}", words::count(more as u64)),
    };
    format!(
        "{} {noun} new, {}, {}.",
        words::count(count(ChangeKind::New) as u64),
        told(ChangeKind::Known, "known"),
        told(ChangeKind::Gone, "gone")
    )
}

fn runs(html: &mut Html, sides: &[(&str, Entry); 2]) {
    scroller(html, "The two runs", |html| {
        html.element("table", &[], |html| {
            table_head(html, &["", "Began (UTC)", "Test", "Seed", "Verdict", "Operations"]);
            html.element("tbody", &[], |html| {
                for (name, entry) in sides {
                    html.element("tr", &[], |html| side(html, name, entry));
                }
            });
        });
    });
}

fn side(html: &mut Html, name: &str, entry: &Entry) {
    html.leaf("th", &[("scope", "row")], name);
    html.element("td", &[], |html| {
        html.element("a", &[("href", &run_address(entry))], |html| when(html, entry));
    });
    html.leaf("td", &[], &words::plain(&entry.test));
    let known = entry.known.as_ref().ok();
    let seed = known.map(|known| known.meta.seed.to_string()).unwrap_or_default();
    html.leaf("td", &[("class", "number")], &seed);
    html.element("td", &[], |html| outcome_badge(html, entry));
    let operations = known.map(|known| words::count(known.operations.invoked));
    html.leaf("td", &[("class", "number")], &operations.unwrap_or_default());
}

fn findings(html: &mut Html, changes: &[Change]) {
    scroller(html, "Findings", |html| {
        html.element("table", &[], |html| {
            table_head(html, &["", "Anomaly", "Against", "Before", "After"]);
            html.element("tbody", &[], |html| {
                for Change { kind, finding, before, after } in changes {
                    let (class, word) = match kind {
                        ChangeKind::New => ("change new", "new"),
                        ChangeKind::Known => ("change", "known"),
                        ChangeKind::Gone => ("change gone", "gone"),
                    };
                    html.element("tr", &[], |html| {
                        html.leaf("th", &[("scope", "row"), ("class", class)], word);
                        html.element("td", &[], |html| {
                            html.leaf(
                                "span",
                                &[("class", "anomaly")],
                                &words::plain(&finding.anomaly),
                            );
                            html.text(" ");
                            html.leaf("span", &[("class", "detail")], &finding.id);
                        });
                        html.leaf("td", &[], &words::plain(&finding.check));
                        for times in [before, after] {
                            html.leaf("td", &[("class", "number")], &format!("× {times}"));
                        }
                    });
                }
            });
        });
    });
}

fn checks(html: &mut Html, changes: &[CheckChange]) {
    scroller(html, "Checks", |html| {
        html.element("table", &[], |html| {
            table_head(html, &["Check", "Before", "After"]);
            html.element("tbody", &[], |html| {
                for CheckChange { check, before, after } in changes {
                    let class = if before == after { "same" } else { "named" };
                    html.element("tr", &[("class", class)], |html| {
                        html.leaf("th", &[("scope", "row")], &words::plain(check));
                        for word in [before, after] {
                            verdict(html, word.as_deref());
                        }
                    });
                }
            });
        });
    });
}

fn verdict(html: &mut Html, word: Option<&str>) {
    html.element("td", &[], |html| match word {
        Some(word) => html.leaf("span", &[("class", &format!("badge {word}"))], word),
        None => html.text("not asked"),
    });
}
