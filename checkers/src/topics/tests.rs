//! The list is whole, and every example shows what it says.

use super::*;
use crate::checks::notation::history;
use crate::checks::*;
use crate::models::{
    FencedLock, FifoQueue, Kv, MultiRegister, Mutex, PriorityQueue, ReentrantMutex, Semaphore, Set,
    Stack, UnorderedQueue,
};
use crate::txn::{exact, weak};
use crate::{
    Budget, CheckResult, Expectation, History, LatencyLimits, LeastVolume, Nanos, Register,
    Thresholds, TxnOptions, Verdict, availability, latency, linearizable, list_append, rw_register,
    stats, vacuity, volume,
};

/// The check that a topic names, with bounds that the examples keep or break.
fn judge(check: &str, history: &History) -> CheckResult {
    let bound = Nanos(50_000_000);
    let accounts = vec!["a".into(), "b".into()];
    match check {
        "linearizable" => linearizable(history, &Register, &Budget::default()),
        "availability" => {
            availability(history, &Thresholds { min_ok: Some(0.5), recovery: Some(bound) })
        }
        "latency" => {
            latency(history, &LatencyLimits { max: Some(bound), ..LatencyLimits::default() })
        }
        "volume" => volume(history, &LeastVolume { operations: Some(2), ..LeastVolume::default() }),
        "stats" => stats(history),
        "vacuity" => vacuity(history, &Expectation::default()),
        "convergence" => convergence(history, Some(bound)),
        "staleness" => staleness(history, Some(bound)),
        "profile" => profile(history),
        "process-crash" => process_crash(history),
        "sessions" => sessions(history),
        "versioned-sessions" => versioned_sessions(history),
        "set" => set(history),
        "set-full" => set_full(history, SetFullOptions { linearizable: true }),
        "counter" => counter(history),
        "bank" => {
            bank(history, &BankOptions { accounts: Some(accounts), ..BankOptions::default() })
        }
        "total-queue" => total_queue(history),
        "unique-ids" => unique_ids(history),
        "exclusive" => exclusive(history),
        "existence" => existence(history),
        "atomic-visibility" => atomic_visibility(history),
        "long-fork" => long_fork(history),
        "append-log" => append_log(history),
        "monotonic" => monotonic(history),
        "sequential" => sequential(history),
        "causal-reverse" => causal_reverse(history),
        "watch" => watch(history),
        "list-append" => list_append(history, &TxnOptions::default()),
        "rw-register" => rw_register(history, &TxnOptions::default()),
        "fifo-queue" => linearizable(history, &FifoQueue::default(), &Budget::default()),
        "unordered-queue" => linearizable(history, &UnorderedQueue::default(), &Budget::default()),
        "stack" => linearizable(history, &Stack::default(), &Budget::default()),
        "priority-queue" => linearizable(history, &PriorityQueue::default(), &Budget::default()),
        "mutex" => linearizable(history, &Mutex, &Budget::default()),
        "reentrant-mutex" => linearizable(history, &ReentrantMutex::default(), &Budget::default()),
        "semaphore" => linearizable(history, &Semaphore { permits: 2 }, &Budget::default()),
        "fenced-lock" => linearizable(history, &FencedLock, &Budget::default()),
        "kv" => linearizable(history, &Kv, &Budget::default()),
        "linearizable-set" => linearizable(history, &Set, &Budget::default()),
        "multi-register" => linearizable(history, &MultiRegister, &Budget::default()),
        other => isolation(other, history),
    }
}

fn isolation(check: &str, history: &History) -> CheckResult {
    if let Some(level) = weak::Level::ALL.into_iter().find(|level| level.name() == check) {
        return weak::check(history, level);
    }
    match exact::Level::ALL.into_iter().find(|level| level.name() == check) {
        Some(level) => exact::check(history, level, &exact::Budget::default()),
        None => panic!("{check} is no check"),
    }
}

#[test]
fn every_heading_of_the_file_is_a_topic() {
    assert_eq!(TEXT.matches("\n## ").count(), all().len());
    assert!(all().is_sorted_by_key(|topic| topic.kind));
    for (place, topic) in all().iter().enumerate() {
        let same = |other: &&Topic| (other.kind, other.name) == (topic.kind, topic.name);
        assert!(!all()[..place].iter().any(|other| same(&other)), "{} is there twice", topic.name);
        assert!(topic.sentence.ends_with(['.', ')']), "{}: {}", topic.name, topic.sentence);
        assert!(!topic.sentence.contains('\n'), "{}: one sentence, one line", topic.name);
    }
}

#[test]
fn examples_of_checks_and_models_are_valid() {
    let mut shown = 0;
    for topic in all().iter().filter(|topic| topic.kind != Kind::Anomaly) {
        if topic.example.is_empty() {
            continue;
        }
        let result = judge(topic.check, &history(topic.example));
        assert_eq!(result.verdict, Verdict::Valid, "{}: {}", topic.name, result.summary);
        shown += 1;
    }
    assert!(shown > 15, "only {shown} examples were found");
}

#[test]
fn examples_of_anomalies_show_them() {
    for topic in all().iter().filter(|topic| topic.kind == Kind::Anomaly) {
        let result = judge(topic.check, &history(topic.example));
        let found: Vec<&str> = result.findings.iter().map(|f| f.anomaly.as_str()).collect();
        assert!(found.contains(&topic.name), "{}: {found:?}, {:?}", topic.name, result.verdict);
    }
}

/// Anomalies are named by literals: each `"name"` handed to a finding must be a topic.
#[test]
fn a_name_without_a_topic_does_not_pass() {
    let outcome = std::panic::catch_unwind(|| known("no-such-anomaly"));
    assert_eq!(outcome.is_err(), cfg!(debug_assertions));
    assert_eq!(known("stale-read"), "stale-read");
}
