//! The end of a campaign: a table, the findings by name, and one exit code.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::Ended;
use crate::exit::Exit;
use crate::fingerprint::Fingerprint;

/// What became of all tests.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Version of this format; 1.
    pub schema: u32,
    /// `campaign`, among the lines of `--output ndjson`.
    pub kind: &'static str,
    pub runs: Vec<Ended>,
    /// Tests that were not begun: time ran out, or a violation was enough.
    pub not_run: usize,
    pub exit: Exit,
}

impl Summary {
    const SCHEMA: u32 = 1;

    pub fn of(runs: Vec<Ended>, not_run: usize) -> Self {
        // A campaign of which nothing was run proves nothing.
        let exit = Exit::worst(runs.iter().map(|run| run.exit)).unwrap_or(Exit::Unknown);
        Self { schema: Self::SCHEMA, kind: "campaign", runs, not_run, exit }
    }

    /// Every finding with how many runs show it, and the command that runs the first of them.
    fn findings(&self) -> BTreeMap<&Fingerprint, (usize, &str)> {
        let mut findings: BTreeMap<&Fingerprint, (usize, &str)> = BTreeMap::new();
        for run in &self.runs {
            for finding in run.findings.keys() {
                findings.entry(finding).or_insert((0, &run.reproduce)).0 += 1;
            }
        }
        findings
    }

    /// `20 runs: 18 valid, 2 violated; 4 not run`
    pub fn counted(&self) -> String {
        let mut counts: BTreeMap<Exit, usize> = BTreeMap::new();
        for run in &self.runs {
            *counts.entry(run.exit).or_default() += 1;
        }
        let told: Vec<String> =
            counts.iter().map(|(exit, count)| format!("{count} {}", exit.word())).collect();
        let plural = if self.runs.len() == 1 { "" } else { "s" };
        let mut text = format!("{} run{plural}", self.runs.len());
        if !told.is_empty() {
            text = format!("{text}: {}", told.join(", "));
        }
        match self.not_run {
            0 => text,
            left => format!("{text}; {left} not run"),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |of: fn(&Ended) -> usize| self.runs.iter().map(of).max().unwrap_or(0);
        let name = width(|run| run.name.chars().count());
        let seed = width(|run| run.seed.to_string().len());
        let word = width(|run| run.exit.word().len());
        for run in &self.runs {
            let seconds = run.elapsed_ms as f64 / 1e3;
            write!(f, "{:<word$}  {:<name$}  ", run.exit.word(), run.name)?;
            write!(f, "seed {:<seed$}  {:>7} ok  {seconds:>6.1} s", run.seed, run.operations.ok)?;
            for (finding, times) in &run.findings {
                write!(f, "  {} × {times}", finding.anomaly)?;
            }
            if let (Some(why), true) = (run.trouble.first(), run.findings.is_empty()) {
                write!(f, "  {}", why.lines().next().unwrap_or_default())?;
            }
            writeln!(f)?;
        }
        for (finding, (runs, reproduce)) in self.findings() {
            let plural = if runs == 1 { "" } else { "s" };
            writeln!(f, "\n{finding}: in {runs} run{plural}\n  {reproduce}")?;
        }
        writeln!(f, "\n{}", self.counted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::{Cell, perform};
    use crate::spec;
    use crate::store::OperationCounts;

    fn cell(seed: u64) -> Cell {
        let source = include_str!("../../examples/demo.yaml");
        let spec = spec::parse("demo.yaml", source).expect("the demonstration is good");
        let reproduce = format!("isobar run demo.yaml --seed {seed}");
        Cell { name: "demo".to_owned(), spec, seed, reproduce, schedule: None }
    }

    fn ended(cell: &Cell) -> Ended {
        let operations = OperationCounts { ok: 100 + cell.seed, ..OperationCounts::default() };
        let ended = Ended { operations, elapsed_ms: 1500, ..Ended::of(cell) };
        let stale = Fingerprint {
            check: "linearizable".to_owned(),
            anomaly: "stale-read".to_owned(),
            id: "0123456789ab".to_owned(),
        };
        match cell.seed % 4 {
            1 => Ended { exit: Exit::Violated, findings: [(stale, 3)].into(), ..ended },
            2 => ended.failed(Exit::SetUp, "n1: cannot be reached\nno route".to_owned()),
            3 => ended.failed(Exit::Unknown, "no read was ok".to_owned()),
            _ => Ended { exit: Exit::Valid, ..ended },
        }
    }

    #[test]
    fn the_table_tells_every_run_and_every_finding_once() {
        let cells: Vec<Cell> = (0..6).map(cell).collect();
        let runs = perform(&cells, 3, ended, |_| false, || true);
        let summary = Summary::of(runs, 2);
        assert_eq!(summary.exit, Exit::Violated);
        insta::assert_snapshot!(summary);
    }

    #[test]
    fn a_violation_may_be_enough_and_nothing_at_all_proves_nothing() {
        let cells: Vec<Cell> = (0..6).map(cell).collect();
        let runs = perform(&cells, 1, ended, |run| run.exit == Exit::Violated, || true);
        assert_eq!(runs.iter().map(|run| run.seed).collect::<Vec<_>>(), [0, 1]);
        let none = perform(&cells, 2, ended, |_| false, || false);
        assert_eq!(Summary::of(none, 6).exit, Exit::Unknown);
    }

    #[test]
    fn set_up_trouble_does_not_hide_behind_a_valid_run() {
        let runs = vec![ended(&cell(0)), ended(&cell(2)), ended(&cell(3))];
        assert_eq!(Summary::of(runs, 0).exit, Exit::SetUp);
    }
}
