//! What a person reads after a run: renderings of the findings.
//!
//! ```text
//! Source ──▶ text (terminal) · junit.xml · plots/*.svg · report.html
//! ```
//!
//! Nothing here judges: verdicts, prose and witnesses come from the checkers as they are.

mod anybodys;
mod explanation;
pub mod github;
mod glossary;
pub(crate) mod html;
mod junit;
mod plots;
#[cfg(test)]
mod sample;
mod style;
mod text;
pub(crate) mod words;

use std::io;
use std::path::{Path, PathBuf};

use isobar_checkers::history::History;
use isobar_checkers::{CheckResult, Finding, Verdict};

use crate::store::{Results, RunMeta, write_whole};

pub use anybodys::history_page;
pub use explanation::{explanation, lesson};
pub use style::Style;
pub use text::text;

/// The page's name in the run directory.
pub const PAGE: &str = "report.html";

/// Everything a rendering may draw on; nothing is computed again.
pub struct Source<'a> {
    pub meta: &'a RunMeta,
    /// The resolved specification, as YAML text.
    pub spec: &'a str,
    pub results: &'a Results,
    pub history: &'a History,
    /// Of this run, for links to logs.
    pub directory: &'a Path,
}

impl<'a> Source<'a> {
    /// Every finding with its check; those of violated checks first.
    fn findings(&self) -> Vec<(&'a CheckResult, &'a Finding)> {
        let (violated, others): (Vec<_>, Vec<_>) =
            self.results.checks.iter().partition(|check| check.verdict == Verdict::Violated);
        violated
            .into_iter()
            .chain(others)
            .flat_map(|check| check.findings.iter().map(move |finding| (check, finding)))
            .collect()
    }

    /// Whether isobar made the run; otherwise there is a history and nothing more.
    fn is_run(&self) -> bool {
        !self.meta.started_at.is_empty()
    }

    fn is_complete(&self) -> bool {
        self.meta.complete && self.results.complete
    }
}

/// One file of a report.
#[derive(Debug)]
pub struct Artefact {
    /// Relative to the run directory.
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(
        "cannot write {path}: {source}; the verdict is safe in results.json, make room and run \
         `isobar report` again"
    )]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot draw {path}: {reason}")]
    Plot { path: &'static str, reason: String },
    #[error("cannot write the data of report.html: {0}")]
    Data(#[source] serde_json::Error),
    #[error("cannot build junit.xml: {0}")]
    Junit(#[from] quick_junit::SerializeError),
}

/// Draws all files of a report, in memory.
///
/// # Errors
/// All but [`ReportError::Write`]: a library gave up.
pub fn render(source: &Source<'_>) -> Result<Vec<Artefact>, ReportError> {
    let plots = plots::draw(source)?;
    let mut artefacts = vec![
        Artefact { path: PAGE.into(), bytes: html::page(source, &plots)?.into_bytes() },
        Artefact { path: "junit.xml".into(), bytes: junit::document(source)?.into_bytes() },
    ];
    for plot in plots {
        let bytes = plot.svg.into_string().into_bytes();
        artefacts.push(Artefact { path: plot.path.into(), bytes });
    }
    Ok(artefacts)
}

/// Writes the report into the run directory and returns the path of the page.
///
/// An older report is replaced file by file, and only once the new file is whole.
///
/// # Errors
/// [`ReportError::Write`] names the file; the others as in [`render`].
pub fn write_all(source: &Source<'_>) -> Result<PathBuf, ReportError> {
    for artefact in render(source)? {
        let path = source.directory.join(&artefact.path);
        write_whole(&path, &artefact.bytes)
            .map_err(|error| ReportError::Write { path: path.clone(), source: error })?;
    }
    Ok(source.directory.join(PAGE))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::sample::Sample;
    use super::*;

    #[test]
    fn every_file_is_written_where_the_store_has_it() {
        let directory = tempfile::tempdir().unwrap();
        let sample = Sample::stale_read();
        let page = write_all(&sample.source(directory.path())).unwrap();
        assert_eq!(page, directory.path().join("report.html"));
        for file in ["report.html", "junit.xml", "plots/throughput.svg", "plots/latency.svg"] {
            let size = fs::metadata(directory.path().join(file)).unwrap().len();
            assert!(size > 100, "{file} has {size} bytes");
        }
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(left.len(), 3, "nothing but the report: {left:?}");
    }

    #[test]
    fn an_error_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let blocked = directory.path().join("a-file");
        fs::write(&blocked, "").unwrap();
        let sample = Sample::valid();
        let error = write_all(&sample.source(&blocked)).unwrap_err().to_string();
        assert!(error.contains("a-file/report.html"), "{error}");
        assert!(error.contains("isobar report"), "{error}");
    }

    #[test]
    fn a_report_is_redrawn_over_an_old_one() {
        let directory = tempfile::tempdir().unwrap();
        write_all(&Sample::stale_read().source(directory.path())).unwrap();
        let page = write_all(&Sample::valid().source(directory.path())).unwrap();
        assert!(!fs::read_to_string(page).unwrap().contains("stale"));
    }

    /// Dumps every sample for looking at:
    /// `SAMPLES=/tmp/samples cargo test -p isobar dump_samples -- --ignored`.
    #[test]
    #[ignore = "writes pages for a person to look at"]
    fn dump_samples() {
        let folder = std::env::var_os("SAMPLES").expect("SAMPLES names a folder");
        for (name, sample) in Sample::all() {
            let directory = Path::new(&folder).join(name);
            fs::create_dir_all(&directory).unwrap();
            sample.write_logs(&directory);
            write_all(&sample.source(&directory)).unwrap();
            let text = text(&sample.source(&directory), Style::Plain);
            fs::write(directory.join("terminal.txt"), text).unwrap();
        }
    }
}
