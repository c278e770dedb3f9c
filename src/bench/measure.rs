//! One size of one row, in a process of its own, so that the peak of memory is its own.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use isobar_checkers::generate::cases::{Case, unique_load};
use isobar_checkers::generate::unique_values;
use isobar_checkers::history::{self, History, ReadError, text};
use isobar_checkers::{Budget, CheckResult, Register, linearizable};
use serde::{Deserialize, Serialize};

use super::Row;
use crate::usage;

/// Nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error("cannot run {row} by itself: {source}")]
    Process { row: String, source: io::Error },
    #[error("the process that measured {row} of {operations} operations ended early ({status})")]
    Ended { row: String, operations: u32, status: std::process::ExitStatus },
    #[error("the process that measured {row} did not say what it found: {source}")]
    Answer { row: String, source: serde_json::Error },
    #[error("cannot write {path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{row} of {operations} operations was judged {verdict}, but it is {expected}")]
    Verdict { row: String, operations: u32, verdict: String, expected: String },
}

/// What one size of a row took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    pub row: String,
    pub operations: u32,
    pub verdict: String,
    /// Of judging; in a row of reading, of reading; in one from end to end, of both.
    pub wall_ms: f64,
    /// Of all cores.
    pub cpu_ms: f64,
    /// Over all: history, judging, and the program itself.
    pub peak_bytes: Option<u64>,
    /// Of judging, beyond what was in use before.
    pub beyond_bytes: Option<u64>,
    /// Of a file, by processor time.
    pub megabytes_per_second: Option<f64>,
}

/// Measures in a process of its own.
///
/// # Errors
/// [`BenchError`]; also when the verdict is not the known one.
pub fn measure_alone(row: &Row, operations: u32) -> Result<Measurement, BenchError> {
    let measured = match row {
        Row::Judging(_) => ask(row, operations, None)?,
        Row::Reading(format) => {
            let history = unique_values(&unique_load(operations), 1_000);
            with_file(row, operations, format, history)?
        }
        Row::EndToEnd(case) => with_file(row, operations, "jsonl", case.history(operations))?,
    };
    let expected = row.verdict().word().to_owned();
    if measured.verdict != expected {
        let Measurement { row, operations, verdict, .. } = measured;
        return Err(BenchError::Verdict { row, operations, verdict, expected });
    }
    Ok(measured)
}

/// Measures what is done with a file of `history`, which is there for as long as that takes.
fn with_file(
    row: &Row,
    operations: u32,
    format: &str,
    history: History,
) -> Result<Measurement, BenchError> {
    let file = format!("isobar-bench-{}-{operations}.{format}", std::process::id());
    let path = std::env::temp_dir().join(file);
    let written = write(format, &history, &path)
        .map_err(|source| BenchError::File { path: path.clone(), source });
    // Another process is measured.
    drop(history);
    let measured = written.and_then(|()| ask(row, operations, Some(&path)));
    // The file may be missing; whatever went wrong is told.
    let _ = fs::remove_file(&path);
    measured
}

/// Starts this program again, to measure here.
fn ask(row: &Row, operations: u32, path: Option<&Path>) -> Result<Measurement, BenchError> {
    let name = row.name().to_owned();
    let failed = |source| BenchError::Process { row: name.clone(), source };
    let output = Command::new(std::env::current_exe().map_err(failed)?)
        .args(["bench", "check", row.name(), "--alone", &operations.to_string()])
        .args(path.map(|path| ["--file".as_ref(), path.as_os_str()]).into_iter().flatten())
        .stderr(Stdio::inherit())
        .output()
        .map_err(failed)?;
    if !output.status.success() {
        return Err(BenchError::Ended { row: name, operations, status: output.status });
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|source| BenchError::Answer { row: name, source })
}

/// Measures in this process, which does nothing else; `path` is the file of a row of reading.
///
/// # Errors
/// [`BenchError`] when the file cannot be read.
pub fn measure_here(row: &Row, operations: u32, path: &Path) -> Result<Measurement, BenchError> {
    match row {
        Row::Judging(case) => Ok(judge(case, operations)),
        Row::Reading(format) => {
            let judge = |history: &_| linearizable(history, &Register, &Budget::default());
            let parts = read(format, operations, path, judge)?;
            Ok(parts.reading)
        }
        Row::EndToEnd(case) => {
            let parts = read(&case.name, operations, path, |history| case.judge(history))?;
            let Measurement { wall_ms, cpu_ms, .. } = parts.reading;
            Ok(Measurement {
                wall_ms: wall_ms + parts.judging_wall_ms,
                cpu_ms: cpu_ms + parts.judging_cpu_ms,
                megabytes_per_second: None,
                ..parts.reading
            })
        }
    }
}

/// Runs `work`, and says how long it took: its result, wall and processor time in ms.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64, f64) {
    let (wall, processor) = (Instant::now(), usage::processor_time());
    let result = work();
    let processor = usage::processor_time().saturating_sub(processor);
    (result, wall.elapsed().as_secs_f64() * 1e3, processor.as_secs_f64() * 1e3)
}

fn judge(case: &Case, operations: u32) -> Measurement {
    let history = case.history(operations);
    let before = usage::resident_bytes();
    usage::forget_peak();
    let (result, wall_ms, cpu_ms) = timed(|| case.judge(&history));
    let peak = usage::peak_bytes();
    Measurement {
        row: case.name.clone(),
        operations,
        verdict: result.verdict.word().to_owned(),
        wall_ms,
        cpu_ms,
        peak_bytes: peak,
        beyond_bytes: peak.zip(before).map(|(peak, before)| peak.saturating_sub(before)),
        megabytes_per_second: None,
    }
}

/// What reading took, with the memory of judging, and what that took.
struct Parts {
    reading: Measurement,
    judging_wall_ms: f64,
    judging_cpu_ms: f64,
}

fn read(
    row: &str,
    operations: u32,
    path: &Path,
    judge: impl Fn(&History) -> CheckResult,
) -> Result<Parts, BenchError> {
    let failed = |source| BenchError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    let name = path.display().to_string();
    let (history, wall_ms, cpu_ms) = timed(|| history::read(&name, BufReader::new(file), None));
    let history = history?;
    let before = usage::resident_bytes();
    let (result, judging_wall_ms, judging_cpu_ms) = timed(|| judge(&history));
    let peak = usage::peak_bytes();
    let reading = Measurement {
        row: row.to_owned(),
        operations,
        verdict: result.verdict.word().to_owned(),
        wall_ms,
        cpu_ms,
        peak_bytes: peak,
        beyond_bytes: peak.zip(before).map(|(peak, before)| peak.saturating_sub(before)),
        megabytes_per_second: Some(bytes as f64 / 1e3 / cpu_ms.max(0.001)),
    };
    Ok(Parts { reading, judging_wall_ms, judging_cpu_ms })
}

fn write(format: &str, history: &History, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    match format {
        "edn" => text::edn(history, &mut file)?,
        _ => text::jsonl(history, &mut file)?,
    }
    file.flush()
}
