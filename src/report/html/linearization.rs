//! The longest partial linearization, step by step, and why no operation can come next.

use isobar_checkers::Witness;

use super::super::words;
use super::{Html, Page, scroller, table_head};

/// Last steps, which are seen at once; earlier ones are folded away.
const STEPS_SEEN: usize = 12;
/// Steps on the page altogether.
const STEPS_MAX: usize = 400;
const BLOCKED_MAX: usize = 60;

pub fn write(html: &mut Html, page: &Page<'_>, witness: &Witness) {
    html.leaf("h3", &[], "The longest order that can be right");
    steps(html, page, witness);
    let state = words::value(&witness.state);
    html.leaf("h3", &[], "Why it goes no further");
    html.element("p", &[], |html| {
        html.text("The state is now ");
        html.leaf("code", &[], &state);
        html.text(". None of these can come next:");
    });
    scroller(html, "Operations that cannot come next", |html| {
        html.element("table", &[("class", "blocked")], |html| {
            table_head(html, &["Operation", "Process", "Why not"]);
            html.element("tbody", &[], |html| {
                for blocked in witness.blocked.iter().take(BLOCKED_MAX) {
                    html.element("tr", &[], |html| {
                        html.element("td", &[], |html| {
                            html.leaf("span", &[("class", "wrong-mark")], "✗ ");
                            page.operation_link(html, blocked.operation);
                        });
                        who(html, page, blocked.operation);
                        html.leaf("td", &[], &words::shorten(&blocked.reason, 600));
                    });
                }
            });
        });
    });
    if let Some(left @ 1..) = witness.blocked.len().checked_sub(BLOCKED_MAX) {
        let left = words::counted(left, "more operation");
        html.leaf("p", &[("class", "left-out")], &format!("{left} blocked, in results.json."));
    }
}

fn steps(html: &mut Html, page: &Page<'_>, witness: &Witness) {
    let all = witness.linearization.len();
    if all == 0 {
        html.leaf("p", &[], "There is none: not even the first operation can be right.");
        return;
    }
    let seen_from = all.saturating_sub(STEPS_SEEN);
    let shown_from = all.saturating_sub(STEPS_MAX);
    if seen_from > 0 {
        html.element("details", &[], |html| {
            let title = match shown_from {
                0 => words::counted(seen_from, "earlier step"),
                left => format!(
                    "{}, of which the first {} are left out (results.json has them)",
                    words::counted(seen_from, "earlier step"),
                    words::count(left as u64)
                ),
            };
            html.leaf("summary", &[], &title);
            table(html, page, witness, shown_from..seen_from);
        });
    }
    table(html, page, witness, seen_from..all);
}

fn table(html: &mut Html, page: &Page<'_>, witness: &Witness, places: std::ops::Range<usize>) {
    scroller(html, "Steps of the order", |html| {
        html.element("table", &[("class", "steps")], |html| {
            table_head(html, &["Step", "Operation", "Process", "State after"]);
            html.element("tbody", &[], |html| {
                for place in places {
                    let step = &witness.linearization[place];
                    html.element("tr", &[], |html| {
                        html.leaf("td", &[("class", "number")], &(place + 1).to_string());
                        html.element("td", &[], |html| page.operation_link(html, step.operation));
                        who(html, page, step.operation);
                        html.element("td", &[], |html| {
                            html.leaf("code", &[], &words::value(&step.state));
                        });
                    });
                }
            });
        });
    });
}

fn who(html: &mut Html, page: &Page<'_>, index: isobar_checkers::OpIndex) {
    let who = page.operation(index).map_or(String::new(), |operation| match &operation.node() {
        Some(node) => format!("{} on {}", operation.process(), words::plain(node)),
        None => operation.process().to_string(),
    });
    html.leaf("td", &[], &who);
}
