//! Registers with few values: processor time and memory of the verdict, at sizes ten times apart.
//!
//! `cargo bench -p isobar-checkers --bench registers [-- FILTER]`

#![allow(clippy::print_stdout, clippy::expect_used)]

mod support;
#[path = "support/usage.rs"]
mod usage;

use isobar_checkers::{Budget, Finding, Register, Verdict, linearizable};
use support::register_calls::{Drawn, F, Random, Shape, draw};
use support::register_history;

/// Histories per row.
const SEEDS: u64 = 3;

/// A row of the table.
struct Case {
    name: &'static str,
    shape: Shape,
    spoil: fn(&mut [Drawn]),
}

fn shape(calls: usize, clients: usize, values: u64, crashes_max: usize) -> Shape {
    Shape {
        calls,
        clients,
        values,
        reads_percent: 33,
        writes_percent: 33,
        // Spread over the whole history.
        crashes_permille: (crashes_max * 1500 / calls.max(1)) as u64,
        crashes_max,
    }
}

fn valid(_: &mut [Drawn]) {}

/// A read near the end finds the initial value again.
fn stale_read(drawn: &mut [Drawn]) {
    let start = drawn.len() * 9 / 10;
    let read = drawn[start..].iter_mut().find(|call| matches!(call.f, F::Read(_)));
    read.expect("some call reads").f = F::Read(0);
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for calls in [1_000, 10_000, 100_000] {
        for clients in [5, 10, 30, 100] {
            for crashes in [0, 10, 1_000_usize.min(calls / 10)] {
                let shape = shape(calls, clients, 5, crashes);
                cases.push(Case { name: "valid", shape, spoil: valid });
                cases.push(Case { name: "stale-read", shape, spoil: stale_read });
            }
        }
    }
    for values in [10, 20] {
        for clients in [10, 20] {
            let shape = shape(10_000, clients, values, 100);
            cases.push(Case { name: "values", shape, spoil: valid });
        }
    }
    cases
}

fn main() {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    println!(
        "case        calls   clients  values  crashed  verdict   CPU ms   MB beyond  counterexample"
    );
    for case in cases() {
        let Shape { calls, clients, values, crashes_max, .. } = case.shape;
        let name = format!("{}-{calls}-{clients}-{values}-{crashes_max}", case.name);
        if filter.as_ref().is_some_and(|filter| !name.contains(filter.as_str())) {
            continue;
        }
        let mut times = Vec::new();
        let (mut verdicts, mut crashed, mut beyond, mut told) = (Vec::new(), 0, 0, 0);
        for seed in 1..=SEEDS {
            let mut drawn = draw(&case.shape, &mut Random(seed));
            (case.spoil)(&mut drawn);
            crashed = drawn.iter().filter(|call| call.to.is_none()).count();
            let history = register_history(&drawn);
            let before = usage::now();
            usage::forget_peak();
            let start = usage::processor_time();
            let result = linearizable(&history, &Register, &Budget::default());
            times.push(usage::processor_time() - start);
            beyond = beyond.max(usage::peak().saturating_sub(before));
            let size = |finding: &Finding| finding.operations.len();
            told = result.findings.iter().map(size).chain([told]).max().unwrap_or(0);
            verdicts.push(match result.verdict {
                Verdict::Unknown(_) => "unknown",
                ref verdict => verdict.word(),
            });
        }
        times.sort_unstable();
        verdicts.sort_unstable();
        verdicts.dedup();
        println!(
            "{:<10}{calls:>7}{clients:>10}{values:>8}{crashed:>9}  {:<9}{:>9.1}{:>12.1}{told:>16}",
            case.name,
            verdicts.join("/"),
            times[times.len() / 2].as_secs_f64() * 1e3,
            beyond as f64 / 1e6,
        );
    }
}
