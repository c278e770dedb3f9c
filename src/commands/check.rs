//! `isobar check RUN|FILE…`

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, ValueEnum};
use flate2::bufread::MultiGzDecoder;
use isobar_checkers::history::{self, History};
use isobar_checkers::{CheckResult, Verdict};
use serde_json::json;

use super::output::Output;
use super::{Failure, Global, style};
use crate::cluster::quote;
use crate::exit::{Exit, Trouble};
use crate::judge::Judgement;
use crate::models::{self, Model};
use crate::report;
use crate::store::{self, RunDirectory};
use crate::terminal;
use crate::usage;

const STANDARD_INPUT: &str = "-";

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Histories (- for standard input; .gz and .zst too), or recorded runs: a directory, a name,
    /// -1 for the latest
    #[arg(required = true, value_name = "RUN|FILE")]
    inputs: Vec<String>,
    #[command(flatten)]
    history: HistoryArgs,
    /// Print a line, or an object of JSON, per file
    #[arg(long, default_value = "text")]
    output: Output,
    /// Write a page to open in a browser on the one history given
    #[arg(long, value_name = "PAGE.html")]
    report: Option<PathBuf>,
    /// End with 0 when the answer is unknown
    #[arg(long)]
    allow_unknown: bool,
}

/// How to read and judge a history.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// What the operations of a history are: by default a register. A run is judged by its own
    /// checks unless a model is given
    #[arg(short, long, value_parser = model_parser())]
    model: Option<String>,
    /// How a history is written; by default it is found out
    #[arg(long)]
    format: Option<InputFormat>,
    #[command(flatten)]
    options: models::Options,
    /// Draw the cycles that are found as DOT and SVG, into this directory
    #[arg(long, value_name = "DIR", alias = "directory")]
    draw: Option<PathBuf>,
    #[command(flatten)]
    elle: ElleArgs,
}

/// Options of elle-cli that are not needed here: taken, so that its command lines work, and not
/// used.
#[derive(Debug, Args)]
struct ElleArgs {
    /// Not needed, as the search for cycles always ends: taken as of elle-cli
    #[arg(long, value_name = "MS", hide_short_help = true)]
    cycle_search_timeout: Option<u64>,
    /// Not needed, as cycles are drawn as SVG and DOT: taken as of elle-cli
    #[arg(long, value_name = "FORMAT", hide_short_help = true)]
    plot_format: Option<String>,
    /// Not needed: taken as of elle-cli
    #[arg(long, value_name = "MS", hide_short_help = true)]
    plot_timeout: Option<u64>,
    /// Not needed: taken as of elle-cli
    #[arg(long, value_name = "BYTES", hide_short_help = true)]
    max_plot_bytes: Option<u64>,
    /// Not needed: taken as of elle-cli
    #[arg(long, value_name = "N", hide_short_help = true)]
    max_transfer: Option<u64>,
}

/// The names of the models, each with its sentence in the long help.
fn model_parser() -> PossibleValuesParser {
    let value = |name| PossibleValue::new(name).help(models::about(name));
    PossibleValuesParser::new(models::names().into_iter().map(value))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    /// An event per line, as JSON: isobar's own
    Jsonl,
    /// One array of JSON, as of Jepsen and elle-cli
    Json,
    /// Jepsen's histories, and Porcupine's logs of a key-value store
    Edn,
    /// Porcupine's logs of Jepsen's etcd test
    PorcupineEtcd,
    /// Sessions of transactions, as of AWDIT and Plume
    Awdit,
}

impl InputFormat {
    fn of_history(self) -> history::Format {
        match self {
            Self::Jsonl => history::Format::Jsonl,
            Self::Json => history::Format::Json,
            Self::Edn => history::Format::Edn,
            Self::PorcupineEtcd => history::Format::PorcupineEtcd,
            Self::Awdit => history::Format::Awdit,
        }
    }
}

/// Judges every input; the exit is that of the worst.
pub fn check(args: &CheckArgs, global: &Global) -> Result<Exit, Failure> {
    if args.report.is_some() && (args.inputs.len() > 1 || !as_file(&args.inputs[0])) {
        return Err(Failure::usage(
            "--report takes one history; a run has its report.html already (`isobar report RUN`)",
        ));
    }
    let mut verdicts = Vec::new();
    let mut unreadable = Vec::new();
    for input in &args.inputs {
        let judged = match as_file(input) {
            true => file(input, args),
            false => run(input, args, global),
        };
        match judged {
            Ok(verdict) => verdicts.push(verdict),
            Err(failure) => unreadable.push(failure),
        }
    }
    let verdict = Verdict::of_all(&verdicts);
    match (verdict, unreadable.is_empty()) {
        (Verdict::Violated, false) => {
            // The violation decides the exit; what could not be read is still said.
            for failure in unreadable {
                terminal::error(&failure.message, global.color);
            }
            Ok(Exit::Violated)
        }
        (verdict, true) => Ok(Exit::of_run(&verdict, Trouble::default(), args.allow_unknown)),
        (_, false) => {
            let messages: Vec<String> = unreadable.into_iter().map(|f| f.message).collect();
            Err(Failure::usage(messages.join("\n")))
        }
    }
}

/// Whether `input` is a history rather than a run.
pub(super) fn as_file(input: &str) -> bool {
    // A pipe, as the shell makes of <(…), is no regular file.
    input == STANDARD_INPUT || std::fs::metadata(input).is_ok_and(|data| !data.is_dir())
}

/// Judges a run again, by its own specification, and draws its report again; or its history alone,
/// if a model is given.
fn run(input: &str, args: &CheckArgs, global: &Global) -> Result<Verdict, Failure> {
    let directory = RunDirectory::find(&global.store, input).map_err(Failure::usage)?;
    if args.history.is_for_run()? {
        return file(&directory.file("history.jsonl").display().to_string(), args);
    }
    let judgement = Judgement::again(directory).map_err(Failure::usage)?;
    judgement.save().map_err(Failure::set_up)?;
    let verdict = judgement.results.verdict.clone();
    match args.output {
        Output::Text => {
            terminal::result(&report::text(&judgement.source(), style(global)));
        }
        Output::Json | Output::Ndjson => {
            let text = serde_json::to_string(&judgement.results);
            terminal::result(&text.map_err(|error| Failure::new(Exit::Internal, error))?);
        }
    }
    Ok(verdict)
}

/// Judges one history and prints its line.
fn file(input: &str, args: &CheckArgs) -> Result<Verdict, Failure> {
    let start = Instant::now();
    let model = args.history.model()?;
    let history = read(input, args.history.format)?;
    let parsed = Instant::now();
    for remark in &history.remarks {
        terminal::note(&format!("{input}: {remark}"));
    }
    let result = model.judged(&history, &args.history.options);
    let checked = Instant::now();
    match args.output {
        Output::Text => {
            terminal::result(&format!("{input}\t{}", result.verdict.word()));
            explain(&result);
        }
        Output::Json | Output::Ndjson => {
            let ms = |from: Instant, to: Instant| (to - from).as_secs_f64() * 1e3;
            let reason = match &result.verdict {
                Verdict::Unknown(reason) => Some(reason),
                Verdict::Valid | Verdict::Violated => None,
            };
            let line = json!({
                "schema": 1,
                "file": input,
                "model": model.name,
                "consistency": model.promised(&args.history.options),
                "verdict": result.verdict.word(),
                "reason": reason,
                "ops": history.len(),
                "elapsed_ms": ms(start, checked),
                "parse_ms": ms(start, parsed),
                "check_ms": ms(parsed, checked),
                "peak_rss_bytes": usage::peak_bytes(),
                "anomalies": anomalies(&result),
                "not": result.figures.get("not"),
                "also_not": result.figures.get("also-not"),
                "survive": result.figures.get("survive"),
                "findings": result.findings,
            });
            terminal::result(&line.to_string());
        }
    }
    args.history.draw(input, &result)?;
    let verdict = result.verdict.clone();
    if let Some(page) = &args.report {
        write_report(page, input, args, &history, result)?;
    }
    Ok(verdict)
}

/// Writes the page on one history; says where it is.
fn write_report(
    page: &Path,
    input: &str,
    args: &CheckArgs,
    history: &History,
    result: CheckResult,
) -> Result<(), Failure> {
    let model = args.history.model()?;
    let judged_as = format!("{} ({})", model.name, model.promised(&args.history.options));
    let command = std::env::args().collect::<Vec<_>>();
    let command = format!("isobar {}", quote(&command[1..]));
    let text = report::history_page(input, &judged_as, command, history, result);
    let text = text.map_err(Failure::set_up)?;
    store::write_whole(page, text.as_bytes())
        .map_err(|error| Failure::set_up(format!("cannot write {}: {error}", page.display())))?;
    terminal::note(&format!("report: {}", page.display()));
    Ok(())
}

impl HistoryArgs {
    /// Draws what was found, if that is wanted.
    fn draw(&self, input: &str, result: &CheckResult) -> Result<(), Failure> {
        match &self.draw {
            Some(directory) => super::draw::cycles(directory, input, result),
            None => Ok(()),
        }
    }

    fn model(&self) -> Result<&'static Model, Failure> {
        let name = self.model.as_deref().unwrap_or("register");
        models::find(name, &self.options).map_err(Failure::usage)
    }

    /// Whether a run's history is to be judged by a model that is given, not by its own checks.
    pub(super) fn is_for_run(&self) -> Result<bool, Failure> {
        let promised = !self.options.consistency.is_empty() || !self.options.anomalies.is_empty();
        if self.model.is_none() && promised {
            return Err(Failure::usage(
                "a run is judged by the checks of its specification: with -c or -a say by -m what \
                 its operations are",
            ));
        }
        Ok(self.model.is_some())
    }
}

/// Reads and judges one history, for who wants more than its line.
pub fn judge_file(input: &str, args: &HistoryArgs) -> Result<(History, CheckResult), Failure> {
    let model = args.model()?;
    let history = read(input, args.format)?;
    let result = model.judged(&history, &args.options);
    args.draw(input, &result)?;
    Ok((history, result))
}

/// How many findings of each kind: as the check counted them, or else those that are told.
fn anomalies(result: &CheckResult) -> BTreeMap<&str, usize> {
    if let Some(counted) = result.figures.get("anomalies").and_then(|all| all.as_object()) {
        let count = |count: &serde_json::Value| count.as_u64().unwrap_or(0) as usize;
        return counted.iter().map(|(name, n)| (name.as_str(), count(n))).collect();
    }
    let mut counts = BTreeMap::new();
    for finding in &result.findings {
        *counts.entry(finding.anomaly.as_str()).or_default() += 1;
    }
    counts
}

/// The contradiction, or why nobody knows, on standard error: the result stays a line per file.
fn explain(result: &CheckResult) {
    let names = |figure: &str| -> Vec<&str> {
        let names = result.figures.get(figure).and_then(|names| names.as_array());
        names.into_iter().flatten().filter_map(|name| name.as_str()).collect()
    };
    let mut lines = Vec::new();
    for (figure, words) in
        [("not", "ruled out"), ("also-not", "and with that"), ("survive", "may still be")]
    {
        if !names("not").is_empty() && !names(figure).is_empty() {
            lines.push(format!("  {words}: {}", names(figure).join(", ")));
        }
    }
    if let Verdict::Unknown(reason) = &result.verdict {
        lines.push(format!("  {reason}"));
    }
    for finding in &result.findings {
        lines.push(format!("  {}", finding.title));
        lines.extend(finding.prose.iter().map(|sentence| format!("    {sentence}")));
    }
    if !lines.is_empty() {
        terminal::note(&lines.join("\n"));
    }
}

pub(super) fn read(path: &str, format: Option<InputFormat>) -> Result<History, Failure> {
    let cannot = |error| Failure::usage(format!("cannot read {path}: {error}"));
    let bytes: Box<dyn BufRead + Send> = match path {
        STANDARD_INPUT => Box::new(BufReader::new(io::stdin())),
        _ => Box::new(BufReader::new(File::open(path).map_err(cannot)?)),
    };
    let name = if path == STANDARD_INPUT { "standard input" } else { path };
    let text = unpacked(bytes).map_err(cannot)?;
    history::read(name, text, format.map(InputFormat::of_history)).map_err(Failure::usage)
}

/// What gzip or zstd packed, told by its first bytes; anything else as it is.
fn unpacked(mut bytes: Box<dyn BufRead + Send>) -> io::Result<Box<dyn BufRead + Send>> {
    let head = bytes.fill_buf()?;
    if head.starts_with(b"\x1f\x8b") {
        return Ok(Box::new(BufReader::new(MultiGzDecoder::new(bytes))));
    }
    if head.starts_with(b"\x28\xb5\x2f\xfd") {
        let decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
        return Ok(Box::new(BufReader::new(decoder)));
    }
    Ok(bytes)
}
