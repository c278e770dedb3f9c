//! The page of a history that is no run of isobar's: no nodes, no faults but those recorded in it.

use std::path::Path;

use isobar_checkers::CheckResult;
use isobar_checkers::history::History;

use super::{ReportError, Source, html, plots};
use crate::spec::{LocalSpec, Reach, Roles};
use crate::store::{OperationCounts, Results, RunMeta};

/// The whole page on one judged history; `name` is what it is called, `model` what it was judged
/// as, `command` what a shell needs to judge it again.
///
/// # Errors
/// As [`super::render`].
pub fn history_page(
    name: &str,
    model: &str,
    command: String,
    history: &History,
    result: CheckResult,
) -> Result<String, ReportError> {
    let meta = RunMeta {
        schema: RunMeta::SCHEMA,
        isobar_version: env!("CARGO_PKG_VERSION").to_owned(),
        name: name.to_owned(),
        seed: 0,
        started_at: String::new(),
        clock_started_at: None,
        reach: Reach::Local(LocalSpec { nodes: 0, roles: Roles::default() }),
        lab: None,
        nodes: Vec::new(),
        system: model.to_owned(),
        system_version: None,
        phases: Vec::new(),
        workers: 0,
        arrivals_missed: 0,
        trace: None,
        reproduce: command,
        complete: true,
    };
    let results = Results {
        schema: Results::SCHEMA,
        verdict: result.verdict.clone(),
        complete: true,
        operations: OperationCounts::of(history),
        checks: vec![result],
        trouble: Vec::new(),
    };
    // No directory: nothing lies next to the page.
    let directory = Path::new("");
    let source = Source { meta: &meta, spec: "", results: &results, history, directory };
    html::page(&source, &plots::draw(&source)?)
}
