//! What is measured: histories by name, each with its verdict known, and who judges them. A row
//! more is an entry more in [`all`].

mod transactions;

use std::rc::Rc;

use super::{
    Load, Mix, append_log, bank, counter, element_set, fenced_lock, few_values, fifo_queue,
    grow_only, growing_set, kv, leaky_bank, long_fork, mutex, priority_queue, semaphore, spoil,
    stack, subkeys, total_queue, unique_ids, unique_values, versioned, watch,
};
use crate::checks::{self, BankOptions, SetFullOptions};
use crate::history::History;
use crate::models::{
    Counter, FencedLock, FifoQueue, Kv, Mutex, PriorityQueue, Semaphore, Set, Stack, UnorderedQueue,
};
use crate::{Budget, CheckResult, Model, Register, Verdict, linearizable};

const TEN_THOUSAND: u32 = 10_000;
const HUNDRED_THOUSAND: u32 = 100_000;
const MILLION: u32 = 1_000_000;
const TEN_MILLION: u32 = 10_000_000;
const MEGABYTE: u64 = 1_000_000;

/// A row of the benchmarks.
pub struct Case {
    /// Unique, of lower-case words: `fifo-queue-crashes`.
    pub name: String,
    /// Rows of one family go into one table.
    pub family: &'static str,
    /// Operations, each ten times those before.
    pub sizes: Vec<u32>,
    /// What must come out.
    pub verdict: Verdict,
    /// What it may take, where the design asks for something.
    pub target: Option<Target>,
    make: Make,
    judge: Judge,
}

type Make = Rc<dyn Fn(u32) -> History>;
type Judge = Rc<dyn Fn(&History) -> CheckResult>;

/// What one size of a row may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// The size that it is about.
    pub operations: u32,
    /// By the clock, on two cores.
    pub milliseconds: u32,
    /// Of memory at the peak.
    pub bytes: Option<u64>,
    /// Whether the history itself does not count.
    pub beyond_history: bool,
}

impl Case {
    /// The history of so many operations.
    pub fn history(&self, operations: u32) -> History {
        (self.make)(operations)
    }

    /// Judges what [`history`](Self::history) made.
    pub fn judge(&self, history: &History) -> CheckResult {
        (self.judge)(history)
    }

    fn new(family: &'static str, name: &str, make: Make, judge: Judge) -> Self {
        Self {
            name: name.to_owned(),
            family,
            sizes: tenfold(TEN_THOUSAND, MILLION),
            verdict: Verdict::Valid,
            target: None,
            make,
            judge,
        }
    }

    /// Two rows: `NAME`, and `NAME-violated`, where the history is spoilt.
    fn twins(
        family: &'static str,
        name: &str,
        make: Make,
        spoil: fn(&mut History) -> bool,
        judge: Judge,
    ) -> Vec<Self> {
        let valid = Rc::clone(&make);
        let spoilt: Make = Rc::new(move |operations| {
            let mut history = make(operations);
            spoil(&mut history);
            history
        });
        let violated = Self::new(family, &format!("{name}-violated"), spoilt, Rc::clone(&judge));
        vec![Self::new(family, name, valid, judge), Self { verdict: Verdict::Violated, ..violated }]
    }

    fn sizes(self, first: u32, last: u32) -> Self {
        Self { sizes: tenfold(first, last), ..self }
    }

    fn within_time(self, operations: u32, milliseconds: u32) -> Self {
        let target = Target { operations, milliseconds, bytes: None, beyond_history: false };
        Self { target: Some(target), ..self }
    }

    /// Within so many ms and MB over all.
    fn within(self, operations: u32, milliseconds: u32, megabytes: u64) -> Self {
        let bytes = Some(megabytes * MEGABYTE);
        let target = Target { operations, milliseconds, bytes, beyond_history: false };
        Self { target: Some(target), ..self }
    }

    /// Within so many ms and MB beyond the history.
    fn within_beyond(self, operations: u32, milliseconds: u32, megabytes: u64) -> Self {
        let bytes = Some(megabytes * MEGABYTE);
        let target = Target { operations, milliseconds, bytes, beyond_history: true };
        Self { target: Some(target), ..self }
    }
}

fn tenfold(first: u32, last: u32) -> Vec<u32> {
    std::iter::successors(Some(first), |size| size.checked_mul(10))
        .take_while(|&size| size <= last)
        .collect()
}

fn by_model(model: impl Model + 'static) -> Judge {
    Rc::new(move |history| linearizable(history, &model, &Budget::default()))
}

/// 16 clients, one operation in `crash_every` crashes; 0: none.
fn load(operations: u32, crash_every: u32) -> Load {
    let crashes = operations.checked_div(crash_every).unwrap_or(0);
    Load { operations, crashes, ..Load::default() }
}

/// All rows, those of a family side by side.
pub fn all() -> Vec<Case> {
    [unique(), few(), collections(), locks(), others(), single_purpose(), transactions::all()]
        .into_iter()
        .flatten()
        .collect()
}

/// Those whose history is also read from a file.
pub fn end_to_end() -> Vec<Case> {
    transactions::end_to_end()
}

/// A hundred clients of a thousand registers; one operation in a hundred crashes.
pub fn unique_load(operations: u32) -> Load {
    Load { operations, clients: 100, crashes: operations / 100, seed: 7 }
}

fn unique() -> Vec<Case> {
    let make = Rc::new(|operations| unique_values(&unique_load(operations), 1_000));
    Case::twins("registers", "unique-values", make, spoil::stale_read, by_model(Register))
        .into_iter()
        .map(|case| case.sizes(TEN_THOUSAND, TEN_MILLION).within(TEN_MILLION, 1_000, 500))
        .collect()
}

/// One register of five values, a third of the operations each.
fn few() -> Vec<Case> {
    let mix = Mix { reads: 33, writes: 33 };
    let mut cases = Vec::new();
    for clients in [5, 10, 30, 100] {
        for (suffix, crash_every) in [("", 0), ("-crashes", 100)] {
            let make = Rc::new(move |operations| {
                few_values(&Load { clients, ..load(operations, crash_every) }, 5, mix)
            });
            let name = format!("few-values-{clients}{suffix}");
            let twins =
                Case::twins("registers", &name, make, spoil::stale_read, by_model(Register));
            cases.extend(twins.into_iter().map(|case| {
                case.sizes(HUNDRED_THOUSAND / 100, HUNDRED_THOUSAND).within_beyond(
                    HUNDRED_THOUSAND,
                    1_300,
                    25,
                )
            }));
        }
    }
    let make = Rc::new(move |operations| {
        few_values(&Load { clients: 30, crashes: 10, ..load(operations, 0) }, 5, mix)
    });
    let twins = Case::twins("registers", "stale-read", make, spoil::stale_read, by_model(Register));
    let violated = twins.into_iter().skip(1);
    cases.extend(violated.map(|case| case.sizes(1_000, 1_000).within_time(1_000, 20)));
    cases
}

/// One operation in a thousand crashes, in the rows that say so.
fn collections() -> Vec<Case> {
    type Row = (&'static str, fn(&Load) -> History, fn(&mut History) -> bool, Judge);
    let rows: [Row; 6] = [
        ("fifo-queue", fifo_queue, spoil::exchange, by_model(FifoQueue::default())),
        ("stack", stack, spoil::exchange, by_model(Stack::default())),
        ("priority-queue", priority_queue, spoil::exchange, by_model(PriorityQueue::default())),
        ("unordered-queue", fifo_queue, spoil::exchange, by_model(UnorderedQueue::default())),
        ("set-elements", element_set, spoil::deny, by_model(Set)),
        ("set-reads", growing_set, spoil::exchange, by_model(Set)),
    ];
    let mut cases = Vec::new();
    for (name, generate, spoil, judge) in rows {
        for (suffix, crash_every) in [("", 0), ("-crashes", 1_000)] {
            let make = Rc::new(move |operations| generate(&load(operations, crash_every)));
            let name = format!("{name}{suffix}");
            let twins = Case::twins("collections", &name, make, spoil, Rc::clone(&judge));
            let asked = |case: Case| match case.name.starts_with("set-reads") {
                // What it reads is ten times as much as its operations.
                true => case,
                false => case.within(MILLION, 500, 100),
            };
            cases.extend(twins.into_iter().map(asked));
        }
    }
    cases
}

fn locks() -> Vec<Case> {
    let mutex: Make = Rc::new(|operations| mutex(&load(operations, 1_000)));
    let semaphore: Make = Rc::new(|operations| semaphore(&load(operations, 1_000), 4));
    let fenced: Make = Rc::new(|operations| fenced_lock(&load(operations, 1_000)));
    let four = by_model(Semaphore { permits: 4 });
    let mut cases = Case::twins("locks", "mutex", mutex, spoil::hold_twice, by_model(Mutex));
    cases.push(Case::new("locks", "semaphore", semaphore, four));
    cases.extend(Case::twins(
        "locks",
        "fenced-lock",
        fenced,
        spoil::exchange,
        by_model(FencedLock),
    ));
    cases
}

fn others() -> Vec<Case> {
    // A counter that is wrong takes the general search, which would not end.
    let counter: Make = Rc::new(|operations| counter(&load(operations, 0)));
    let strings: Make = Rc::new(|operations| kv(&load(operations, 1_000), 100));
    let counter = Case::new("others", "counter", counter, by_model(Counter));
    let mut cases = vec![counter.sizes(HUNDRED_THOUSAND / 100, HUNDRED_THOUSAND)];
    cases.extend(Case::twins("others", "kv", strings, spoil::rewind, by_model(Kv)));
    cases
}

/// The checks that judge one rule; one operation in a thousand crashes.
fn single_purpose() -> Vec<Case> {
    type Row = (
        &'static str,
        fn(&Load) -> History,
        Option<fn(&mut History) -> bool>,
        fn(&History) -> CheckResult,
    );
    let rows: [Row; 13] = [
        ("sessions", |load| unique_values(load, 1_000), None, checks::sessions),
        ("versioned-sessions", |load| versioned(load, 1_000), None, checks::versioned_sessions),
        ("staleness", |load| unique_values(load, 1_000), None, |h| checks::staleness(h, None)),
        ("set", growing_set, Some(spoil::rewind), checks::set),
        ("set-full", growing_set, Some(spoil::rewind), |history| {
            checks::set_full(history, SetFullOptions { linearizable: true })
        }),
        ("counter-bounds", counter, Some(spoil::rewind), checks::counter),
        ("bank", |load| bank(load, 10), None, |h| checks::bank(h, &BankOptions::default())),
        ("total-queue", total_queue, None, checks::total_queue),
        ("unique-ids", unique_ids, Some(spoil::rewind), checks::unique_ids),
        ("long-fork", long_fork, None, checks::long_fork),
        ("append-log", |load| append_log(load, 8), None, checks::append_log),
        ("monotonic", grow_only, Some(spoil::rewind), checks::monotonic),
        ("watch", watch, None, checks::watch),
    ];
    let mut cases = Vec::new();
    for (name, generate, spoil, judge) in rows {
        let make: Make = Rc::new(move |operations| generate(&load(operations, 1_000)));
        let judge: Judge = Rc::new(judge);
        match spoil {
            Some(spoil) => cases.extend(Case::twins("single-purpose", name, make, spoil, judge)),
            None => cases.push(Case::new("single-purpose", name, make, judge)),
        }
    }
    cases.extend(more_of_one_purpose());
    cases
}

fn more_of_one_purpose() -> Vec<Case> {
    let leaky: Make = Rc::new(|operations| leaky_bank(&load(operations, 1_000), 10));
    let judge: Judge = Rc::new(|history| checks::bank(history, &BankOptions::default()));
    let leaky = Case::new("single-purpose", "bank-violated", leaky, judge);
    let subkeys: Make = Rc::new(|operations| subkeys(&load(operations, 1_000)));
    let growing: Make = Rc::new(|operations| growing_set(&load(operations, 1_000)));
    vec![
        Case { verdict: Verdict::Violated, ..leaky },
        Case::new("single-purpose", "sequential", subkeys, Rc::new(checks::sequential)),
        Case::new("single-purpose", "causal-reverse", growing, Rc::new(checks::causal_reverse)),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_is_judged_as_it_must_be() {
        for case in all() {
            let result = case.judge(&case.history(1_000));
            assert_eq!(result.verdict, case.verdict, "{}: {}", case.name, result.summary);
        }
    }

    #[test]
    fn names_are_unique_and_sizes_grow_tenfold() {
        let cases = all();
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len());
        for case in &cases {
            assert!(case.sizes.windows(2).all(|pair| pair[1] == pair[0] * 10), "{}", case.name);
            let target = case.target.map(|target| target.operations);
            assert!(target.is_none_or(|size| case.sizes.contains(&size)), "{}", case.name);
        }
    }

    #[test]
    fn the_same_load_makes_the_same_history() {
        for case in all() {
            assert!(case.history(200) == case.history(200), "{}", case.name);
        }
    }
}
