//! `isobar run` of many tests: which they are, and how they are run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::job::{Job, RunLine, Stage};
use super::output::Output;
use super::run::{RunArgs, fresh_seed};
use super::{Failure, github, read_spec_with};
use crate::campaign::{Axis, Cell, Ended, Summary, perform};
use crate::cluster::quote;
use crate::exit::Exit;
use crate::replay::Schedule;
use crate::report::{self, Style};
use crate::run::{Finished, Verbosity};
use crate::spec::{ClusterSpec, Setting};
use crate::terminal;

/// Every test that the arguments ask for: those of the corpus first.
pub fn cells(args: &RunArgs) -> Result<Vec<Cell>, Failure> {
    let mut cells = Vec::new();
    let axes: Vec<Axis> = args.matrix.iter().flat_map(|axes| axes.0.clone()).collect();
    for path in &args.specs {
        if let Some(corpus) = &args.corpus {
            cells.extend(recorded(corpus, path, &args.set)?);
        }
        for chosen in Axis::combinations(&axes) {
            let settings: Vec<Setting> = args.set.iter().chain(&chosen).cloned().collect();
            let spec = read_spec_with(path, &settings)?;
            let first = args.seed.or(spec.seed).unwrap_or_else(fresh_seed);
            for number in 0..args.repeat {
                let seed = first.wrapping_add(u64::from(number));
                let reproduce = command(path, &settings, seed);
                let name = named(&spec.name, &chosen);
                let (spec, schedule) = (spec.clone(), None);
                cells.push(Cell { name, spec, seed, reproduce, schedule });
            }
        }
    }
    if let Some(shard) = args.shard {
        let mine = cells.into_iter().enumerate().filter(|(place, _)| shard.has(*place));
        cells = mine.map(|(_, cell)| cell).collect();
    }
    Ok(cells)
}

/// The command that runs one test alone.
pub fn command(path: &Path, settings: &[Setting], seed: u64) -> String {
    let set = settings.iter().flat_map(|setting| ["--set".to_owned(), setting.to_string()]);
    let head = ["isobar".to_owned(), "run".to_owned(), path.to_string_lossy().into_owned()];
    quote(head.into_iter().chain(set).chain(["--seed".to_owned(), seed.to_string()]))
}

fn named(name: &str, chosen: &[Setting]) -> String {
    let chosen = chosen.iter().map(ToString::to_string);
    std::iter::once(name.to_owned()).chain(chosen).collect::<Vec<_>>().join(" ")
}

/// Schedules and runs in the directory `corpus`, on the cluster and system of the specification;
/// those of another system are left out.
fn recorded(corpus: &Path, path: &Path, settings: &[Setting]) -> Result<Vec<Cell>, Failure> {
    let spec = read_spec_with(path, settings)?;
    let cannot = |error| Failure::usage(format!("cannot read {}: {error}", corpus.display()));
    if !corpus.exists() {
        // So it is on the first night.
        terminal::note(&format!("{}: no schedules yet", corpus.display()));
        return Ok(Vec::new());
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(corpus).map_err(cannot)? {
        let file = entry.map_err(cannot)?.path();
        let schedule = file.is_file() && file.extension().is_some_and(|end| end == "json");
        if schedule || file.join("run.json").is_file() {
            files.push(file);
        }
    }
    files.sort();
    let mut cells = Vec::new();
    for file in files {
        let text = file.to_string_lossy();
        let schedule = Schedule::find(corpus, &text).map_err(Failure::usage)?;
        if schedule.spec.system.name() != spec.system.name() {
            continue;
        }
        let schedule = schedule.onto(&spec).map_err(Failure::usage)?;
        let words = ["isobar", "replay", &text, "--cluster", &path.to_string_lossy()];
        cells.push(Cell {
            name: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            spec: schedule.spec.clone(),
            seed: schedule.plan.seed,
            reproduce: quote(words.map(str::to_owned)),
            schedule: Some(schedule),
        });
    }
    Ok(cells)
}

/// Runs all of them; prints what each came to, and the table.
pub fn campaign(
    args: &RunArgs,
    cells: &[Cell],
    stage: &Stage,
    style: Style,
) -> Result<Exit, Failure> {
    let remote = |cell: &Cell| matches!(cell.spec.cluster, ClusterSpec::Ssh(_));
    if args.jobs > 1 && cells.iter().any(remote) {
        let why =
            "--jobs runs tests side by side, and machines reached by `ssh` hold one at a time";
        return Err(Failure::usage(why));
    }
    let begin = Instant::now();
    let go_on = || {
        let budget = args.time_budget.map(|budget| budget.0);
        !stage.interrupt.is_set() && budget.is_none_or(|budget| begin.elapsed() < budget)
    };
    let stop = |ended: &Ended| args.until_violation && ended.exit == Exit::Violated;
    let run = |cell: &Cell| one(args, cell, stage, style, go_on);
    let runs = perform(cells, args.jobs, run, stop, go_on);
    let not_run = cells.len() - runs.len();
    let mut summary = Summary::of(runs, not_run);
    if stage.interrupt.is_set() && summary.exit != Exit::Violated && summary.exit != Exit::Dirty {
        summary.exit = Exit::Interrupted;
    }
    if std::env::var_os("GITHUB_ACTIONS").is_some() {
        github::page(&format!("```text\n{summary}```\n"))?;
    }
    args.output.print(|| summary.to_string(), &summary)?;
    let forgiven = args.allow_unknown && summary.exit == Exit::Unknown && !summary.runs.is_empty();
    Ok(if forgiven { Exit::Valid } else { summary.exit })
}

/// A schedule of the corpus has few operations, perhaps one write: where that happens to fail, the
/// run proves nothing, and is made again, until so many did.
const UNKNOWN_MAX: u32 = 4;

/// Runs one; what goes wrong with it is for the table, and the next one is run all the same.
fn one(
    args: &RunArgs,
    cell: &Cell,
    stage: &Stage,
    style: Style,
    go_on: impl Fn() -> bool,
) -> Ended {
    let (mut ended, begin) = (Ended::of(cell), Instant::now());
    let note = |what: &str| {
        if stage.verbosity != Verbosity::Quiet {
            terminal::note(&format!("{}, seed {}: {what}", cell.name, cell.seed));
        }
    };
    note("begins");
    let finished = until_shown(cell, stage, note, go_on);
    ended.elapsed_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    let ended = match &finished {
        Err(failure) => ended.failed(failure.exit, failure.message.clone()),
        Ok(finished) => {
            let path = finished.judgement.directory.path.clone();
            ended.judged(finished.exit(false), path, &finished.judgement.results)
        }
    };
    note(ended.exit.word());
    let Ok(finished) = finished else { return ended };
    let run = &finished.judgement;
    let told = match args.output {
        Output::Ndjson => args.output.print(String::new, &RunLine::of(&ended, &run.results)),
        Output::Text if ended.exit == Exit::Violated => {
            terminal::result(&report::text(&run.source(), style));
            Ok(())
        }
        Output::Text | Output::Json => Ok(()),
    };
    if let Err(failure) = told.and_then(|()| github::tell(&run.source())) {
        terminal::note(&failure.message);
    }
    ended
}

/// Runs one; if it is of the corpus, as often as its finding takes to show itself, or as there is
/// time for.
fn until_shown(
    cell: &Cell,
    stage: &Stage,
    note: impl Fn(&str),
    go_on: impl Fn() -> bool,
) -> Result<Finished, Failure> {
    let tries = cell.schedule.as_ref().map_or(1, Schedule::tries);
    let (mut valid, mut unknown) = (0, 0);
    loop {
        let job = Job {
            spec: &cell.spec,
            seed: cell.seed,
            reproduce: cell.reproduce.clone(),
            schedule: cell.schedule.as_ref(),
        };
        let finished = job.run(stage)?;
        let (count, most, told) = match finished.exit(false) {
            Exit::Valid => (&mut valid, tries, "shows nothing"),
            Exit::Unknown if cell.schedule.is_some() => {
                (&mut unknown, UNKNOWN_MAX, "proves nothing")
            }
            _ => return Ok(finished),
        };
        *count += 1;
        if *count == most {
            return Ok(finished);
        }
        let more = go_on();
        let end = if more { "again" } else { "no time for more" };
        note(&format!("it {told}, {count} of {most} times; {end}"));
        if !more {
            return Ok(finished);
        }
    }
}
