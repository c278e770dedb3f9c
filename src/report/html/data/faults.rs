//! Faults as bands behind every drawing, with what proves them.

use std::collections::BTreeMap;

use isobar_checkers::{FaultWindow, InjectOutcome};
use serde::Serialize;

use super::super::super::words;
use super::super::Page;
use super::shown;

/// Bands of one page; more are narrower than a pixel.
const BANDS_MAX: usize = 1000;
/// Nodes whose evidence is told on hover.
const EVIDENCE_MAX: usize = 8;

#[derive(Serialize)]
pub struct Band {
    id: u32,
    fault: String,
    nodes: String,
    from: u64,
    /// `None`: never ended.
    to: Option<u64>,
    outcome: &'static str,
    detail: String,
    evidence: Vec<String>,
}

/// Those that were there, and every one that a finding names.
pub fn bands(page: &Page<'_>) -> Vec<Band> {
    let named = |id: u32| page.findings.iter().any(|(_, finding)| finding.faults.contains(&id));
    let faults = page.source.history.faults.iter();
    let there = faults.filter(|fault| !matches!(fault.outcome, InjectOutcome::Skipped(_)));
    let kept = there.enumerate().filter(|(place, fault)| *place < BANDS_MAX || named(fault.id));
    kept.map(|(_, fault)| band(fault)).collect()
}

fn band(fault: &FaultWindow) -> Band {
    let mut evidence = told("after install", &fault.evidence);
    evidence.extend(told("at heal", &fault.heal_evidence));
    Band {
        id: fault.id,
        fault: words::plain(&fault.fault),
        nodes: words::plain(&words::list(&fault.nodes)),
        from: fault.from.0,
        to: fault.to.map(|to| to.0),
        outcome: words::outcome(&fault.outcome),
        detail: shown(&words::fault_detail(fault), 300),
        evidence,
    }
}

fn told(when: &str, of_nodes: &BTreeMap<String, String>) -> Vec<String> {
    let lines = of_nodes.iter().take(EVIDENCE_MAX);
    lines
        .map(|(node, text)| format!("{}, {when}: {}", words::plain(node), shown(text, 200)))
        .collect()
}
