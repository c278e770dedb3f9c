//! What the pages say of a run, the same everywhere.

use isobar_checkers::Verdict;

use super::super::entry::{Entry, Known};
use crate::report::html::{Html, badge, relative_reference};
use crate::report::words;

/// Where a run is shown.
pub fn run_address(entry: &Entry) -> String {
    address("runs", &[&entry.test, &entry.run, ""])
}

/// Where it is watched while it goes on.
pub fn live_address(entry: &Entry) -> String {
    address("live", &[&entry.test, &entry.run])
}

/// `/<room>/<part>/…`, every part encoded.
pub fn address(room: &str, parts: &[&str]) -> String {
    let mut out = format!("/{room}");
    for part in parts {
        out.push('/');
        out.push_str(&relative_reference(part));
    }
    out
}

/// What became of a run, in one word: a verdict, or why there is none.
pub fn outcome(entry: &Entry) -> &'static str {
    match &entry.known {
        _ if entry.is_running() => "running",
        Err(_) => "unreadable",
        Ok(Known { verdict: None, .. }) => "not judged",
        Ok(Known { verdict: Some(verdict), .. }) => verdict.word(),
    }
}

/// The same as a badge.
pub fn outcome_badge(html: &mut Html, entry: &Entry) {
    match entry.verdict() {
        Some(verdict) => badge(html, verdict),
        None => html.leaf("span", &[("class", "badge")], outcome(entry)),
    }
    if let Ok(Known { meta, verdict: Some(_), .. }) = &entry.known
        && !meta.complete
    {
        html.leaf("span", &[("class", "detail")], " incomplete");
    }
}

/// The class that colours a page's head.
pub fn tone(verdict: Option<&Verdict>) -> &'static str {
    verdict.map_or("unknown", words::verdict)
}

/// `2026-11-28 17:00:40`, as the run's clock said in UTC.
pub fn when(html: &mut Html, entry: &Entry) {
    let at = entry.started_at();
    let shown = at.replacen('T', " ", 1).trim_end_matches('Z').to_owned();
    html.leaf("time", &[("datetime", at)], &words::plain(&shown));
}
