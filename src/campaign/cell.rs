//! The tests of a campaign, and how they are taken in turn.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::Serialize;

use crate::exit::Exit;
use crate::fingerprint::Fingerprint;
use crate::replay::Schedule;
use crate::spec::Spec;
use crate::store::{OperationCounts, Results};

/// One test to be run.
#[derive(Clone, Debug)]
pub struct Cell {
    /// In the table: `demo workload=append`.
    pub name: String,
    pub spec: Spec,
    pub seed: u64,
    /// The command which runs this one alone.
    pub reproduce: String,
    /// Of the corpus.
    pub schedule: Option<Schedule>,
}

/// One test that was run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ended {
    pub name: String,
    pub seed: u64,
    pub exit: Exit,
    pub reproduce: String,
    pub elapsed_ms: u64,
    /// Of the run, where there is one.
    pub directory: Option<PathBuf>,
    pub operations: OperationCounts,
    /// How often what was found.
    #[serde(serialize_with = "findings")]
    pub findings: BTreeMap<Fingerprint, usize>,
    /// Why there is no verdict, or a doubtful one.
    pub trouble: Vec<String>,
}

impl Ended {
    /// Of a run that was judged.
    pub fn judged(mut self, exit: Exit, directory: PathBuf, results: &Results) -> Self {
        self.exit = exit;
        self.directory = Some(directory);
        self.operations = results.operations;
        self.findings = Fingerprint::counted(results);
        if let isobar_checkers::Verdict::Unknown(reason) = &results.verdict {
            self.trouble.push(reason.clone());
        }
        self.trouble.extend(results.trouble.iter().cloned());
        self
    }

    /// Of one that could not be run.
    pub fn failed(mut self, exit: Exit, message: String) -> Self {
        self.exit = exit;
        self.trouble.push(message);
        self
    }

    /// Before anything is known.
    pub fn begun(name: &str, seed: u64, reproduce: &str) -> Self {
        Self {
            name: name.to_owned(),
            seed,
            exit: Exit::Internal,
            reproduce: reproduce.to_owned(),
            elapsed_ms: 0,
            directory: None,
            operations: OperationCounts::default(),
            findings: BTreeMap::new(),
            trouble: Vec::new(),
        }
    }

    pub fn of(cell: &Cell) -> Self {
        Self::begun(&cell.name, cell.seed, &cell.reproduce)
    }
}

/// Runs `cells` in their order, `jobs` side by side, until `stop` says so of one that ended or
/// there is no reason to `go_on`; what was run, in the order of `cells`.
pub fn perform(
    cells: &[Cell],
    jobs: usize,
    run: impl Fn(&Cell) -> Ended + Sync,
    stop: impl Fn(&Ended) -> bool + Sync,
    go_on: impl Fn() -> bool + Sync,
) -> Vec<Ended> {
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let ended: Mutex<Vec<(usize, Ended)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, cells.len().max(1)) {
            scope.spawn(|| {
                while !stopped.load(Ordering::SeqCst) && go_on() {
                    let place = next.fetch_add(1, Ordering::SeqCst);
                    let Some(cell) = cells.get(place) else { break };
                    let done = run(cell);
                    if stop(&done) {
                        stopped.store(true, Ordering::SeqCst);
                    }
                    ended.lock().unwrap_or_else(PoisonError::into_inner).push((place, done));
                }
            });
        }
    });
    let mut ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
    ended.sort_by_key(|(place, _)| *place);
    ended.into_iter().map(|(_, done)| done).collect()
}

/// JSON has no maps by structures.
fn findings<S: serde::Serializer>(
    findings: &BTreeMap<Fingerprint, usize>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Counted<'a> {
        finding: &'a Fingerprint,
        times: usize,
    }
    serializer.collect_seq(findings.iter().map(|(finding, &times)| Counted { finding, times }))
}
