//! `isobar bench check [ROW…]`, `isobar bench fault`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{Failure, Global};
use crate::bench::{self, BenchError, Row};
use crate::exit::Exit;
use crate::lab::{self, Lab, LabOptions, Owner};
use crate::run::connect;
use crate::spec::{LabSpec, Roles};
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
    /// Measure, in a lab, how soon a fault is on all nodes with evidence
    Fault(FaultArgs),
}

#[derive(Debug, Args)]
struct FaultArgs {
    /// Nodes of the lab
    #[arg(long, value_name = "N", default_value_t = 5)]
    nodes: u32,
    /// Injections of each family
    #[arg(long, value_name = "N", default_value_t = 10)]
    count: u32,
    /// Print a table, or an object of JSON per line of it
    #[arg(long, default_value = "text")]
    output: Output,
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
    match &args.what {
        What::Check(args) => check(args, global),
        What::Fault(args) => fault(args),
    }
}

fn check(args: &CheckArgs, global: &Global) -> Result<Exit, Failure> {
    let rows = bench::rows(&args.rows).map_err(Failure::usage)?;
    match (args.alone, &rows[..]) {
        (Some(operations), [row]) => alone(row, operations, args),
        _ => table(&rows, args, global),
    }
}

/// Brings a lab up, measures all families in it, and takes it down.
fn fault(args: &FaultArgs) -> Result<Exit, Failure> {
    lab::enter(None).map_err(Failure::lab)?;
    let roles = Roles::default();
    let spec = LabSpec { nodes: args.nodes, name: None, kind: None, roles: roles.clone() };
    let directory = std::env::temp_dir().join(format!("isobar-bench-{}", std::process::id()));
    std::fs::create_dir(&directory).map_err(Failure::set_up)?;
    let lab = Lab::up(&LabOptions::new(&spec, Owner::Me)).map_err(Failure::lab);
    let measured = lab.and_then(|mut lab| {
        let measured = connect(&lab.reach(), &roles).map_err(Failure::set_up).and_then(|cluster| {
            if args.output == Output::Text {
                terminal::result(bench::FAULT_HEAD);
            }
            let told = |row: &bench::FaultMeasurement| match args.output {
                Output::Text => terminal::result(&bench::fault_line(row)),
                Output::Json => terminal::result(&fault_json(row)),
            };
            bench::measure_faults(&cluster, args.count, &directory, told).map_err(Failure::set_up)
        });
        lab.down().map_err(Failure::lab).and(measured)
    });
    // Only histories of this measurement.
    let removed = std::fs::remove_dir_all(&directory).map_err(Failure::set_up);
    measured.and(removed).map(|()| Exit::Valid)
}

fn fault_json(row: &bench::FaultMeasurement) -> String {
    let [p50, p90, max] = [0.5, 0.9, 1.0].map(|share| bench::quantile(&row.took_ms, share));
    let met = p50.map(|p50| p50 <= bench::TARGET_MS);
    json!({
        "schema": 1, "measured": row, "p50_ms": p50, "p90_ms": p90, "max_ms": max,
        "undo_p50_ms": bench::quantile(&row.undone_ms, 0.5),
        "target_p50_ms": bench::TARGET_MS, "met": met,
    })
    .to_string()
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
