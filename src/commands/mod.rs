//! One verb per file, each thin: resolve the arguments, call the library, print the result.

pub mod bench;
pub mod campaign;
pub mod check;
pub mod completions;
pub mod demo;
pub mod diff;
pub mod doctor;
mod draw;
pub mod explain;
pub mod export;
pub mod fault;
mod github;
pub mod heal;
pub mod init;
mod job;
pub mod lab;
pub mod ls;
pub mod output;
pub mod plan;
pub mod replay;
pub mod report;
pub mod run;
pub mod schema;
pub mod serve;
pub mod shrink;
pub mod validate;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::exit::Exit;
use crate::lab::LabError;
use crate::report::Style;
use crate::run::Verbosity;
use crate::spec::{self, Setting, Spec};
use crate::terminal::Color;

#[derive(Debug, Args)]
pub struct Global {
    /// Where runs are kept
    #[arg(long, global = true, value_name = "DIR", default_value = "runs", env = "ISOBAR_STORE")]
    pub store: PathBuf,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Say nothing but the result
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more about what is done
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

impl Global {
    pub fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
}

impl Failure {
    pub fn new(exit: Exit, message: impl ToString) -> Self {
        Self { exit, message: message.to_string() }
    }

    pub fn usage(message: impl ToString) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub fn lab(error: LabError) -> Self {
        Self::new(if error.is_usage() { Exit::Usage } else { Exit::SetUp }, error)
    }

    pub fn set_up(message: impl ToString) -> Self {
        Self::new(Exit::SetUp, message)
    }
}

/// Reads the specification at `path`; every mistake in it is one error.
fn read_spec(path: &Path) -> Result<Spec, Failure> {
    read_spec_with(path, &[])
}

/// The same with some values replaced.
fn read_spec_with(path: &Path, settings: &[Setting]) -> Result<Spec, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    let mut name = path.display().to_string();
    let variable = |name: &str| std::env::var(name).ok();
    let text = spec::with_environment(&name, &text, variable).map_err(Failure::usage)?;
    if !settings.is_empty() {
        // A mistake in the file itself is told at its place there.
        spec::parse(&name, &text).map_err(Failure::usage)?;
        let set = settings.iter().map(|setting| format!(" --set {setting}"));
        name.extend(set);
    }
    let text = spec::overlay(&text, settings).map_err(Failure::usage)?;
    spec::parse(&name, &text).map_err(Failure::usage)
}

/// Colour for results, or none.
fn style(global: &Global) -> Style {
    if global.color.on_stdout() { Style::Ansi } else { Style::Plain }
}
