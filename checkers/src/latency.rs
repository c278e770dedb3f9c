//! Quantiles of durations.

use crate::history::{Completion, Nanos, Operation};

/// Durations, sorted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies(Vec<u64>);

impl Latencies {
    /// From when it was due to completion, of operations that were ok.
    pub(crate) fn of_ok<'a>(operations: impl Iterator<Item = Operation<'a>>) -> Self {
        let ok = operations.filter(|operation| operation.completion() == Completion::Ok);
        let latency = |operation: Operation<'_>| {
            operation.completed_at().map(|end| end.0.saturating_sub(operation.due_at().0))
        };
        Self::of(ok.filter_map(latency).collect())
    }

    /// Of nanoseconds in any order.
    pub(crate) fn of(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The nearest-rank quantile: the least value that `share` of all do not exceed.
    pub(crate) fn quantile(&self, share: f64) -> Option<Nanos> {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().map(Nanos)
    }
}

/// Milliseconds, to the microsecond.
pub(crate) fn milliseconds(time: Nanos) -> f64 {
    (time.0 as f64 / 1e3).round() / 1e3
}

/// A share, to four digits; 1 of nothing is everything.
pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { (part as f64 / whole as f64 * 1e4).round() / 1e4 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let latencies = Latencies((1..=100).collect());
        assert_eq!(latencies.quantile(0.5), Some(Nanos(50)));
        assert_eq!(latencies.quantile(0.99), Some(Nanos(99)));
        assert_eq!(latencies.quantile(1.0), Some(Nanos(100)));
        assert_eq!(Latencies(vec![7]).quantile(0.5), Some(Nanos(7)));
        assert_eq!(Latencies::default().quantile(0.5), None);
    }
}
