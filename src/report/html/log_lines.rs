//! What the nodes wrote into their logs around the first finding, as one course of events.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::super::words;
use super::{Html, Page, logs, table_head, tall_scroller};

/// Before and after the finding.
const BEFORE_NS: i128 = 2_000_000_000;
const AFTER_NS: i128 = 1_000_000_000;
/// Lines of all nodes together, those nearest to the finding.
const LINES_MAX: usize = 80;
const LINE_CHARS: usize = 400;
/// Bytes read of one file; a longer one is read to there.
const FILE_BYTES: u64 = 64 << 20;
/// A time stands near the beginning of a line.
const STAMP_WITHIN: usize = 120;

struct Line {
    /// Nanoseconds since the run began.
    at: i128,
    node: String,
    text: String,
}

pub fn write(html: &mut Html, page: &Page<'_>) {
    let Some((_, finding)) = page.findings.first() else { return };
    let began = page.source.meta.clock_started_at.as_deref().and_then(|at| at.parse().ok());
    let Some(began) = began.map(|at: Timestamp| at.as_nanosecond()) else { return };
    let (from, to) = (i128::from(finding.from.0), i128::from(finding.to.0));
    let wanted = began + from - BEFORE_NS..=began + to + AFTER_NS;
    let mut lines = Vec::new();
    for node in &page.source.meta.nodes {
        for file in logs::collected(page.source.directory, &node.name) {
            let path = page.source.directory.join("nodes").join(&node.name).join(file);
            let found = around(&path, |at| wanted.contains(&at));
            lines.extend(found.into_iter().map(|(at, text)| Line {
                at: at - began,
                node: node.name.clone(),
                text,
            }));
        }
    }
    if lines.is_empty() {
        return;
    }
    let left_out = nearest(&mut lines, from, to);
    html.leaf("h3", &[], "Log lines around the finding");
    let text = "By each node's own clock, which faults may have changed.";
    html.leaf("p", &[("class", "meaning")], text);
    table(html, &lines, from..=to);
    if left_out > 0 {
        let left = words::counted(left_out, "line");
        let text = format!("{left} farther from the finding left out.");
        html.leaf("p", &[("class", "left-out")], &text);
    }
}

/// Keeps [`LINES_MAX`] lines in order of time; returns how many went.
fn nearest(lines: &mut Vec<Line>, from: i128, to: i128) -> usize {
    let all = lines.len();
    lines.sort_by_key(|line| (from - line.at).max(line.at - to).max(0));
    lines.truncate(LINES_MAX);
    lines.sort_by_key(|line| line.at);
    all - lines.len()
}

fn table(html: &mut Html, lines: &[Line], during: std::ops::RangeInclusive<i128>) {
    tall_scroller(html, "Log lines around the finding", |html| {
        html.element("table", &[("class", "log-lines")], |html| {
            table_head(html, &["Time", "Node", "Line"]);
            html.element("tbody", &[], |html| {
                for line in lines {
                    let named = during.contains(&line.at);
                    html.element("tr", &[("class", if named { "named" } else { "" })], |html| {
                        let seconds = format!("{:.3} s", line.at as f64 / 1e9);
                        html.leaf("td", &[("class", "number")], &seconds);
                        html.leaf("th", &[("scope", "row")], &words::plain(&line.node));
                        html.element("td", &[], |html| {
                            html.leaf("code", &[], &words::shorten(&line.text, LINE_CHARS));
                        });
                    });
                }
            });
        });
    });
}

/// The lines of a file with a wanted time (nanoseconds since 1970). What cannot be read has none:
/// a log must not cost the report.
fn around(path: &Path, wanted: impl Fn(i128) -> bool) -> Vec<(i128, String)> {
    let Ok(file) = File::open(path) else { return Vec::new() };
    let mut reader = BufReader::new(file.take(FILE_BYTES));
    let mut found = Vec::new();
    let mut bytes = Vec::new();
    while matches!(reader.read_until(b'\n', &mut bytes), Ok(1..)) {
        let text = String::from_utf8_lossy(&bytes);
        if let Some(at) = stamp(&text).filter(|at| wanted(*at)) {
            found.push((at, text.trim_end().to_owned()));
        }
        bytes.clear();
    }
    found
}

/// The first time in a line, as RFC 3339 or its kin has it: `2026-11-28T16:09:19.088Z`, with a
/// space, a comma, `+0000` or no zone, which then is UTC.
fn stamp(line: &str) -> Option<i128> {
    const SHAPE: &[u8] = b"0000-00-00 00:00:00";
    let bytes = line.as_bytes();
    let fits = |start: usize| {
        SHAPE.iter().zip(&bytes[start..]).all(|(shape, byte)| match shape {
            b'0' => byte.is_ascii_digit(),
            b' ' => matches!(byte, b' ' | b'T'),
            other => byte == other,
        })
    };
    let last = bytes.len().checked_sub(SHAPE.len())?;
    let start = (0..=last.min(STAMP_WITHIN)).find(|start| fits(*start))?;
    let (moment, rest) = line[start..].split_at(SHAPE.len());
    let moment: DateTime = moment.replace(' ', "T").parse().ok()?;
    let (nanos, rest) = fraction(rest);
    let zone = TimeZone::fixed(zone(rest).unwrap_or(Offset::UTC));
    Some(moment.to_zoned(zone).ok()?.timestamp().as_nanosecond() + nanos)
}

/// `.088` or `,088` in nanoseconds, and what follows.
fn fraction(text: &str) -> (i128, &str) {
    let Some(digits) = text.strip_prefix(['.', ',']) else { return (0, text) };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let nanos = format!("{:0<9}", &digits[..length.min(9)]).parse().unwrap_or(0);
    (nanos, &digits[length..])
}

/// `+0130`, `-08:00`
fn zone(text: &str) -> Option<Offset> {
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(|c| *c != ':').take(4).collect();
    let number: i32 = digits.parse().ok().filter(|_| digits.len() == 4)?;
    Offset::from_seconds(sign * (number / 100 * 3600 + number % 100 * 60)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_logs_are_read_as_they_are_written() {
        let base = 1_795_882_159_000_000_000;
        for (line, nanos) in [
            ("2026-11-28T16:09:19.088Z hears nothing", 88_000_000),
            ("{\"level\":\"info\",\"ts\":\"2026-11-28T17:39:19.088123+0130\"}", 88_123_000),
            ("2026-11-28 16:09:19,5 UTC [1] LOG: ready", 500_000_000),
            ("2026-11-28 08:09:19-08:00", 0),
        ] {
            assert_eq!(stamp(line), Some(base + nanos), "{line}");
        }
        for none in ["", "at 16:09:19", "2026-11-28T16:09", "2026-13-41T99:99:99"] {
            assert_eq!(stamp(none), None, "{none}");
        }
    }
}
