//! Pictures of a whole run: `plots/throughput.svg`, `plots/latency.svg` and, where nodes have
//! clocks of their own, `plots/clocks.svg`.
//!
//! ```text
//! History ──▶ series (numbers) ──▶ draw (plotters, SVG text)
//! ```

mod draw;
pub mod series;

use super::{ReportError, Source, words};
use crate::store::ClockReading;

pub use draw::{CLOCKS_TITLE, Svg};

/// A drawing, and what a reader has to know to trust it.
pub struct Plot {
    /// In the run directory.
    pub path: &'static str,
    pub title: &'static str,
    /// What is shown, and what was left out.
    pub caption: String,
    pub svg: Svg,
}

/// Draws every plot; none for a history without operations or of no length.
///
/// # Errors
/// [`ReportError::Plot`] when the drawing library gives up.
pub fn draw(source: &Source<'_>) -> Result<Vec<Plot>, ReportError> {
    let history = source.history;
    if history.is_empty() || history.end.0 == 0 {
        return Ok(Vec::new());
    }
    let backdrop = series::Backdrop::of(source);
    let throughput = series::Throughput::of(history, series::BUCKETS);
    let latency = series::Latency::of(history);
    let path = "plots/throughput.svg";
    let first = Plot {
        path,
        title: draw::THROUGHPUT_TITLE,
        caption: throughput_caption(&throughput),
        svg: draw::throughput(&throughput, &backdrop)
            .map_err(|reason| ReportError::Plot { path, reason })?,
    };
    let path = "plots/latency.svg";
    let second = Plot {
        path,
        title: draw::LATENCY_TITLE,
        caption: latency_caption(&latency),
        svg: draw::latency(&latency, &backdrop)
            .map_err(|reason| ReportError::Plot { path, reason })?,
    };
    let mut plots = vec![first, second];
    plots.extend(clocks(source, &backdrop)?);
    Ok(plots)
}

/// None where all nodes share this machine's clock.
fn clocks(source: &Source<'_>, backdrop: &series::Backdrop) -> Result<Option<Plot>, ReportError> {
    let offsets = series::Offsets::of(&ClockReading::of_run(source.directory));
    if offsets.nodes.is_empty() {
        return Ok(None);
    }
    let path = "plots/clocks.svg";
    Ok(Some(Plot {
        path,
        title: draw::CLOCKS_TITLE,
        caption: format!(
            "How far each node's clock was from the controller's; measured to {} or better.",
            words::span((offsets.error_ms * 1e6) as u64)
        ),
        svg: draw::clocks(&offsets, backdrop)
            .map_err(|reason| ReportError::Plot { path, reason })?,
    }))
}

fn throughput_caption(throughput: &series::Throughput) -> String {
    let width = words::span(throughput.bucket_ns);
    let mut caption = format!("Completions per second, counted over {width}, by outcome.");
    if throughput.open > 0 {
        let open = words::counted(throughput.open, "operation");
        caption.push_str(&format!(" {open} without any completion not shown."));
    }
    caption
}

fn latency_caption(latency: &series::Latency) -> String {
    let width = words::span(latency.bucket_ns);
    let mut caption = format!(
        "From when an operation was due to its completion; quantiles of ok ones over {width}."
    );
    let shown = latency.points.len();
    if shown < latency.completed {
        let (shown, all) = (words::count(shown as u64), words::count(latency.completed as u64));
        caption.push_str(&format!(
            " {shown} of {all} operations drawn as points: the {} slowest and an even choice of \
             the rest.",
            series::SLOWEST
        ));
    }
    caption
}
