//! `isobar diff A B`

use clap::Args;

use super::output::Output;
use super::{Failure, Global};
use crate::compare::Comparison;
use crate::exit::Exit;
use crate::judge::Judgement;
use crate::store::RunDirectory;

#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The run to compare with: a directory, a name, or -2 for the latest but one
    #[arg(value_name = "A", allow_hyphen_values = true)]
    before: String,
    /// The other one
    #[arg(value_name = "B", default_value = "-1", allow_hyphen_values = true)]
    after: String,
    /// Print text, or one object of JSON
    #[arg(long, default_value = "text")]
    output: Output,
}

/// Ends with 1 when B has a finding that A has not, or breaks what A kept.
pub fn diff(args: &DiffArgs, global: &Global) -> Result<Exit, Failure> {
    let results = |run: &str| {
        let directory = RunDirectory::find(&global.store, run).map_err(Failure::usage)?;
        Judgement::recorded(directory).map(|run| run.results).map_err(Failure::usage)
    };
    let comparison = Comparison::of(&results(&args.before)?, &results(&args.after)?);
    args.output.print(|| comparison.to_string(), &comparison)?;
    Ok(if comparison.is_worse() { Exit::Violated } else { Exit::Valid })
}
