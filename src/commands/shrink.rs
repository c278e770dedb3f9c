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
use crate::replay::{self, Attempt, LeastHistory, Schedule, Shrunk, least_history};
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
    /// Begin no new attempt after so long
    #[arg(long, value_name = "TIME", default_value = "10m")]
    time_budget: Span,
    /// Put the schedule into this directory too, for `isobar run --corpus`
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
}

/// Runs smaller and smaller tests; leaves the least in `RUN/shrink/`.
pub fn shrink(args: &ShrinkArgs, global: &Global) -> Result<Exit, Failure> {
    let directory = RunDirectory::find(&global.store, &args.run).map_err(Failure::usage)?;
    let run = Judgement::recorded(directory).map_err(Failure::usage)?;
    let schedule = Schedule::of(&run).map_err(Failure::usage)?;
    let target = target(&run)?;
    enter_lab(&schedule.spec)?;
    let found = attempt(&run, schedule, &target)
        .ok_or_else(|| Failure::new(Exit::Internal, "the finding is not in its own run"))?;
    let place = run.directory.file("shrink");
    let stage =
        Stage { store: place.join("trials"), verbosity: Verbosity::Quiet, ..Stage::open(global)? };
    let mut trials = Trials { place: &place, target, tries: args.tries, stage };
    terminal::note(&format!("{}: {}", size(&found.schedule), trials.target));
    let (begin, interrupt) = (Instant::now(), trials.stage.interrupt.clone());
    let in_time = || begin.elapsed() < args.time_budget.0 && !interrupt.is_set();
    let mut best = run;
    let shrunk = replay::shrink(found.clone(), |part| trials.run(part, &mut best), in_time)?;
    let least = least(&best, &trials.target);
    keep(&place, &shrunk, &best, least.as_ref())?;
    if let Some(corpus) = &args.corpus {
        let name = format!("{}-{}.json", best.meta.name, trials.target.id);
        let mut schedule = shrunk.attempt.schedule.clone();
        schedule.findings = vec![trials.target.clone()];
        schedule.write(&corpus.join(name)).map_err(Failure::set_up)?;
    }
    terminal::result(&told(&place, &shrunk, &trials.target, least.as_ref()));
    let smaller = shrunk.attempt.schedule != found.schedule;
    Ok(if smaller { Exit::Valid } else { Exit::Unknown })
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
fn attempt(run: &Judgement, schedule: Schedule, target: &Fingerprint) -> Option<Attempt> {
    let finding = shortest(run, target)?;
    let begin = run.meta.phases.first().map_or(Nanos(0), |phase| phase.from);
    let since = |time: Nanos| Nanos(time.0.saturating_sub(begin.0));
    let of_finding = run.history.operations().filter(|op| finding.operations.contains(&op.index()));
    let keys: BTreeSet<String> = of_finding
        .flat_map(|op| replay::touched(op.f(), op.key().as_ref(), &op.argument()))
        .collect();
    let (from, to) = (since(finding.from), since(finding.to));
    Some(Attempt { schedule, from, to, faults: finding.faults.clone(), keys })
}

/// Runs parts of a schedule, in directories that are removed again.
struct Trials<'a> {
    place: &'a Path,
    target: Fingerprint,
    tries: u32,
    stage: Stage,
}

impl Trials<'_> {
    /// Runs `part` until it shows the finding; the run is then in `best`.
    fn run(&mut self, part: &Schedule, best: &mut Judgement) -> Result<Option<Attempt>, Failure> {
        let part = quick(part);
        for number in 1..=self.tries {
            if self.stage.interrupt.is_set() {
                break;
            }
            let job = Job::again(&part, replayed(self.place));
            let finished = job.run(&self.stage)?;
            let path = finished.judgement.directory.path.clone();
            match attempt(&finished.judgement, part.clone(), &self.target) {
                Some(attempt) => {
                    terminal::note(&format!("{}: yes, at try {number}", size(&part)));
                    *best = finished.judgement;
                    return Ok(Some(attempt));
                }
                // Nothing to be learnt from it any more.
                None => drop(fs::remove_dir_all(path)),
            }
        }
        terminal::note(&format!("{}: no, in {} tries", size(&part), self.tries));
        Ok(None)
    }
}

/// With no more load after the heal than there are operations for.
fn quick(part: &Schedule) -> Schedule {
    let mut part = part.clone();
    part.spec.load.recovery.0 = part.after_heal().min(part.spec.load.recovery.0);
    part.spec.load.recovery.0 = part.spec.load.recovery.0.max(Duration::from_millis(1));
    part
}

fn least(run: &Judgement, target: &Fingerprint) -> Option<LeastHistory> {
    let spec = crate::spec::parse("spec.yaml", &run.spec).ok()?;
    least_history(&run.history, &spec, &target.check, shortest(run, target)?)
}

/// Leaves the schedule, the run that showed it and the least history in `place`.
fn keep(
    place: &Path,
    shrunk: &Shrunk,
    best: &Judgement,
    least: Option<&LeastHistory>,
) -> Result<(), Failure> {
    shrunk.attempt.schedule.write(&place.join("schedule.json")).map_err(Failure::set_up)?;
    if let Some(least) = least {
        let lines = least.lines(&best.directory.file("history.jsonl")).map_err(Failure::set_up)?;
        let path = place.join("history.jsonl");
        write_whole(&path, lines.as_bytes()).map_err(Failure::set_up)?;
    }
    let (kept, trials) = (place.join("run"), place.join("trials"));
    if best.directory.path.starts_with(&trials) {
        // Of an earlier attempt to shrink the same run.
        let _ = fs::remove_dir_all(&kept);
        fs::rename(&best.directory.path, &kept).map_err(Failure::set_up)?;
    }
    let _ = fs::remove_dir_all(&trials);
    Ok(())
}

fn told(
    place: &Path,
    shrunk: &Shrunk,
    target: &Fingerprint,
    least: Option<&LeastHistory>,
) -> String {
    let schedule = &shrunk.attempt.schedule;
    let end = if shrunk.finished { "" } else { "; time ran out before all was tried" };
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
    match least {
        Some(least) => {
            let count = least.operations.len();
            let path = place.join("history.jsonl");
            out.push_str(&format!("history    {count} operations, in {}\n", path.display()));
        }
        None => out.push_str("history    no part of it shows the finding by itself\n"),
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
