//! One fault by hand, on a cluster that runs without us: the same journal, evidence and undo as in
//! a test.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::field::{complaint, connect, examine, hold, system};
use super::test::{Options, meta};
use super::{Clock, Recorder, RunFailure};
use crate::cluster::doctor::State;
use crate::fault::{Ground, HealReport, Injector, JournalState, Plan};
use crate::lab::Lab;
use crate::spec::{ClusterSpec, FaultSpec, Reach, Spec};
use crate::store::RunDirectory;

/// How long to go on trying to undo the fault on nodes which do not answer.
const HEAL_LIMIT: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(100);

/// What became of a fault by hand.
pub struct Outage {
    /// Where its journal is: `isobar heal` takes this.
    pub directory: RunDirectory,
    pub healed: HealReport,
    /// Why it was not injected.
    pub skipped: Option<String>,
}

/// Injects `fault` into the cluster of `spec`, which has to be up, and undoes it `lasts` later, or
/// when somebody interrupts.
///
/// # Errors
/// Before anything is done to a node.
pub fn outage(
    spec: &Spec,
    fault: &FaultSpec,
    lasts: Duration,
    options: &Options<'_>,
) -> Result<Outage, RunFailure> {
    let (reach, lab) = reach(&spec.cluster)?;
    let cluster = connect(&reach, spec.cluster.roles())?;
    let started_at = jiff::Timestamp::now();
    let stamp = started_at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let name = format!("{}-fault", spec.name);
    let directory = RunDirectory::create(options.store, &name, &stamp, options.seed)?;
    let system = system(spec, &cluster.nodes(), &directory.file("scratch"))?;
    let only = Spec { name, faults: vec![fault.clone()], ..spec.clone() };
    let found = examine(&only, &cluster, system.as_ref(), false);
    let errors: Vec<String> =
        found.iter().filter(|found| found.state == State::Error).map(complaint).collect();
    if !errors.is_empty() {
        return Err(RunFailure::Doctor(errors.join("\n")));
    }
    let mut meta = meta(&only, options, reach, lab, &cluster, system.name(), started_at);
    meta.complete = true;
    directory.write_json("run.json", &meta)?;

    let runtime = Runtime::new().map_err(|error| RunFailure::Internal(error.to_string()))?;
    let recorder = Arc::new(Recorder::create(&directory.file("history.jsonl"), Clock::start())?);
    let plan = Plan::once(fault, &cluster.nodes(), options.seed, lasts);
    let hold = Arc::new(hold(&only, &cluster, system.as_ref(), &directory)?);
    let ground = Ground {
        hold: Arc::clone(&hold),
        system,
        recorder: Arc::clone(&recorder),
        runtime: runtime.handle().clone(),
    };
    let mut injector = Injector::prepare(ground, plan);
    injector.begin();
    let mut ended = false;
    // A heal takes as long as it takes; a fault that is skipped ends at once.
    while !ended && !options.interrupt.is_set() {
        std::thread::sleep(TICK);
        ended = injector.is_idle();
        recorder.take_nemesis().iter().for_each(|told| options.progress.note(&told.to_string()));
    }
    let mut healed = injector.heal_all(HEAL_LIMIT);
    healed.remarks.extend(hold.release(&healed.dirty_nodes()));
    recorder.take_nemesis().iter().for_each(|told| options.progress.note(&told.to_string()));
    let state = JournalState::read(&directory.file("faults.jsonl")).unwrap_or_default();
    Ok(Outage { directory, healed, skipped: state.why_skipped(0) })
}

/// How to reach the nodes of a cluster that is up, and the lab that they are.
fn reach(cluster: &ClusterSpec) -> Result<(Reach, Option<String>), RunFailure> {
    match cluster {
        ClusterSpec::Ssh(ssh) => Ok((Reach::Ssh(ssh.clone()), None)),
        ClusterSpec::Lab(wanted) => {
            let lab = Lab::find(wanted.name.as_deref())?;
            Ok((Reach::Ssh(lab.ssh_spec()), Some(lab.name().to_owned())))
        }
        ClusterSpec::Local(_) => Err(RunFailure::NotByHand),
    }
}
