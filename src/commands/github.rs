//! In GitHub Actions: annotations in the log, and a page for the job.

use std::fs::OpenOptions;
use std::io::Write;

use super::Failure;
use crate::report::{Source, github};
use crate::terminal;

/// Tells GitHub of a run, if this is one of its jobs.
pub fn tell(source: &Source<'_>) -> Result<(), Failure> {
    if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return Ok(());
    }
    // Both streams are read for commands; standard output stays the result.
    terminal::note(github::annotations(source).trim_end());
    page(&github::summary(source))
}

/// Adds Markdown to the page of the job.
pub fn page(markdown: &str) -> Result<(), Failure> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY") else { return Ok(()) };
    let cannot = |error| {
        let path = path.to_string_lossy().into_owned();
        Failure::set_up(format!("cannot write {path} (GITHUB_STEP_SUMMARY): {error}"))
    };
    let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(cannot)?;
    file.write_all(markdown.as_bytes()).map_err(cannot)
}
