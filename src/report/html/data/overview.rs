//! The whole run in numbers: counted and ranked here, so that ten million operations need no more
//! room on the page than ten thousand.

use serde::Serialize;

use super::super::super::plots::series::{Latency, Throughput};
use super::super::Page;

/// Buckets along the time axis.
const BUCKETS: u64 = 600;

#[derive(Serialize)]
pub struct Overview {
    /// Width of a bucket.
    bucket: u64,
    /// Completions in each bucket: ok, fail, info.
    counts: [Vec<u64>; 3],
    /// p50, p95, p99 of ok operations, by the bucket in which they were due; `None`: none was.
    quantiles: [Vec<Option<u64>>; 3],
    /// Operations without any completion, which are not counted.
    open: usize,
}

impl Overview {
    pub fn of(page: &Page<'_>) -> Self {
        let history = page.source.history;
        let throughput = Throughput::of(history, BUCKETS);
        Self {
            bucket: throughput.bucket_ns,
            open: throughput.open,
            quantiles: Latency::ranked(history, BUCKETS),
            counts: throughput.counts,
        }
    }
}
