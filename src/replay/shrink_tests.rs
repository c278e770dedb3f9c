//! Tests of shrinking: the system is a function here, and its bug known.

#![allow(clippy::unwrap_used)]

use std::convert::Infallible;

use super::super::schedule::tests::schedule;
use super::*;

/// A system that breaks when it is asked to write 22 and then 24 while fault `fault` is planned.
fn breaks(schedule: &Schedule, fault: u32) -> Option<Attempt<()>> {
    let at = |value: u64| {
        let found = schedule.operations.iter().find(|op| op.request.value == value);
        found.map(|op| op.at)
    };
    let (from, to) = (at(22)?, at(24)?);
    let planned = schedule.plan.injections.iter().any(|i| i.id == fault);
    let keys = ["\"k2\"", "\"k4\""].map(str::to_owned).into();
    let schedule = schedule.clone();
    planned.then_some(Attempt { schedule, run: (), from, to, faults: vec![fault], keys })
}

#[test]
fn the_fault_and_the_two_operations_that_matter_are_left() {
    let whole = schedule();
    let second = std::time::Duration::from_secs(21);
    let fault = whole.plan.injections.iter().find(|i| i.at.0 == second).unwrap().id;
    let found = breaks(&whole, fault).unwrap();
    let mut runs = 0;
    let run = |part: &Schedule| {
        runs += 1;
        Ok::<_, Infallible>(breaks(part, fault))
    };
    let shrunk = shrink(found, run, || true).unwrap();
    assert!(shrunk.finished);
    assert_eq!(shrunk.parts.last(), Some(&shrunk.attempt.schedule));
    let least = shrunk.attempt.schedule;
    assert_eq!(least.plan.injections.len(), 1);
    let values: Vec<u64> =
        least.operations.iter().filter_map(|op| op.request.value.as_u64()).collect();
    assert_eq!(values, [22, 24]);
    assert!(runs <= 12, "{runs} runs");
}

#[test]
fn what_never_shows_again_stays_whole_and_what_has_no_time_says_so() {
    let whole = schedule();
    let found = breaks(&whole, 3).unwrap();
    let never = shrink(found.clone(), |_| Ok::<_, Infallible>(None), || true).unwrap();
    assert_eq!(never.attempt.schedule, whole);
    assert!(never.parts.is_empty());
    let hurried = shrink(found.clone(), |_| Ok::<_, Infallible>(None), || false).unwrap();
    assert!(!hurried.finished);
    assert_eq!(shrink(found, |_| Err("gone"), || true), Err("gone"));
}
