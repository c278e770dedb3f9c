//! What a person reads after a run: renderings of the findings.

use std::path::Path;

use isobar_checkers::history::History;

use crate::store::{Results, RunMeta};

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
