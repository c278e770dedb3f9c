//! A cycle as a picture: DOT for Graphviz, and SVG drawn here. Values are text, never markup.

use std::fmt::Write as _;

use crate::finding::{Cycle, CycleEdge, CycleNode, Dependency};

/// Characters of a micro-operation in a picture.
const MICRO_CHARS: usize = 24;
/// Micro-operations of a transaction in a picture: of more, those with edges come first.
const MICROS_MAX: usize = 12;

/// The cycle in DOT: a record per transaction with a port per micro-operation, so that edges begin
/// and end where they are caused.
pub fn dot(cycle: &Cycle) -> String {
    let mut text = String::from("digraph cycle {\n  rankdir=LR;\n  node [shape=record];\n");
    for (number, node) in cycle.nodes.iter().enumerate() {
        let mut label = escape_dot(&node.name);
        for (place, micro) in shown(cycle, number) {
            let _ = write!(label, "|<m{place}> {}", escape_dot(&micro));
        }
        let _ = writeln!(text, "  n{number} [label=\"{label}\"];");
    }
    for edge in &cycle.edges {
        let port = |node: usize, micro: Option<usize>| match micro {
            Some(place) => format!("n{node}:m{place}"),
            None => format!("n{node}"),
        };
        let (from, to) = (port(edge.from, edge.from_micro), port(edge.to, edge.to_micro));
        let (kind, colour) = (edge.kind.word(), colour(edge.kind));
        let because = escape_dot(&edge.because);
        let _ = writeln!(
            text,
            "  {from} -> {to} [label=\"{kind}\", color=\"{colour}\", tooltip=\"{because}\"];"
        );
    }
    text.push_str("}\n");
    text
}

const CELL: usize = 176;
const ROW: usize = 22;
const GAP: usize = 74;
const MARGIN: usize = 24;
/// Of an arc above or below the row of transactions.
const ARC: usize = 34;

/// The cycle in SVG: transactions side by side, each a column of micro-operations; edges to the
/// right above them, the ones that lead back below.
pub fn svg(cycle: &Cycle) -> String {
    let rows = (0..cycle.nodes.len()).map(|number| shown(cycle, number).len() + 1).max();
    let top = MARGIN + ARC * 2;
    let bottom = top + rows.unwrap_or(1) * ROW;
    let width = MARGIN * 2 + cycle.nodes.len() * (CELL + GAP) - GAP.min(cycle.nodes.len() * GAP);
    let height = bottom + ARC * 2 + MARGIN;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" font-family=\"monospace\" font-size=\"12\" \
         role=\"img\">\n<title>A cycle of {} transactions</title>\n<defs><marker id=\"arrow\" \
         viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n",
        cycle.nodes.len()
    );
    for (number, node) in cycle.nodes.iter().enumerate() {
        column(&mut text, node, &shown(cycle, number), (left(number), top));
    }
    for edge in &cycle.edges {
        arc(&mut text, cycle, edge, (top, bottom));
    }
    text.push_str("</svg>\n");
    text
}

fn left(number: usize) -> usize {
    MARGIN + number * (CELL + GAP)
}

fn column(text: &mut String, node: &CycleNode, micros: &[(usize, String)], (x, y): (usize, usize)) {
    let mut cell = |row: usize, words: &str, weight: &str| {
        let (y, middle) = (y + row * ROW, y + row * ROW + 15);
        let _ = writeln!(
            text,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{CELL}\" height=\"{ROW}\" fill=\"none\" \
             stroke=\"currentColor\"/><text x=\"{}\" y=\"{middle}\" fill=\"currentColor\" \
             font-weight=\"{weight}\">{}</text>",
            x + 6,
            escape_xml(words)
        );
    };
    cell(0, &format!("{} (op {})", node.name, node.operation.0), "bold");
    for (row, (_, micro)) in (1..).zip(micros) {
        cell(row, micro, "normal");
    }
}

fn arc(text: &mut String, cycle: &Cycle, edge: &CycleEdge, (top, bottom): (usize, usize)) {
    let row = |node: usize, micro: Option<usize>| {
        let micros = shown(cycle, node);
        micro.and_then(|micro| micros.iter().position(|(place, _)| *place == micro))
    };
    let height = |row: Option<usize>| top + row.map_or(0, |row| row + 1) * ROW + ROW / 2;
    let (from, to) = (row(edge.from, edge.from_micro), row(edge.to, edge.to_micro));
    let (y1, y2) = (height(from), height(to));
    let colour = colour(edge.kind);
    let onward = edge.to == edge.from + 1;
    let (path, label) = if onward {
        let (x1, x2) = (left(edge.from) + CELL, left(edge.to));
        let middle = x1.midpoint(x2);
        let path = format!("M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}");
        (path, (middle, y1.midpoint(y2).saturating_sub(6)))
    } else {
        let (x1, x2) = (left(edge.from) + CELL / 2, left(edge.to) + CELL / 2);
        let low = bottom + ARC;
        let path = format!("M{x1} {bottom}C{x1} {low} {x2} {low} {x2} {bottom}");
        (path, (x1.midpoint(x2), low + 4))
    };
    let _ = writeln!(
        text,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" \
         marker-end=\"url(#arrow)\"><title>{}</title></path><text x=\"{}\" y=\"{}\" \
         text-anchor=\"middle\" fill=\"{colour}\">{}</text>",
        escape_xml(&edge.because),
        label.0,
        label.1,
        edge.kind.word()
    );
}

/// Colours of Okabe & Ito, told apart by everybody.
fn colour(kind: Dependency) -> &'static str {
    match kind {
        Dependency::Ww => "#0072B2",
        Dependency::Wr => "#009E73",
        Dependency::Rw => "#D55E00",
        Dependency::Process => "#CC79A7",
        Dependency::Realtime => "#777777",
    }
}

/// The micro-operations of a transaction that are shown, with their places, in order.
fn shown(cycle: &Cycle, node: usize) -> Vec<(usize, String)> {
    let ends = cycle
        .edges
        .iter()
        .flat_map(|edge| [(edge.from, edge.from_micro), (edge.to, edge.to_micro)]);
    let anchors: Vec<usize> =
        ends.filter(|end| end.0 == node).filter_map(|(_, micro)| micro).collect();
    let micros = cycle.nodes[node].micros.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut places: Vec<usize> = (0..micros.len()).collect();
    places.sort_by_key(|place| (!anchors.contains(place), *place));
    places.truncate(MICROS_MAX);
    places.sort_unstable();
    places.into_iter().map(|place| (place, brief(&micros[place]))).collect()
}

/// `append "x" 5`, the end of what is long: the newest elements of a list.
fn brief(micro: &serde_json::Value) -> String {
    let parts = micro.as_array().map(Vec::as_slice).unwrap_or_default();
    let words = parts.iter().enumerate().map(|(place, part)| match (place, part.as_str()) {
        (0, Some(f)) => f.to_owned(),
        _ => part.to_string(),
    });
    let text = words.collect::<Vec<_>>().join(" ");
    let count = text.chars().count();
    if count <= MICRO_CHARS {
        return text;
    }
    let head: String = text.chars().take(MICRO_CHARS / 3).collect();
    let tail: String = text.chars().skip(count - MICRO_CHARS * 2 / 3 + 1).collect();
    format!("{head}…{tail}")
}

fn escape_dot(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' | '{' | '}' | '|' | '<' | '>' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn escape_xml(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::notation::history;
    use super::super::{TxnOptions, list_append};
    use super::*;

    fn cycle() -> Cycle {
        let result = list_append(&history("0-1 ax1 | 2-3 rx[]"), &TxnOptions::default());
        result.findings[0].cycle.clone().unwrap()
    }

    #[test]
    fn edges_are_anchored_at_their_micro_operations() {
        let dot = dot(&cycle());
        assert!(dot.contains("n0 [label=\"T1|<m0> r \\\"x\\\" []\"]"), "{dot}");
        assert!(dot.contains("n0:m0 -> n1:m0 [label=\"rw\""), "{dot}");
        assert!(dot.contains("n1 -> n0 [label=\"realtime\""), "{dot}");
        let svg = svg(&cycle());
        assert!(svg.contains("r &quot;x&quot; []") && svg.contains(">rw</text>"), "{svg}");
        assert_eq!(svg.matches("marker-end").count(), 2);
    }

    #[test]
    fn values_are_text_never_markup() {
        let mut cycle = cycle();
        let evil = "</text><script>alert(1)</script>\"}|\u{1b}[31m";
        cycle.nodes[0].micros = serde_json::json!([["append", evil, evil]]);
        cycle.edges[0].because = evil.to_owned();
        for text in [svg(&cycle), dot(&cycle)] {
            assert!(!text.contains("<script>") && !text.contains('\u{1b}'), "{text}");
        }
    }

    #[test]
    fn long_transactions_show_what_has_edges() {
        let mut cycle = cycle();
        let micros: Vec<_> = (0..40).map(|n| serde_json::json!(["append", "y", n])).collect();
        cycle.nodes[0].micros = serde_json::json!(micros);
        cycle.edges[0].from_micro = Some(33);
        let places: Vec<usize> = shown(&cycle, 0).into_iter().map(|(place, _)| place).collect();
        assert_eq!(places, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 33]);
    }
}
