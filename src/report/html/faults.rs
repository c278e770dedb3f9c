//! What was broken, whether it truly was, and where the nodes' logs are.

use std::collections::BTreeMap;

use isobar_checkers::{FaultRecovery, FaultWindow, InjectOutcome, Nanos};

use super::super::words;
use super::{Html, Page, log_lines, logs, section, table_head, tall_scroller};

/// Rows; faults under which a finding lies have one in any case.
const ROWS_MAX: usize = 400;

pub fn write(html: &mut Html, page: &Page<'_>) {
    section(html, "faults", "Faults and nodes", |html| {
        let faults = &page.source.history.faults;
        if faults.is_empty() {
            html.leaf("p", &[], "No fault was injected.");
        } else {
            windows(html, page, faults);
        }
        log_lines::write(html, page);
        logs::write(html, page);
    });
}

fn windows(html: &mut Html, page: &Page<'_>, faults: &[FaultWindow]) {
    let wanted = |id: u32| page.findings.iter().any(|(_, finding)| finding.faults.contains(&id));
    let shown: Vec<&FaultWindow> = faults
        .iter()
        .enumerate()
        .filter(|(place, fault)| *place < ROWS_MAX || wanted(fault.id))
        .map(|(_, fault)| fault)
        .collect();
    let recoveries = isobar_checkers::recoveries(page.source.history);
    tall_scroller(html, "Faults", |html| {
        html.element("table", &[("class", "faults cards")], |html| {
            table_head(
                html,
                &["Fault", "Nodes", "From", "Lasted", "Outcome", "Recovered", "Evidence"],
            );
            html.element("tbody", &[], |html| {
                for fault in &shown {
                    let recovery = recoveries.iter().find(|found| found.fault.id == fault.id);
                    window(html, fault, recovery, wanted(fault.id));
                }
            });
        });
    });
    if let Some(left @ 1..) = faults.len().checked_sub(shown.len()) {
        let left = words::counted(left, "more fault");
        html.leaf("p", &[("class", "left-out")], &format!("{left}, in faults.jsonl."));
    }
}

fn window(html: &mut Html, fault: &FaultWindow, recovery: Option<&FaultRecovery<'_>>, named: bool) {
    let id = format!("fault-{}", fault.id);
    let class = if named { "named" } else { "" };
    html.element("tr", &[("id", &id), ("class", class)], |html| {
        html.element("th", &[("scope", "row"), ("data-label", "Fault")], |html| {
            html.text(&format!("{} #{}", words::plain(&fault.fault), fault.id));
            let detail = words::fault_detail(fault);
            if !detail.is_empty() {
                html.leaf("div", &[("class", "detail")], &words::shorten(&detail, 400));
            }
        });
        let nodes: Vec<String> = fault.nodes.iter().map(|node| words::plain(node)).collect();
        html.leaf("td", &[("data-label", "Nodes")], &nodes.join(", "));
        let number = |label| [("class", "number"), ("data-label", label)];
        html.leaf("td", &number("From"), &words::instant(fault.from));
        let lasted = words::length(fault.from, fault.to);
        let skipped = matches!(fault.outcome, InjectOutcome::Skipped(_));
        let open = if skipped { "–" } else { "not ended" };
        html.leaf("td", &number("Lasted"), lasted.as_deref().unwrap_or(open));
        let named = |label| [("data-label", label)];
        html.element("td", &named("Outcome"), |html| outcome(html, fault));
        html.element("td", &named("Recovered"), |html| recovered(html, fault, recovery));
        html.element("td", &named("Evidence"), |html| {
            evidence(html, "After install", &fault.evidence);
            evidence(html, "At heal", &fault.heal_evidence);
        });
    });
}

fn outcome(html: &mut Html, fault: &FaultWindow) {
    let word = words::outcome(&fault.outcome);
    html.leaf("span", &[("class", &format!("outcome {word}"))], word);
    if let InjectOutcome::Skipped(why) | InjectOutcome::Indeterminate(why) = &fault.outcome {
        html.leaf("div", &[("class", "detail")], &words::shorten(why, 400));
    }
    if let Some(why) = &fault.dirty {
        html.element("div", &[("class", "dirty")], |html| {
            html.leaf("strong", &[], "left dirty: ");
            html.text(&words::shorten(why, 400));
        });
    }
}

/// From the heal to agreement among the nodes, and to the first ok on each node.
fn recovered(html: &mut Html, fault: &FaultWindow, recovery: Option<&FaultRecovery<'_>>) {
    if let Some(ms) = fault.settled_ms {
        let settled = words::span(ms.saturating_mul(1_000_000));
        html.leaf("div", &[], &format!("nodes agreed after {settled}"));
    }
    for (node, first) in recovery.iter().flat_map(|recovery| recovery.first_ok.iter()).take(60) {
        html.element("div", &[("class", "detail")], |html| {
            html.leaf("strong", &[], &words::plain(node));
            let after = |took: Nanos| format!(" ok after {}", words::span(took.0));
            html.text(&first.map_or_else(|| " never ok again".to_owned(), after));
        });
    }
}

fn evidence(html: &mut Html, title: &str, of_nodes: &BTreeMap<String, String>) {
    if of_nodes.is_empty() {
        return;
    }
    html.leaf("div", &[("class", "evidence-title")], title);
    for (node, text) in of_nodes.iter().take(60) {
        html.element("div", &[("class", "evidence")], |html| {
            html.leaf("strong", &[], &words::plain(node));
            html.text(" ");
            html.text(&words::shorten(text, 300));
        });
    }
}
