//! `isobar run SPEC`

use std::path::PathBuf;

use clap::Args;

use super::{Failure, Global, read_spec, style};
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::lab;
use crate::report;
use crate::run::{Options, Progress, run_test};
use crate::spec::{ClusterSpec, Spec};
use crate::terminal;

#[derive(Debug, Args)]
pub struct RunArgs {
    /// The specification of the test
    #[arg(value_name = "SPEC")]
    spec: PathBuf,
    /// Draw everything random from this number
    #[arg(long)]
    seed: Option<u64>,
    /// End with 0 when the answer is unknown
    #[arg(long)]
    allow_unknown: bool,
}

/// Runs the test and prints its result.
pub fn run(args: &RunArgs, global: &Global) -> Result<Exit, Failure> {
    let spec = read_spec(&args.spec)?;
    if let ClusterSpec::Lab(wanted) = &spec.cluster {
        lab::enter(wanted.kind).map_err(Failure::lab)?;
    }
    let seed = args.seed.or(spec.seed).unwrap_or_else(fresh_seed);
    let words = ["isobar", "run", &args.spec.to_string_lossy(), "--seed", &seed.to_string()]
        .map(str::to_owned);
    run_spec(&spec, seed, crate::cluster::quote(words), args.allow_unknown, global)
}

/// Runs `spec` and prints its result; `reproduce` is the command which does the same again.
pub fn run_spec(
    spec: &Spec,
    seed: u64,
    reproduce: String,
    allow_unknown: bool,
    global: &Global,
) -> Result<Exit, Failure> {
    let interrupt = Interrupt::catch().map_err(|error| Failure::new(Exit::Internal, error))?;
    let progress = Progress::new(global.verbosity());
    let options = Options { store: &global.store, seed, reproduce, interrupt, progress: &progress };
    let outcome = run_test(spec, &options);
    progress.finish();
    let finished = outcome.map_err(|failure| Failure::new(failure.exit(), failure))?;
    terminal::result(&report::text(&finished.judgement.source(), style(global)));
    Ok(Exit::of_run(&finished.judgement.results.verdict, finished.trouble, allow_unknown))
}

/// A seed from the operating system's randomness, short enough to be typed.
pub fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id()) % 1_000_000_000
}
