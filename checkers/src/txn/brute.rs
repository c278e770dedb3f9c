//! Against every execution there could be, on small histories.
//!
//! An execution is a choice of the crashed transactions that happened, and an order in which they
//! did. Serializable and strict executions run one transaction after the other; those under
//! snapshot isolation are sequences of beginnings and commits (Berenson et al., SIGMOD 1995: reads
//! as of the beginning, and nobody else commits to the same list between the two).

#![allow(clippy::unwrap_used)]

mod levels;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Assumptions, Model, TxnOptions, list_append, rw_register};
use crate::finding::{CheckResult, Verdict};
use crate::history::{Completion, History, Nanos, OpIndex, OwnedOperation};

/// A transaction as the system ran it, or claims to have.
#[derive(Clone, Debug)]
struct Txn {
    process: u32,
    times: (u64, u64),
    completion: Completion,
    /// Key, and the element written or what was read: of a register at most one element.
    micros: Vec<(usize, Result<u64, Vec<u64>>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Data {
    Lists,
    Registers,
}

impl Data {
    fn write(self, state: &mut Vec<u64>, element: u64) {
        if self == Self::Registers {
            state.clear();
        }
        state.push(element);
    }

    fn micro(self, (key, what): &(usize, Result<u64, Vec<u64>>), known: bool) -> Value {
        match (self, what) {
            (Self::Lists, Ok(element)) => json!(["append", key, element]),
            (Self::Registers, Ok(element)) => json!(["w", key, element]),
            (_, Err(_)) if !known => json!(["r", key, null]),
            (Self::Lists, Err(list)) => json!(["r", key, list]),
            (Self::Registers, Err(found)) => json!(["r", key, found.last()]),
        }
    }
}

const KEYS: usize = 2;

type State = [Vec<u64>; KEYS];

fn history(data: Data, txns: &[Txn]) -> History {
    let value = |txn: &Txn, known: bool| -> Value {
        txn.micros.iter().map(|micro| data.micro(micro, known)).collect()
    };
    History::from_operations(txns.iter().enumerate().map(|(place, txn)| {
        let ok = txn.completion == Completion::Ok;
        OwnedOperation {
            index: OpIndex(place as u32),
            process: txn.process,
            f: "txn".to_owned(),
            key: None,
            argument: value(txn, false),
            completion: txn.completion,
            result: if ok { value(txn, true) } else { Value::Null },
            invoked_at: Nanos(txn.times.0),
            scheduled_at: None,
            completed_at: (txn.completion != Completion::Info).then_some(Nanos(txn.times.1)),
            gave_up_at: None,
            node: None,
            error: None,
        }
    }))
}

/// Runs a transaction on a snapshot: whether its reads were right, and what it appended.
fn run(data: Data, txn: &Txn, snapshot: &State) -> Option<State> {
    let mut state = snapshot.clone();
    for (key, what) in &txn.micros {
        match what {
            Ok(element) => data.write(&mut state[*key], *element),
            Err(list) if txn.completion == Completion::Ok && *list != state[*key] => return None,
            Err(_) => {}
        }
    }
    Some(state)
}

fn before(a: &Txn, b: &Txn) -> bool {
    a.completion == Completion::Ok && a.times.1 < b.times.0
}

/// What else than data orders transactions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Free,
    Sessions,
    Time,
}

impl Order {
    fn forces(self, a: (usize, &Txn), b: (usize, &Txn)) -> bool {
        let earlier = (a.1.times.0, a.0) < (b.1.times.0, b.0);
        let session = a.1.process == b.1.process && a.1.completion == Completion::Ok && earlier;
        match self {
            Self::Free => false,
            Self::Sessions => session,
            Self::Time => session || before(a.1, b.1),
        }
    }
}

/// Whether some serial order explains the history.
fn serial(data: Data, txns: &[Txn], done: u32, state: &State, order: Order) -> bool {
    let is_done = |place: usize| done & 1 << place != 0;
    if txns.iter().enumerate().all(|(n, txn)| is_done(n) || txn.completion != Completion::Ok) {
        return true;
    }
    (0..txns.len()).any(|n| {
        let txn = &txns[n];
        if is_done(n) || txn.completion == Completion::Fail {
            return false;
        }
        let ready = |m: usize| is_done(m) || m == n || !order.forces((m, &txns[m]), (n, txn));
        (0..txns.len()).all(ready)
            && run(data, txn, state)
                .is_some_and(|next| serial(data, txns, done | 1 << n, &next, order))
    })
}

/// A transaction that has begun: the snapshot it works on, and the lists that others have
/// committed to since.
#[derive(Clone)]
struct Open {
    txn: usize,
    snapshot: State,
    changed: [bool; KEYS],
}

/// Whether some order of beginnings and commits explains the history.
fn snapshots(
    data: Data,
    txns: &[Txn],
    begun: u32,
    open: &[Open],
    state: &State,
    order: Order,
) -> bool {
    let is_begun = |place: usize| begun & 1 << place != 0;
    let committed = |place: usize| is_begun(place) && open.iter().all(|open| open.txn != place);
    if txns.iter().enumerate().all(|(n, t)| committed(n) || t.completion != Completion::Ok) {
        return true;
    }
    let begins = (0..txns.len()).any(|n| {
        if is_begun(n) || txns[n].completion == Completion::Fail {
            return false;
        }
        let ready =
            |m: usize| committed(m) || m == n || !order.forces((m, &txns[m]), (n, &txns[n]));
        if !(0..txns.len()).all(ready) || run(data, &txns[n], state).is_none() {
            return false;
        }
        let mut more = open.to_vec();
        more.push(Open { txn: n, snapshot: state.clone(), changed: [false; KEYS] });
        snapshots(data, txns, begun | 1 << n, &more, state, order)
    });
    begins
        || (0..open.len()).any(|place| {
            let Open { txn, snapshot, changed } = &open[place];
            let after = run(data, &txns[*txn], snapshot).unwrap();
            let wrote = |key: usize| move |micro: &&(usize, Result<u64, _>)| micro.0 == key;
            let mine = |key| txns[*txn].micros.iter().filter(wrote(key)).any(|m| m.1.is_ok());
            if (0..KEYS).any(|key| mine(key) && changed[key]) {
                return false;
            }
            let mut next = state.clone();
            let mut rest = open.to_vec();
            rest.remove(place);
            for key in (0..KEYS).filter(|&key| mine(key)) {
                match data {
                    Data::Lists => next[key].extend(&after[key][snapshot[key].len()..]),
                    Data::Registers => next[key].clone_from(&after[key]),
                }
                rest.iter_mut().for_each(|open| open.changed[key] = true);
            }
            snapshots(data, txns, begun, &rest, &next, order)
        })
}

fn explained(data: Data, txns: &[Txn], model: &str) -> bool {
    let empty = State::default();
    match model {
        "serializable" => serial(data, txns, 0, &empty, Order::Free),
        "strong-session-serializable" => serial(data, txns, 0, &empty, Order::Sessions),
        "strict-serializable" => serial(data, txns, 0, &empty, Order::Time),
        "snapshot-isolation" => snapshots(data, txns, 0, &[], &empty, Order::Free),
        "strong-session-snapshot-isolation" => {
            snapshots(data, txns, 0, &[], &empty, Order::Sessions)
        }
        _ => snapshots(data, txns, 0, &[], &empty, Order::Time),
    }
}

const MODELS: [&str; 6] = [
    "serializable",
    "strong-session-serializable",
    "strict-serializable",
    "snapshot-isolation",
    "strong-session-snapshot-isolation",
    "strong-snapshot-isolation",
];

/// Transactions that took effect one after the other or on snapshots, some of their answers
/// spoiled.
fn txns(data: Data) -> impl Strategy<Value = Vec<Txn>> {
    let micro = (0..KEYS, any::<bool>());
    let txn = (0_u32..3, prop::collection::vec(micro, 1..4), 0_u32..12, 0_u64..6, 1_u64..5);
    let spoil = (any::<prop::sample::Index>(), 0_usize..4);
    let seed = (prop::collection::vec(txn, 2..6), prop::collection::vec(spoil, 0..3), 1_usize..4);
    seed.prop_map(move |(drafts, spoils, lag)| {
        let mut states = vec![State::default()];
        let mut free = [0_u64; 3];
        let mut txns = Vec::new();
        for (place, (process, micros, fate, start, length)) in drafts.into_iter().enumerate() {
            // Reads as of some earlier state: often the last one.
            let view = states[states.len().saturating_sub(if fate < 4 { lag } else { 1 })].clone();
            let mut state = states.last().unwrap().clone();
            let mut local = view.clone();
            let micros = micros.into_iter().enumerate().map(|(n, (key, append))| {
                let element = (place * 4 + n + 1) as u64;
                if append {
                    data.write(&mut local[key], element);
                    data.write(&mut state[key], element);
                    (key, Ok(element))
                } else {
                    (key, Err(local[key].clone()))
                }
            });
            let micros = micros.collect();
            let completion = match fate {
                10 => Completion::Info,
                11 => Completion::Fail,
                _ => Completion::Ok,
            };
            if completion != Completion::Fail && !(completion == Completion::Info && start < 3) {
                states.push(state);
            }
            let begin = free[process as usize].max(place as u64 + start);
            free[process as usize] = begin + length + 1;
            txns.push(Txn { process, times: (begin, begin + length), completion, micros });
        }
        for (which, how) in spoils {
            let reads: Vec<&mut Vec<u64>> = txns
                .iter_mut()
                .flat_map(|txn| &mut txn.micros)
                .filter_map(|(_, what)| what.as_mut().err())
                .collect();
            if reads.is_empty() {
                continue;
            }
            let chosen = which.index(reads.len());
            let list = reads.into_iter().nth(chosen).unwrap();
            match how {
                0 => drop(list.pop()),
                1 => list.clear(),
                2 => list.reverse(),
                _ => list.truncate(1),
            }
        }
        txns
    })
}

fn options(name: &str, assumptions: Assumptions) -> TxnOptions {
    TxnOptions { models: vec![Model::parse(name).unwrap()], assumptions, ..TxnOptions::default() }
}

/// Whether a model is said to be ruled out.
fn rules_out(result: &CheckResult, name: &str) -> bool {
    let lists = ["not", "also-not"].map(|list| result.figures[list].as_array());
    lists.into_iter().flatten().flatten().any(|model| model == name)
}

/// Asked about the strongest of all models, what is said to be ruled out is, and nothing else is.
fn boundary_agrees(data: Data, txns: &[Txn]) -> Result<(), TestCaseError> {
    let history = history(data, txns);
    let options = options("strict-serializable", Assumptions::default());
    let result = match data {
        Data::Lists => list_append(&history, &options),
        Data::Registers => rw_register(&history, &options),
    };
    let out = |name| rules_out(&result, name);
    for name in MODELS {
        let explained = explained(data, txns, name);
        let (wrongly, missed) = (out(name) && explained, !out(name) && !explained);
        prop_assert!(!wrongly, "{} is said to be ruled out in {:?}", name, txns);
        prop_assert!(!missed, "{} is ruled out too in {:?}", name, txns);
    }
    Ok(())
}

/// Of lists nothing is missed, and nobody is accused wrongly.
fn lists_agree(txns: &[Txn]) -> Result<(), TestCaseError> {
    boundary_agrees(Data::Lists, txns)?;
    let history = history(Data::Lists, txns);
    for name in MODELS {
        let result = list_append(&history, &options(name, Assumptions::default()));
        let again = list_append(&history, &options(name, Assumptions::default()));
        prop_assert_eq!(&result, &again, "not the same every time");
        let expected = explained(Data::Lists, txns, name);
        match result.verdict {
            Verdict::Valid => prop_assert!(expected, "{} was missed in {:?}", name, txns),
            Verdict::Violated => {
                prop_assert!(!expected, "{}: wrongly {} in {:?}", name, result.summary, txns);
            }
            Verdict::Unknown(reason) => prop_assert!(false, "{}: {}", name, reason),
        }
    }
    Ok(())
}

/// Of lists, models that are searched for: as by their definitions.
fn levels_agree(txns: &[Txn]) -> Result<(), TestCaseError> {
    let history = history(Data::Lists, txns);
    let strict = list_append(&history, &options("strict-serializable", Assumptions::default()));
    for name in levels::MODELS {
        if !levels::is_defined(txns, name) {
            continue;
        }
        let result = list_append(&history, &options(name, Assumptions::default()));
        let expected = levels::explained(txns, name);
        let same = rules_out(&strict, name) != expected;
        prop_assert!(same, "{} is ruled out or not in {:?}", name, txns);
        match result.verdict {
            Verdict::Valid => prop_assert!(expected, "{} was missed in {:?}", name, txns),
            Verdict::Violated => {
                prop_assert!(!expected, "{}: wrongly {} in {:?}", name, result.summary, txns);
            }
            Verdict::Unknown(reason) => {
                prop_assert!(!expected, "{}: {} in {:?}", name, reason, txns);
            }
        }
    }
    Ok(())
}

/// Whatever rules out a model rules out those that imply it.
fn lattice_agrees(data: Data, txns: &[Txn]) -> Result<(), TestCaseError> {
    let history = history(data, txns);
    let judged = |model: Model| {
        let options = TxnOptions { models: vec![model], ..TxnOptions::default() };
        match data {
            Data::Lists => list_append(&history, &options).verdict,
            Data::Registers => rw_register(&history, &options).verdict,
        }
    };
    // Of registers, these two take sessions, and are no part of it.
    let sessions = ["read-committed", "read-atomic"];
    let models: Vec<Model> = Model::all()
        .filter(|model| data == Data::Lists || !sessions.contains(&model.name()))
        .collect();
    let verdicts: Vec<Verdict> = models.iter().map(|&model| judged(model)).collect();
    for (strong, above) in models.iter().zip(&verdicts) {
        for (weak, below) in models.iter().zip(&verdicts) {
            let contradiction =
                strong.implies(*weak) && *above == Verdict::Valid && *below == Verdict::Violated;
            prop_assert!(!contradiction, "{} but not {} in {:?}", strong, weak, txns);
        }
    }
    Ok(())
}

/// Of registers nobody is accused wrongly, nor under assumptions that follow from the model.
fn registers_agree(txns: &[Txn]) -> Result<(), TestCaseError> {
    boundary_agrees(Data::Registers, txns)?;
    let history = history(Data::Registers, txns);
    let none = Assumptions::default();
    let wfr = Assumptions { wfr_keys: true, ..none };
    let sequential = Assumptions { sequential_keys: true, ..wfr };
    let linearizable = Assumptions { linearizable_keys: true, ..sequential };
    for name in MODELS {
        let expected = explained(Data::Registers, txns, name);
        let assumed = match name {
            "strong-session-serializable" => vec![none, wfr, sequential],
            "strict-serializable" => vec![none, wfr, sequential, linearizable],
            _ => vec![none, wfr],
        };
        for assumptions in assumed {
            let result = rw_register(&history, &options(name, assumptions));
            let wrongly = expected && result.verdict != Verdict::Valid;
            let summary = result.summary;
            prop_assert!(!wrongly, "{} {:?}: {} in {:?}", name, assumptions, summary, txns);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn lists_are_judged_as_by_brute_force(txns in txns(Data::Lists)) {
        lists_agree(&txns)?;
    }

    #[test]
    fn levels_of_lists_are_judged_as_by_their_definitions(txns in txns(Data::Lists)) {
        levels_agree(&txns)?;
    }

    #[test]
    fn verdicts_on_lists_keep_to_the_lattice(txns in txns(Data::Lists)) {
        lattice_agrees(Data::Lists, &txns)?;
    }

    #[test]
    fn verdicts_on_registers_keep_to_the_lattice(txns in txns(Data::Registers)) {
        lattice_agrees(Data::Registers, &txns)?;
    }

    #[test]
    fn registers_are_never_accused_wrongly(txns in txns(Data::Registers)) {
        registers_agree(&txns)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    #[ignore = "takes minutes"]
    fn many_lists_are_judged_as_by_brute_force(txns in txns(Data::Lists)) {
        lists_agree(&txns)?;
    }

    #[test]
    #[ignore = "takes minutes"]
    fn many_levels_of_lists_are_judged_as_by_their_definitions(txns in txns(Data::Lists)) {
        levels_agree(&txns)?;
        lattice_agrees(Data::Lists, &txns)?;
    }

    #[test]
    #[ignore = "takes minutes"]
    fn many_verdicts_on_registers_keep_to_the_lattice(txns in txns(Data::Registers)) {
        lattice_agrees(Data::Registers, &txns)?;
    }

    #[test]
    #[ignore = "takes minutes"]
    fn many_registers_are_never_accused_wrongly(txns in txns(Data::Registers)) {
        registers_agree(&txns)?;
    }
}
