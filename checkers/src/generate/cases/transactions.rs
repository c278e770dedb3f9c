//! Rows on transactions: lists at every kind of trouble, registers at every level that is decided
//! exactly.

use std::rc::Rc;

use super::{Case, HUNDRED_THOUSAND, Judge, MILLION, Make, TEN_MILLION, TEN_THOUSAND, load};
use crate::generate::Load;
use crate::generate::lists::{Isolation, list_append};
use crate::generate::snapshots::{Snapshots, rw_register};
use crate::history::History;
use crate::txn::{Assumptions, Model, exact, weak};
use crate::{CheckResult, TxnOptions, Verdict};

/// All of them.
pub(super) fn all() -> Vec<Case> {
    [lists(), weak_levels(), blind_writes(), linearizable_keys()].into_iter().flatten().collect()
}

/// Lists, from a file: `NAME-file`.
pub(super) fn end_to_end() -> Vec<Case> {
    let asked = |case: Case| match case.name.as_str() {
        "list-append" => Some(case.within_time(MILLION, 1_800)),
        "list-append-stale" => Some(case.within_time(HUNDRED_THOUSAND, 250)),
        _ => None,
    };
    let named = |case: Case| Case { name: format!("{}-file", case.name), ..case };
    lists().into_iter().filter_map(asked).map(named).collect()
}

/// Ten clients of lists.
fn lists() -> Vec<Case> {
    let strict = || by_model(crate::list_append, Model::STRICT_SERIALIZABLE);
    let row = |name: &str, crash_every: u32, isolation: Isolation, judge: Judge| {
        let make: Make = Rc::new(move |operations| {
            list_append(&Load { clients: 10, ..load(operations, crash_every) }, isolation)
        });
        Case::new("lists", name, make, judge).sizes(TEN_THOUSAND, TEN_MILLION)
    };
    let stale = row("list-append-stale", 0, Isolation::Stale { percent: 30 }, strict());
    let snapshots = "strong-snapshot-isolation";
    let mut cases = vec![
        row("list-append", 0, Isolation::Strict, strict()).within_beyond(MILLION, 500, 300),
        row("list-append-crashes", 100, Isolation::Strict, strict()),
        Case { verdict: Verdict::Violated, ..stale },
    ];
    if let Ok(model) = Model::parse(snapshots) {
        let judge = by_model(crate::list_append, model);
        cases.push(row("list-append-snapshots", 0, Isolation::Snapshot, judge));
    }
    cases
}

fn by_model(check: fn(&History, &TxnOptions) -> CheckResult, model: Model) -> Judge {
    let options = TxnOptions { models: vec![model], ..TxnOptions::default() };
    Rc::new(move |history| check(history, &options))
}

/// Ten micro-operations a transaction, a fifth of them writes; fifty sessions, a thousand keys,
/// snapshots up to 200 commits old.
fn weak_levels() -> Vec<Case> {
    use weak::Level::{Causal, ReadAtomic, ReadCommitted};
    let row = |(level, milliseconds): (weak::Level, u32)| {
        let make: Make = Rc::new(move |operations| {
            let shape = Snapshots {
                keys: 1_000,
                length: (10, 10),
                writes_percent: 20,
                age: 200,
                noise: 20,
                stale_from: None,
            };
            rw_register(&Load { operations, clients: 50, crashes: 0, seed: 7 }, &shape)
        });
        let judge: Judge = Rc::new(move |history| weak::check(history, level));
        let name = format!("rw-{}", level.name());
        Case::new("weak levels", &name, make, judge).within(MILLION, milliseconds, 500)
    };
    [(ReadCommitted, 2_500), (ReadAtomic, 2_500), (Causal, 6_000)].map(row).into()
}

/// One to four micro-operations, half of them writes, mostly blind; twenty clients, a tenth as many
/// keys as transactions, at most 10,000; of snapshot isolation, snapshots up to 20 commits old.
fn blind_writes() -> Vec<Case> {
    use exact::Level::{Serializable, SnapshotIsolation, StrictSerializable};
    let row = |level: exact::Level, stale_from: Option<u32>, milliseconds: u32| {
        let make: Make = Rc::new(move |operations| {
            let age = if level == SnapshotIsolation { 20 } else { 0 };
            let keys = u64::from(operations / 10).clamp(100, 10_000);
            let (length, writes_percent, noise) = ((1, 4), 50, 5);
            let shape = Snapshots { keys, length, writes_percent, age, noise, stale_from };
            rw_register(&Load { operations, clients: 20, crashes: 0, seed: 7 }, &shape)
        });
        let budget = exact::Budget::default();
        let judge: Judge = Rc::new(move |history| exact::check(history, level, &budget));
        let name = format!("blind-{}", level.name());
        Case::new("blind writes", &name, make, judge).within(MILLION, milliseconds, 400)
    };
    let violated = row(StrictSerializable, Some(75), 2_500);
    let name = format!("{}-violated", violated.name);
    vec![
        row(Serializable, None, 2_500),
        row(StrictSerializable, None, 2_500),
        Case { name, verdict: Verdict::Violated, ..violated },
        row(SnapshotIsolation, None, 4_000),
    ]
}

/// Registers by inference, each key taken for linearizable by itself.
fn linearizable_keys() -> Vec<Case> {
    let make: Make = Rc::new(|operations| {
        let (keys, length, writes_percent) = (10, (1, 4), 50);
        let shape = Snapshots { keys, length, writes_percent, age: 0, noise: 5, stale_from: None };
        rw_register(&Load { operations, clients: 10, crashes: 0, seed: 7 }, &shape)
    });
    let assumptions = Assumptions { linearizable_keys: true, ..Assumptions::default() };
    let options = TxnOptions { assumptions, ..TxnOptions::default() };
    let judge: Judge = Rc::new(move |history| crate::rw_register(history, &options));
    let case = Case::new("inference", "rw-linearizable-keys", make, judge);
    vec![case.sizes(TEN_THOUSAND / 10, HUNDRED_THOUSAND).within_time(TEN_THOUSAND, 50)]
}
