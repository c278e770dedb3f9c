//! `isobar run SPEC…`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::job::{Job, Stage, enter_lab};
use super::output::Output;
use super::{Failure, Global, campaign, style};
use crate::campaign::{Axes, Shard};
use crate::exit::Exit;
use crate::metrics::Metrics;
use crate::spec::{Setting, Span};
use crate::terminal;

#[derive(Debug, Args)]
pub struct RunArgs {
    /// The specification of the test; several make a campaign
    #[arg(required = true, value_name = "SPEC")]
    pub specs: Vec<PathBuf>,
    /// Draw everything random from this number; repeats count on from it
    #[arg(long)]
    pub seed: Option<u64>,
    /// Replace a value of the specification: load.rate=500/s, faults=none, system.toy.bug=none
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<Setting>,
    /// Run each of these values with each of every other matrix
    #[arg(long, value_name = "PATH=VALUE,…")]
    pub matrix: Vec<Axes>,
    /// Run every test so often, each time with another seed
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub repeat: u32,
    /// Begin no other test when a promise is broken
    #[arg(long)]
    pub until_violation: bool,
    /// Run a part: 2/8 is the second of eight; 8 takes its number from JOB_COMPLETION_INDEX
    #[arg(long, value_name = "K/N")]
    pub shard: Option<Shard>,
    /// Run so many tests side by side, where each has a cluster of its own
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub jobs: usize,
    /// Begin no test after so long: 30m
    #[arg(long, value_name = "TIME")]
    pub time_budget: Option<Span>,
    /// First replay the schedules and runs in this directory
    #[arg(long, value_name = "DIR")]
    pub corpus: Option<PathBuf>,
    /// End with 0 when the answer is unknown
    #[arg(long)]
    pub allow_unknown: bool,
    /// Print text, one object of JSON, or one per run and one at the end
    #[arg(long, default_value = "text")]
    pub output: Output,
    /// Serve OpenMetrics at this address meanwhile: 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
}

/// Runs the test, or all tests, and prints what they came to.
pub fn run(args: &RunArgs, global: &Global) -> Result<Exit, Failure> {
    let cells = campaign::cells(args)?;
    cells.iter().try_for_each(|cell| enter_lab(&cell.spec))?;
    let mut stage = Stage::open(global)?;
    if let Some(address) = args.metrics {
        stage.metrics = Some(served(address)?);
    }
    match &cells[..] {
        [cell] if !args.is_campaign() => {
            let (spec, seed, reproduce) = (&cell.spec, cell.seed, cell.reproduce.clone());
            let job = Job { spec, seed, reproduce, schedule: None };
            job.run_alone(&stage, args.output, args.allow_unknown, style(global))
        }
        cells => campaign::campaign(args, cells, &stage, style(global)),
    }
}

fn served(address: SocketAddr) -> Result<Metrics, Failure> {
    let metrics = Metrics::default();
    let cannot = |error| Failure::set_up(format!("cannot serve {address}: {error}"));
    let bound = metrics.serve(address).map_err(cannot)?;
    terminal::note(&format!("metrics at http://{bound}/metrics"));
    Ok(metrics)
}

impl RunArgs {
    /// Whether a table is wanted even of a single test.
    fn is_campaign(&self) -> bool {
        let many = self.specs.len() > 1 || self.repeat > 1 || !self.matrix.is_empty();
        many || self.shard.is_some() || self.corpus.is_some()
    }
}

/// A seed from the operating system's randomness, short enough to be typed.
pub fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id()) % 1_000_000_000
}
