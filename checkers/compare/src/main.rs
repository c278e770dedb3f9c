//! Judges the same files with isobar and with [adya](https://crates.io/crates/adya), each file by
//! each in a process of its own, and prints a line of a table for each.
//!
//! ```text
//! cargo run --release --manifest-path checkers/compare/Cargo.toml [ROW…]
//! ```
//!
//! A row is a history of `isobar_checkers::generate`, written as JSON lines; both read that file
//! and judge it as strictly serializable. Processor time is that of all threads, the kernel's part
//! included; the peak of memory is that of the whole process, text and history included. Linux.

mod judges;
mod table;

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, ExitCode};

use isobar_checkers::generate::cases::{self, Case};
use isobar_checkers::history::text;

use judges::{Judge, Judged};

/// Rows by the name of the case, with their sizes in transactions.
const ROWS: [(&str, &[u32]); 3] = [
    ("list-append", &[10_000, 100_000, 1_000_000]),
    ("list-append-stale", &[10_000, 100_000]),
    ("rw-linearizable-keys", &[1_000, 4_000, 10_000]),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        // As this program starts itself.
        ["judge", judge, row, path] => alone(judge, row, Path::new(path)),
        _ => compare(&words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("isobar-compare: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Every row that is asked for, of all sizes, by every judge.
fn compare(wanted: &[&str]) -> Result<(), Box<dyn Error>> {
    let names = ROWS.map(|(name, _)| name);
    if let Some(word) = wanted.iter().find(|word| !names.contains(word)) {
        return Err(format!("there is no row `{word}`; rows: {}", names.join(", ")).into());
    }
    println!("{}", table::HEAD);
    let rows = ROWS.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name));
    for &(name, sizes) in rows {
        let case = case(name)?;
        for &transactions in sizes {
            each_judge(&case, transactions)?;
        }
    }
    Ok(())
}

fn each_judge(case: &Case, transactions: u32) -> Result<(), Box<dyn Error>> {
    let name = format!("isobar-compare-{}-{transactions}.jsonl", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    let written = text::jsonl(&case.history(transactions), &mut file).and_then(|()| file.flush());
    let judged: Result<Vec<Judged>, Box<dyn Error>> = written
        .map_err(Into::into)
        .and_then(|()| Judge::ALL.into_iter().map(|judge| ask(judge, &case.name, &path)).collect());
    fs::remove_file(&path)?;
    let judged = judged?;
    for one in &judged {
        println!("{}", table::line(&case.name, transactions, one, &judged[0]));
    }
    Ok(())
}

/// Starts this program again, to judge alone.
fn ask(judge: Judge, row: &str, path: &Path) -> Result<Judged, Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?)
        .args(["judge", judge.name(), row])
        .arg(path)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{} did not judge {row}: {}", judge.name(), output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn alone(judge: &str, row: &str, path: &Path) -> Result<(), Box<dyn Error>> {
    let judge = Judge::ALL.into_iter().find(|known| known.name() == judge);
    let judge = judge.ok_or("there is no such judge")?;
    println!("{}", serde_json::to_string(&judge.judge(&case(row)?, path)?)?);
    Ok(())
}

fn case(name: &str) -> Result<Case, String> {
    let found = cases::all().into_iter().find(|case| case.name == name);
    found.ok_or_else(|| format!("isobar does not know the row `{name}` any more"))
}
