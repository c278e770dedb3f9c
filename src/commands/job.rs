//! One test, run for a command: with its progress, its metrics, and what CI is told of it.

use std::path::PathBuf;

use serde::Serialize;

use super::output::Output;
use super::{Failure, Global, github};
use crate::campaign::Ended;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::lab;
use crate::metrics::Metrics;
use crate::replay::Schedule;
use crate::report::{self, Style};
use crate::run::{Finished, Options, Progress, Verbosity, run_test};
use crate::spec::{ClusterSpec, Spec};
use crate::store::Results;

/// One test to be run.
pub struct Job<'a> {
    pub spec: &'a Spec,
    pub seed: u64,
    /// The command which does the same again.
    pub reproduce: String,
    /// Faults and operations of another run instead of drawn ones.
    pub schedule: Option<&'a Schedule>,
}

/// What all tests of a command share.
pub struct Stage {
    /// Where runs are kept.
    pub store: PathBuf,
    pub verbosity: Verbosity,
    pub interrupt: Interrupt,
    pub metrics: Option<Metrics>,
}

/// A run as `--output json` tells it.
#[derive(Serialize)]
pub struct RunLine<'a> {
    schema: u32,
    kind: &'static str,
    run: &'a Ended,
    results: &'a Results,
}

impl<'a> RunLine<'a> {
    const SCHEMA: u32 = 1;

    pub fn of(run: &'a Ended, results: &'a Results) -> Self {
        Self { schema: Self::SCHEMA, kind: "run", run, results }
    }
}

impl Stage {
    /// From now on signals end a test well.
    pub fn open(global: &Global) -> Result<Self, Failure> {
        let interrupt = Interrupt::catch().map_err(|error| Failure::new(Exit::Internal, error))?;
        let (store, verbosity) = (global.store.clone(), global.verbosity());
        Ok(Self { store, verbosity, interrupt, metrics: None })
    }
}

impl<'a> Job<'a> {
    /// What `schedule` has, again.
    pub fn again(schedule: &'a Schedule, reproduce: String) -> Self {
        let (spec, seed) = (&schedule.spec, schedule.plan.seed);
        Self { spec, seed, reproduce, schedule: Some(schedule) }
    }

    /// Runs it.
    pub fn run(self, stage: &Stage) -> Result<Finished, Failure> {
        let Job { spec, seed, reproduce, schedule } = self;
        let metrics = stage.metrics.as_ref().map(Metrics::begin);
        let progress = Progress::new(stage.verbosity).with_metrics(metrics.clone());
        let (store, interrupt) = (stage.store.as_path(), stage.interrupt.clone());
        let options = Options { store, seed, reproduce, schedule, interrupt, progress: &progress };
        let outcome = run_test(spec, &options);
        progress.finish();
        let exit = match &outcome {
            Ok(finished) => finished.exit(false),
            Err(failure) => failure.exit(),
        };
        if let Some(metrics) = metrics {
            metrics.ended(exit);
        }
        match &outcome {
            Ok(finished) => progress.ended(finished.judgement.results.verdict.word()),
            Err(failure) => progress.ended(&failure.to_string()),
        }
        outcome.map_err(|failure| Failure::new(exit, failure))
    }

    /// Runs it and prints its result.
    pub fn run_alone(
        self,
        stage: &Stage,
        output: Output,
        allow_unknown: bool,
        style: Style,
    ) -> Result<Exit, Failure> {
        let ended = Ended::begun(&self.spec.name, self.seed, &self.reproduce);
        let finished = self.run(stage)?;
        let (run, exit) = (&finished.judgement, finished.exit(allow_unknown));
        github::tell(&run.source())?;
        let ended = ended.judged(exit, run.directory.path.clone(), &run.results);
        let line = RunLine::of(&ended, &run.results);
        output.print(|| report::text(&run.source(), style), &line)?;
        Ok(exit)
    }
}

/// A lab of an ordinary user begins with a user namespace for this program.
pub fn enter_lab(spec: &Spec) -> Result<(), Failure> {
    match &spec.cluster {
        ClusterSpec::Lab(wanted) => lab::enter(wanted.kind).map_err(Failure::lab),
        ClusterSpec::Ssh(_) | ClusterSpec::Local(_) => Ok(()),
    }
}
