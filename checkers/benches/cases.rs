//! Every row of the benchmarks up to a million operations: wall time and allocations of reading
//! and of judging. `cargo bench -p isobar-checkers [-- FILTER]`, as `judge.stack` or `read`.
//!
//! `isobar bench check` measures the same rows, ten times larger, each in a process of its own:
//! processor time, peak of memory, and the targets.

#![allow(clippy::expect_used)]

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use isobar_checkers::generate::cases::{self, Case, unique_load};
use isobar_checkers::generate::unique_values;
use isobar_checkers::history::{self, text};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const OPERATIONS_MAX: u32 = 1_000_000;

fn main() {
    divan::main();
}

/// `NAME SIZE`
fn rows() -> Vec<String> {
    let sizes = |case: &Case| case.sizes.clone().into_iter().filter(|&n| n <= OPERATIONS_MAX);
    let row = |case: Case| sizes(&case).map(move |size| format!("{} {size}", case.name));
    cases::all().into_iter().flat_map(row).collect()
}

#[divan::bench(args = rows(), sample_count = 3, sample_size = 1)]
fn judge(bencher: Bencher<'_, '_>, row: &str) {
    let (name, size) = row.split_once(' ').expect("a name and a size");
    let size = size.parse().expect("a size");
    let case = cases::all().into_iter().find(|case| case.name == name).expect("a row");
    let history = case.history(size);
    bencher.counter(ItemsCount::new(size)).bench_local(|| {
        assert_eq!(case.judge(&history).verdict, case.verdict, "{name}");
    });
}

#[divan::bench(args = ["jsonl", "edn"], sample_count = 3, sample_size = 1)]
fn read(bencher: Bencher<'_, '_>, format: &str) {
    let history = unique_values(&unique_load(OPERATIONS_MAX), 1_000);
    let mut bytes = Vec::new();
    let written = match format {
        "jsonl" => text::jsonl(&history, &mut bytes),
        _ => text::edn(&history, &mut bytes),
    };
    written.expect("memory takes what it is given");
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        let again = history::read(format, &bytes[..], None).expect("it was written right");
        assert_eq!(again.len(), history.len());
    });
}
