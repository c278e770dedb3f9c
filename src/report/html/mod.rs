//! `report.html`: one file that needs nothing else.
//!
//! ```text
//! Source ──▶ sections (HTML, readable without a script) ──▶ page
//!        └─▶ data (JSON) ──▶ script (drawings, the whole run, the table of operations)
//! ```
//!
//! Where the script draws, plain pictures and tables stand in for it in `<noscript>`.
//! The sections follow the order of a reader's questions, a file each. Each takes the [`Page`]
//! and writes itself.

mod argument;
mod checks;
mod contrast;
mod data;
mod drawing;
mod faults;
mod figures;
mod lanes;
mod linearization;
mod log_lines;
mod logs;
mod operations;
mod policy;
mod profile;
mod reproduction;
mod script;
mod shell;
mod verdict;
mod writer;

use std::collections::{HashMap, HashSet};

use isobar_checkers::history::Operation;
use isobar_checkers::{CheckResult, Finding, OpIndex};

use super::plots::Plot;
use super::{ReportError, Source, words};
use data::Data;
use operations::Tables;
pub use policy::served as served_policy;
pub use shell::Shell;
pub use verdict::{badge, claim};
pub use writer::{Html, relative_reference};

const STYLE: &str = concat!(include_str!("page.css"), include_str!("script.css"));

/// Findings told and drawn; the others are counted.
const FINDINGS_SHOWN: usize = 10;

/// What the sections share.
pub struct Page<'a> {
    pub source: &'a Source<'a>,
    pub plots: &'a [Plot],
    /// Those which are told and drawn, with their checks.
    pub findings: Vec<(&'a CheckResult, &'a Finding)>,
    pub findings_left_out: usize,
    /// Operations which findings name, as far as the history has them.
    named: HashMap<OpIndex, Operation<'a>>,
    /// Neighbours of the findings, which `#op-…` links lead to.
    pub tables: Tables<'a>,
}

impl<'a> Page<'a> {
    fn of(source: &'a Source<'a>, plots: &'a [Plot]) -> Self {
        let mut findings = source.findings();
        let findings_left_out = findings.len().saturating_sub(FINDINGS_SHOWN);
        findings.truncate(FINDINGS_SHOWN);
        let mut wanted: HashMap<OpIndex, Option<Operation<'a>>> =
            findings.iter().flat_map(|(_, finding)| named_by(finding)).map(|i| (i, None)).collect();
        for operation in source.history.operations() {
            if let Some(found) = wanted.get_mut(&operation.index()) {
                *found = Some(operation);
            }
        }
        let named = wanted.into_iter().filter_map(|(i, found)| Some((i, found?))).collect();
        let tables = Tables::of(source.history, &findings);
        Self { source, plots, findings, findings_left_out, named, tables }
    }

    pub fn operation(&self, index: OpIndex) -> Option<Operation<'a>> {
        self.named.get(&index).copied()
    }

    /// All operations that the findings name.
    fn named_indexes(&self) -> HashSet<OpIndex> {
        self.findings.iter().flat_map(|(_, finding)| named_by(finding)).collect()
    }

    /// What was asked and answered, leading to the operation's row.
    pub fn operation_link(&self, html: &mut Html, index: OpIndex) {
        let label = match self.operation(index) {
            Some(operation) => words::operation(operation),
            None => "not in the history".to_owned(),
        };
        html.leaf("span", &[("class", "op")], &label);
        html.text(" ");
        self.name_link(html, index);
    }

    /// `op-1234`, leading to the operation's row if there is one.
    pub fn name_link(&self, html: &mut Html, index: OpIndex) {
        let name = words::op_name(index);
        if self.tables.has(index) {
            html.leaf("a", &[("class", "name"), ("href", &format!("#{name}"))], &name);
        } else {
            html.leaf("span", &[("class", "name")], &name);
        }
    }
}

/// Every operation which a finding speaks of.
fn named_by(finding: &Finding) -> impl Iterator<Item = OpIndex> + '_ {
    let witness = finding.witness.iter();
    let steps = witness.clone().flat_map(|w| w.linearization.iter().map(|step| step.operation));
    let blocked = witness.flat_map(|w| w.blocked.iter().map(|blocked| blocked.operation));
    finding.operations.iter().copied().chain(steps).chain(blocked)
}

/// The whole page.
///
/// # Errors
/// [`ReportError::Data`]: the run cannot be written as JSON.
pub fn page(source: &Source<'_>, plots: &[Plot]) -> Result<String, ReportError> {
    let page = Page::of(source, plots);
    let mut title = Html::default();
    title.text(&format!(
        "{}: {}",
        words::plain(&source.meta.name),
        words::verdict(&source.results.verdict)
    ));
    let mut body = Html::default();
    verdict::write(&mut body, &page);
    body.element("main", &[("id", "main")], |html| {
        argument::write(html, &page);
        drawing::write(html, &page);
        argument::write_others(html, &page);
        figures::write(html, &page);
        operations::write(html, &page);
        checks::write(html, &page);
        faults::write(html, &page);
        reproduction::write(html, &page);
    });
    let data = Data::of(&page).text().map_err(ReportError::Data)?;
    let shell = Shell {
        title: &title.into_string(),
        policy: &policy::policy(STYLE, script::SCRIPT),
        style: STYLE,
        body: &body.into_string(),
        data: &data,
        script: script::SCRIPT,
    };
    Ok(shell.page())
}

/// A section with its heading, which names it for assistive technology.
pub fn section(html: &mut Html, id: &'static str, title: &str, inside: impl FnOnce(&mut Html)) {
    let heading = format!("{id}-title");
    html.element("section", &[("id", id), ("aria-labelledby", &heading)], |html| {
        html.leaf("h2", &[("id", &heading)], title);
        inside(html);
    });
}

/// A place which the script fills, with what is read without a script.
fn scripted(html: &mut Html, attributes: writer::Attributes<'_>, without: impl FnOnce(&mut Html)) {
    html.element("div", attributes, |_| {});
    html.element("noscript", &[], without);
}

/// A part which may be wider than the page: it scrolls by itself, with the keyboard too.
pub fn scroller(html: &mut Html, label: &str, inside: impl FnOnce(&mut Html)) {
    let attributes =
        [("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", label)];
    html.element("div", &attributes, inside);
}

/// As [`scroller`], and no taller than a screen: what follows stays in reach.
fn tall_scroller(html: &mut Html, label: &str, inside: impl FnOnce(&mut Html)) {
    let attributes =
        [("class", "scroll tall"), ("tabindex", "0"), ("role", "region"), ("aria-label", label)];
    html.element("div", &attributes, inside);
}

/// A table's row of headings.
pub fn table_head(html: &mut Html, names: &[&str]) {
    html.element("thead", &[], |html| {
        html.element("tr", &[], |html| {
            for name in names {
                html.leaf("th", &[("scope", "col")], name);
            }
        });
    });
}

#[cfg(test)]
mod tests;
