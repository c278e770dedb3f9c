//! Checks an execution by carrying it out: independent of how it was found, and linear.

use super::graph::Graph;
use super::input::Rules;
use crate::history::{Completion, ValueId};
use crate::txn::transactions::{Function, NONE, Transactions};

/// A step of an execution. Where reads come from a snapshot, a transaction begins, and commits
/// later; otherwise both are one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The transaction takes its snapshot.
    Begin(u32),
    /// The transaction takes effect.
    Commit(u32),
    /// Begin and commit in one.
    Whole(u32),
}

/// The execution that the positions of nodes stand for.
pub(super) fn execution(graph: &Graph, position: &[u32]) -> Vec<Event> {
    let mut events: Vec<(u32, Event)> = Vec::with_capacity(graph.txns.len());
    for &txn in &graph.txns {
        let (begin, commit) = (graph.begin[txn as usize], graph.commit[txn as usize]);
        if begin == commit {
            events.push((position[begin as usize], Event::Whole(txn)));
        } else {
            events.push((position[begin as usize], Event::Begin(txn)));
            events.push((position[commit as usize], Event::Commit(txn)));
        }
    }
    events.sort_unstable_by_key(|event| event.0);
    events.into_iter().map(|event| event.1).collect()
}

/// Whether every ok transaction takes part once, no failed one does, every read finds what was
/// recorded, and the rules are kept.
pub(super) fn accepts(txns: &Transactions<'_>, rules: Rules, execution: &[Event]) -> bool {
    takes_part(txns, rules, execution)
        && (!rules.real_time || keeps_real_time(txns, execution))
        && (!rules.sessions || keeps_sessions(txns, execution))
        && reads_are_right(txns, execution)
}

fn takes_part(txns: &Transactions<'_>, rules: Rules, execution: &[Event]) -> bool {
    let mut begun = vec![0_u8; txns.len()];
    let mut committed = vec![0_u8; txns.len()];
    for &event in execution {
        match event {
            Event::Begin(txn) if rules.snapshots => begun[txn as usize] += 1,
            Event::Commit(txn) if begun[txn as usize] == 1 => committed[txn as usize] += 1,
            Event::Whole(txn) => {
                begun[txn as usize] += 1;
                committed[txn as usize] += 1;
            }
            _ => return false,
        }
    }
    (0..txns.len()).all(|txn| match (txns.completion(txn), begun[txn], committed[txn]) {
        (Completion::Ok, 1, 1) => true,
        (Completion::Info, begun, committed) => begun == committed && begun < 2,
        (completion, 0, 0) => completion == Completion::Fail,
        _ => false,
    })
}

/// The places at which transactions begin, and commit.
fn places(txns: &Transactions<'_>, execution: &[Event]) -> (Vec<u32>, Vec<u32>) {
    let mut begins = vec![NONE; txns.len()];
    let mut commits = vec![NONE; txns.len()];
    for (place, &event) in (0..).zip(execution) {
        match event {
            Event::Begin(txn) => begins[txn as usize] = place,
            Event::Commit(txn) => commits[txn as usize] = place,
            Event::Whole(txn) => {
                begins[txn as usize] = place;
                commits[txn as usize] = place;
            }
        }
    }
    (begins, commits)
}

/// No transaction begins before one commits that was over when it was invoked.
fn keeps_real_time(txns: &Transactions<'_>, execution: &[Event]) -> bool {
    // The earliest end of those that commit later.
    let mut end = u32::MAX;
    execution.iter().rev().all(|&event| {
        if let Event::Begin(txn) | Event::Whole(txn) = event
            && end < txns.operation(txn as usize).invoked_rank()
        {
            return false;
        }
        if let Event::Commit(txn) | Event::Whole(txn) = event {
            let operation = txns.operation(txn as usize);
            end = end.min(operation.completed_rank().unwrap_or(u32::MAX));
        }
        true
    })
}

fn keeps_sessions(txns: &Transactions<'_>, execution: &[Event]) -> bool {
    let (begins, commits) = places(txns, execution);
    let mut last: rustc_hash::FxHashMap<u32, usize> = rustc_hash::FxHashMap::default();
    (0..txns.len()).filter(|&txn| begins[txn] != NONE).all(|txn| {
        let operation = txns.operation(txn);
        let before = last.get(&operation.process()).copied();
        let over = before.filter(|&before| {
            let end = txns.operation(before).completed_rank();
            end.is_some_and(|end| end < operation.invoked_rank())
        });
        if operation.completion() == Completion::Ok {
            last.insert(operation.process(), txn);
        }
        over.is_none_or(|before| commits[before] < begins[txn])
    })
}

/// What keys hold as transactions commit, and when they got it.
struct Store {
    values: Vec<ValueId>,
    written: Vec<u32>,
}

fn reads_are_right(txns: &Transactions<'_>, execution: &[Event]) -> bool {
    let keys = txns.keys().len();
    let mut store = Store { values: vec![ValueId::NULL; keys], written: vec![0; keys] };
    let mut begun = vec![0; txns.len()];
    let mut own: Vec<(u32, ValueId)> = vec![(u32::MAX, ValueId::NULL); keys];
    (1..).zip(execution).all(|(now, &event)| match event {
        Event::Begin(txn) => {
            begun[txn as usize] = now;
            finds(txns, txn, &store, &mut own)
        }
        Event::Commit(txn) => commits(txns, txn, begun[txn as usize], now, &mut store),
        Event::Whole(txn) => {
            finds(txns, txn, &store, &mut own) && commits(txns, txn, now, now, &mut store)
        }
    })
}

/// Whether the reads of a transaction find what the store, or the transaction itself, has written.
fn finds(txns: &Transactions<'_>, txn: u32, store: &Store, own: &mut [(u32, ValueId)]) -> bool {
    let known = txns.completion(txn as usize) == Completion::Ok;
    txns.micros(txn as usize).iter().all(|micro| {
        let own = &mut own[micro.key() as usize];
        match micro.f() {
            Function::Read if own.0 == txn => !known || own.1 == micro.value,
            Function::Read => !known || store.values[micro.key() as usize] == micro.value,
            Function::Write => {
                *own = (txn, micro.value);
                true
            }
            Function::Append => false,
        }
    })
}

/// Writes what a transaction wrote, unless another wrote a key of its since it began.
fn commits(txns: &Transactions<'_>, txn: u32, begun: u32, now: u32, store: &mut Store) -> bool {
    txns.micros(txn as usize).iter().filter(|micro| micro.f() == Function::Write).all(|micro| {
        let key = micro.key() as usize;
        let first = store.written[key] < begun || store.written[key] == now;
        store.values[key] = micro.value;
        store.written[key] = now;
        first
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::Level;
    use super::*;
    use crate::txn::notation::history;

    fn accepted(line: &str, level: Level, execution: &[Event]) -> bool {
        let history = history(line);
        accepts(&Transactions::of(&history).unwrap(), level.rules(), execution)
    }

    #[test]
    fn only_executions_are_accepted() {
        use Event::*;
        let line = "0-5 wx1 | 1-6 rx_ ry_ wy1 | 2-? wx2 | 3-4! wx3";
        let level = Level::Serializable;
        assert!(accepted(line, level, &[Whole(1), Whole(0)]));
        assert!(accepted(line, level, &[Whole(1), Whole(2), Whole(0)]));
        assert!(!accepted(line, level, &[Whole(0), Whole(1)]), "a read is wrong");
        assert!(!accepted(line, level, &[Whole(1)]), "an ok transaction is missing");
        assert!(!accepted(line, level, &[Whole(1), Whole(0), Whole(0)]), "it happens twice");
        assert!(!accepted(line, level, &[Whole(1), Whole(3), Whole(0)]), "a failed one happens");
        assert!(!accepted(line, level, &[Begin(1), Commit(1), Whole(0)]), "no snapshots here");
    }

    #[test]
    fn time_sessions_and_snapshots_are_kept() {
        use Event::*;
        let line = "0-1 p0 wx1 | 2-3 p0 rx_";
        assert!(accepted(line, Level::Serializable, &[Whole(1), Whole(0)]));
        assert!(!accepted(line, Level::StrictSerializable, &[Whole(1), Whole(0)]));
        assert!(!accepted(line, Level::StrongSessionSerializable, &[Whole(1), Whole(0)]));
        let skew = "0-5 rx_ wy1 | 1-6 ry_ wx1";
        let level = Level::SnapshotIsolation;
        assert!(accepted(skew, level, &[Begin(0), Begin(1), Commit(0), Commit(1)]));
        assert!(!accepted(skew, level, &[Begin(0), Commit(0), Begin(1), Commit(1)]));
        let lost = "0-5 rx_ wx1 | 1-6 rx_ wx2";
        assert!(!accepted(lost, level, &[Begin(0), Begin(1), Commit(0), Commit(1)]));
    }
}
