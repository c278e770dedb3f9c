//! Each pass against brute force, the rules one by one, and the rules that are refuted.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rustc_hash::FxHashSet;
use serde_json::{Value, json};

use super::*;
use crate::generate::{Load, Mix, Random, few_values};
use crate::linearizability::{Register, call, notation, replay};

/// Changes up to `count` calls to values drawn; 0 is null.
fn spoil(calls: &mut [Call<RegisterOp>], values: u64, count: usize, random: &mut Random) {
    let json = |value: u64| if value == 0 { Value::Null } else { json!(value) };
    for _ in 0..count {
        let place = random.below(calls.len() as u64) as usize;
        match &mut calls[place].op {
            RegisterOp::Read(found) => *found = json(random.below(values + 1)),
            RegisterOp::Write(value) => *value = json(1 + random.below(values)),
            RegisterOp::Cas { old, .. } => *old = json(1 + random.below(values)),
        }
    }
}

/// Tries every order, each set of calls done and state once.
fn is_linearizable(calls: &[Call<RegisterOp>]) -> bool {
    assert!(calls.len() <= 64);
    let mut seen = FxHashSet::default();
    let mut open = vec![(0_u64, Value::Null)];
    while let Some((done, state)) = open.pop() {
        let left = || (0..calls.len()).filter(move |call| done >> call & 1 == 0);
        let Some(due) = left().map(|call| calls[call].completed).min() else { return true };
        if due == Call::<RegisterOp>::OPEN {
            return true;
        }
        for call in left().filter(|&call| calls[call].invoked < due) {
            let after = crate::Model::apply(&Register, &state, &calls[call].op);
            if let Some(after) = after
                && seen.insert((done | 1 << call, after.clone()))
            {
                open.push((done | 1 << call, after));
            }
        }
    }
    false
}

/// A history of at most `most` calls: sequences, crowds, crashes, corruptions.
fn random_calls(seed: u64, most: u64) -> Vec<Call<RegisterOp>> {
    let mut random = Random(seed);
    let mixes = [(33, 33), (50, 30), (20, 60), (20, 20), (10, 10), (60, 10)];
    let (reads, writes) = mixes[random.below(6) as usize];
    let operations = 4 + random.below(most - 4) as u32;
    let load = Load {
        operations,
        clients: 2 + random.below(7) as u32,
        crashes: operations * [0, 5, 15, 30][random.below(4) as usize] / 100,
        seed: random.below(u64::MAX),
    };
    let values = 1 + random.below(4);
    let history = few_values(&load, values as u32, Mix { reads, writes });
    let mut calls = call::calls(&Register, history.operations()).unwrap();
    if random.below(2) == 0 && !calls.is_empty() {
        let count = 1 + random.below(2) as usize;
        spoil(&mut calls, values, count, &mut random);
    }
    calls.truncate(40);
    calls
}

fn check(seed: u64, most: u64) -> Result<(), TestCaseError> {
    let calls = random_calls(seed, most);
    check_passes(&calls, is_linearizable(&calls), seed)
}

/// What each pass says is right, and final where it must be.
fn check_passes(
    calls: &[Call<RegisterOp>],
    expected: bool,
    seed: u64,
) -> Result<(), TestCaseError> {
    let problem = Problem::new(calls);
    let replayed = |order: &[u32]| replay::replay(&Register, calls, order);
    let stuck = relaxed::stuck::<1>(&problem).is_some();
    prop_assert!(!stuck || !expected, "relaxed rejects a valid history, seed {}", seed);
    for level in [0, NARROW] {
        if let Beam::Order(order) = beam::pass::<1>(&problem, level, &mut Budget::default()) {
            prop_assert_eq!(replayed(&order), Ok(()), "beam, seed {}", seed);
        }
    }
    let mut random = Random(seed ^ 77);
    let tracked: Vec<bool> = problem.ends.iter().map(|_| random.below(2) == 0).collect();
    let scope = Scope { tracked: Some(&tracked), until: usize::MAX, width: EXACT_WIDTH };
    if let Exact::Stuck(_) = exact::pass::<1>(&problem, scope, &mut Budget::default()) {
        prop_assert!(!expected, "tracked rejects a valid history, seed {}", seed);
    }
    let scope = Scope { tracked: None, ..scope };
    match exact::pass::<2>(&problem, scope, &mut Budget::default()) {
        Exact::Order(order) => prop_assert_eq!(replayed(&order), Ok(()), "exact, seed {}", seed),
        Exact::Stuck(_) => prop_assert!(!expected, "exact rejects, seed {}", seed),
        Exact::Undecided => prop_assert!(false, "the budget is ample, seed {}", seed),
    }
    match search(calls, &mut Budget::default()) {
        Some(Outcome::Valid(_)) => prop_assert!(expected, "seed {}", seed),
        Some(Outcome::Violated(_)) => prop_assert!(!expected, "seed {}", seed),
        _ => prop_assert!(false, "undecided, seed {}", seed),
    }
    Ok(())
}

/// A valid history and a violated one for each rule of the module.
const TWINS: [(&str, &str, &str); 7] = [
    (
        "a signature that crashed twice explains two appearances",
        "0-? w1, 1-? w1, 2-3 w2, 4-5 r1, 6-7 w2, 8-9 r1, 10-11 r1",
        "0-? w1, 1-? w1, 2-3 w2, 4-5 r1, 6-7 w2, 8-9 r1, 10-11 w2, 12-13 r1",
    ),
    (
        "reads at once, as long as they are live",
        "0-9 r1, 1-2 w1, 3-4 w2, 5-6 r2",
        "0-9 r1, 1-2 w1, 3-4 w2, 5-6 r1",
    ),
    (
        "an absorbed write was there before the write that was chosen",
        "0-9 w1, 1-2 w2, 3-4 r2, 10-11 r2",
        "0-1 w2, 2-9 w1, 3-4 r2, 10-11 r2",
    ),
    (
        "an absorbed write may be chosen after all",
        "0-9 w1, 0-9 w2, 1-2 r2, 3-4 r1",
        "0-9 w1, 0-9 w2, 1-2 r2, 3-4 r1, 5-6 r2",
    ),
    (
        "a compare-and-set takes effect on its value alone",
        "0-9 c1:2, 1-2 w1, 3-4 r2, 5-6 w1, 10-11 r1",
        "0-9 c1:2, 1-2 w1, 3-4 r2, 5-6 r1",
    ),
    (
        "a crashed compare-and-set to what nobody sees is none",
        "0-1 w1, 2-? c1:3, 4-5 r1, 6-7 w1, 8-9 r1",
        "0-1 w1, 2-3 c1:3, 4-5 r1, 6-7 w1, 8-9 r1",
    ),
    (
        "a compare-and-set of a value by itself is a read",
        "0-1 w1, 2-3 c1:1, 4-5 w2, 6-7 r2",
        "0-1 w1, 2-3 w2, 4-5 c1:1, 6-7 r2",
    ),
];

#[test]
fn accepts_and_rejects_by_each_rule() {
    for (rule, valid, violated) in TWINS {
        for (line, expected) in [(valid, true), (violated, false)] {
            let calls = told(line);
            assert_eq!(is_linearizable(&calls), expected, "{rule}: {line}");
            check_passes(&calls, expected, 0).expect(rule);
        }
    }
}

/// Each is valid, and rejected by a search with the rule.
#[test]
fn rules_that_look_right_are_refuted() {
    for (rule, line) in [
        (
            "of live calls alike, the one that completes last goes first",
            "0-10 w1, 0-30 w1, 2-4 r1, 6-8 w2, 12-14 r2, 16-18 r1",
        ),
        (
            "a compare-and-set that took effect stands in for one that did not",
            "0-40 c1:2, 0-10 w1, 0-10 w2, 1-3 r1, 4-6 r2, 12-14 w1, 15-17 r1, 20-22 r2",
        ),
        (
            "a compare-and-set that did not take effect stands in for one that did",
            "0-20 c1:2, 0-8 w1, 0-10 w1, 12-14 r1, 22-24 r1",
        ),
        ("an absorbed write is not chosen any more", "0-9 w1, 0-9 w2, 1-2 r2, 3-4 r1"),
    ] {
        let calls = told(line);
        assert!(is_linearizable(&calls), "{rule}: {line}");
        check_passes(&calls, true, 0).expect(rule);
    }
}

fn told(line: &str) -> Vec<Call<RegisterOp>> {
    let history = notation::history(line);
    call::calls(&Register, history.operations()).unwrap()
}

/// Writes of what nobody sees, live all the time, change no verdict: only the slots go past 64.
#[test]
fn a_crowd_of_bystanders_changes_nothing() {
    const CROWD: u32 = 150;
    for seed in 0..300 {
        let base = random_calls(seed, 20);
        let end = 4 * CROWD + base.iter().map(|call| call.invoked).max().unwrap_or(0) * 8;
        let bystander = |number: u32| Call {
            op: RegisterOp::Write(json!(1000 + number)),
            invoked: number,
            completed: end + number,
            operation: 0,
        };
        let mut calls: Vec<_> = (0..CROWD).map(bystander).collect();
        calls.extend(base.iter().cloned().map(|mut call| {
            call.invoked += CROWD;
            if !call.is_open() {
                call.completed += CROWD;
            }
            call
        }));
        let found = search(&calls, &mut Budget::default());
        match (found, is_linearizable(&base)) {
            (Some(Outcome::Valid(order)), true) => {
                assert_eq!(replay::replay(&Register, &calls, &order), Ok(()), "seed {seed}");
            }
            (Some(Outcome::Violated(_)), false) => {}
            (found, expected) => panic!("seed {seed}: {found:?}, but linearizable: {expected}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn every_pass_agrees_with_brute_force(seed in any::<u64>()) {
        check(seed, 20)?;
    }
}

#[test]
#[ignore = "a minute in a release build"]
fn many_histories_agree_with_brute_force() {
    for seed in 0..200_000 {
        check(seed, if seed % 10 == 0 { 30 } else { 20 }).unwrap();
    }
}
