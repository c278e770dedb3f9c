//! One run: what it came to, its report, its files.

use std::fs;
use std::path::Path;

use super::super::answer::Refusal;
use super::super::archive;
use super::super::entry::{Entry, Known};
use super::super::place::Place;
use super::super::site::Site;
use super::frame;
use super::label::{address, live_address, outcome, run_address, tone, when};
use crate::report::html::{Html, badge, claim, relative_reference, section, table_head};
use crate::report::{PAGE, words};

/// Files listed; a run has a few dozen.
const FILES_MAX: usize = 500;

pub fn page(site: &Site, place: &Place) -> Result<frame::Page, Refusal> {
    let entry = site.catalog().entry(place);
    let before = earlier(site, &entry)?;
    Ok(frame::page(&entry.id(), |html| {
        let class = format!("verdict {}", tone(entry.verdict()));
        html.element("header", &[("class", &class)], |html| head(html, &entry, before.as_deref()));
        html.element("main", &[], |html| {
            checks(html, &entry);
            section(html, "files", "Files", |html| files(html, &entry));
        });
    }))
}

/// The run of the same test before this one that was judged.
fn earlier(site: &Site, entry: &Entry) -> Result<Option<String>, Refusal> {
    let runs = site.catalog().of_test(&entry.test)?;
    let older = runs.iter().filter(|run| run.run < entry.run && run.verdict().is_some());
    Ok(older.map(|run| run.id()).next())
}

fn head(html: &mut Html, entry: &Entry, before: Option<&str>) {
    html.element("div", &[("class", "run")], |html| {
        let trend = address("tests", &[&entry.test]);
        html.leaf("a", &[("class", "run-name"), ("href", &trend)], &words::plain(&entry.test));
        if let Ok(known) = &entry.known {
            html.text(&format!(" · seed {} · ", known.meta.seed));
            when(html, entry);
            html.text(" UTC");
        }
    });
    html.leaf("h1", &[], &words::capitalised(outcome(entry)));
    match &entry.known {
        Err(why) => html.leaf("p", &[("class", "lead")], why),
        Ok(known) => told(html, known, entry.is_running()),
    }
    html.element("p", &[("class", "actions")], |html| {
        let run = run_address(entry);
        if entry.is_running() {
            html.leaf("a", &[("href", &live_address(entry))], "Watch it run");
        }
        if entry.directory.file(PAGE).is_file() {
            html.leaf("a", &[("href", &format!("{run}{PAGE}"))], "Open the report");
        }
        let name = format!("{}{}", entry.run, archive::END);
        let archive = address("archives", &[&entry.test, &name]);
        html.leaf("a", &[("href", &archive)], "Download everything (tar.gz)");
        if let (Some(before), Some(_)) = (before, entry.verdict()) {
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("run", before), ("run", &entry.id())])
                .finish();
            let target = format!("/compare?{query}");
            html.leaf("a", &[("href", &target)], "Compare with the run before");
        }
    });
}

fn told(html: &mut Html, known: &Known, running: bool) {
    if !known.meta.complete && !running {
        let text = "The run did not come to its end; what is here is as far as it got.";
        html.leaf("p", &[("class", "note")], text);
    }
    let system = match &known.meta.system_version {
        Some(version) => format!("{} {version}", known.meta.system),
        None => known.meta.system.clone(),
    };
    let faults: Vec<String> = known.faults.iter().cloned().collect();
    let facts = [
        ("System", words::plain(&system)),
        ("Nodes", words::count(known.meta.nodes.len() as u64)),
        ("Operations", words::count(known.operations.invoked)),
        ("Length", words::span(known.length.0)),
        ("Faults", if faults.is_empty() { "none".to_owned() } else { words::list(&faults) }),
    ];
    html.element("dl", &[("class", "summary")], |html| {
        for (name, value) in facts {
            html.element("div", &[], |html| {
                html.leaf("dt", &[], name);
                html.leaf("dd", &[], &value);
            });
        }
    });
    html.element("p", &[("class", "reproduce")], |html| {
        html.leaf("span", &[("class", "label")], "Reproduce");
        html.leaf("code", &[], &known.meta.reproduce);
    });
}

fn checks(html: &mut Html, entry: &Entry) {
    let Ok(results) = entry.directory.results() else { return };
    section(html, "checks", "Checks", |html| {
        html.element("ul", &[("class", "claims")], |html| {
            for check in &results.checks {
                html.element("li", &[], |html| {
                    badge(html, &check.verdict);
                    html.element("div", &[], |html| claim(html, check));
                });
            }
        });
    });
}

fn files(html: &mut Html, entry: &Entry) {
    let (files, left_out) = all_files(&entry.directory.path);
    html.element("table", &[("class", "files")], |html| {
        table_head(html, &["File", "Bytes"]);
        html.element("tbody", &[], |html| {
            for (name, size) in files {
                html.element("tr", &[], |html| {
                    let target = format!("{}{}", run_address(entry), relative_reference(&name));
                    html.element("th", &[("scope", "row")], |html| {
                        html.leaf("a", &[("href", &target)], &words::plain(&name));
                    });
                    html.leaf("td", &[("class", "number")], &words::count(size));
                });
            }
        });
    });
    if left_out {
        let told = format!("Only {FILES_MAX} are listed; the archive has all.");
        html.leaf("p", &[("class", "left-out")], &told);
    }
}

/// Paths relative to `directory` with their sizes, in order, and whether there are more. Links
/// are not followed.
fn all_files(directory: &Path) -> (Vec<(String, u64)>, bool) {
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for child in fs::read_dir(directory.join(&folder)).into_iter().flatten().flatten() {
            let (Ok(meta), Ok(name)) = (child.metadata(), child.file_name().into_string()) else {
                continue;
            };
            if meta.is_dir() {
                folders.push(format!("{folder}{name}/"));
            } else if meta.is_file() {
                files.push((format!("{folder}{name}"), meta.len()));
            }
        }
    }
    files.sort_unstable_by_key(|(name, _)| (name.contains('/'), name.clone()));
    let more = files.len() > FILES_MAX;
    files.truncate(FILES_MAX);
    (files, more)
}
