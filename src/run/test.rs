//! The whole of a test, phase after phase.
//!
//! ```text
//! cluster up → doctor → set-up → safety (load under faults) → heal → recovery → final reads
//!            → logs → tear-down → judge → report
//! ```
//!
//! What is brought up is taken down again, however the test ends: every owner of something on
//! the nodes gives it back when it is dropped. Trouble in taking down never changes a verdict.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use isobar_workloads::{Context, Workload};
use tokio::runtime::Runtime;

use super::clocks::Clocks;
use super::field::{Field, hold};
use super::load::{Endpoint, Load, Pace, perform_all};
use super::supervisor::Supervisor;
use super::timeline::Timeline;
use super::worker::{Shared, Worker, perform_unrecorded};
use super::workload::workload;
use super::{Clock, Progress, Recorder, RunFailure};
use crate::cluster::Cluster;
use crate::exit::{Exit, Trouble};
use crate::fault::{Ground, HealReport, Hold, Injector, Plan, Policy};
use crate::interrupt::Interrupt;
use crate::judge::Judgement;
use crate::replay::{self, Schedule, Script};
use crate::spec::{self, Reach, Spec};
use crate::store::{ClockReading, NodeMeta, RunDirectory, RunLog, RunMeta, TraceMeta};
use crate::system::SystemError;

/// How long a healed system may take to serve again before the run goes on without it.
const RECOVERY_LIMIT: Duration = Duration::from_secs(60);
/// How long to go on trying to undo faults on nodes which do not answer.
const HEAL_LIMIT: Duration = Duration::from_secs(60);
/// How long what was begun before the final reads may take to come to its end.
const QUIET_LIMIT: Duration = Duration::from_secs(60);
/// The same when somebody wants an end: a CI server kills what does not end in time.
const HEAL_LIMIT_INTERRUPTED: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(100);

/// Everything a test needs besides its specification.
pub struct Options<'a> {
    /// Where runs are kept.
    pub store: &'a Path,
    pub seed: u64,
    /// The command line that does the same again.
    pub reproduce: String,
    /// Faults and operations of another run instead of drawn ones.
    pub schedule: Option<&'a Schedule>,
    pub interrupt: Interrupt,
    pub progress: &'a Progress,
}

/// A test that was judged.
pub struct Finished {
    pub judgement: Judgement,
    pub trouble: Trouble,
}

impl Finished {
    /// How the program ends after it.
    pub fn exit(&self, allow_unknown: bool) -> Exit {
        Exit::of_run(&self.judgement.results.verdict, self.trouble, allow_unknown)
    }
}

/// Runs a test from set-up to report.
///
/// # Errors
/// When the test could not be run so far that there is something to judge. The cluster is then
/// as it was, as far as it can be reached.
pub fn run_test(spec: &Spec, options: &Options<'_>) -> Result<Finished, RunFailure> {
    let started_at = jiff::Timestamp::now();
    let stamp = started_at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let directory = RunDirectory::create(options.store, &spec.name, &stamp, options.seed)?;
    match RunLog::create(&directory) {
        Ok(log) => options.progress.keep(log),
        Err(error) => options.progress.note(&format!("this run is without isobar.log: {error}")),
    }
    let resolved = Spec { seed: Some(options.seed), ..spec.clone() };
    let text = spec::to_yaml(&resolved).map_err(|error| RunFailure::Internal(error.to_string()))?;
    directory.write("spec.yaml", text.as_bytes())?;

    let runtime = Runtime::new().map_err(|error| RunFailure::Internal(error.to_string()))?;
    options.progress.phase("cluster", "reaching the nodes");
    let field = Field::open(spec, &directory, &runtime)?;
    let (reach, lab) = (field.reach.clone(), field.lab_name().map(str::to_owned));
    let name = field.system.name();
    let mut meta = meta(spec, options, reach, lab, &field.cluster, name, started_at);
    let traced = |prefix| TraceMeta { prefix, url: spec.trace_url.clone() };
    meta.trace = field.system.traces().then(|| traced(Context::trace_prefix(run_id(&directory))));
    let mut timeline = Timeline::new(meta, &directory, options.progress)?;

    field.examine(spec)?;
    let hold = Arc::new(hold(spec, &field.cluster, field.system.as_ref(), &directory)?);
    let starts = field.cluster.members.iter().any(|member| field.system.starts(&member.node));
    let what = if starts { "starting" } else { "waiting for" };
    timeline.prelude("set-up", &format!("{what} {}", field.system.title()));
    timeline.meta.system_version = Some(field.set_up(&options.interrupt)?);
    let drive = Drive {
        spec,
        options,
        field: &field,
        hold: &hold,
        directory: &directory,
        runtime: &runtime,
    };
    let recorded = drive.drive(&mut timeline);

    // Whatever came of the load: its logs may say why.
    options.progress.phase("tear-down", "collecting logs, stopping the system");
    let mut remarks = field.collect_logs(&directory);
    remarks.extend(field.tear_down());
    let dirty = recorded.as_ref().map(|recorded| recorded.dirty.clone()).unwrap_or_default();
    remarks.extend(hold.release(&dirty));
    drop(field);
    let mut recorded = recorded?;
    recorded.remarks.extend(remarks);

    options.progress.phase("judge", "");
    let mut judgement = Judgement::of(directory.clone(), timeline.meta, recorded.remarks)?;
    // A verdict that cannot be written down is still a verdict.
    if let Err(error) = judgement.save() {
        recorded.trouble.set_up = true;
        judgement.results.trouble.push(error.to_string());
    }
    Ok(Finished { judgement, trouble: recorded.trouble })
}

pub(super) fn meta(
    spec: &Spec,
    options: &Options<'_>,
    reach: Reach,
    lab: Option<String>,
    cluster: &Cluster,
    system: &str,
    started_at: jiff::Timestamp,
) -> RunMeta {
    let node = |node: crate::cluster::Node| NodeMeta {
        name: node.name,
        address: node.ip.to_string(),
        role: node.role,
    };
    RunMeta {
        schema: RunMeta::SCHEMA,
        isobar_version: env!("CARGO_PKG_VERSION").to_owned(),
        name: spec.name.clone(),
        seed: options.seed,
        started_at: started_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        clock_started_at: None,
        reach,
        lab,
        nodes: cluster.nodes().into_iter().map(node).collect(),
        system: system.to_owned(),
        system_version: None,
        phases: Vec::new(),
        workers: 0,
        arrivals_missed: 0,
        trace: None,
        reproduce: options.reproduce.clone(),
        complete: false,
    }
}

/// Of the run, in the traces of its operations.
fn run_id(directory: &RunDirectory) -> u64 {
    Context::run_id(&directory.path.to_string_lossy())
}

/// What the load and the faults left besides the history.
#[derive(Default)]
struct Recorded {
    trouble: Trouble,
    remarks: Vec<String>,
    /// Nodes which may still have a fault.
    dirty: BTreeSet<String>,
}

/// The part of a test in which the clock runs.
struct Drive<'a> {
    spec: &'a Spec,
    options: &'a Options<'a>,
    field: &'a Field,
    hold: &'a Arc<Hold>,
    directory: &'a RunDirectory,
    runtime: &'a Runtime,
}

impl Drive<'_> {
    fn drive(&self, timeline: &mut Timeline<'_>) -> Result<Recorded, RunFailure> {
        timeline.meta.clock_started_at = Some(jiff::Timestamp::now().to_string());
        let clock = Clock::start();
        let recorder = Arc::new(Recorder::create(&self.directory.file("history.jsonl"), clock)?);
        let nodes = self.field.cluster.nodes();
        let time = self.spec.load.time.0;
        let plan = match self.options.schedule {
            Some(schedule) => schedule.plan.clone(),
            None => Plan::draw(&self.spec.faults, &nodes, self.options.seed, time),
        };
        self.directory.write_json(replay::PLAN, &plan)?;
        let policy = Policy::of(self.spec);
        let mut injector = Injector::prepare(self.ground(&recorder), plan).under(policy);
        let shared = self.shared(&recorder);
        timeline.meta.workers = shared.concurrency;
        self.prepare(&shared)?;
        let supervised = self.field.system.is_supervised();
        let supervisor = supervised.then(|| self.supervise(&recorder, injector.handled()));
        let load = self.start_load(&shared);
        // What cannot be written is missing in a plot.
        let clocks = self.watch_clocks(clock).ok();

        let detail = format!("load under faults for {}", self.spec.load.time);
        timeline.begin("safety", &detail, clock);
        injector.begin();
        self.wait(&recorder, time);

        timeline.begin("heal", "undoing all faults", clock);
        let hurried = self.options.interrupt.is_set();
        let limit = if hurried { HEAL_LIMIT_INTERRUPTED } else { HEAL_LIMIT };
        let healed = injector.heal_all(limit);
        self.tell_faults(&recorder);
        let mut recovered = match self.goes_on(&recorder) {
            true => {
                timeline.begin("recovery", "load without faults", clock);
                self.recover(&recorder)
            }
            false => Ok(()),
        };
        drop(clocks);
        let (workers, missed) = self.runtime.block_on(load.stop());
        timeline.meta.arrivals_missed = missed;
        if self.goes_on(&recorder) {
            timeline.begin("final-reads", "", clock);
            let quiet = self.field.await_quiet(QUIET_LIMIT, &self.options.interrupt);
            recovered = recovered.and(quiet);
            self.final_reads(workers);
        }
        drop(supervisor);
        self.options.progress.operations(recorder.counts());
        let complete = self.goes_on(&recorder);
        timeline.finish(complete, clock);
        let mut recorded = self.recorded(&recorder, &healed, recovered.err());
        if let Some(error) = timeline.trouble() {
            recorded.trouble.set_up = true;
            recorded.remarks.push(error.to_string());
        }
        Ok(recorded)
    }

    /// Whether there is a reason not to go on: the user's wish, or a history that is not written.
    fn goes_on(&self, recorder: &Recorder) -> bool {
        !self.options.interrupt.is_set() && recorder.healthy().is_ok()
    }

    fn ground(&self, recorder: &Arc<Recorder>) -> Ground {
        Ground {
            hold: Arc::clone(self.hold),
            system: Arc::clone(&self.field.system),
            recorder: Arc::clone(recorder),
            runtime: self.runtime.handle().clone(),
        }
    }

    /// Where nodes have clocks: processes on this machine have ours.
    fn watch_clocks(&self, clock: Clock) -> std::io::Result<Option<Clocks>> {
        let cluster = &self.field.cluster;
        if cluster.controller.is_none() {
            return Ok(None);
        }
        Clocks::watch(cluster, &self.directory.file(ClockReading::FILE), clock).map(Some)
    }

    /// Where clients connect.
    fn endpoints(&self) -> Vec<Endpoint> {
        let system = &self.field.system;
        self.field
            .cluster
            .members
            .iter()
            .filter(|member| system.serves(&member.node))
            .map(|member| (member.node.name.clone(), system.client_address(&member.node)))
            .collect()
    }

    fn shared(&self, recorder: &Arc<Recorder>) -> Arc<Shared> {
        let load = &self.spec.load;
        let workers = match self.options.schedule {
            Some(schedule) => schedule.workers as usize,
            None => load.concurrency.workers(self.endpoints().len()),
        };
        Arc::new(Shared {
            connect: self.field.system.connect(),
            workload: Mutex::new(self.workload()),
            recorder: Arc::clone(recorder),
            timeout: load.timeout.0,
            run: run_id(self.directory),
            concurrency: u32::try_from(workers).unwrap_or(u32::MAX),
        })
    }

    /// What the workload needs before the load, done by the first node.
    fn prepare(&self, shared: &Shared) -> Result<(), RunFailure> {
        let invocations = shared.workload().preparation();
        let Some((node, address)) = self.endpoints().into_iter().next() else { return Ok(()) };
        let done = async {
            for invocation in &invocations {
                perform_unrecorded(shared, &address, invocation).await?;
            }
            Ok(())
        };
        let name = self.spec.workload.name();
        self.runtime.block_on(done).map_err(|reason: String| {
            RunFailure::Doctor(format!("node {node}: the workload {name} cannot begin: {reason}"))
        })
    }

    fn supervise(
        &self,
        recorder: &Arc<Recorder>,
        handled: impl Fn() -> BTreeSet<String> + Send + Sync + 'static,
    ) -> Supervisor {
        Supervisor::start(&self.field.cluster, &self.field.system, recorder, handled)
    }

    fn start_load(&self, shared: &Arc<Shared>) -> Load {
        let _inside = self.runtime.enter();
        Load::start(shared, &self.endpoints(), &self.pace())
    }

    /// What the clients do: drawn, or as it was recorded.
    fn workload(&self) -> Box<dyn Workload> {
        let drawn = workload(&self.spec.workload, self.options.seed);
        match self.options.schedule {
            Some(schedule) => Box::new(Script::of(schedule, drawn)),
            None => drawn,
        }
    }

    fn pace(&self) -> Pace {
        match (self.options.schedule, self.spec.load.rate) {
            (Some(schedule), _) => Pace::Recorded(Script::times(schedule)),
            (None, Some(rate)) => Pace::Rate(rate.0),
            (None, None) => Pace::Answers,
        }
    }

    /// Lets `time` pass, unless there is a reason to stop.
    fn wait(&self, recorder: &Recorder, time: Duration) {
        let start = Instant::now();
        self.options.interrupt.wait_until(time, TICK, || {
            self.options.progress.tick(start.elapsed(), time, recorder.counts());
            self.tell_faults(recorder);
            recorder.healthy().is_err()
        });
    }

    /// A line for every fault that began or ended since the last call.
    fn tell_faults(&self, recorder: &Recorder) {
        for told in recorder.take_nemesis() {
            self.options.progress.fault(&told);
        }
    }

    /// Load without faults, until the system serves again and for the time asked for.
    fn recover(&self, recorder: &Recorder) -> Result<(), SystemError> {
        let start = Instant::now();
        let limit = RECOVERY_LIMIT.max(self.field.system.start_limit());
        let ready = self.field.await_ready(limit, &self.options.interrupt);
        let recorded = self.options.schedule.map(Schedule::after_heal).unwrap_or_default();
        let lasts = self.spec.load.recovery.0.max(recorded);
        self.wait(recorder, lasts.saturating_sub(start.elapsed()));
        ready
    }

    fn final_reads(&self, workers: Vec<Worker>) {
        let reads = workers.first().map(|worker| worker.shared().workload().final_reads());
        self.runtime.block_on(perform_all(workers, reads.unwrap_or_default()));
    }

    fn recorded(
        &self,
        recorder: &Recorder,
        healed: &HealReport,
        not_ready: Option<SystemError>,
    ) -> Recorded {
        let mut recorded = Recorded { dirty: healed.dirty_nodes(), ..Recorded::default() };
        recorded.trouble.interrupted = self.options.interrupt.is_set();
        if let Err(error) = recorder.healthy() {
            recorded.trouble.set_up = true;
            recorded.remarks.push(error.to_string());
        }
        let run = self.directory.path.display();
        for (node, why) in &healed.dirty {
            recorded.trouble.dirty = true;
            recorded.remarks.push(format!("{node} is left dirty: {why}; `isobar heal {run}`"));
        }
        recorded.remarks.extend(healed.remarks.iter().cloned());
        // A system that does not come back is for the checks to judge, not for us.
        recorded.remarks.extend(not_ready.map(|error| error.to_string()));
        recorded
    }
}
