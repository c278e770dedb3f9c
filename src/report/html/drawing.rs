//! The witness, drawn: lanes by process, operations as boxes, faults behind.

use isobar_checkers::history::{Completion, Operation};
use isobar_checkers::{FaultWindow, Finding, InjectOutcome, OpIndex};

use super::super::plots::Svg;
use super::super::words;
use super::lanes::{Axis, GUTTER, Layout, Placed, ROW_HEIGHT, WIDTH};
use super::{Html, Page, contrast, linearization, scripted, scroller, section};

/// Boxes in one drawing; more cannot be followed.
const BOXES_MAX: usize = 40;
const FAULTS_MAX: usize = 6;
const AXIS_HEIGHT: f64 = 30.0;
const FAULT_HEIGHT: f64 = 22.0;

/// The section of the first finding.
pub fn write(html: &mut Html, page: &Page<'_>) {
    let Some((_, finding)) = page.findings.first() else { return };
    if !has_witness(finding) {
        return;
    }
    section(html, "witness", "The witness", |html| draw(html, page, finding, 0));
}

/// Whether operations show the finding; some, as low availability, are about the whole run.
pub fn has_witness(finding: &Finding) -> bool {
    !finding.operations.is_empty() || finding.witness.is_some()
}

/// Both drawings of one finding and its order of events; `place` is the finding's on the page.
pub fn draw(html: &mut Html, page: &Page<'_>, finding: &Finding, place: usize) {
    let picture = Picture::of(page, finding);
    contrast::write(html, finding);
    let place_name = place.to_string();
    let attributes = [("class", "drawing"), ("data-finding", place_name.as_str())];
    scripted(html, &attributes, |html| without_script(html, finding, &picture, place));
    if let Some(witness) = &finding.witness {
        linearization::write(html, page, witness);
    }
}

fn without_script(html: &mut Html, finding: &Finding, picture: &Picture<'_>, place: usize) {
    if let Some(cycle) = &finding.cycle {
        scroller(html, "The cycle", |html| html.drawing(&Svg::of_cycle(cycle)));
    }
    if picture.operations.is_empty() {
        return;
    }
    views(html, picture, place);
    if picture.left_out > 0 {
        let left = words::counted(picture.left_out, "more operation");
        html.leaf("p", &[("class", "left-out")], &format!("{left} not drawn."));
    }
}

/// What one drawing shows.
struct Picture<'a> {
    operations: Vec<Operation<'a>>,
    left_out: usize,
    contradicting: Vec<OpIndex>,
    /// Steps of the partial linearization: place, from 1.
    steps: Vec<(OpIndex, usize)>,
    faults: Vec<&'a FaultWindow>,
}

impl<'a> Picture<'a> {
    fn of(page: &Page<'a>, finding: &'a Finding) -> Self {
        let blocked = finding.witness.iter().flat_map(|witness| &witness.blocked);
        let contradicting: Vec<OpIndex> = blocked.map(|blocked| blocked.operation).collect();
        let mut wanted: Vec<OpIndex> =
            finding.operations.iter().chain(&contradicting).copied().collect();
        let mut seen = std::collections::HashSet::new();
        wanted.retain(|index| seen.insert(*index));
        let left_out = wanted.len().saturating_sub(BOXES_MAX);
        wanted.truncate(BOXES_MAX);
        let operations: Vec<Operation<'_>> =
            wanted.iter().filter_map(|index| page.operation(*index)).collect();
        let linearization = finding.witness.iter().flat_map(|witness| &witness.linearization);
        let steps =
            linearization.enumerate().map(|(place, step)| (step.operation, place + 1)).collect();
        let faults = page.source.history.faults.iter().filter(|fault| {
            let there = !matches!(fault.outcome, InjectOutcome::Skipped(_));
            let overlaps = fault.from <= finding.to && fault.to.is_none_or(|to| finding.from <= to);
            there && overlaps
        });
        let faults = faults.take(FAULTS_MAX).collect();
        Self { operations, left_out, contradicting, steps, faults }
    }

    fn contradicts(&self, operation: Operation<'_>) -> bool {
        self.contradicting.contains(&operation.index())
    }
}

/// The drawing by real time and by order; which one is seen is a matter of style alone.
fn views(html: &mut Html, picture: &Picture<'_>, place: usize) {
    // Names of the radio buttons: one pair per drawing on the page.
    let group = format!("axis-{place}");
    let choices = [("time", "Real time"), ("order", "Order of events")];
    html.element("div", &[("class", "views")], |html| {
        html.element("fieldset", &[], |html| {
            html.leaf("legend", &[], "Axis");
            for (kind, name) in choices {
                let id = format!("{group}-{kind}");
                let class = format!("choose-{kind}");
                let radio = [("type", "radio"), ("name", &group), ("id", &id), ("class", &class)];
                let mut attributes = radio.to_vec();
                if kind == "time" {
                    attributes.push(("checked", ""));
                }
                html.void("input", &attributes);
                html.leaf("label", &[("for", &id)], name);
            }
        });
        let axes = [Axis::time(&picture.operations), Axis::order(&picture.operations)];
        for ((kind, name), axis) in choices.into_iter().zip(axes) {
            html.element("div", &[("class", &format!("view view-{kind}"))], |html| {
                let label = format!("The operations of the witness, by {}", name.to_lowercase());
                scroller(html, &label, |html| svg(html, picture, &axis, &label));
            });
        }
        legend(html, picture);
    });
}

fn legend(html: &mut Html, picture: &Picture<'_>) {
    html.element("p", &[("class", "legend")], |html| {
        html.leaf("span", &[("class", "key key-write")], "changes the state");
        html.leaf("span", &[("class", "key key-read")], "reads it");
        if picture.operations.iter().any(|op| op.completion() == Completion::Info) {
            html.leaf("span", &[("class", "key key-open")], "outcome unknown: may happen any time");
        }
        if !picture.contradicting.is_empty() {
            html.leaf("span", &[("class", "key key-wrong")], "cannot come next");
        }
        if !picture.steps.is_empty() {
            html.leaf("span", &[("class", "key")], "① … place in the order below");
        }
        if !picture.faults.is_empty() {
            html.leaf("span", &[("class", "key key-fault")], "fault in force");
        }
    });
}

fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn svg(html: &mut Html, picture: &Picture<'_>, axis: &Axis, label: &str) {
    let layout = Layout::of(&picture.operations, axis);
    let top = AXIS_HEIGHT + picture.faults.len() as f64 * FAULT_HEIGHT + 8.0;
    let height = top + layout.rows as f64 * ROW_HEIGHT + 4.0;
    let view_box = format!("0 0 {} {}", px(WIDTH), px(height));
    let attributes = [
        ("class", "lanes"),
        ("viewBox", view_box.as_str()),
        ("role", "img"),
        ("aria-label", label),
    ];
    html.element("svg", &attributes, |html| {
        html.leaf("title", &[], label);
        lanes(html, &layout, top);
        ticks(html, axis, height);
        for (place, fault) in picture.faults.iter().enumerate() {
            band(html, fault, axis, place, height);
        }
        guide(html, picture, axis, top, height);
        for placed in &layout.placed {
            operation(html, picture, placed, top + placed.row as f64 * ROW_HEIGHT);
        }
    });
}

fn lanes(html: &mut Html, layout: &Layout<'_>, top: f64) {
    for (place, lane) in layout.lanes.iter().enumerate() {
        let y = top + lane.first_row as f64 * ROW_HEIGHT;
        let height = lane.rows as f64 * ROW_HEIGHT;
        if place % 2 == 0 {
            rect(html, "lane", (0.0, y, WIDTH, height));
        }
        let middle = y + height / 2.0;
        text(html, "node", (12.0, middle - 2.0), &words::clip(&lane.node, 14));
        text(html, "process", (12.0, middle + 15.0), &format!("process {}", lane.process));
    }
}

fn rect(html: &mut Html, class: &str, (x, y, width, height): (f64, f64, f64, f64)) {
    let (x, y, width, height) = (px(x), px(y), px(width), px(height));
    let place = [("x", x.as_str()), ("y", &y), ("width", &width), ("height", &height)];
    let mut attributes = vec![("class", class)];
    attributes.extend(place);
    html.void("rect", &attributes);
}

fn text(html: &mut Html, class: &str, (x, y): (f64, f64), text: &str) {
    html.leaf("text", &[("class", class), ("x", &px(x)), ("y", &px(y))], text);
}

fn line(html: &mut Html, class: &str, x: f64, from: f64, to: f64) {
    let (x, from, to) = (px(x), px(from), px(to));
    html.void("line", &[("class", class), ("x1", &x), ("x2", &x), ("y1", &from), ("y2", &to)]);
}

fn ticks(html: &mut Html, axis: &Axis, height: f64) {
    for tick in axis.ticks() {
        let x = axis.x(tick);
        line(html, "tick", x, AXIS_HEIGHT - 6.0, height);
        text(html, "time", (x, 16.0), &words::instant(tick));
    }
}

fn band(html: &mut Html, fault: &FaultWindow, axis: &Axis, place: usize, height: f64) {
    let y = AXIS_HEIGHT + place as f64 * FAULT_HEIGHT;
    let from = axis.x(fault.from);
    let to = fault.to.map_or(WIDTH, |to| axis.x(to)).max(from + 2.0);
    html.element("g", &[("class", "fault")], |html| {
        let name = format!("{} #{}", words::plain(&fault.fault), fault.id);
        let detail = words::fault_detail(fault);
        let on = words::plain(&words::list(&fault.nodes));
        html.leaf("title", &[], &format!("{name} on {on} {detail}"));
        rect(html, "band", (from, y, to - from, height - y));
        rect(html, "bar", (from, y, to - from, 4.0));
        let label = format!("{name} on {on}");
        let room = (WIDTH - label.chars().count().min(90) as f64 * 7.3).max(GUTTER);
        text(html, "fault-name", (from.min(room) + 4.0, y + 17.0), &words::clip(&label, 90));
    });
}

/// Where the contradicting operation begins: everything left of it was over.
fn guide(html: &mut Html, picture: &Picture<'_>, axis: &Axis, top: f64, height: f64) {
    if let Some(first) = picture.operations.iter().find(|op| picture.contradicts(**op)) {
        line(html, "guide", axis.x(first.invoked_at()), top, height);
    }
}

fn operation(html: &mut Html, picture: &Picture<'_>, placed: &Placed<'_>, y: f64) {
    let operation = placed.operation;
    let wrong = picture.contradicts(operation);
    let kind = if words::only_reads(operation) { "read" } else { "write" };
    let outcome = words::completion(operation.completion());
    let class = format!("operation {kind} {outcome}{}", if wrong { " wrong" } else { "" });
    html.element("g", &[("class", &class)], |html| {
        html.leaf("title", &[], &spoken(operation, wrong));
        let sign = if wrong { "✗ " } else { "" };
        let label = format!("{sign}{}", placed.label);
        let (x, anchor) = match placed.label_ends_at {
            Some(end) => (end, " end"),
            None => (placed.label_x, ""),
        };
        text(html, &format!("label{anchor}"), (x, y + 17.0), &label);
        rect(html, "box", (placed.from, y + 23.0, placed.to - placed.from, 18.0));
        let step = picture.steps.iter().find(|(index, _)| *index == operation.index());
        let step = step.map_or(String::new(), |(_, place)| format!("{} ", circled(*place)));
        let took = match words::length(operation.invoked_at(), operation.completed_at()) {
            Some(took) => took,
            None => words::length(operation.invoked_at(), operation.gave_up_at())
                .map_or("no answer".to_owned(), |wait| format!("given up after {wait}")),
        };
        let name = format!("{step}{} {took}", words::op_name(operation.index()));
        text(html, &format!("name{anchor}"), (x, y + 55.0), &name);
    });
}

/// ① to ⑳, then (21).
fn circled(place: usize) -> String {
    let code = u32::try_from(place).ok().filter(|place| (1..=20).contains(place));
    match code.and_then(|place| char::from_u32(0x245f + place)) {
        Some(sign) => sign.to_string(),
        None => format!("({place})"),
    }
}

fn spoken(operation: Operation<'_>, wrong: bool) -> String {
    let node = words::plain(operation.node().unwrap_or("an unknown node"));
    let end = match (operation.completed_at(), operation.gave_up_at()) {
        (Some(at), _) => format!("to {}", words::instant(at)),
        (None, Some(at)) => format!("given up at {}", words::instant(at)),
        (None, None) => "without an answer".to_owned(),
    };
    format!(
        "{} {} by process {} on {node}, from {} {end}{}",
        words::op_name(operation.index()),
        words::operation(operation),
        operation.process(),
        words::instant(operation.invoked_at()),
        if wrong { ": cannot come next" } else { "" }
    )
}
