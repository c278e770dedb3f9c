//! The data types that `isobar check` and `isobar explain` judge: one table.

use isobar_checkers::checks::{self, BankOptions, SetFullOptions};
use isobar_checkers::history::History;
use isobar_checkers::models::{
    Counter, FencedLock, FifoQueue, Kv, MultiRegister, Mutex, PriorityQueue, ReentrantMutex, Stack,
    UnorderedQueue,
};
use isobar_checkers::{Budget, CheckResult, topics};

use crate::judge;

/// A data type, what may be promised of it, and who decides.
#[derive(Clone, Copy)]
pub struct Model {
    pub name: &'static str,
    /// `linearizable`, `sessions`, …; `own`: the one rule that the type is about.
    pub consistency: &'static str,
    pub judge: fn(&History) -> CheckResult,
}

const fn model(
    name: &'static str,
    consistency: &'static str,
    judge: fn(&History) -> CheckResult,
) -> Model {
    Model { name, consistency, judge }
}

/// The strongest promise of each type comes first: it is the default.
pub const MODELS: &[Model] = &[
    model("register", LINEARIZABLE, register),
    model("register", SESSIONS, checks::sessions),
    model("cas-register", LINEARIZABLE, register),
    model("cas-register", SESSIONS, checks::sessions),
    model("versioned-register", SESSIONS, checks::versioned_sessions),
    model("fifo-queue", LINEARIZABLE, |history| linearizable(history, &FifoQueue::default())),
    model("unordered-queue", LINEARIZABLE, |history| {
        linearizable(history, &UnorderedQueue::default())
    }),
    model("stack", LINEARIZABLE, |history| linearizable(history, &Stack::default())),
    model("priority-queue", LINEARIZABLE, |history| {
        linearizable(history, &PriorityQueue::default())
    }),
    model("mutex", LINEARIZABLE, |history| linearizable(history, &Mutex)),
    model("reentrant-mutex", LINEARIZABLE, |history| {
        linearizable(history, &ReentrantMutex::default())
    }),
    model("fenced-lock", LINEARIZABLE, |history| linearizable(history, &FencedLock)),
    model("kv", LINEARIZABLE, |history| linearizable(history, &Kv)),
    model("multi-register", LINEARIZABLE, |history| linearizable(history, &MultiRegister)),
    model("set", OWN, checks::set),
    model("set-full", LINEARIZABLE, |history| set_full(history, true)),
    model("set-full", OWN, |history| set_full(history, false)),
    model("counter", LINEARIZABLE, |history| linearizable(history, &Counter)),
    model("counter", OWN, checks::counter),
    model("bank", OWN, |history| checks::bank(history, &BankOptions::default())),
    model("total-queue", OWN, checks::total_queue),
    model("unique-ids", OWN, checks::unique_ids),
    model("long-fork", OWN, checks::long_fork),
    model("append-log", OWN, checks::append_log),
    model("monotonic", OWN, checks::monotonic),
    model("sequential", OWN, checks::sequential),
    model("causal-reverse", OWN, checks::causal_reverse),
    model("watch", OWN, checks::watch),
];

pub const LINEARIZABLE: &str = "linearizable";
pub const SESSIONS: &str = "sessions";
pub const OWN: &str = "own";

fn register(history: &History) -> CheckResult {
    judge::linearizable(history, None)
}

fn linearizable(history: &History, model: &impl isobar_checkers::Model) -> CheckResult {
    isobar_checkers::linearizable(history, model, &Budget::default())
}

fn set_full(history: &History, linearizable: bool) -> CheckResult {
    checks::set_full(history, SetFullOptions { linearizable })
}

/// The names of all types, each once, in the order of the table.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = MODELS.iter().map(|model| model.name).collect();
    names.dedup();
    names
}

/// The names of all promises, each once.
pub fn consistencies() -> Vec<&'static str> {
    let mut names: Vec<&str> = MODELS.iter().map(|model| model.consistency).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The type called `name` with the promise asked for, or with its strongest.
///
/// # Errors
/// What may be promised of this type instead.
pub fn find(name: &str, consistency: Option<&str>) -> Result<&'static Model, String> {
    let of_type = || MODELS.iter().filter(|model| model.name == name);
    let wanted = |model: &&Model| consistency.is_none_or(|wanted| model.consistency == wanted);
    of_type().find(wanted).ok_or_else(|| {
        let promises: Vec<&str> = of_type().map(|model| model.consistency).collect();
        format!(
            "a {name} is not judged for {}; its consistency is one of {}",
            consistency.unwrap_or("anything"),
            promises.join(", ")
        )
    })
}

/// One sentence on a type, for help texts.
pub fn about(name: &str) -> &'static str {
    topics::of_kind(topics::Kind::Model, name).map_or("", |topic| topic.sentence)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_model_is_taught() {
        for name in names() {
            assert!(!about(name).is_empty(), "{name} has no topic");
        }
        let models = topics::all().iter().filter(|topic| topic.kind == topics::Kind::Model);
        let taught: Vec<&str> = models.map(|topic| topic.name).collect();
        assert!(taught.iter().all(|name| names().contains(name)), "{taught:?}");
    }

    #[test]
    fn the_strongest_promise_is_the_default() {
        assert_eq!(find("register", None).unwrap().consistency, LINEARIZABLE);
        assert_eq!(find("register", Some(SESSIONS)).unwrap().consistency, SESSIONS);
        let error = find("bank", Some(LINEARIZABLE)).map(|model| model.name).unwrap_err();
        assert_eq!(error, "a bank is not judged for linearizable; its consistency is one of own");
    }
}
