//! `isobar replay RUN|SCHEDULE`

use std::path::{Path, PathBuf};

use clap::Args;

use super::job::{Job, Stage, enter_lab};
use super::{Failure, Global, github, read_spec, style};
use crate::cluster::quote;
use crate::exit::Exit;
use crate::fingerprint::Fingerprint;
use crate::replay::Schedule;
use crate::report;
use crate::store::{Results, RunDirectory};
use crate::terminal;

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// A recorded run (a directory, a name, -1 for the latest), or a schedule that `shrink` wrote
    #[arg(value_name = "RUN|SCHEDULE", default_value = "-1", allow_hyphen_values = true)]
    what: String,
    /// Replay on the cluster and the system of this specification
    #[arg(long, value_name = "SPEC")]
    cluster: Option<PathBuf>,
    /// Replay so often at the most, until a promise is broken; by default once, or as often as
    /// `shrink` found out that it takes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    tries: Option<u32>,
    /// End with 0 when the answer is unknown
    #[arg(long)]
    allow_unknown: bool,
}

/// Performs the recorded operations under the recorded faults, and tells what is found again.
pub fn replay(args: &ReplayArgs, global: &Global) -> Result<Exit, Failure> {
    let mut schedule = Schedule::find(&global.store, &args.what).map_err(Failure::usage)?;
    // `-1` will be another run by the time somebody pastes it.
    let found = RunDirectory::find(&global.store, &args.what);
    let what = match Path::new(&args.what).is_file() {
        true => args.what.clone(),
        false => found.map_or(args.what.clone(), |run| run.path.to_string_lossy().into_owned()),
    };
    let mut words = vec!["isobar".to_owned(), "replay".to_owned(), what];
    if let Some(path) = &args.cluster {
        schedule = schedule.onto(&read_spec(path)?).map_err(Failure::usage)?;
        words.extend(["--cluster".to_owned(), path.to_string_lossy().into_owned()]);
    }
    enter_lab(&schedule.spec)?;
    let reproduce = quote(words);
    let stage = Stage::open(global)?;
    let tries = args.tries.unwrap_or(schedule.tries());
    let mut number = 1;
    let finished = loop {
        let finished = Job::again(&schedule, reproduce.clone()).run(&stage)?;
        let shows_nothing = matches!(finished.exit(false), Exit::Valid | Exit::Unknown);
        if !shows_nothing || number == tries || stage.interrupt.is_set() {
            break finished;
        }
        let verdict = finished.judgement.results.verdict.word();
        terminal::note(&format!("try {number} of {tries}: {verdict}; again"));
        number += 1;
    };
    github::tell(&finished.judgement.source())?;
    terminal::result(&report::text(&finished.judgement.source(), style(global)));
    terminal::result(&told(&schedule.findings, &finished.judgement.results));
    Ok(finished.exit(args.allow_unknown))
}

/// Which of the findings there are again.
pub fn told(before: &[Fingerprint], results: &Results) -> String {
    let now = Fingerprint::counted(results);
    let line = |finding: &Fingerprint| match now.get(finding) {
        Some(_) => format!("found again: {finding}\n"),
        None => format!("not found again: {finding}\n"),
    };
    let new = now.keys().filter(|finding| !before.contains(finding));
    before.iter().map(line).chain(new.map(|finding| format!("new: {finding}\n"))).collect()
}
