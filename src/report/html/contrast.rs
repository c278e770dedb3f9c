//! What should have been seen against what was: for sets, queues, banks and identifiers.

use isobar_checkers::Finding;

use super::super::words;
use super::{Html, scroller, table_head};

/// Characters of a cell.
const CELL_CHARS: usize = 300;

pub fn write(html: &mut Html, finding: &Finding) {
    if finding.contrast.is_empty() {
        return;
    }
    scroller(html, "Expected against seen", |html| {
        html.element("table", &[("class", "contrast")], |html| {
            table_head(html, &["", "Expected", "Seen"]);
            html.element("tbody", &[], |html| {
                for row in &finding.contrast {
                    html.element("tr", &[], |html| {
                        let cell = |text: &str| words::shorten(text, CELL_CHARS).into_owned();
                        html.leaf("th", &[("scope", "row")], &cell(&row.what));
                        html.leaf("td", &[("class", "expected")], &cell(&row.expected));
                        html.element("td", &[("class", "seen")], |html| {
                            html.leaf("span", &[("class", "wrong-mark")], "✗ ");
                            html.text(&cell(&row.seen));
                        });
                    });
                }
            });
        });
    });
}
