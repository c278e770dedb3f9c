//! `isobar report RUN`

use clap::Args;

use super::{Failure, Global};
use crate::exit::Exit;
use crate::judge::Judgement;
use crate::report;
use crate::store::RunDirectory;
use crate::terminal;

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// A run directory, a name, or -1 for the latest
    #[arg(value_name = "RUN", default_value = "-1", allow_hyphen_values = true)]
    run: String,
}

/// Draws the report of a run again, from its recorded results; prints where it is.
pub fn report(args: &ReportArgs, global: &Global) -> Result<Exit, Failure> {
    let directory = RunDirectory::find(&global.store, &args.run).map_err(Failure::usage)?;
    let page = directory.file(report::PAGE);
    let judgement = Judgement::recorded(directory).map_err(Failure::usage)?;
    report::write_all(&judgement.source()).map_err(Failure::set_up)?;
    terminal::result(&page.display().to_string());
    Ok(Exit::Valid)
}
