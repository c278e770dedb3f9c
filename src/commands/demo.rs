//! `isobar demo`

use clap::Args;

use super::job::{Job, Stage};
use super::output::Output;
use super::{Failure, Global, run, style};
use crate::exit::Exit;
use crate::spec;
use crate::terminal;

/// The demonstration, a specification like any other.
const SPEC: &str = include_str!("../../examples/demo.yaml");

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Draw everything random from this number
    #[arg(long)]
    seed: Option<u64>,
    /// Print the specification of the demonstration instead of running it
    #[arg(long)]
    print_spec: bool,
}

/// Runs the demonstration: it must find the planted bug.
pub fn demo(args: &DemoArgs, global: &Global) -> Result<Exit, Failure> {
    if args.print_spec {
        terminal::result(SPEC);
        return Ok(Exit::Valid);
    }
    let spec = spec::parse("examples/demo.yaml", SPEC)
        .map_err(|errors| Failure::new(Exit::Internal, errors))?;
    let seed = args.seed.unwrap_or_else(run::fresh_seed);
    let reproduce = format!("isobar demo --seed {seed}");
    let job = Job { spec: &spec, seed, reproduce, schedule: None };
    let exit = job.run_alone(&Stage::open(global)?, Output::Text, false, style(global))?;
    terminal::result(match exit {
        Exit::Violated => {
            "\nThis was the point: a bug is planted in the toy system (`bug: stale-read`), and \
             isobar found it.\nThat is why this command ends with exit code 1."
        }
        _ => "\nThis run did not show the planted bug (`bug: stale-read`): run it again.",
    });
    Ok(exit)
}
