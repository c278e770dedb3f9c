//! One test over time.

use isobar_checkers::Nanos;

use super::super::answer::Refusal;
use super::super::site::Site;
use super::super::trend::{Column, Trend};
use super::frame;
use super::label::{run_address, when};
use crate::report::html::{Html, scroller, section, table_head};
use crate::report::words;

/// Of the chart, in pixels.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 50.0;
const BELOW: f64 = 24.0;
/// A column of a single run need not be a wall.
const COLUMN_MAX: f64 = 40.0;

pub fn page(site: &Site, test: &str) -> Result<frame::Page, Refusal> {
    let runs = site.catalog().of_test(test)?;
    if runs.is_empty() {
        return Err(Refusal::not_found(format!("there is no run of {test} in this store")));
    }
    let trend = Trend::of(&runs);
    Ok(frame::page(test, |html| {
        html.element("main", &[], |html| {
            section(html, "trend", &words::plain(test), |html| {
                html.leaf("p", &[("class", "lead")], &lead(&trend));
                html.element("p", &[], |html| {
                    let query = form_urlencoded::Serializer::new(String::new())
                        .append_pair("test", test)
                        .finish();
                    html.leaf("a", &[("href", &format!("/?{query}"))], "Its runs in the list");
                });
                if !trend.columns.is_empty() {
                    chart(html, &trend);
                }
            });
            if !trend.seen.is_empty() {
                section(html, "findings", "What was found", |html| findings(html, &trend));
            }
        });
    }))
}

/// `3 of 12 runs were violated (25 %), 1 unknown. …`
fn lead(trend: &Trend) -> String {
    let counts = trend.counts;
    if counts.all() == 0 {
        return "None of its runs was judged.".to_owned();
    }
    let share = 100.0 * counts.violated as f64 / counts.all() as f64;
    let runs = words::counted(counts.all() as usize, "run");
    let was = if counts.all() == 1 { "was" } else { "were" };
    let mut told =
        format!("{} of {runs} {was} violated ({share:.0} %)", words::count(counts.violated));
    for (count, word) in [(counts.unknown, "unknown"), (trend.not_judged, "not judged")] {
        if count > 0 {
            told.push_str(&format!(", {} {word}", words::count(count)));
        }
    }
    told.push('.');
    let ends = (trend.detected.first(), trend.detected_median(), trend.detected.last());
    if let (Some(least), Some(median), Some(most)) = ends {
        told.push_str(&format!(
            " The first contradiction was there after {} of load in the median ({} to {}).",
            seconds(median),
            seconds(*least),
            seconds(*most)
        ));
    }
    told
}

fn seconds(time: Nanos) -> String {
    words::span(time.0)
}

fn chart(html: &mut Html, trend: &Trend) {
    html.element("figure", &[], |html| {
        scroller(html, "Verdicts over time", |html| {
            let view = format!("0 0 {WIDTH} {}", HEIGHT + BELOW);
            let attributes = [
                ("class", "trend"),
                ("viewBox", view.as_str()),
                ("role", "img"),
                ("aria-label", "Share of violated and unknown runs over time"),
            ];
            html.element("svg", &attributes, |html| {
                axis(html);
                columns(html, &trend.columns);
            });
        });
        html.element("figcaption", &[], |html| {
            html.element("span", &[("class", "legend")], |html| {
                for name in ["violated", "unknown", "valid"] {
                    html.leaf("span", &[("class", &format!("key trend-{name}"))], name);
                }
            });
            let told = format!("A column for each {}; its parts are shares of runs.", trend.period);
            html.text(&told);
        });
    });
}

fn axis(html: &mut Html) {
    for (share, name) in [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")] {
        let y = format!("{:.1}", (HEIGHT - 12.0) * (1.0 - share) + 6.0);
        let (from, to) = (format!("{LEFT}"), format!("{WIDTH}"));
        let line =
            [("class", "grid"), ("x1", from.as_str()), ("x2", to.as_str()), ("y1", &y), ("y2", &y)];
        html.element("line", &line, |_| {});
        let x = format!("{}", LEFT - 8.0);
        html.leaf("text", &[("class", "end"), ("x", &x), ("y", &y), ("dy", "4")], name);
    }
}

fn columns(html: &mut Html, columns: &[Column]) {
    let step = ((WIDTH - LEFT) / columns.len() as f64).min(COLUMN_MAX * 1.25);
    let width = format!("{:.1}", step * 0.8);
    for (place, column) in columns.iter().enumerate() {
        let x = format!("{:.1}", LEFT + step * place as f64 + step * 0.1);
        let counts = column.counts;
        html.element("g", &[("class", "column")], |html| {
            html.leaf("title", &[], &told(column));
            let mut below = 0;
            for (name, count) in [
                ("violated", counts.violated),
                ("unknown", counts.unknown),
                ("valid", counts.valid),
            ] {
                if count == 0 {
                    continue;
                }
                let part = |count: u64| (HEIGHT - 12.0) * count as f64 / counts.all() as f64;
                below += count;
                let y = format!("{:.1}", HEIGHT - 6.0 - part(below));
                let height = format!("{:.1}", part(count));
                let class = format!("trend-{name}");
                let attributes = [
                    ("class", class.as_str()),
                    ("x", &x),
                    ("y", &y),
                    ("width", &width),
                    ("height", &height),
                ];
                html.element("rect", &attributes, |_| {});
            }
        });
    }
    // The first and the last, so that they never meet.
    let y = format!("{}", HEIGHT + 16.0);
    if let [first, .., last] = columns {
        let end = format!("{:.1}", (LEFT + step * columns.len() as f64).max(LEFT + 330.0));
        html.leaf("text", &[("x", &format!("{LEFT}")), ("y", &y)], &first.from);
        html.leaf("text", &[("class", "end"), ("x", &end), ("y", &y)], &last.from);
    } else if let [only] = columns {
        html.leaf("text", &[("x", &format!("{LEFT}")), ("y", &y)], &only.from);
    }
}

/// `from 2026-11-28 00:00: 3 of 12 violated, 1 unknown`
fn told(column: &Column) -> String {
    let counts = column.counts;
    let (from, all) = (&column.from, words::count(counts.all()));
    let mut told = format!("from {from}: {} of {all} violated", words::count(counts.violated));
    if counts.unknown > 0 {
        told.push_str(&format!(", {} unknown", words::count(counts.unknown)));
    }
    told
}

fn findings(html: &mut Html, trend: &Trend) {
    scroller(html, "Findings", |html| {
        html.element("table", &[], |html| {
            let names = ["Anomaly", "Against", "Runs", "First seen", "Last seen", "After (median)"];
            table_head(html, &names);
            html.element("tbody", &[], |html| {
                for seen in &trend.seen {
                    html.element("tr", &[], |html| {
                        let name = words::plain(&seen.finding.anomaly);
                        html.element("th", &[("scope", "row")], |html| {
                            html.leaf("span", &[("class", "anomaly")], &name);
                            html.text(" ");
                            html.leaf("span", &[("class", "detail")], &seen.finding.id);
                        });
                        html.leaf("td", &[], &words::plain(&seen.finding.check));
                        html.leaf("td", &[("class", "number")], &words::count(seen.runs));
                        for run in [&seen.first, &seen.last] {
                            html.element("td", &[], |html| {
                                let target = run_address(run);
                                html.element("a", &[("href", &target)], |html| when(html, run));
                            });
                        }
                        html.leaf("td", &[("class", "number")], &seconds(seen.detected_median));
                    });
                }
            });
        });
    });
}
