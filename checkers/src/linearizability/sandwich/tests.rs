//! Each pass against brute force, the rules one by one, and the rules that are refuted.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rustc_hash::FxHashSet;
use serde_json::{Value, json};

use super::*;
use crate::linearizability::{Register, replay};
use register_calls::{Drawn, F, Random, Shape, draw};

#[path = "../../../benches/support/register_calls.rs"]
mod register_calls;

fn calls(drawn: &[Drawn]) -> Vec<Call<RegisterOp>> {
    let value = |value: u32| if value == 0 { Value::Null } else { json!(value) };
    let call = |(operation, drawn): (usize, &Drawn)| {
        let op = match drawn.f {
            F::Read(found) => RegisterOp::Read(value(found)),
            F::Write(new) => RegisterOp::Write(value(new)),
            F::Cas(old, new) => RegisterOp::Cas { old: value(old), new: value(new) },
        };
        let completed = drawn.to.unwrap_or(Call::<RegisterOp>::OPEN);
        Call { op, invoked: drawn.from, completed, operation }
    };
    let kept = drawn.iter().filter(|one| one.to.is_some() || !matches!(one.f, F::Read(_)));
    kept.enumerate().map(|(place, drawn)| call((place, drawn))).collect()
}

/// Changes up to `count` results to values drawn.
fn spoil(drawn: &mut [Drawn], values: u64, count: usize, random: &mut Random) {
    for _ in 0..count {
        let place = random.below(drawn.len() as u64) as usize;
        match &mut drawn[place].f {
            F::Read(found) => *found = random.below(values + 1) as u32,
            F::Write(value) => *value = 1 + random.below(values) as u32,
            F::Cas(old, _) => *old = 1 + random.below(values) as u32,
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
    let (reads_percent, writes_percent) = mixes[random.below(6) as usize];
    let shape = Shape {
        calls: 4 + random.below(most - 4) as usize,
        clients: 2 + random.below(7) as usize,
        values: 1 + random.below(4),
        reads_percent,
        writes_percent,
        crashes_permille: [0, 100, 300, 600][random.below(4) as usize],
        crashes_max: 12,
    };
    let mut drawn = draw(&shape, &mut random);
    if random.below(2) == 0 && !drawn.is_empty() {
        let count = 1 + random.below(2) as usize;
        spoil(&mut drawn, shape.values, count, &mut random);
    }
    drawn.truncate(40);
    calls(&drawn)
}

/// What each pass says is right, and final where it must be.
fn check(seed: u64, most: u64) -> Result<(), TestCaseError> {
    let calls = random_calls(seed, most);
    let expected = is_linearizable(&calls);
    let problem = Problem::new(&calls);
    let replayed = |order: &[u32]| replay::replay(&Register, &calls, order);
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
    match search(&calls, &mut Budget::default()) {
        Some(Outcome::Valid(_)) => prop_assert!(expected, "seed {}", seed),
        Some(Outcome::Violated(_)) => prop_assert!(!expected, "seed {}", seed),
        _ => prop_assert!(false, "undecided, seed {}", seed),
    }
    Ok(())
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
