//! Long histories of registers with few values: the verdict, its proof, and a counterexample that
//! a person can check by hand.

#![allow(clippy::unwrap_used)]

#[path = "../benches/support/mod.rs"]
mod support;

use isobar_checkers::{Budget, History, Register, Verdict, certificates, linearizable};
use support::register_calls::{Drawn, F, Random, Shape, draw};

fn drawn(calls: usize, clients: usize, crashes_max: usize) -> Vec<Drawn> {
    let shape = Shape {
        calls,
        clients,
        values: 5,
        reads_percent: 33,
        writes_percent: 33,
        crashes_permille: (crashes_max * 1500 / calls) as u64,
        crashes_max,
    };
    draw(&shape, &mut Random(7))
}

fn assert_valid(history: &History) {
    let budget = Budget::default();
    let certificates = certificates(history, &Register, &budget).unwrap();
    assert_eq!(certificates[0].verify(history, &Register), Ok(()));
}

/// The first read past nine tenths finds null, which was replaced long ago.
fn assert_stale_read_is_told(mut drawn: Vec<Drawn>) {
    let from = drawn.len() * 9 / 10;
    let read = drawn[from..].iter_mut().find(|call| matches!(call.f, F::Read(_))).unwrap();
    read.f = F::Read(0);
    let history = support::register_history(&drawn);
    let result = linearizable(&history, &Register, &Budget::default());
    assert_eq!(result.verdict, Verdict::Violated);
    let finding = &result.findings[0];
    assert!(finding.operations.len() <= 4, "{finding:?}");
    assert!(finding.witness.is_some());
}

#[test]
fn crowds_and_crashes_are_decided_either_way() {
    for (clients, crashes) in [(5, 0), (30, 10), (100, 30)] {
        let drawn = drawn(3_000, clients, crashes);
        assert_valid(&support::register_history(&drawn));
        assert_stale_read_is_told(drawn);
    }
}

#[test]
#[ignore = "seconds in a release build, minutes in a debug build"]
fn a_hundred_thousand_calls_are_decided_either_way() {
    for (clients, crashes) in [(5, 0), (5, 1_000), (30, 10), (100, 0), (100, 1_000)] {
        let drawn = drawn(100_000, clients, crashes);
        assert_valid(&support::register_history(&drawn));
        assert_stale_read_is_told(drawn);
    }
}
