//! `isobar explain RUN|FILE|TOPIC`

use std::path::Path;

use clap::Args;
use isobar_checkers::topics::{self, Kind, Topic};

use super::{Failure, Global, check, style};
use crate::exit::Exit;
use crate::judge::Judgement;
use crate::report;
use crate::store::RunDirectory;
use crate::terminal;

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A recorded run (-1 for the latest), a history, or a word to be taught; without one, the
    /// words there are
    #[arg(value_name = "RUN|FILE|TOPIC")]
    what: Option<String>,
    #[command(flatten)]
    history: check::HistoryArgs,
}

/// Prints every finding in full, or teaches a word of the field.
pub fn explain(args: &ExplainArgs, global: &Global) -> Result<Exit, Failure> {
    let Some(what) = &args.what else {
        terminal::result(&list());
        return Ok(Exit::Valid);
    };
    // A history is a file; a run in the store may be called as a topic is, and comes first.
    if Path::new(what).is_file() {
        return file(what, args, global);
    }
    let taught: Vec<&Topic> = topics::all().iter().filter(|topic| topic.name == what).collect();
    match RunDirectory::find(&global.store, what) {
        Ok(directory) if args.history.is_for_run()? => {
            return file(&directory.file("history.jsonl").display().to_string(), args, global);
        }
        Ok(directory) => {
            let judgement = Judgement::recorded(directory).map_err(Failure::usage)?;
            let checks = &judgement.results.checks;
            terminal::result(&report::explanation(checks, &judgement.history, style(global)));
        }
        Err(error) if taught.is_empty() => return Err(Failure::usage(unknown(what, &error))),
        Err(_) => taught.iter().for_each(|topic| terminal::result(&report::lesson(topic))),
    }
    Ok(Exit::Valid)
}

/// Explains a history by what the command line says of it.
fn file(input: &str, args: &ExplainArgs, global: &Global) -> Result<Exit, Failure> {
    let (history, result) = check::judge_file(input, &args.history)?;
    let text = report::explanation(std::slice::from_ref(&result), &history, style(global));
    terminal::result(&text);
    Ok(Exit::Valid)
}

fn unknown(what: &str, error: &impl ToString) -> String {
    let near = topics::all()
        .iter()
        .map(|topic| (strsim::damerau_levenshtein(topic.name, what), topic.name))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    let hint = match near {
        Some((_, name)) => format!("did you mean the topic `{name}`?"),
        None => "`isobar explain` lists the topics".to_owned(),
    };
    format!("{}; nor is `{what}` a topic: {hint}", error.to_string())
}

/// All topics with their sentences, by kind.
fn list() -> String {
    let mut out = String::new();
    let width = topics::all().iter().map(|topic| topic.name.len()).max().unwrap_or(0);
    for (kind, heading) in
        [(Kind::Check, "checks"), (Kind::Model, "models"), (Kind::Anomaly, "anomalies")]
    {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(heading);
        out.push('\n');
        for topic in topics::all().iter().filter(|topic| topic.kind == kind) {
            out.push_str(&format!("  {:<width$}  {}\n", topic.name, topic.sentence));
        }
    }
    out
}
