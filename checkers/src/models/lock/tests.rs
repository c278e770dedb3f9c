//! Accept and reject twins of all locks, and all of them against brute force.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{FencedLock, Mutex, ReentrantMutex, Semaphore};
use crate::linearizability::Model;
use crate::models::testing::{accepts, agrees, history, many, rejects, some, violated_by_type};

#[test]
fn accepts_valid_histories() {
    for line in [
        "0-1#1 acquire, 2-3#1 release, 4-5#2 acquire",
        "0-9#1 acquire, 1-2#2 acquire, 3-4#2 release",
        "0-1#1 acquire, 2-9#1 release, 3-4#2 acquire",
        // In doubt, an acquire explains nothing and hides nothing.
        "0-?#1 acquire, 2-3#2 acquire, 4-5#2 release, 6-7#3 acquire",
        "0-1#1 acquire, 2-?#1 release, 4-5#2 acquire",
        "0-1#1 acquire, 2-3!#2 acquire, 4-5#1 release",
        // A process that goes on after an acquire in doubt may have got it.
        "0-?#1 acquire, 2-3#1 release, 4-5#2 acquire",
    ] {
        accepts(&Mutex, line);
        accepts(&ReentrantMutex::default(), line);
        accepts(&Semaphore { permits: 1 }, line);
        accepts(&Semaphore { permits: 2 }, line);
    }
    accepts(&ReentrantMutex::default(), "0-1#1 acquire, 2-3#1 acquire, 4-5#1 release");
    accepts(&Semaphore { permits: 2 }, "0-1#1 acquire, 2-3#2 acquire, 4-5#2 release");
    accepts(&Semaphore { permits: 2 }, "0-1#1 acquire, 2-3#1 acquire");
    accepts(&FencedLock, "0-1#1 acquire -> 4, 2-3#1 release, 4-?#3 acquire, 5-6#2 acquire -> 9");
}

#[test]
fn rejects_invalid_histories() {
    for line in [
        "0-1#1 acquire, 2-3#2 acquire",
        "0-1#1 acquire, 2-3#2 acquire, 4-5#1 release",
        "0-1#1 acquire, 2-3!#1 release, 4-5#2 acquire",
        "0-1#1 acquire, 2-3#2 acquire, 4-?#1 release",
    ] {
        assert_eq!(rejects(&Mutex, line), "double-acquire");
        assert_eq!(rejects(&ReentrantMutex::default(), line), "double-acquire");
        assert_eq!(rejects(&Semaphore { permits: 1 }, line), "double-acquire");
        accepts(&Semaphore { permits: 2 }, line);
    }
    for line in ["0-1#1 release", "0-1#1 acquire, 2-3#2 release"] {
        assert_eq!(rejects(&Mutex, line), "release-without-acquire");
        assert_eq!(rejects(&ReentrantMutex::default(), line), "release-without-acquire");
        assert_eq!(rejects(&Semaphore { permits: 2 }, line), "release-without-acquire");
    }
    assert_eq!(rejects(&Mutex, "0-1#1 acquire, 2-3#1 acquire"), "double-acquire");
    let limited = ReentrantMutex { holds_max: 1 };
    assert_eq!(rejects(&limited, "0-1#1 acquire, 2-3#1 acquire"), "double-acquire");
    let three = "0-1#1 acquire, 2-3#2 acquire, 4-5#3 acquire";
    assert_eq!(rejects(&Semaphore { permits: 2 }, three), "double-acquire");
    let same = "0-1#1 acquire -> 4, 2-3#1 release, 5-6#2 acquire -> 4";
    assert_eq!(rejects(&FencedLock, same), "stale-token");
    let less = "0-1#1 acquire -> 4, 2-3#1 release, 5-9#2 acquire -> 3";
    assert_eq!(rejects(&FencedLock, less), "stale-token");
    assert_eq!(rejects(&FencedLock, "0-1#1 acquire -> 4, 2-3#2 acquire -> 5"), "double-acquire");
}

#[test]
fn what_is_no_lock_is_said() {
    let told = violated_by_type(&Mutex, "0-1 lock");
    assert_eq!(told, "op 0: `lock` is nothing a mutex does; expected acquire, release");
    let told = violated_by_type(&FencedLock, "0-1 acquire");
    assert_eq!(told, "op 0: an acquire gave null; expected a token, an integer");
}

#[test]
fn a_contradiction_is_no_more_than_the_holders() {
    let mut items: Vec<String> = (0..50)
        .map(|n| {
            format!("{}-{}#1 acquire, {}-{}#1 release", n * 4, n * 4 + 1, n * 4 + 2, n * 4 + 3)
        })
        .collect();
    items.push("101-101#2 acquire".to_owned());
    let history = history(&items.join(", "));
    let result = crate::linearizable(&history, &Mutex, &crate::Budget::default());
    assert_eq!(result.figures["keys_searched"], 0);
    assert_eq!(result.findings[0].operations.len(), 3, "{:?}", result.findings[0]);
}

/// Which process, start, length, what, outcome.
type Draft = (u8, u32, u32, u8, u8);

/// Three processes, one thing at a time each; acquire and release take turns, mostly.
fn line(drafts: &[Draft]) -> String {
    let mut free = [0_u32; 3];
    let mut held = [0_u32; 3];
    let mut names = [1_u32, 2, 3];
    let mut items = Vec::new();
    for (place, &(process, start, length, what, outcome)) in drafts.iter().enumerate() {
        let process = usize::from(process % 3);
        let start = free[process] + start;
        free[process] = start + length + 1;
        let acquires = (held[process] == 0) ^ (what == 0);
        let f = if acquires { "acquire" } else { "release" };
        let end = (start + length).to_string();
        let name = names[process];
        let token =
            if acquires { format!(" -> {}", start / 4 + u32::from(what % 2)) } else { "".into() };
        let (end, counts) = match outcome {
            0 => ("?".to_owned(), false),
            1 => (format!("{end}!"), false),
            _ => (end, true),
        };
        if outcome == 0 && place % 3 > 0 {
            names[process] += 10;
            held[process] = 0;
        }
        if counts {
            held[process] =
                if acquires { held[process] + 1 } else { held[process].saturating_sub(1) };
        }
        items.push(format!("{start}-{end}#{name} {f}{token}"));
    }
    items.join(", ")
}

fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    prop::collection::vec((0..3_u8, 0..12_u32, 0..9_u32, 0..12_u8, 0..9_u8), 1..9)
}

fn agree(line: &str) -> Result<(), TestCaseError> {
    fn one<M: Model>(model: &M, line: &str) -> Result<(), TestCaseError> {
        let told = |error| TestCaseError::fail(format!("{line}: {error}"));
        agrees(model, &history(line)).map(|_| ()).map_err(told)
    }
    one(&Mutex, line)?;
    one(&ReentrantMutex::default(), line)?;
    one(&ReentrantMutex { holds_max: 2 }, line)?;
    one(&Semaphore { permits: 1 }, line)?;
    one(&Semaphore { permits: 2 }, line)?;
    one(&FencedLock, line)
}

proptest! {
    #![proptest_config(some())]

    #[test]
    fn locks_agree_with_brute_force(drafts in drafts()) {
        agree(&line(&drafts))?;
    }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    #[ignore = "minutes in a debug build"]
    fn many_locks_agree_with_brute_force(drafts in drafts()) {
        agree(&line(&drafts))?;
    }
}
