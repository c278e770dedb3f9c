//! What the page's script draws from: one value of JSON, put into the page as text.
//!
//! ```text
//! Source ──▶ Data { findings, faults, overview, operations } ──▶ <script type="application/json">
//! ```
//!
//! Everything a person may read in it has gone through [`words`]: the script inserts it as text.
//! Times are nanoseconds since the run began. A further chart under the whole run is one more
//! [`Series`] in [`Data::series`]; nothing in the script knows what it is about.

mod chosen;
mod columns;
mod faults;
mod findings;
mod overview;

use isobar_checkers::Nanos;
use serde::Serialize;

use super::super::plots::CLOCKS_TITLE;
use super::super::plots::series::Offsets;
use super::super::words;
use super::Page;
use crate::store::{ClockReading, TraceMeta};

/// Of a line; more are narrower than a pixel.
const POINTS_MAX: usize = 1000;

#[derive(Serialize)]
pub struct Data {
    end: u64,
    faults: Vec<faults::Band>,
    findings: Vec<findings::Told>,
    overview: overview::Overview,
    series: Vec<Series>,
    /// By which operations are found in the system's own tracing.
    trace: Option<TraceMeta>,
    operations: columns::Columns,
}

/// One more chart over time, as offsets of clocks.
#[derive(Serialize)]
pub struct Series {
    pub title: String,
    /// After a number, with a space.
    pub unit: String,
    pub lines: Vec<Line>,
}

#[derive(Serialize)]
pub struct Line {
    pub name: String,
    /// (nanoseconds since the run began, value)
    pub points: Vec<(u64, f64)>,
}

impl Data {
    pub fn of(page: &Page<'_>) -> Self {
        let history = page.source.history;
        Self {
            end: history.end.0,
            faults: faults::bands(page),
            findings: page
                .findings
                .iter()
                .map(|(_, finding)| findings::told(page, finding))
                .collect(),
            overview: overview::Overview::of(page),
            series: clocks(page).into_iter().collect(),
            trace: page.source.meta.trace.clone(),
            operations: columns::Columns::of(page),
        }
    }

    /// As the text of a `<script>` element: no `<` can end it or begin a comment (HTML, §4.12.1.3),
    /// and JSON needs none outside strings.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(self)?.replace('<', "\\u003c"))
    }
}

/// How far the nodes' clocks were from the controller's; `None` where they have none of their own.
fn clocks(page: &Page<'_>) -> Option<Series> {
    let offsets = Offsets::of(&ClockReading::of_run(page.source.directory));
    let line = |(name, points): (String, Vec<(Nanos, f64)>)| Line {
        name,
        points: points
            .iter()
            .step_by(points.len().div_ceil(POINTS_MAX).max(1))
            .map(|(time, ms)| (time.0, *ms))
            .collect(),
    };
    let lines: Vec<Line> = offsets.nodes.into_iter().map(line).collect();
    let title = CLOCKS_TITLE.to_owned();
    (!lines.is_empty()).then(|| Series { title, unit: " ms".to_owned(), lines })
}

/// A text of the system's for the script: what hides is shown, what is long is cut and says so.
fn shown(text: &str, chars: usize) -> String {
    words::visible(&words::shorten(text, chars)).into_owned()
}
