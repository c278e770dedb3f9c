//! What a person sees while a run goes on: a bar on a terminal, a plain line every 10 s elsewhere.
//! All of it on standard error.

use std::io::IsTerminal;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::NemesisNote;
use crate::metrics::RunMetrics;
use crate::store::{OperationCounts, RunLog};

const LINE_EVERY: Duration = Duration::from_secs(10);

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

/// Tells of phases, faults and throughput.
pub struct Progress {
    verbosity: Verbosity,
    /// Present on a terminal.
    bar: Option<ProgressBar>,
    last: Mutex<Last>,
    metrics: Option<RunMetrics>,
    /// Of the run, once it has a directory; everything goes there too.
    log: OnceLock<RunLog>,
}

struct Last {
    line: Instant,
    ok: u64,
    at: Instant,
}

impl Progress {
    pub fn new(verbosity: Verbosity) -> Self {
        let bar = (verbosity != Verbosity::Quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{spinner} {prefix} {wide_bar} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        let now = Instant::now();
        let last = Mutex::new(Last { line: now, ok: 0, at: now });
        Self { verbosity, bar, last, metrics: None, log: OnceLock::new() }
    }

    /// Tells `metrics` too.
    pub fn with_metrics(self, metrics: Option<RunMetrics>) -> Self {
        Self { metrics, ..self }
    }

    /// From now on everything is written to `log` too.
    pub fn keep(&self, log: RunLog) {
        // One run has one log: the first stays.
        let _ = self.log.set(log);
    }

    /// A new phase begins.
    pub fn phase(&self, name: &str, detail: &str) {
        if let Some(metrics) = &self.metrics {
            metrics.phase(name);
        }
        self.write_down(&join(name, detail));
        match &self.bar {
            Some(bar) => {
                bar.set_length(0);
                bar.set_position(0);
                bar.set_prefix(name.to_owned());
                bar.set_message(detail.to_owned());
                bar.enable_steady_tick(Duration::from_millis(100));
            }
            None => self.say(&join(name, detail)),
        }
    }

    /// Something worth a line happened: a fault, a lost node.
    pub fn note(&self, text: &str) {
        self.write_down(text);
        self.show(text);
    }

    fn show(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => self.say(text),
        }
    }

    /// A fault began or ended.
    pub fn fault(&self, told: &NemesisNote) {
        if let Some(metrics) = &self.metrics {
            metrics.fault(told.fault(), told.outcome());
        }
        self.note(&told.to_string());
    }

    /// How the operations went so far.
    pub fn operations(&self, counts: OperationCounts) {
        if let Some(metrics) = &self.metrics {
            metrics.operations(counts);
        }
    }

    /// Something only `-v` shows; the log has it in any case.
    pub fn detail(&self, text: &str) {
        self.write_down(text);
        if self.verbosity == Verbosity::Verbose {
            self.show(text);
        }
    }

    /// The load goes on: `elapsed` of `total`, and how the operations went so far.
    pub fn tick(&self, elapsed: Duration, total: Duration, counts: OperationCounts) {
        self.operations(counts);
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let text = |rate: f64| {
            let OperationCounts { ok, fail, info, .. } = counts;
            format!("{rate:.0} ok/s, {ok} ok, {fail} failed, {info} indeterminate")
        };
        let rate = |last: &Last| {
            let seconds = now.duration_since(last.at).as_secs_f64();
            if seconds > 0.0 { counts.ok.saturating_sub(last.ok) as f64 / seconds } else { 0.0 }
        };
        let told = text(rate(&last));
        if let Some(bar) = &self.bar {
            bar.set_length(total.as_millis() as u64);
            bar.set_position(elapsed.min(total).as_millis() as u64);
            if now.duration_since(last.at) >= Duration::from_secs(1) {
                bar.set_message(told.clone());
                (last.ok, last.at) = (counts.ok, now);
            }
        }
        if now.duration_since(last.line) >= LINE_EVERY {
            let (done, whole) = (elapsed.as_secs(), total.as_secs());
            let line = format!("{done} s of {whole} s: {told}");
            self.write_down(&line);
            last.line = now;
            if self.bar.is_none() {
                self.say(&line);
                (last.ok, last.at) = (counts.ok, now);
            }
        }
    }

    /// What it came to; the terminal is told by others.
    pub fn ended(&self, text: &str) {
        self.write_down(text);
    }

    /// Removes the bar: what follows is the result.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn write_down(&self, text: &str) {
        if let Some(log) = self.log.get() {
            log.line(text);
        }
    }

    #[allow(clippy::print_stderr, reason = "progress is what standard error is for")]
    fn say(&self, text: &str) {
        if self.verbosity != Verbosity::Quiet {
            eprintln!("{text}");
        }
    }
}

fn join(name: &str, detail: &str) -> String {
    if detail.is_empty() { name.to_owned() } else { format!("{name}: {detail}") }
}
