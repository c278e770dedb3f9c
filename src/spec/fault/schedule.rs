//! When the faults of a track happen.

use std::time::Duration;

use crate::spec::Span;

/// When the injections of a track begin, and how long each lasts.
///
/// With `every`: at `at` (by default half of `every`), then every `every` until the load ends.
/// With `at` alone: once. With neither: every 10 s. An injection lasts `for`: by default half of
/// `every`, or to the end of the load when it happens once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub first: Duration,
    pub every: Option<Duration>,
    pub lasts: Option<Duration>,
}

impl Schedule {
    const EVERY_DEFAULT: Duration = Duration::from_secs(10);

    pub(super) fn new(every: Option<Span>, lasts: Option<Span>, at: Option<Span>) -> Self {
        let every = match (every, at) {
            (Some(every), _) => Some(every.0),
            (None, Some(_)) => None,
            (None, None) => Some(Self::EVERY_DEFAULT),
        };
        let half = every.map(|every| every / 2);
        Self {
            first: at.map(|at| at.0).or(half).unwrap_or_default(),
            every,
            lasts: lasts.map(|lasts| lasts.0).or(half),
        }
    }
}
