//! Who judges, and what that took.

use std::error::Error;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;
use std::time::{Duration, Instant};

use isobar_checkers::generate::cases::Case;
use isobar_checkers::{Verdict, history};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug)]
pub enum Judge {
    Isobar,
    Adya,
}

/// What a file was found to be, and what that took.
#[derive(Debug, Serialize, Deserialize)]
pub struct Judged {
    pub judge: String,
    pub verdict: String,
    /// Anomalies by name, with how often each was found, as far as the judge counts.
    pub anomalies: String,
    pub read_cpu_s: f64,
    pub check_cpu_s: f64,
    /// By the clock, reading and checking.
    pub wall_s: f64,
    pub peak_bytes: u64,
}

/// A verdict, and anomalies.
type Answer = (String, String);

impl Judge {
    pub const ALL: [Self; 2] = [Self::Isobar, Self::Adya];

    pub fn name(self) -> &'static str {
        match self {
            Self::Isobar => "isobar",
            Self::Adya => "adya",
        }
    }

    /// Reads a file and judges it, in this process, which does nothing else.
    pub fn judge(self, case: &Case, path: &Path) -> Result<Judged, Box<dyn Error>> {
        match self {
            Self::Isobar => measured(
                self,
                || Ok(history::read(&path.display().to_string(), reader(path)?, None)?),
                |history| by_isobar(case, history),
            ),
            Self::Adya => measured(
                self,
                || Ok(adya::History::from_json(&fs::read_to_string(path)?)?),
                |history| by_adya(case, history),
            ),
        }
    }
}

fn reader(path: &Path) -> std::io::Result<BufReader<File>> {
    File::open(path).map(BufReader::new)
}

fn measured<H>(
    judge: Judge,
    read: impl FnOnce() -> Result<H, Box<dyn Error>>,
    check: impl FnOnce(&H) -> Answer,
) -> Result<Judged, Box<dyn Error>> {
    let (begun, start) = (Instant::now(), processor_time());
    let history = read()?;
    let between = processor_time();
    let (verdict, anomalies) = check(&history);
    let end = processor_time();
    Ok(Judged {
        judge: judge.name().to_owned(),
        verdict,
        anomalies,
        read_cpu_s: (between - start).as_secs_f64(),
        check_cpu_s: (end - between).as_secs_f64(),
        wall_s: begun.elapsed().as_secs_f64(),
        peak_bytes: peak_bytes()?,
    })
}

fn by_isobar(case: &Case, history: &isobar_checkers::History) -> Answer {
    let result = case.judge(history);
    let verdict = match result.verdict {
        Verdict::Unknown(_) => "unknown".to_owned(),
        other => other.word().to_owned(),
    };
    let anomalies = result.figures.get("anomalies").and_then(|counts| counts.as_object());
    let counted = anomalies.into_iter().flatten().map(|(name, count)| format!("{count} {name}"));
    (verdict, counted.collect::<Vec<_>>().join(", "))
}

fn by_adya(case: &Case, history: &adya::History) -> Answer {
    let registers = case.name.starts_with("rw-");
    let workload = match registers {
        true => adya::Workload::RwRegister,
        false => adya::Workload::ListAppend,
    };
    // Strict serializability is what it asks by default.
    let options = adya::Opts { linearizable_keys: registers, ..adya::Opts::default() };
    let report = adya::check(history, workload, &options);
    let verdict = match report.valid {
        adya::Valid::True => "valid",
        adya::Valid::False => "violated",
        adya::Valid::Unknown => "unknown",
    };
    let counts = report.anomalies.iter().map(|(name, found)| format!("{} {name}", found.len()));
    (verdict.to_owned(), counts.collect::<Vec<_>>().join(", "))
}

/// Of all threads so far.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// The most memory in use since the start.
fn peak_bytes() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?;
    Ok(kib.parse::<u64>()? * 1024)
}
