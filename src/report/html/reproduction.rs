//! What is needed to do it again.

use super::super::words;
use super::{Html, Page, scroller, section, table_head};

/// Remarks on the history; one per torn or odd line would be too many.
const REMARKS_MAX: usize = 20;

pub fn write(html: &mut Html, page: &Page<'_>) {
    section(html, "reproduction", "Reproduction data", |html| {
        let meta = page.source.meta;
        html.leaf("pre", &[("class", "command")], &meta.reproduce);
        if !page.source.is_run() {
            remarks(html, page);
            return;
        }
        let version = meta.system_version.as_deref().unwrap_or("unknown version");
        let complete = if page.source.is_complete() { "yes" } else { "no: cut short" };
        let system = format!("{} {}", words::plain(&meta.system), words::plain(version));
        html.element("dl", &[("class", "summary")], |html| {
            for (name, value) in [
                ("Seed", meta.seed.to_string()),
                ("isobar", words::plain(&meta.isobar_version)),
                ("System", system),
                ("Started", words::plain(&meta.started_at)),
                ("Lab", meta.lab.as_deref().map_or("none".to_owned(), words::plain)),
                ("Complete", complete.to_owned()),
            ] {
                html.element("div", &[], |html| {
                    html.leaf("dt", &[], name);
                    html.leaf("dd", &[], &value);
                });
            }
        });
        phases(html, page);
        remarks(html, page);
        html.element("details", &[], |html| {
            html.leaf("summary", &[], "Resolved specification");
            html.element("pre", &[("class", "spec"), ("tabindex", "0")], |html| {
                html.long_text(page.source.spec);
            });
        });
        files(html, page);
    });
}

fn phases(html: &mut Html, page: &Page<'_>) {
    html.leaf("h3", &[], "Phases");
    scroller(html, "Phases", |html| {
        html.element("table", &[], |html| {
            table_head(html, &["Phase", "From", "To", "Lasted"]);
            html.element("tbody", &[], |html| {
                for phase in &page.source.meta.phases {
                    html.element("tr", &[], |html| {
                        html.leaf("th", &[("scope", "row")], &words::plain(&phase.name));
                        html.leaf("td", &[("class", "number")], &words::instant(phase.from));
                        let to = phase.to.map_or("not ended".to_owned(), words::instant);
                        html.leaf("td", &[("class", "number")], &to);
                        let lasted = words::length(phase.from, phase.to).unwrap_or_default();
                        html.leaf("td", &[("class", "number")], &lasted);
                    });
                }
            });
        });
    });
}

fn remarks(html: &mut Html, page: &Page<'_>) {
    let remarks = &page.source.history.remarks;
    if remarks.is_empty() {
        return;
    }
    html.leaf("h3", &[], "Remarks on the history");
    html.element("ul", &[], |html| {
        for remark in remarks.iter().take(REMARKS_MAX) {
            html.leaf("li", &[], &words::shorten(remark, 400));
        }
        if let Some(left @ 1..) = remarks.len().checked_sub(REMARKS_MAX) {
            html.leaf("li", &[], &format!("and {} more", words::count(left as u64)));
        }
    });
}

fn files(html: &mut Html, page: &Page<'_>) {
    let names = ["spec.yaml", "run.json", "history.jsonl", "faults.jsonl", "results.json"];
    let there: Vec<&str> =
        names.into_iter().filter(|name| page.source.directory.join(name).is_file()).collect();
    if there.is_empty() {
        return;
    }
    html.element("p", &[], |html| {
        html.text("Next to this page: ");
        for (place, name) in there.into_iter().enumerate() {
            if place > 0 {
                html.text(", ");
            }
            html.leaf("a", &[("href", name)], name);
        }
    });
}
