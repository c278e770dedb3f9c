//! `isobar shrink RUN`

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use isobar_checkers::{Finding, Nanos};

use super::job::{Job, Stage, enter_lab};
use super::{Failure, Global};
use crate::cluster::quote;
use crate::exit::Exit;
use crate::fingerprint::{Fingerprint, violations};
use crate::judge::Judgement;
use crate::replay::{
    self, Attempt, Frequency, LeastHistory, Schedule, Shrunk, Steady, least_history,
};
use crate::run::Verbosity;
use crate::spec::Span;
use crate::store::{RunDirectory, write_whole};
use crate::terminal;

#[derive(Debug, Args)]
pub struct ShrinkArgs {
    /// A recorded run that broke a promise: a directory, a name, or -1 for the latest
    #[arg(value_name = "RUN", default_value = "-1", allow_hyphen_values = true)]
    run: String,
    /// Run a smaller test so often before it counts as not showing the finding
    #[arg(long, value_name = "N", default_value_t = 2,
          value_parser = clap::value_parser!(u32).range(1..))]
    tries: u32,
    /// Run the least so often to know how often it shows the finding; where less than half of
    /// these runs do, a larger one is kept
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..))]
    confirm: u32,
    /// Seek nothing smaller after so long
    #[arg(long, value_name = "TIME", default_value = "10m")]
    time_budget: Span,
    /// Put the schedule into this directory too, for `isobar run --corpus`
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
}

/// Runs smaller and smaller tests; leaves the least that shows the finding in most of its runs in
/// `RUN/shrink/`.
pub fn shrink(args: &ShrinkArgs, global: &Global) -> Result<Exit, Failure> {
    let directory = RunDirectory::find(&global.store, &args.run).map_err(Failure::usage)?;
    let run = Judgement::recorded(directory).map_err(Failure::usage)?;
    let schedule = Schedule::of(&run).map_err(Failure::usage)?;
    let (target, name) = (target(&run)?, run.meta.name.clone());
    enter_lab(&schedule.spec)?;
    let place = run.directory.file("shrink");
    let found = attempt(run, schedule, &target)
        .ok_or_else(|| Failure::new(Exit::Internal, "the finding is not in its own run"))?;
    let stage =
        Stage { store: place.join("trials"), verbosity: Verbosity::Quiet, ..Stage::open(global)? };
    let trials = Trials { place: &place, target, tries: args.tries, stage };
    terminal::note(&format!("{}: {}", size(&found.schedule), trials.target));
    let (begin, interrupt) = (Instant::now(), &trials.stage.interrupt);
    let in_time = || begin.elapsed() < args.time_budget.0 && !interrupt.is_set();
    let mut least = replay::shrink(found, |part| trials.run(part), in_time)?;
    if let Some(steady) = trials.steadiest(&least.parts, args.confirm)? {
        // If it was not shown again at all, the run that showed it first is still there.
        least.attempt = steady.latest.unwrap_or(least.attempt);
        least.attempt.schedule = steady.schedule;
        least.attempt.schedule.frequency = Some(steady.frequency);
    }
    least.attempt.schedule.findings = vec![trials.target.clone()];
    let history = least_of(&least.attempt.run, &trials.target);
    keep(&place, &least.attempt, history.as_ref())?;
    if let Some(corpus) = &args.corpus {
        let name = format!("{name}-{}.json", trials.target.id);
        least.attempt.schedule.write(&corpus.join(name)).map_err(Failure::set_up)?;
    }
    terminal::result(&told(&place, &least, &trials.target, history.as_ref()));
    Ok(if least.parts.is_empty() { Exit::Unknown } else { Exit::Valid })
}

/// The finding with the shortest evidence: it is the easiest to understand.
fn target(run: &Judgement) -> Result<Fingerprint, Failure> {
    violations(&run.results)
        .filter(|(_, finding)| !finding.operations.is_empty())
        .min_by_key(|(_, finding)| finding.operations.len())
        .map(|(check, finding)| Fingerprint::of(&check.check, finding))
        .ok_or_else(|| {
            let path = run.directory.path.display();
            Failure::usage(format!(
                "{path} has no finding about operations: there is nothing to shrink"
            ))
        })
}

/// The shortest finding of that name in a run.
fn shortest<'a>(run: &'a Judgement, target: &Fingerprint) -> Option<&'a Finding> {
    violations(&run.results)
        .filter(|(check, finding)| Fingerprint::of(&check.check, finding) == *target)
        .map(|(_, finding)| finding)
        .min_by_key(|finding| finding.operations.len())
}

/// Where a run shows the finding, if it does.
fn attempt(run: Judgement, schedule: Schedule, target: &Fingerprint) -> Option<Attempt<Judgement>> {
    let finding = shortest(&run, target)?;
    let begin = run.meta.phases.first().map_or(Nanos(0), |phase| phase.from);
    let since = |time: Nanos| Nanos(time.0.saturating_sub(begin.0));
    let of_finding = run.history.operations().filter(|op| finding.operations.contains(&op.index()));
    let keys: BTreeSet<String> = of_finding
        .flat_map(|op| replay::touched(op.f(), op.key().as_ref(), &op.argument()))
        .collect();
    let (from, to) = (since(finding.from), since(finding.to));
    let faults = finding.faults.clone();
    Some(Attempt { schedule, run, from, to, faults, keys })
}

/// Runs parts of a schedule, in directories that are removed again.
struct Trials<'a> {
    place: &'a Path,
    target: Fingerprint,
    tries: u32,
    stage: Stage,
}

impl Trials<'_> {
    /// Runs `part` until it shows the finding.
    fn run(&self, part: &Schedule) -> Result<Option<Attempt<Judgement>>, Failure> {
        let part = quick(part);
        for number in 1..=self.tries {
            if self.stage.interrupt.is_set() {
                break;
            }
            if let Some(attempt) = self.once(&part)? {
                terminal::note(&format!("{}: yes, at try {number}", size(&part)));
                return Ok(Some(attempt));
            }
        }
        terminal::note(&format!("{}: no, in {} tries", size(&part), self.tries));
        Ok(None)
    }

    fn once(&self, part: &Schedule) -> Result<Option<Attempt<Judgement>>, Failure> {
        let finished = Job::again(part, replayed(self.place)).run(&self.stage)?;
        let path = finished.judgement.directory.path.clone();
        let attempt = attempt(finished.judgement, part.clone(), &self.target);
        if attempt.is_none() {
            // Nothing to be learnt from it any more.
            let _ = fs::remove_dir_all(path);
        }
        Ok(attempt)
    }

    /// Of parts that showed the finding once, the least that does so in most of its runs.
    fn steadiest(
        &self,
        parts: &[Schedule],
        runs: u32,
    ) -> Result<Option<Steady<Judgement>>, Failure> {
        let again = |part: &Schedule| {
            let found = self.once(part)?;
            let answer = if found.is_some() { "again" } else { "not again" };
            terminal::note(&format!("{}: {answer}", size(part)));
            Ok(found)
        };
        replay::steadiest(parts, runs, again, || !self.stage.interrupt.is_set())
    }
}

/// With no more load after the heal than there are operations for.
fn quick(part: &Schedule) -> Schedule {
    let mut part = part.clone();
    part.spec.load.recovery.0 = part.after_heal().min(part.spec.load.recovery.0);
    part.spec.load.recovery.0 = part.spec.load.recovery.0.max(Duration::from_millis(1));
    part
}

fn least_of(run: &Judgement, target: &Fingerprint) -> Option<LeastHistory> {
    let spec = crate::spec::parse("spec.yaml", &run.spec).ok()?;
    least_history(&run.history, &spec, &target.check, shortest(run, target)?)
}

/// Leaves the schedule, the run that showed it and the least history in `place`.
fn keep(
    place: &Path,
    least: &Attempt<Judgement>,
    history: Option<&LeastHistory>,
) -> Result<(), Failure> {
    least.schedule.write(&place.join("schedule.json")).map_err(Failure::set_up)?;
    let run = &least.run.directory;
    if let Some(history) = history {
        let lines = history.lines(&run.file("history.jsonl")).map_err(Failure::set_up)?;
        let path = place.join("history.jsonl");
        write_whole(&path, lines.as_bytes()).map_err(Failure::set_up)?;
    }
    let (kept, trials) = (place.join("run"), place.join("trials"));
    if run.path.starts_with(&trials) {
        // Of an earlier attempt to shrink the same run.
        let _ = fs::remove_dir_all(&kept);
        fs::rename(&run.path, &kept).map_err(Failure::set_up)?;
    }
    let _ = fs::remove_dir_all(&trials);
    Ok(())
}

fn told(
    place: &Path,
    least: &Shrunk<Judgement>,
    target: &Fingerprint,
    history: Option<&LeastHistory>,
) -> String {
    let schedule = &least.attempt.schedule;
    let end = if least.finished { "" } else { "; time ran out before all was tried" };
    let mut out = format!("{target}: {} are enough{end}\n", size(schedule));
    for injection in &schedule.plan.injections {
        out.push_str(&format!("  {injection}\n"));
    }
    for operation in &schedule.operations {
        let request = &operation.request;
        let key = request.key.as_ref().map(|key| format!(" {key}")).unwrap_or_default();
        let (worker, f, value) = (operation.worker, &request.f, &request.value);
        out.push_str(&format!("  at {} client {worker}: {f}{key} {value}\n", operation.at));
    }
    match history {
        Some(history) => {
            let count = history.operations.len();
            let path = place.join("history.jsonl");
            out.push_str(&format!("history    {count} operations, in {}\n", path.display()));
        }
        None => out.push_str("history    no part of it shows the finding by itself\n"),
    }
    if let Some(frequency) = schedule.frequency {
        let Frequency { shown, runs } = frequency;
        let tries = frequency.tries();
        out.push_str(&format!(
            "shown      in {shown} of {runs} runs; replay tries up to {tries}\n"
        ));
    }
    out.push_str(&format!("reproduce  {}\n", replayed(place)));
    out
}

fn replayed(place: &Path) -> String {
    let schedule = place.join("schedule.json").to_string_lossy().into_owned();
    quote(["isobar".to_owned(), "replay".to_owned(), schedule])
}

fn size(schedule: &Schedule) -> String {
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    let faults = counted(schedule.plan.injections.len(), "fault");
    format!("{faults}, {}", counted(schedule.operations.len(), "operation"))
}
