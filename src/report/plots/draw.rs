//! Draws with plotters, into SVG text.
//!
//! Every colour is a constant of the palette below, so that the page's style sheet can map each
//! to a dark one.

use std::fmt;

use isobar_checkers::history::Completion;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::series::{Backdrop, Latency, OUTCOMES, Offsets, Point, Throughput};

pub const THROUGHPUT_TITLE: &str = "Throughput by outcome over time";
pub const LATENCY_TITLE: &str = "Latency over time";
pub const CLOCKS_TITLE: &str = "Clocks of the nodes";

const SIZE: (u32, u32) = (960, 320);
const LEGEND_HEIGHT: i32 = 26;
const ROW_HEIGHT: i32 = 16;
const AXIS_WIDTH: u32 = 84;
const MARGIN: u32 = 12;

// Okabe & Ito, "Color Universal Design", 2008: told apart with every kind of colour vision.
const OK: RGBColor = RGBColor(0x00, 0x72, 0xb2);
const FAIL: RGBColor = RGBColor(0xcc, 0x79, 0xa7);
const INFO: RGBColor = RGBColor(0xe6, 0x9f, 0x00);
const MEDIAN: RGBColor = RGBColor(0x00, 0x9e, 0x73);
const MARK: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
const BAND: RGBColor = RGBColor(0x88, 0x88, 0x88);
const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, Y>>;

/// A whole `<svg>` element, safe to put into a page: its text was escaped when it was drawn.
pub struct Svg(String);

impl Svg {
    /// A cycle of transactions, drawn and escaped by the checkers.
    pub fn of_cycle(cycle: &isobar_checkers::Cycle) -> Self {
        Self(isobar_checkers::txn::draw::svg(cycle))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

pub fn throughput(data: &Throughput, backdrop: &Backdrop) -> Result<Svg, String> {
    let top = data.rates.iter().flatten().map(|(_, rate)| *rate).fold(1.0, f64::max) * 1.08;
    canvas(THROUGHPUT_TITLE, backdrop, |legend, area| {
        let mut chart = frame(area, backdrop, 0.0..top, "completions / s", &plain_number)?;
        bands(&chart, area, backdrop)?;
        for (completion, rates) in OUTCOMES.into_iter().zip(&data.rates) {
            let style =
                ShapeStyle { color: colour(completion).into(), filled: true, stroke_width: 2 };
            chart.draw_series(LineSeries::new(rates.iter().copied(), style)).map_err(told)?;
        }
        legend_row(legend, &OUTCOME_LEGEND)
    })
}

pub fn latency(data: &Latency, backdrop: &Backdrop) -> Result<Svg, String> {
    // A logarithmic axis has no zero: what took less than a microsecond is drawn at one.
    let floor = |ms: f64| ms.max(0.001);
    let least = data.points.iter().map(|point| floor(point.took_ms)).fold(1e9, f64::min);
    let most = data.points.iter().map(|point| floor(point.took_ms)).fold(0.001, f64::max);
    let axis = (decade_below(least)..most * 2.0).log_scale();
    canvas(LATENCY_TITLE, backdrop, |legend, area| {
        let mut chart = frame(area, backdrop, axis, "latency", &milliseconds)?;
        bands(&chart, area, backdrop)?;
        for point in &data.points {
            scatter(&mut chart, Point { took_ms: floor(point.took_ms), ..*point })?;
        }
        for (line, (colour, width)) in data.quantiles.iter().zip(QUANTILE_STYLES) {
            let style = ShapeStyle { color: colour.into(), filled: true, stroke_width: width };
            let points = line.iter().map(|(at, ms)| (*at, floor(*ms)));
            chart.draw_series(LineSeries::new(points, style)).map_err(told)?;
        }
        legend_row(legend, &LATENCY_LEGEND)
    })
}

/// One line per node; nodes after the sixth share colours with the first.
pub fn clocks(data: &Offsets, backdrop: &Backdrop) -> Result<Svg, String> {
    let offsets = || data.nodes.iter().flat_map(|(_, line)| line).map(|(_, ms)| ms / 1e3);
    // Room for the error of a reading on both sides: a straight line is not drawn on the edge.
    let room = (data.error_ms / 1e3).max(0.001);
    let (least, most) =
        (offsets().fold(0.0, f64::min) - room, offsets().fold(0.0, f64::max) + room);
    canvas(CLOCKS_TITLE, backdrop, |legend, area| {
        let mut chart = frame(area, backdrop, least..most, "s ahead", &three_digits)?;
        bands(&chart, area, backdrop)?;
        for (place, (_, line)) in data.nodes.iter().enumerate() {
            let color = NODE_COLOURS[place % NODE_COLOURS.len()];
            let style = ShapeStyle { color: color.into(), filled: true, stroke_width: 2 };
            let points = line.iter().map(|(time, ms)| (time.0 as f64 / 1e9, ms / 1e3));
            chart.draw_series(LineSeries::new(points, style)).map_err(told)?;
        }
        let colours = NODE_COLOURS.into_iter().cycle();
        let names: Vec<(&str, RGBColor)> =
            data.nodes.iter().map(|(node, _)| node.as_str()).zip(colours).take(8).collect();
        legend_row(legend, &names)
    })
}

const NODE_COLOURS: [RGBColor; 6] = [OK, MARK, MEDIAN, FAIL, INFO, INK];

const QUANTILE_STYLES: [(RGBColor, u32); 3] = [(MEDIAN, 3), (INK, 2), (INK, 1)];

const OUTCOME_LEGEND: [(&str, RGBColor); 4] =
    [("ok", OK), ("fail", FAIL), ("info (unknown)", INFO), ("finding", MARK)];

const LATENCY_LEGEND: [(&str, RGBColor); 7] = [
    ("● ok", OK),
    ("✕ fail", FAIL),
    ("▲ info (unknown)", INFO),
    ("p50", MEDIAN),
    ("p95 (bold)", INK),
    ("p99 (thin)", INK),
    ("finding", MARK),
];

fn colour(completion: Completion) -> RGBColor {
    match completion {
        Completion::Ok => OK,
        Completion::Fail => FAIL,
        Completion::Info => INFO,
    }
}

fn told(error: impl fmt::Display) -> String {
    error.to_string()
}

/// Draws on a fresh picture: a row for the legend, the rest for the chart.
fn canvas(
    title: &'static str,
    backdrop: &Backdrop,
    paint: impl FnOnce(&Area<'_>, &Area<'_>) -> Result<(), String>,
) -> Result<Svg, String> {
    let mut text = String::new();
    let height = SIZE.1 + rows_height(backdrop) as u32;
    {
        let root = SVGBackend::with_string(&mut text, (SIZE.0, height)).into_drawing_area();
        root.fill(&PAPER).map_err(told)?;
        let (legend, area) = root.split_vertically(LEGEND_HEIGHT);
        paint(&legend, &area)?;
        root.present().map_err(told)?;
    }
    // Nothing of the run is in this tag: the title is a constant.
    let named = format!("<svg role=\"img\" aria-label=\"{title}\" ");
    Ok(Svg(text.replacen("<svg ", &named, 1)))
}

fn rows_height(backdrop: &Backdrop) -> i32 {
    backdrop.rows.len() as i32 * ROW_HEIGHT
}

/// Axes and grid, below the rows of faults.
fn frame<'a, 'b, Y>(
    area: &'a Area<'b>,
    backdrop: &Backdrop,
    range: Y,
    name: &str,
    format: &dyn Fn(&f64) -> String,
) -> Result<Chart<'a, 'b, Y::CoordDescType>, String>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64> + Ranged<ValueType = f64>,
{
    let mut chart = ChartBuilder::on(area)
        .margin_right(MARGIN)
        .margin_top(rows_height(backdrop) as u32 + 4)
        .x_label_area_size(38)
        .y_label_area_size(AXIS_WIDTH)
        .build_cartesian_2d(0.0..backdrop.end_s, range)
        .map_err(told)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(BAND)
        .x_labels(12)
        .y_labels(6)
        .x_desc("seconds since the run began")
        .y_desc(name)
        .label_style(("sans-serif", 15).into_font().color(&INK))
        .x_label_formatter(&plain_number)
        .y_label_formatter(&|value| format(value))
        .draw()
        .map_err(told)?;
    Ok(chart)
}

/// Faults: a shade behind the chart and a bar in the row of their kind; and a mark per finding.
fn bands<Y: Ranged<ValueType = f64>>(
    chart: &Chart<'_, '_, Y>,
    area: &Area<'_>,
    backdrop: &Backdrop,
) -> Result<(), String> {
    let inside = chart.plotting_area();
    let (left, top) = inside.get_base_pixel();
    let (base_x, base_y) = area.get_base_pixel();
    let (left, top) = (left - base_x, top - base_y);
    let (width, height) = inside.dim_in_pixel();
    let pixel = |seconds: f64| {
        let share = (seconds / backdrop.end_s).clamp(0.0, 1.0);
        left + (share * f64::from(width)).round() as i32
    };
    let bottom = top + height as i32;
    for band in &backdrop.bands {
        let (from, to) = (pixel(band.from_s), pixel(band.to_s).max(pixel(band.from_s) + 2));
        let row = band.row as i32 * ROW_HEIGHT;
        let shade = Rectangle::new([(from, top), (to, bottom)], BAND.mix(0.12).filled());
        let bar = [(from, row + 3), (to, row + ROW_HEIGHT - 2)];
        area.draw(&shade).map_err(told)?;
        area.draw(&Rectangle::new(bar, BAND.mix(0.8).filled())).map_err(told)?;
    }
    let name = text_style(INK, HPos::Right);
    for (row, fault) in backdrop.rows.iter().enumerate() {
        let middle = row as i32 * ROW_HEIGHT + ROW_HEIGHT / 2;
        let short: String = fault.chars().take(11).collect();
        area.draw_text(&short, &name, (left - 8, middle)).map_err(told)?;
    }
    for mark in &backdrop.marks_s {
        let x = pixel(*mark);
        let line = PathElement::new(vec![(x, 0), (x, bottom)], MARK.stroke_width(2));
        area.draw(&line).map_err(told)?;
        area.draw(&TriangleMarker::new((x, bottom + 5), 5, MARK.filled())).map_err(told)?;
    }
    Ok(())
}

fn scatter<Y: Ranged<ValueType = f64>>(
    chart: &mut Chart<'_, '_, Y>,
    point: Point,
) -> Result<(), String> {
    let at = (point.at_s, point.took_ms);
    let colour = colour(point.completion);
    let area = chart.plotting_area();
    match point.completion {
        Completion::Ok => area.draw(&Circle::new(at, 2, colour.mix(0.4).filled())),
        Completion::Fail => area.draw(&Cross::new(at, 3, colour.stroke_width(1))),
        Completion::Info => area.draw(&TriangleMarker::new(at, 4, colour.filled())),
    }
    .map_err(told)
}

fn text_style<'a>(colour: RGBColor, side: HPos) -> TextStyle<'a> {
    ("sans-serif", 15).into_font().color(&colour).pos(Pos::new(side, VPos::Center))
}

/// Names next to samples of their colours, from the left.
fn legend_row(area: &Area<'_>, entries: &[(&str, RGBColor)]) -> Result<(), String> {
    let mut x = AXIS_WIDTH as i32;
    for (name, colour) in entries {
        let swatch = Rectangle::new([(x, 9), (x + 14, 15)], colour.filled());
        area.draw(&swatch).map_err(told)?;
        area.draw_text(name, &text_style(INK, HPos::Left), (x + 20, 12)).map_err(told)?;
        x += 20 + name.chars().count() as i32 * 8 + 18;
    }
    Ok(())
}

fn decade_below(ms: f64) -> f64 {
    10f64.powf(ms.log10().floor()).max(0.001)
}

fn plain_number(value: &f64) -> String {
    if value.fract().abs() < 1e-9 { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn three_digits(value: &f64) -> String {
    format!("{value:.3}")
}

fn milliseconds(value: &f64) -> String {
    super::words::span((value * 1e6).round() as u64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use isobar_checkers::history::History;

    use super::super::super::sample::Sample;
    use super::super::draw;

    #[test]
    fn a_run_makes_two_pictures_that_need_nothing_else() {
        let sample = Sample::stale_read();
        let plots = draw(&sample.source(Path::new("run"))).unwrap();
        assert_eq!(plots.len(), 2);
        for plot in plots {
            let svg = plot.svg.as_str();
            assert!(svg.starts_with("<svg role=\"img\""), "{}", plot.path);
            assert!(svg.trim_end().ends_with("</svg>"), "{}", plot.path);
            assert!(svg.contains("partition"), "{}", plot.path);
            assert!(!svg.contains("style=") && !svg.contains("href"), "{}", plot.path);
            assert!(svg.len() < 600_000, "{}: {} bytes", plot.path, svg.len());
        }
    }

    #[test]
    fn clocks_that_are_not_ours_make_a_third_picture() {
        let sample = Sample::stale_read();
        let run = tempfile::tempdir().unwrap();
        let line = |node: &str, time: u64, offset: f64, error: f64| {
            format!(
                "{{\"time\":{time},\"node\":\"{node}\",\"offset_ms\":{offset},\
                 \"error_ms\":{error}}}\n"
            )
        };
        let write = |lines: &[String]| {
            std::fs::write(run.path().join("clocks.jsonl"), lines.concat()).unwrap();
            draw(&sample.source(run.path())).unwrap()
        };
        assert_eq!(write(&[line("n1", 5, 0.0, 0.0)]).len(), 2, "a shared clock shows nothing");
        let plots = write(&[line("n1", 5, 1.0, 2.5), line("n1", 900, 60_001.0, 0.5)]);
        assert_eq!(plots.len(), 3);
        let svg = plots[2].svg.as_str();
        assert!(svg.contains("n1"), "{svg}");
        assert!(svg.contains("60.0"), "the axis reaches a minute: {svg}");
        assert!(plots[2].caption.contains("2.5 ms"), "{}", plots[2].caption);
    }

    #[test]
    fn names_of_faults_are_text() {
        let sample = Sample::hostile();
        for plot in draw(&sample.source(Path::new("run"))).unwrap() {
            assert!(!plot.svg.as_str().contains("<img"), "{}", plot.path);
            assert!(plot.svg.as_str().contains("&lt;/script"), "{}", plot.path);
        }
    }

    #[test]
    fn an_empty_history_has_no_pictures() {
        let mut sample = Sample::valid();
        sample.history = History::default();
        assert!(draw(&sample.source(Path::new("run"))).unwrap().is_empty());
    }
}
