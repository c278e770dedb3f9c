//! Long histories of registers with few values: the verdict, its proof, and a counterexample that
//! a person can check by hand.

#![allow(clippy::unwrap_used)]

use isobar_checkers::generate::{Load, Mix, few_values, spoil};
use isobar_checkers::{Budget, History, Register, Verdict, certificates, linearizable};

fn generated(operations: u32, clients: u32, crashes: u32) -> History {
    let load = Load { operations, clients, crashes, seed: 7 };
    few_values(&load, 5, Mix { reads: 33, writes: 33 })
}

fn assert_valid(history: &History) {
    let budget = Budget::default();
    let certificates = certificates(history, &Register, &budget).unwrap();
    assert_eq!(certificates[0].verify(history, &Register), Ok(()));
}

/// The first read past nine tenths finds null, which was replaced long ago.
fn assert_stale_read_is_told(mut history: History) {
    assert!(spoil::stale_read(&mut history));
    let result = linearizable(&history, &Register, &Budget::default());
    assert_eq!(result.verdict, Verdict::Violated);
    let finding = &result.findings[0];
    assert!(finding.operations.len() <= 4, "{finding:?}");
    assert!(finding.witness.is_some());
}

#[test]
fn crowds_and_crashes_are_decided_either_way() {
    for (clients, crashes) in [(5, 0), (30, 10), (100, 30)] {
        let history = generated(3_000, clients, crashes);
        assert_valid(&history);
        assert_stale_read_is_told(history);
    }
}

#[test]
#[ignore = "seconds in a release build, minutes in a debug build"]
fn a_hundred_thousand_calls_are_decided_either_way() {
    for (clients, crashes) in [(5, 0), (5, 1_000), (30, 10), (100, 0), (100, 1_000)] {
        let history = generated(100_000, clients, crashes);
        assert_valid(&history);
        assert_stale_read_is_told(history);
    }
}
