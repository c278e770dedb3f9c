//! Isolation of registers: wall and processor time and memory of the verdict, at sizes ten times
//! apart.
//!
//! `cargo bench -p isobar-checkers --bench isolation [-- FILTER]`

#![allow(clippy::print_stdout)]

#[allow(dead_code)]
mod support;
#[allow(dead_code)]
#[path = "support/usage.rs"]
mod usage;

use std::time::Instant;

use isobar_checkers::generate::Random;
use isobar_checkers::txn::{exact, weak};
use isobar_checkers::{CheckResult, History};
use support::transaction_calls::{Transactions, history};

/// Ten micro-operations a transaction, fifty sessions; readers see old snapshots.
fn sessions(count: usize) -> Transactions {
    Transactions {
        count,
        clients: 50,
        keys: 1_000,
        length: (10, 10),
        writes_percent: 20,
        snapshot_age: 200,
        only_readers_lag: false,
        noise: 20,
    }
}

/// Half of the micro-operations write, mostly without having read.
fn blind(count: usize, snapshot_age: u64) -> Transactions {
    Transactions {
        count,
        clients: 20,
        keys: (count as u64 / 10).clamp(100, 10_000),
        length: (1, 4),
        writes_percent: 50,
        snapshot_age,
        only_readers_lag: false,
        noise: 5,
    }
}

type Check = Box<dyn Fn(&History) -> CheckResult>;

fn measure(name: &str, case: &str, history: &History, check: &Check) {
    let before = usage::now();
    usage::forget_peak();
    let start = (Instant::now(), usage::process_time());
    let result = check(history);
    let (wall, cpu) = (start.0.elapsed(), usage::process_time() - start.1);
    let verdict = result.verdict.word();
    let told = result.findings.first().map_or(0, |finding| finding.operations.len());
    println!(
        "{name:<34}{case:<7}{:>9}  {verdict:<9}{:>8.3}{:>8.2}{:>12.1}{:>8.0}{told:>6}",
        history.len(),
        wall.as_secs_f64(),
        cpu.as_secs_f64(),
        usage::peak().saturating_sub(before) as f64 / 1e6,
        usage::peak() as f64 / 1e6,
    );
}

fn main() {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let wanted = |name: &str, case: &str, count: usize| {
        let row = format!("{name}-{case}-{count}");
        filter.as_ref().is_none_or(|filter| row.contains(filter.as_str()))
    };
    println!(
        "level                             case        txns  verdict    wall s   CPU s   MB beyond \
         MB all  told"
    );
    for count in [10_000, 100_000, 1_000_000] {
        for (case, stale) in [("valid", None), ("stale", Some(count * 3 / 4))] {
            let levels = weak::Level::ALL.into_iter();
            let levels: Vec<_> = levels.filter(|level| wanted(level.name(), case, count)).collect();
            if levels.is_empty() {
                continue;
            }
            let history = history(&sessions(count), stale, &mut Random(7));
            for level in levels {
                let check: Check = Box::new(move |history| weak::check(history, level));
                measure(level.name(), case, &history, &check);
            }
        }
        for (case, stale) in [("valid", None), ("stale", Some(count * 3 / 4))] {
            for snapshot_age in [0, 20] {
                let levels = exact::Level::ALL.into_iter().filter(|level| {
                    let snapshots = level.name().ends_with("snapshot-isolation");
                    snapshots == (snapshot_age > 0) && wanted(level.name(), case, count)
                });
                let levels: Vec<_> = levels.collect();
                if levels.is_empty() {
                    continue;
                }
                let history = history(&blind(count, snapshot_age), stale, &mut Random(7));
                for level in levels {
                    let budget = exact::Budget::default();
                    let check: Check =
                        Box::new(move |history| exact::check(history, level, &budget));
                    measure(level.name(), case, &history, &check);
                }
            }
        }
    }
}
