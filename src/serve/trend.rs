//! One test over time: how often it was violated, by what, and how soon that was clear.

use std::collections::BTreeMap;
use std::sync::Arc;

use isobar_checkers::{Nanos, Verdict};
use jiff::Timestamp;

use super::entry::Entry;
use crate::fingerprint::Fingerprint;

/// Columns of the chart; more cannot be told apart.
const COLUMNS_MAX: i64 = 60;
const HOUR: i64 = 3600;
/// Lengths of time that a column may stand for, in seconds.
const PERIODS: [(i64, &str); 6] = [
    (HOUR, "hour"),
    (6 * HOUR, "six hours"),
    (24 * HOUR, "day"),
    (7 * 24 * HOUR, "week"),
    (30 * 24 * HOUR, "30 days"),
    (365 * 24 * HOUR, "365 days"),
];

/// Runs by their verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub valid: u64,
    pub violated: u64,
    pub unknown: u64,
}

impl Counts {
    pub fn all(&self) -> u64 {
        self.valid + self.violated + self.unknown
    }

    fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Valid => self.valid += 1,
            Verdict::Violated => self.violated += 1,
            Verdict::Unknown(_) => self.unknown += 1,
        }
    }
}

/// The runs of one period, or one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// UTC: `2026-11-28 17:00`.
    pub from: String,
    pub counts: Counts,
}

/// One finding over all runs.
#[derive(Clone, Debug)]
pub struct Seen {
    pub finding: Fingerprint,
    pub runs: u64,
    pub first: Arc<Entry>,
    pub last: Arc<Entry>,
    /// How long the load had gone on; the median over the runs.
    pub detected_median: Nanos,
}

/// Of all runs of a test that were judged.
#[derive(Clone, Debug)]
pub struct Trend {
    pub counts: Counts,
    pub not_judged: u64,
    /// In order of time; periods without a run are there, and empty.
    pub columns: Vec<Column>,
    /// What a column is: `run`, `day`, …
    pub period: &'static str,
    /// What was found most often comes first.
    pub seen: Vec<Seen>,
    /// Times to the first contradiction of every violated run, ascending.
    pub detected: Vec<Nanos>,
}

impl Trend {
    /// `runs`: the latest first.
    pub fn of(runs: &[Arc<Entry>]) -> Self {
        let mut judged: Vec<(Timestamp, &Arc<Entry>, &Verdict)> = Vec::new();
        let mut counts = Counts::default();
        for run in runs {
            let Some(verdict) = run.verdict() else { continue };
            counts.add(verdict);
            // A run without a time of beginning is counted; it has no place on an axis of time.
            judged.extend(run.started_at().parse().ok().map(|at| (at, run, verdict)));
        }
        judged.sort_by_key(|(at, ..)| *at);
        let known = runs.iter().filter_map(|run| run.known.as_ref().ok());
        let mut detected: Vec<Nanos> = known.filter_map(|run| run.detected_at()).collect();
        detected.sort_unstable();
        let moments: Vec<(i64, &Verdict)> =
            judged.iter().map(|(at, _, verdict)| (at.as_second(), *verdict)).collect();
        let (period, columns) = columns(&moments);
        let not_judged = runs.len() as u64 - counts.all();
        Self { counts, not_judged, columns, period, seen: seen(runs), detected }
    }

    pub fn detected_median(&self) -> Option<Nanos> {
        median(&self.detected)
    }
}

/// Of ascending values; of an even number, the lower of the two in the middle.
fn median(values: &[Nanos]) -> Option<Nanos> {
    values.get(values.len().saturating_sub(1) / 2).copied()
}

/// A column per run while there are few; else per shortest period of which there are few.
fn columns(moments: &[(i64, &Verdict)]) -> (&'static str, Vec<Column>) {
    let (Some((first, _)), Some((last, _))) = (moments.first(), moments.last()) else {
        return ("run", Vec::new());
    };
    if moments.len() as i64 <= COLUMNS_MAX {
        let column = |(at, verdict): &(i64, &Verdict)| {
            let mut counts = Counts::default();
            counts.add(verdict);
            Column { from: minute(*at), counts }
        };
        return ("run", moments.iter().map(column).collect());
    }
    let fits = |(length, _): &&(i64, &str)| {
        last.div_euclid(*length) - first.div_euclid(*length) < COLUMNS_MAX
    };
    let &(length, name) = PERIODS.iter().find(fits).unwrap_or(&PERIODS[PERIODS.len() - 1]);
    let begin = first.div_euclid(length);
    let periods = begin..=last.div_euclid(length);
    let mut columns: Vec<Column> =
        periods.map(|n| Column { from: minute(n * length), counts: Counts::default() }).collect();
    for (at, verdict) in moments {
        let place = usize::try_from(at.div_euclid(length) - begin).unwrap_or_default();
        if let Some(column) = columns.get_mut(place) {
            column.counts.add(verdict);
        }
    }
    (name, columns)
}

fn minute(second: i64) -> String {
    let at = Timestamp::from_second(second).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

fn seen(runs: &[Arc<Entry>]) -> Vec<Seen> {
    let mut all: BTreeMap<&Fingerprint, Vec<(&Arc<Entry>, Nanos)>> = BTreeMap::new();
    for run in runs {
        let Ok(known) = &run.known else { continue };
        for (name, found) in &known.found {
            all.entry(name).or_default().push((run, found.first));
        }
    }
    let one = |(finding, times): (&Fingerprint, Vec<(&Arc<Entry>, Nanos)>)| {
        let (last, first) = (times.first()?.0, times.last()?.0);
        let mut moments: Vec<Nanos> = times.iter().map(|(_, at)| *at).collect();
        moments.sort_unstable();
        Some(Seen {
            finding: finding.clone(),
            runs: times.len() as u64,
            first: Arc::clone(first),
            last: Arc::clone(last),
            detected_median: median(&moments)?,
        })
    };
    let mut seen: Vec<Seen> = all.into_iter().filter_map(one).collect();
    seen.sort_by_key(|seen| std::cmp::Reverse(seen.runs));
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_runs_have_a_column_each() {
        let unknown = Verdict::Unknown("budget".to_owned());
        let moments = [(0, &Verdict::Valid), (60, &unknown), (999_999, &Verdict::Violated)];
        let (period, columns) = columns(&moments);
        assert_eq!((period, columns.len()), ("run", 3));
        assert_eq!(columns[1].from, "1970-01-01 00:01");
        assert_eq!(columns[1].counts, Counts { unknown: 1, ..Counts::default() });
    }

    #[test]
    fn many_runs_share_periods_and_a_pause_is_seen() {
        // Two runs a day for fifty days, but for ten days in the middle.
        let days = (0..50).filter(|day| !(20..30).contains(day));
        let moments: Vec<(i64, &Verdict)> = days
            .flat_map(|day| {
                [(day * 86_400, &Verdict::Valid), (day * 86_400 + 9, &Verdict::Violated)]
            })
            .collect();
        let (period, columns) = columns(&moments);
        assert_eq!((period, columns.len()), ("day", 50));
        assert_eq!(columns[0].counts, Counts { valid: 1, violated: 1, unknown: 0 });
        assert_eq!(columns[25].counts.all(), 0);
        assert_eq!(columns.iter().map(|column| column.counts.all()).sum::<u64>(), 80);
    }

    #[test]
    fn the_median_is_one_of_the_values() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[Nanos(1), Nanos(2), Nanos(9)]), Some(Nanos(2)));
        assert_eq!(median(&[Nanos(1), Nanos(2), Nanos(3), Nanos(9)]), Some(Nanos(2)));
    }
}
