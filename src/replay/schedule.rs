//! `schedule.json`: everything that has to happen for a run to happen again. Small enough, once it
//! is shrunk, to be kept with the code it is about: a directory of them is a regression corpus.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use isobar_checkers::{Nanos, Operation};
use isobar_workloads::Invocation;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Frequency;
use crate::cluster::Node;
use crate::fault::Plan;
use crate::fingerprint::Fingerprint;
use crate::judge::{JudgeError, Judgement};
use crate::spec::{self, Spec, SpecErrors};
use crate::store::{RunDirectory, RunMeta, StoreError, write_whole};

/// The recorded plan's name in a run directory.
pub const PLAN: &str = "plan.json";

/// One run, to be repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Version of this format; 1.
    pub schema: u32,
    /// Resolved; its `faults` and `workload` say where the rest came from.
    pub spec: Spec,
    /// The faults, at their times.
    pub plan: Plan,
    /// Clients side by side; worker n is bound to node n modulo the number of nodes.
    pub workers: u32,
    /// By the time at which they are due.
    pub operations: Vec<PlannedOperation>,
    /// Performed when all faults are healed.
    pub final_reads: Vec<Request>,
    /// What was found.
    pub findings: Vec<Fingerprint>,
    /// How often it was found, when the schedule was run for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Frequency>,
}

/// An operation at its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedOperation {
    /// Nanoseconds after the load began.
    pub at: Nanos,
    pub worker: u32,
    pub request: Request,
}

/// What is asked of the system, in the vocabulary of the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub f: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Value>,
    pub value: Value,
}

/// A run that cannot be done again.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is neither a run nor a schedule of isobar: {source}")]
    Format { path: PathBuf, source: serde_json::Error },
    #[error("{path} is a schedule of another isobar (schema {found}, this one reads {known})")]
    Schema { path: PathBuf, found: u32, known: u32 },
    #[error("the run has {recorded} nodes and the other cluster {given}; give as many")]
    Nodes { recorded: usize, given: usize },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Judge(#[from] JudgeError),
    #[error(transparent)]
    Spec(#[from] SpecErrors),
    #[error("the specification cannot be written: {0}")]
    Yaml(String),
}

impl Schedule {
    pub const SCHEMA: u32 = 1;

    /// A recorded run (a directory, a name, -1), or the file of a schedule.
    pub fn find(store: &Path, wanted: &str) -> Result<Self, ScheduleError> {
        let path = Path::new(wanted);
        match path.is_file() && path.file_name().is_some_and(|name| name != "run.json") {
            true => Self::read(path),
            false => Self::of(&Judgement::recorded(RunDirectory::find(store, wanted)?)?),
        }
    }

    pub fn read(path: &Path) -> Result<Self, ScheduleError> {
        let path = path.to_owned();
        let bytes =
            fs::read(&path).map_err(|source| ScheduleError::Read { path: path.clone(), source })?;
        let schedule: Self = serde_json::from_slice(&bytes)
            .map_err(|source| ScheduleError::Format { path: path.clone(), source })?;
        if schedule.schema != Self::SCHEMA {
            let (found, known) = (schedule.schema, Self::SCHEMA);
            return Err(ScheduleError::Schema { path, found, known });
        }
        // Whoever edits it by hand gets the same errors as in a specification.
        spec::parse(&path.display().to_string(), &yaml(&schedule.spec)?)?;
        Ok(schedule)
    }

    pub fn write(&self, path: &Path) -> Result<(), ScheduleError> {
        let path = path.to_owned();
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|source| ScheduleError::Format { path: path.clone(), source })?;
        bytes.push(b'\n');
        let written = write_whole(&path, &bytes);
        Ok(written.map_err(|source| StoreError::Io { action: "write", path, source })?)
    }

    /// What happened in a recorded run.
    pub fn of(run: &Judgement) -> Result<Self, ScheduleError> {
        let file = run.directory.file("spec.yaml").display().to_string();
        let spec = spec::parse(&file, &run.spec)?;
        let workers = match run.meta.workers {
            0 => spec.load.concurrency.workers(run.meta.nodes.len()).max(1) as u32,
            workers => workers,
        };
        let plan = match run.directory.file(PLAN).is_file() {
            true => run.directory.read_json(PLAN)?,
            false => drawn(&spec, &run.meta),
        };
        let phase = |name: &str| run.meta.phases.iter().find(|phase| phase.name == name);
        let begin = phase("safety").map_or(Nanos(0), |phase| phase.from);
        let last = phase("final-reads").map(|phase| phase.from);
        let (reads, load): (Vec<Operation<'_>>, Vec<_>) =
            run.history.operations().partition(|op| last.is_some_and(|at| op.invoked_at() >= at));
        let planned = |op: Operation<'_>| PlannedOperation {
            at: Nanos(op.due_at().0.saturating_sub(begin.0)),
            worker: op.process() % workers,
            request: Request::of(op),
        };
        let mut operations: Vec<PlannedOperation> = load.into_iter().map(planned).collect();
        operations.sort_by_key(|operation| operation.at);
        Ok(Self {
            schema: Self::SCHEMA,
            spec,
            plan,
            workers,
            operations,
            final_reads: reads.into_iter().map(Request::of).collect(),
            findings: Fingerprint::counted(&run.results).into_keys().collect(),
            frequency: None,
        })
    }

    /// The same on the cluster and the system of another specification.
    pub fn onto(mut self, other: &Spec) -> Result<Self, ScheduleError> {
        let names = other.cluster.node_names();
        let (recorded, given) = (self.plan.nodes.len(), names.len());
        if recorded != given {
            return Err(ScheduleError::Nodes { recorded, given });
        }
        self.spec.cluster = other.cluster.clone();
        self.spec.system = other.system.clone();
        if self.plan.nodes != names {
            let names: BTreeMap<String, String> =
                self.plan.nodes.iter().cloned().zip(names).collect();
            self.plan = renamed(&self.plan, &names)?;
            self.spec.faults = renamed(&self.spec.faults, &names)?;
        }
        spec::parse("the schedule on the other cluster", &yaml(&self.spec)?)?;
        Ok(self)
    }

    /// With these of its faults and operations only.
    pub fn part(&self, faults: &[u32], operations: Vec<PlannedOperation>) -> Self {
        let mut part = Self { operations, ..self.clone() };
        part.plan.injections.retain(|injection| faults.contains(&injection.id));
        // What is not injected is not planned either: nobody shall wait for it.
        let used: BTreeSet<usize> = part.plan.injections.iter().map(|i| i.track).collect();
        let tracks: BTreeMap<usize, usize> = used.iter().copied().zip(0..).collect();
        part.spec.faults =
            used.iter().filter_map(|&track| self.spec.faults.get(track).cloned()).collect();
        for injection in &mut part.plan.injections {
            injection.track = tracks[&injection.track];
        }
        part
    }

    /// What lies between two moments of the load, and ends with it.
    pub fn between(&self, from: Nanos, to: Nanos) -> Self {
        let mut part = self.clone();
        part.operations.retain(|operation| (from..=to).contains(&operation.at));
        for operation in &mut part.operations {
            operation.at = Nanos(operation.at.0 - from.0);
        }
        let (begin, end) = (Duration::from_nanos(from.0), Duration::from_nanos(to.0));
        part.plan.injections.retain(|i| i.at.0 < end && i.at.0 + i.lasts.0 >= begin);
        for injection in &mut part.plan.injections {
            let healed = (injection.at.0 + injection.lasts.0).saturating_sub(begin);
            injection.at.0 = whole_ms(injection.at.0.saturating_sub(begin));
            injection.lasts.0 = injection.lasts.0.min(healed - injection.at.0.min(healed));
        }
        let time = whole_ms(end.saturating_sub(begin)).max(Duration::from_millis(100));
        part.plan.load.0 = time;
        part.spec.load.time.0 = time;
        let ids: Vec<u32> = part.plan.injections.iter().map(|injection| injection.id).collect();
        let operations = std::mem::take(&mut part.operations);
        part.part(&ids, operations).with_tracks_begun()
    }

    /// Its specification has each track begin when its first fault does: as it was written, a
    /// track may begin after the end of a shortened load, which no specification may say.
    fn with_tracks_begun(mut self) -> Self {
        for (track, fault) in self.spec.faults.iter_mut().enumerate() {
            let of_track = self.plan.injections.iter().filter(|i| i.track == track);
            if let Some(first) = of_track.map(|injection| injection.at).min_by_key(|at| at.0) {
                fault.begin_at(first);
            }
        }
        self
    }

    /// How often to run it before its findings count as gone.
    pub fn tries(&self) -> u32 {
        self.frequency.map_or(1, Frequency::tries)
    }

    /// How long the load goes on after the heal, for the last operation to be begun.
    pub fn after_heal(&self) -> Duration {
        let last = self.operations.last().map_or(0, |operation| operation.at.0);
        Duration::from_nanos(last).saturating_sub(self.plan.load.0)
    }
}

impl Request {
    fn of(operation: Operation<'_>) -> Self {
        Self { f: operation.f().to_owned(), key: operation.key(), value: operation.argument() }
    }

    pub fn invocation(&self) -> Invocation {
        Invocation { f: self.f.clone(), key: self.key.clone(), value: self.value.clone() }
    }

    /// The objects it is about.
    pub fn keys(&self) -> BTreeSet<String> {
        touched(&self.f, self.key.as_ref(), &self.value)
    }
}

/// The objects of an operation: its key, or those of its micro-operations.
pub fn touched(f: &str, key: Option<&Value>, argument: &Value) -> BTreeSet<String> {
    let micros = argument.as_array().filter(|_| f == "txn");
    let micros = micros.into_iter().flatten().filter_map(|micro| micro.get(1));
    key.into_iter().chain(micros).map(Value::to_string).collect()
}

/// The plan of a run that was recorded without one.
fn drawn(spec: &Spec, meta: &RunMeta) -> Plan {
    let node = |(index, node): (usize, &crate::store::NodeMeta)| Node {
        name: node.name.clone(),
        index,
        role: node.role.clone(),
        ip: node.address.parse().unwrap_or(std::net::Ipv4Addr::LOCALHOST.into()),
    };
    let nodes: Vec<Node> = meta.nodes.iter().enumerate().map(node).collect();
    Plan::draw(&spec.faults, &nodes, meta.seed, spec.load.time.0)
}

fn yaml(spec: &Spec) -> Result<String, ScheduleError> {
    spec::to_yaml(spec).map_err(|error| ScheduleError::Yaml(error.to_string()))
}

/// With every node called as it is on the other cluster.
fn renamed<T: Serialize + serde::de::DeserializeOwned>(
    value: &T,
    names: &BTreeMap<String, String>,
) -> Result<T, ScheduleError> {
    let wrong = |source| ScheduleError::Format { path: "the schedule".into(), source };
    let mut tree = serde_json::to_value(value).map_err(wrong)?;
    rename(&mut tree, names);
    serde_json::from_value(tree).map_err(wrong)
}

fn rename(value: &mut Value, names: &BTreeMap<String, String>) {
    let named = |text: &String| names.get(text).unwrap_or(text).clone();
    match value {
        Value::String(text) => *text = named(text),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        Value::Object(members) => {
            let renamed = std::mem::take(members).into_iter().map(|(name, mut member)| {
                rename(&mut member, names);
                (named(&name), member)
            });
            *members = renamed.collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn whole_ms(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
pub(in crate::replay) mod tests;
