//! `isobar bench check [ROW…]`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{Failure, Global};
use crate::bench::{self, BenchError, Row};
use crate::exit::Exit;
use crate::terminal;

#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Measure how fast histories are read and judged, and in how much memory
    Check(CheckArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Names of rows, or of families of rows; by default all
    #[arg(value_name = "ROW")]
    rows: Vec<String>,
    /// The most operations of a history
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    size_max: u32,
    /// Print a table, or an object of JSON per line of it
    #[arg(long, default_value = "text")]
    output: Output,
    /// Measure a history of so many operations, in this process
    #[arg(long, value_name = "N", hide = true)]
    alone: Option<u32>,
    /// What is read then
    #[arg(long, value_name = "FILE", hide = true)]
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

pub fn bench(args: &BenchArgs, global: &Global) -> Result<Exit, Failure> {
    let What::Check(args) = &args.what;
    let rows = bench::rows(&args.rows).map_err(Failure::usage)?;
    match (args.alone, &rows[..]) {
        (Some(operations), [row]) => alone(row, operations, args),
        _ => table(&rows, args, global),
    }
}

/// Measures one size of one row, for the process that asked.
fn alone(row: &Row, operations: u32, args: &CheckArgs) -> Result<Exit, Failure> {
    let measured =
        bench::measure_here(row, operations, args.file.as_deref().unwrap_or(Path::new("")))
            .map_err(failed)?;
    let text = serde_json::to_string(&measured);
    terminal::result(&text.map_err(|error| Failure::new(Exit::Internal, error))?);
    Ok(Exit::Valid)
}

/// Every row up to the size asked for; a wrong verdict is told at the end.
fn table(rows: &[Row], args: &CheckArgs, global: &Global) -> Result<Exit, Failure> {
    let mut wrong = None;
    if args.output == Output::Text {
        terminal::result(bench::HEAD);
    }
    for row in rows {
        for &operations in row.sizes().iter().filter(|&&size| size <= args.size_max) {
            let measured = match bench::measure_alone(row, operations) {
                Ok(measured) => measured,
                Err(error @ BenchError::Verdict { .. }) => {
                    terminal::error(&error.to_string(), global.color);
                    wrong = Some(error);
                    continue;
                }
                Err(error) => return Err(failed(error)),
            };
            match args.output {
                Output::Text => terminal::result(&bench::line(row, &measured)),
                Output::Json => {
                    let (target, met) = row.target(&measured).unzip();
                    let line = json!({
                        "schema": 1, "family": row.family(), "measured": measured,
                        "target": target, "met": met,
                    });
                    terminal::result(&line.to_string());
                }
            }
        }
    }
    wrong.map_or(Ok(Exit::Valid), |error| Err(failed(error)))
}

fn failed(error: BenchError) -> Failure {
    match error {
        BenchError::Verdict { .. } | BenchError::Answer { .. } => {
            Failure::new(Exit::Internal, error)
        }
        _ => Failure::set_up(error),
    }
}
