//! From a recorded run to its results: reads the history, asks the checkers, keeps the answers.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::PathBuf;

use isobar_checkers::checks::{BankOptions, SetFullOptions};
use isobar_checkers::history::{History, ReadError, jsonl};
use isobar_checkers::txn::Assumptions;
use isobar_checkers::{
    Budget, CheckResult, During, Expectation, LatencyLimits, LeastVolume, Nanos, Register,
    Thresholds, TxnOptions, Verdict, availability, checks, latency, list_append, rw_register,
    stats, vacuity, volume,
};

use serde_json::Value;

use crate::report::{self, ReportError, Source};
use crate::spec::{
    self, AvailabilitySpec, BankCheckSpec, CheckSpec, Consistency, FaultSpec, LatencySpec,
    OnUnavailable, RwRegisterSpec, Span, Spec, SpecErrors, VolumeSpec, WorkloadSpec,
};
use crate::store::{OperationCounts, Results, RunDirectory, RunMeta, StoreError};

/// A run could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    #[error("cannot read {path}: {source}; the run ended before its load began")]
    NoHistory { path: PathBuf, source: io::Error },
    #[error(transparent)]
    History(#[from] ReadError),
    #[error(transparent)]
    Spec(#[from] SpecErrors),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Report(#[from] ReportError),
}

/// A run with everything that was decided about it.
pub struct Judgement {
    pub directory: RunDirectory,
    pub meta: RunMeta,
    /// The resolved specification, as YAML text.
    pub spec: String,
    pub history: History,
    pub results: Results,
}

impl Judgement {
    /// Judges the run in `directory` by its own specification; `trouble` is what is known to
    /// have gone wrong beside it.
    pub fn of(
        directory: RunDirectory,
        meta: RunMeta,
        trouble: Vec<String>,
    ) -> Result<Self, JudgeError> {
        let text = directory.read_text("spec.yaml")?;
        let spec = spec::parse(&directory.file("spec.yaml").display().to_string(), &text)?;
        let history = read(&directory)?;
        let results = judge(&spec, &history, meta.complete, trouble);
        Ok(Self { directory, meta, spec: text, history, results })
    }

    /// Judges a recorded run again. What went wrong beside it is known from the first time.
    pub fn again(directory: RunDirectory) -> Result<Self, JudgeError> {
        let meta = directory.meta()?;
        let trouble = directory.results().map(|results| results.trouble).unwrap_or_default();
        Self::of(directory, meta, trouble)
    }

    /// The run in `directory` with the results that were recorded; judged now if it never was.
    pub fn recorded(directory: RunDirectory) -> Result<Self, JudgeError> {
        match directory.results() {
            Ok(results) => Ok(Self {
                meta: directory.meta()?,
                spec: directory.read_text("spec.yaml")?,
                history: read(&directory)?,
                directory,
                results,
            }),
            Err(_) => Self::again(directory),
        }
    }

    /// What the renderings draw on.
    pub fn source(&self) -> Source<'_> {
        Source {
            meta: &self.meta,
            spec: &self.spec,
            results: &self.results,
            history: &self.history,
            directory: &self.directory.path,
        }
    }

    /// Writes `results.json`, then everything that is drawn from it.
    pub fn save(&self) -> Result<(), JudgeError> {
        self.directory.write_json("results.json", &self.results)?;
        report::write_all(&self.source())?;
        Ok(())
    }
}

/// The linearizability of `history`, each key a register; `states` limits the search per key.
pub fn linearizable(history: &History, states: Option<u64>) -> CheckResult {
    let budget =
        states.map_or_else(Budget::default, |states| Budget { states, ..Budget::default() });
    isobar_checkers::linearizable(history, &Register, &budget)
}

fn read(directory: &RunDirectory) -> Result<History, JudgeError> {
    let path = directory.file("history.jsonl");
    match File::open(&path) {
        Ok(file) => Ok(jsonl::read(&path.display().to_string(), BufReader::new(file))?),
        Err(source) => Err(JudgeError::NoHistory { path, source }),
    }
}

/// All checks of the specification, then those which every run gets.
fn judge(spec: &Spec, history: &History, complete: bool, trouble: Vec<String>) -> Results {
    let mut checks: Vec<CheckResult> =
        spec.checks.iter().map(|check| decide(check, spec, history)).collect();
    if spec.system.is_supervised() {
        checks.push(checks::process_crash(history));
    }
    checks.push(stats(history));
    checks.push(vacuity(history, &Expectation { faults: fault_kinds(spec) }));
    let verdict = Verdict::of_all(checks.iter().map(|check| &check.verdict));
    let operations = OperationCounts::of(history);
    Results { schema: Results::SCHEMA, verdict, complete, operations, checks, trouble }
}

/// The answer of one check of `spec`.
pub fn decide(check: &CheckSpec, spec: &Spec, history: &History) -> CheckResult {
    match check {
        CheckSpec::Linearizable(check) => linearizable(history, check.budget_states),
        CheckSpec::ListAppend(check) => list_append(history, &promise(check.consistency)),
        CheckSpec::RwRegister(check) => registers(history, check),
        CheckSpec::Availability(check) => availability(history, &thresholds(check)),
        CheckSpec::Convergence(check) => checks::convergence(history, check.within.map(nanos)),
        CheckSpec::Staleness(check) => checks::staleness(history, check.bound.map(nanos)),
        CheckSpec::Profile(_) => checks::profile(history),
        CheckSpec::Sessions(_) => checks::sessions(history),
        CheckSpec::Latency(check) => latency(history, &limits(check)),
        CheckSpec::Volume(VolumeSpec { operations, during_faults }) => {
            let (operations, during_faults) = (*operations, *during_faults);
            volume(history, &LeastVolume { operations, during_faults })
        }
        CheckSpec::Set(_) => checks::set(history),
        CheckSpec::SetFull(check) => {
            checks::set_full(history, SetFullOptions { linearizable: check.linearizable })
        }
        CheckSpec::Counter(_) => checks::counter(history),
        CheckSpec::UniqueIds(_) => checks::unique_ids(history),
        CheckSpec::Bank(check) => checks::bank(history, &bank(check, spec)),
        CheckSpec::Exclusive(_) => checks::exclusive(history),
        CheckSpec::Existence(_) => checks::existence(history),
        CheckSpec::AtomicVisibility(_) => checks::atomic_visibility(history),
    }
}

/// The accounts of the bank of `spec`, and what they hold.
fn bank(check: &BankCheckSpec, spec: &Spec) -> BankOptions {
    let WorkloadSpec::Bank(bank) = &spec.workload else { return BankOptions::default() };
    BankOptions {
        accounts: Some(bank.names().into_iter().map(Value::from).collect()),
        total: Some(bank.total()),
        negative_allowed: check.negative_allowed,
    }
}

/// Per track what has to be seen; nothing of a track whose faults may all be skipped.
fn fault_kinds(spec: &Spec) -> Vec<Vec<String>> {
    let kinds = |track: &FaultSpec| -> Vec<String> {
        let faults = track.leaves();
        if faults.iter().all(|fault| fault.on_unavailable() == OnUnavailable::Skip) {
            return Vec::new();
        }
        let names: BTreeSet<&str> = faults.iter().map(|fault| fault.name()).collect();
        names.into_iter().map(str::to_owned).collect()
    };
    spec.faults.iter().map(kinds).filter(|kinds| !kinds.is_empty()).collect()
}

fn nanos(span: Span) -> Nanos {
    Nanos(u64::try_from(span.0.as_nanos()).unwrap_or(u64::MAX))
}

fn promise(consistency: Consistency) -> TxnOptions {
    TxnOptions { models: vec![consistency.0], ..TxnOptions::default() }
}

fn registers(history: &History, spec: &RwRegisterSpec) -> CheckResult {
    let &RwRegisterSpec { consistency, wfr_keys, sequential_keys, linearizable_keys } = spec;
    let assumptions = Assumptions { wfr_keys, sequential_keys, linearizable_keys };
    rw_register(history, &TxnOptions { assumptions, ..promise(consistency) })
}

fn thresholds(spec: &AvailabilitySpec) -> Thresholds {
    Thresholds { min_ok: spec.min_ok.map(|share| share.0), recovery: spec.recovery.map(nanos) }
}

fn limits(spec: &LatencySpec) -> LatencyLimits {
    let during = match spec.during {
        spec::During::Always => During::Always,
        spec::During::Faults => During::Faults,
        spec::During::NoFaults => During::NoFaults,
    };
    let [p50, p95, p99, max] = [spec.p50, spec.p95, spec.p99, spec.max].map(|s| s.map(nanos));
    LatencyLimits { during, p50, p95, p99, max }
}
