//! The numbers behind the plots.

use std::collections::BTreeMap;

use isobar_checkers::history::{Completion, History, Operation};
use isobar_checkers::{InjectOutcome, Nanos};

use super::super::Source;
use crate::store::ClockReading;

/// Points along the time axis of a plot.
pub const BUCKETS: u64 = 120;
/// The narrowest bucket: below it a rate is noise.
const BUCKET_NS_MIN: u64 = 10_000_000;
/// Points of the scatter: more would hide one another and fill the page.
const POINTS_MAX: usize = 2500;
/// Of which the slowest are always there.
pub const SLOWEST: usize = 250;
/// Kinds of faults with a row of their own; the others share the last one.
const ROWS_MAX: usize = 6;
/// Bands and marks drawn; more are narrower than a pixel.
const BANDS_MAX: usize = 1000;
const MARKS_MAX: usize = 100;

pub const OUTCOMES: [Completion; 3] = [Completion::Ok, Completion::Fail, Completion::Info];

/// What lies behind both plots: faults, and where findings are. Times in seconds.
pub struct Backdrop {
    pub end_s: f64,
    /// Names of the kinds of faults, one row each.
    pub rows: Vec<String>,
    pub bands: Vec<Band>,
    pub marks_s: Vec<f64>,
}

pub struct Band {
    pub row: usize,
    pub from_s: f64,
    pub to_s: f64,
}

impl Backdrop {
    pub fn of(source: &Source<'_>) -> Self {
        let history = source.history;
        let mut rows: Vec<String> = Vec::new();
        let mut bands = Vec::new();
        let there =
            history.faults.iter().filter(|f| !matches!(f.outcome, InjectOutcome::Skipped(_)));
        for fault in there.take(BANDS_MAX) {
            let name = super::words::plain(&fault.fault);
            let row = rows.iter().position(|row| *row == name).unwrap_or_else(|| {
                if rows.len() < ROWS_MAX {
                    rows.push(name);
                } else if let Some(last) = rows.last_mut() {
                    *last = "others".to_owned();
                }
                rows.len() - 1
            });
            let to = fault.to.unwrap_or(history.end);
            bands.push(Band { row, from_s: seconds(fault.from), to_s: seconds(to) });
        }
        let mut marks_s: Vec<f64> =
            source.findings().iter().map(|(_, finding)| seconds(finding.to)).collect();
        marks_s.truncate(MARKS_MAX);
        Self { end_s: seconds(history.end), rows, bands, marks_s }
    }
}

/// How far the nodes' clocks were from ours.
pub struct Offsets {
    /// By name: when, and how many ms ahead. Only nodes with clocks of their own.
    pub nodes: Vec<(String, Vec<(Nanos, f64)>)>,
    /// The most by which a reading may be wrong.
    pub error_ms: f64,
}

impl Offsets {
    pub fn of(readings: &[ClockReading]) -> Self {
        // One that shares our clock is read without any error.
        let own = readings.iter().filter(|reading| reading.error_ms > 0.0);
        let mut nodes: BTreeMap<&str, Vec<(Nanos, f64)>> = BTreeMap::new();
        let mut error_ms = 0.0_f64;
        for reading in own {
            let line = nodes.entry(&reading.node).or_default();
            line.push((reading.time, reading.offset_ms));
            error_ms = error_ms.max(reading.error_ms);
        }
        let named = |(node, line): (&str, _)| (super::words::plain(node), line);
        Self { nodes: nodes.into_iter().map(named).collect(), error_ms }
    }
}

/// Completions per second by outcome.
pub struct Throughput {
    pub bucket_ns: u64,
    /// Completions in each bucket, in the order of [`OUTCOMES`].
    pub counts: [Vec<u64>; 3],
    /// In the order of [`OUTCOMES`]: (middle of the bucket in seconds, rate per second).
    pub rates: [Vec<(f64, f64)>; 3],
    /// Operations without a completion of any kind.
    pub open: usize,
}

impl Throughput {
    /// In about `buckets` buckets.
    pub fn of(history: &History, buckets: u64) -> Self {
        let bucket_ns = bucket_ns(history.end, buckets);
        let buckets = (history.end.0 / bucket_ns + 1) as usize;
        let mut counts = [vec![0u64; buckets], vec![0u64; buckets], vec![0u64; buckets]];
        let mut open = 0;
        for operation in history.operations() {
            match ended_at(operation) {
                Some(ended) => {
                    let bucket = ((ended.0 / bucket_ns) as usize).min(buckets - 1);
                    counts[place(operation.completion())][bucket] += 1;
                }
                None => open += 1,
            }
        }
        let rates = counts.each_ref().map(|counts| {
            counts
                .iter()
                .enumerate()
                .map(|(bucket, &count)| {
                    let from = bucket as u64 * bucket_ns;
                    // The last bucket is as long as the history lasts.
                    let width = bucket_ns.min(history.end.0.saturating_sub(from)).max(1);
                    (seconds(Nanos(from + width / 2)), count as f64 * 1e9 / width as f64)
                })
                .filter(|(at, _)| *at < seconds(history.end))
                .collect()
        });
        Self { bucket_ns, counts, rates, open }
    }
}

/// How long operations took, by when they began.
pub struct Latency {
    pub bucket_ns: u64,
    pub points: Vec<Point>,
    /// p50, p95 and p99 of ok operations: (middle of the bucket in seconds, milliseconds).
    pub quantiles: [Vec<(f64, f64)>; 3],
    /// Operations which completed somehow, so that they have a latency.
    pub completed: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub at_s: f64,
    pub took_ms: f64,
    pub completion: Completion,
}

impl Latency {
    pub fn of(history: &History) -> Self {
        let bucket_ns = bucket_ns(history.end, BUCKETS);
        let all: Vec<(Nanos, u64, Completion)> = history
            .operations()
            .filter_map(|operation| {
                let took = ended_at(operation)?.0.saturating_sub(operation.due_at().0);
                Some((operation.due_at(), took, operation.completion()))
            })
            .collect();
        let quantiles = Self::ranked(history, BUCKETS).map(|line| {
            let middle = |bucket: usize| {
                let middle = seconds(Nanos(bucket as u64 * bucket_ns + bucket_ns / 2));
                middle.min(seconds(history.end))
            };
            let points = line.into_iter().enumerate();
            points.filter_map(|(at, took)| Some((middle(at), milliseconds(took?)))).collect()
        });
        let completed = all.len();
        Self { bucket_ns, points: thin(all), quantiles, completed }
    }

    /// p50, p95 and p99 of ok operations in nanoseconds, in each of about `buckets` buckets.
    pub fn ranked(history: &History, buckets: u64) -> [Vec<Option<u64>>; 3] {
        let bucket_ns = bucket_ns(history.end, buckets);
        let buckets = (history.end.0 / bucket_ns + 1) as usize;
        let mut by_bucket: Vec<Vec<u64>> = vec![Vec::new(); buckets];
        for operation in history.operations() {
            if let (Some(ended), Completion::Ok) = (ended_at(operation), operation.completion()) {
                let due = operation.due_at().0;
                by_bucket[((due / bucket_ns) as usize).min(buckets - 1)]
                    .push(ended.0.saturating_sub(due));
            }
        }
        by_bucket.iter_mut().for_each(|took| took.sort_unstable());
        [50, 95, 99]
            .map(|percent| by_bucket.iter().map(|took| nearest_rank(took, percent)).collect())
    }
}

fn ended_at(operation: Operation<'_>) -> Option<Nanos> {
    operation.completed_at().or(operation.gave_up_at())
}

fn place(completion: Completion) -> usize {
    match completion {
        Completion::Ok => 0,
        Completion::Fail => 1,
        Completion::Info => 2,
    }
}

/// The slowest, and an even choice of the others in order of time: the same for the same history.
fn thin(mut all: Vec<(Nanos, u64, Completion)>) -> Vec<Point> {
    if all.len() > POINTS_MAX {
        all.sort_by_key(|(began, took, _)| (std::cmp::Reverse(*took), *began));
        let mut others = all.split_off(SLOWEST);
        others.sort_by_key(|(began, took, _)| (*began, *took));
        let room = POINTS_MAX - SLOWEST;
        let count = others.len();
        all.extend((0..room).map(|place| others[place * count / room]));
    }
    all.into_iter()
        .map(|(began, took, completion)| Point {
            at_s: seconds(began),
            took_ms: milliseconds(took),
            completion,
        })
        .collect()
}

/// The least value which is at least as great as `percent` % of all (nearest-rank method).
fn nearest_rank(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// 1, 2 or 5 times a power of ten, so that about `buckets` make the whole.
fn bucket_ns(end: Nanos, buckets: u64) -> u64 {
    let least = (end.0 / buckets).max(BUCKET_NS_MIN);
    let mut unit = BUCKET_NS_MIN;
    loop {
        for factor in [1, 2, 5] {
            let width = unit.saturating_mul(factor);
            if width >= least {
                return width;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

fn seconds(time: Nanos) -> f64 {
    time.0 as f64 / 1e9
}

fn milliseconds(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::super::super::sample::Sample;
    use super::*;

    #[test]
    fn buckets_have_round_widths() {
        assert_eq!(bucket_ns(Nanos(0), BUCKETS), 10_000_000);
        assert_eq!(bucket_ns(Nanos(60_000_000_000), BUCKETS), 500_000_000);
        assert_eq!(bucket_ns(Nanos(3_600_000_000_000), BUCKETS), 50_000_000_000);
        assert!(bucket_ns(Nanos(u64::MAX), BUCKETS) >= u64::MAX / BUCKETS);
    }

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let sorted: Vec<u64> = (1..=200).collect();
        assert_eq!(nearest_rank(&sorted, 50), Some(100));
        assert_eq!(nearest_rank(&sorted, 99), Some(198));
        assert_eq!(nearest_rank(&[7], 99), Some(7));
        assert_eq!(nearest_rank(&[], 50), None);
    }

    #[test]
    fn every_completion_is_counted_once() {
        let sample = Sample::valid();
        let throughput = Throughput::of(&sample.history, BUCKETS);
        let width_s = throughput.bucket_ns as f64 / 1e9;
        let ok: f64 = throughput.rates[0].iter().map(|(_, rate)| rate * width_s).sum();
        assert_eq!(ok.round() as u64, sample.results.operations.ok);
        assert_eq!(throughput.open, 0);
    }

    #[test]
    fn thinning_keeps_the_slowest_and_is_repeatable() {
        let all: Vec<_> =
            (0..100_000u64).map(|n| (Nanos(n), n * 7919 % 100_003, Completion::Ok)).collect();
        let slowest = all.iter().map(|(_, took, _)| *took).max().unwrap();
        let points = thin(all.clone());
        assert_eq!(points.len(), POINTS_MAX);
        assert!(points.iter().any(|point| point.took_ms == milliseconds(slowest)));
        assert_eq!(points, thin(all));
    }

    #[test]
    fn only_faults_that_were_there_make_bands() {
        let sample = Sample::stale_read();
        let backdrop = Backdrop::of(&sample.source(Path::new("run")));
        assert_eq!(backdrop.rows, ["partition", "kill"]);
        assert_eq!(backdrop.bands.len(), 3);
        assert_eq!(backdrop.marks_s, [16.053]);
    }
}
