//! How often a schedule shows its finding: a cluster decides much by itself, and what a part of a
//! schedule showed once may have been luck.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::Schedule;
use super::shrink::Attempt;

/// A schedule must be run so often that it misses its finding once in so many times.
const MISSED_ONCE_IN: f64 = 1000.0;
/// But not more often than this.
const TRIES_MAX: f64 = 100.0;

/// Of some runs, how many showed the finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frequency {
    pub shown: u32,
    pub runs: u32,
}

impl Frequency {
    /// Whether at least half of them did.
    pub fn is_steady(self) -> bool {
        self.runs > 0 && self.shown * 2 >= self.runs
    }

    /// How often to run the schedule for the finding to be there, unless it is gone: all of these
    /// runs miss it once in a thousand times. The chance of one is what Laplace's rule of
    /// succession makes of runs as few as these.
    pub fn tries(self) -> u32 {
        let (shown, runs) = (f64::from(self.shown.min(self.runs)), f64::from(self.runs));
        let chance = (shown + 1.0) / (runs + 2.0);
        let tries = -MISSED_ONCE_IN.ln() / (1.0 - chance).ln();
        tries.ceil().clamp(1.0, TRIES_MAX) as u32
    }

    fn cmp_rate(self, other: Self) -> Ordering {
        let crosswise = |one: Self, other: Self| u64::from(one.shown) * u64::from(other.runs);
        crosswise(self, other).cmp(&crosswise(other, self))
    }
}

/// A schedule that was run often.
#[derive(Clone, Debug, PartialEq)]
pub struct Steady<R> {
    pub schedule: Schedule,
    pub frequency: Frequency,
    /// The last run that showed the finding.
    pub latest: Option<Attempt<R>>,
}

/// The least of `parts` that shows its finding in at least half of so many `runs`; where none does,
/// the one that shows it most often. `parts`: the least last; it goes back over them in steps that
/// double. `None` if none was run.
///
/// # Errors
/// What `run` says instead of an answer.
pub fn steadiest<R, E>(
    parts: &[Schedule],
    runs: u32,
    mut run: impl FnMut(&Schedule) -> Result<Option<Attempt<R>>, E>,
    mut in_time: impl FnMut() -> bool,
) -> Result<Option<Steady<R>>, E> {
    let mut best: Option<Steady<R>> = None;
    for schedule in back(parts) {
        let found = often(schedule, runs, &mut run, &mut in_time)?;
        let is_better = |best: &Steady<R>| found.frequency.cmp_rate(best.frequency).is_gt();
        if found.frequency.runs > 0 && best.as_ref().is_none_or(is_better) {
            best = Some(found);
        }
        if !in_time() || best.as_ref().is_some_and(|best| best.frequency.is_steady()) {
            break;
        }
    }
    Ok(best)
}

/// The last, the second to last, the fourth to last, …, the first.
fn back(parts: &[Schedule]) -> impl Iterator<Item = &Schedule> {
    let doubling = std::iter::successors(Some(1), |behind| Some(behind * 2));
    let last_step = parts.len().next_power_of_two();
    let steps = doubling.take_while(move |&behind| behind <= last_step);
    steps.filter_map(|behind| parts.get(parts.len().saturating_sub(behind)))
}

/// Runs one schedule so often; less often, once it can no longer be steady.
fn often<R, E>(
    schedule: &Schedule,
    runs: u32,
    run: &mut impl FnMut(&Schedule) -> Result<Option<Attempt<R>>, E>,
    in_time: &mut impl FnMut() -> bool,
) -> Result<Steady<R>, E> {
    let (mut frequency, mut latest) = (Frequency::default(), None);
    while frequency.runs < runs && (frequency.runs - frequency.shown) * 2 <= runs && in_time() {
        let found = run(schedule)?;
        if found.is_none() && !in_time() {
            // It was cut short, and shows nothing.
            break;
        }
        frequency.runs += 1;
        if found.is_some() {
            frequency.shown += 1;
            latest = found;
        }
    }
    Ok(Steady { schedule: schedule.clone(), frequency, latest })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::convert::Infallible;

    use isobar_checkers::Nanos;

    use super::super::schedule::tests::schedule;
    use super::*;

    #[test]
    fn what_shows_seldom_is_tried_more_often() {
        let tries = |shown, runs| Frequency { shown, runs }.tries();
        let of_five = [5, 4, 3, 2, 1, 0].map(|shown| tries(shown, 5));
        assert_eq!(of_five, [4, 6, 9, 13, 21, 45]);
        assert_eq!((tries(0, 1000), tries(1000, 1000)), (100, 1));
        // Edited by hand.
        assert_eq!(tries(7, 5), 4);
        assert_eq!((tries(0, u32::MAX), tries(u32::MAX, u32::MAX)), (100, 1));
    }

    /// Schedules of 1, 2, … operations, the largest first.
    fn parts(count: usize) -> Vec<Schedule> {
        let whole = schedule();
        let first = |n: usize| whole.part(&[], whole.operations[..n].to_vec());
        (1..=count).rev().map(first).collect()
    }

    /// How often a schedule shows it that is chosen, with how many operations; and how many there
    /// were in each run. `shows`: by operations, in which of its runs.
    fn chosen(
        parts: &[Schedule],
        shows: impl Fn(usize, u32) -> bool,
    ) -> (usize, Frequency, Vec<usize>) {
        let mut asked: Vec<usize> = Vec::new();
        let run = |part: &Schedule| {
            let operations = part.operations.len();
            let before = asked.iter().filter(|&&other| other == operations).count() as u32;
            asked.push(operations);
            let (from, to) = (Nanos(0), Nanos(1));
            let (faults, keys) = (Vec::new(), Default::default());
            let attempt = Attempt { schedule: part.clone(), from, to, faults, keys, run: before };
            Ok::<_, Infallible>(shows(operations, before).then_some(attempt))
        };
        let steady = steadiest(parts, 5, run, || true).unwrap().unwrap();
        assert_eq!(steady.latest.is_some(), steady.frequency.shown > 0);
        (steady.schedule.operations.len(), steady.frequency, asked)
    }

    #[test]
    fn the_least_is_kept_that_shows_its_finding_in_half_of_its_runs() {
        let parts = parts(9);
        let (least, frequency, asked) = chosen(&parts, |_, run| run != 2);
        assert_eq!((least, frequency), (1, Frequency { shown: 4, runs: 5 }));
        assert_eq!(asked, [1; 5]);
        // By luck with fewer than 3: back by one, by three, …
        let (least, frequency, asked) = chosen(&parts, |ops, run| ops >= 3 || run == 0);
        assert_eq!((least, frequency), (4, Frequency { shown: 5, runs: 5 }));
        assert_eq!(asked, [1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4]);
    }

    #[test]
    fn where_none_is_steady_the_best_is_taken_and_the_least_of_equals() {
        let parts = parts(5);
        let (best, frequency, asked) = chosen(&parts, |ops, run| ops == 4 && run < 2);
        assert_eq!((best, frequency), (4, Frequency { shown: 2, runs: 5 }));
        assert_eq!(asked.last(), Some(&5));
        let (best, frequency, _) = chosen(&parts, |_, _| false);
        assert_eq!((best, frequency.shown), (1, 0));
    }

    #[test]
    fn a_run_that_was_cut_short_does_not_count() {
        let parts = parts(2);
        let runs = std::cell::Cell::new(0);
        let run = |_: &Schedule| {
            runs.set(runs.get() + 1);
            Ok::<Option<Attempt<()>>, Infallible>(None)
        };
        let steady = steadiest(&parts, 5, run, || runs.get() < 2).unwrap().unwrap();
        assert_eq!(steady.frequency, Frequency { shown: 0, runs: 1 });
        let none = steadiest(&parts, 5, |_| Ok::<Option<Attempt<()>>, Infallible>(None), || false);
        assert_eq!(none, Ok(None));
    }
}
