//! A run while it goes on; the script fills it.

use super::super::place::Place;
use super::super::site::Site;
use super::frame;
use super::label::{address, run_address};
use crate::report::html::Html;
use crate::report::words;

pub fn page(site: &Site, place: &Place) -> frame::Page {
    let entry = site.catalog().entry(place);
    frame::page(&entry.id(), |html| {
        let events = address("live", &[&entry.test, &entry.run, "events"]);
        let run = run_address(&entry);
        let attributes =
            [("id", "live"), ("class", "store"), ("data-events", &*events), ("data-run", &run)];
        html.element("main", &attributes, |html| {
            html.element("div", &[("class", "run")], |html| {
                html.leaf(
                    "a",
                    &[("class", "run-name"), ("href", &run)],
                    &words::plain(&entry.id()),
                );
            });
            html.leaf("h1", &[("class", "state"), ("aria-live", "polite")], "Connecting…");
            html.leaf("noscript", &[], "To watch a run needs a script; its files are all there.");
            parts(html);
        });
    })
}

fn parts(html: &mut Html) {
    html.element("p", &[("class", "lead"), ("data-part", "told")], |_| {});
    let bar = [("max", "1"), ("value", "0"), ("aria-label", "Load under faults")];
    html.element("progress", &bar, |_| {});
    html.leaf("h2", &[], "Faults now");
    html.element("ul", &[("class", "claims"), ("data-part", "faults")], |_| {});
    html.leaf("h2", &[], "Completions per second");
    html.element("figure", &[], |html| {
        html.element("div", &[("data-part", "chart")], |_| {});
        html.element("figcaption", &[("class", "legend")], |html| {
            for name in ["ok", "fail", "info"] {
                html.leaf("span", &[("class", &format!("key key-live-{name}"))], name);
            }
        });
    });
    html.leaf("h2", &[], "Log");
    let log = [("class", "spec"), ("data-part", "log"), ("role", "log"), ("tabindex", "0")];
    html.element("pre", &log, |_| {});
}
