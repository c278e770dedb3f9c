//! Who wrote what was read, and what nothing explains.

#![allow(clippy::unwrap_used)]

use super::super::notation::history;
use super::*;

/// The reads of the last transaction as (key, writer), faults, and reads left out.
type Found = (Vec<(u32, Option<u32>)>, Vec<FaultKind>, usize);

fn last(line: &str) -> Found {
    let history = history(line);
    let txns = Transactions::of(&history).unwrap();
    let sources = Sources::of(&txns).unwrap();
    let reads = sources.reads(sources.len() - 1).iter();
    let writer = |read: &Read| (read.version != INITIAL).then(|| sources.writer(read.version));
    let reads = reads.map(|read| (read.key, writer(read))).collect();
    let faults = sources.faults.iter().map(|fault| fault.kind).collect();
    (reads, faults, sources.ambiguous)
}

#[test]
fn reads_find_their_writers() {
    let found = last("wx1 wy1 | wx2 | rx1 rx1 ry1 rz_ rx1 rx2");
    let both = [(0, Some(0)), (1, Some(0)), (2, None), (0, Some(0)), (0, Some(1))];
    let reads = both.to_vec();
    assert_eq!(found, (reads, vec![FaultKind::NonRepeatable], 0));
    assert_eq!(last("wx1 | rx1 wx2 rx2"), (vec![(0, Some(0))], vec![], 0));
}

#[test]
fn reads_that_nothing_explains_are_faults() {
    let faults = |line| last(line).1;
    assert_eq!(faults("wx1 rx2"), [FaultKind::Internal]);
    assert_eq!(faults("0-1! wx1 | rx1"), [FaultKind::Aborted]);
    assert_eq!(faults("wx1 wx2 | rx1"), [FaultKind::Intermediate]);
    assert_eq!(faults("rx1"), [FaultKind::Garbage]);
    assert_eq!(faults("rx1 wx1"), [FaultKind::Future]);
    assert_eq!(faults("rx1 wx1 wx2"), [FaultKind::Future]);
}

#[test]
fn of_two_writers_the_honest_one_counts() {
    assert_eq!(last("0-1! wx1 | wx1 | wx1 wx2 | rx1"), (vec![(0, Some(1))], vec![], 0));
    assert_eq!(last("0-1! wx_ | rx_"), (vec![(0, None)], vec![], 0));
    for unclear in ["wx1 | 3-? wx1 | rx1", "wx_ | rx_", "wx_ wx1 | rx_"] {
        assert_eq!(last(unclear), (vec![], vec![], 1), "{unclear}");
    }
}

#[test]
fn a_crashed_transaction_is_there_once_it_is_seen() {
    let history = history("0-? wx2 | 2-? wx1 | 4-5 rx1 | 6-7! wx3 | 8-? rx2");
    let sources = Sources::of(&Transactions::of(&history).unwrap()).unwrap();
    let present: Vec<bool> = (0..5).map(|txn| sources.is_present(txn)).collect();
    assert_eq!(present, [false, true, true, false, false]);
}

#[test]
fn lists_are_no_registers() {
    let history = history("ax1");
    let error = Sources::of(&Transactions::of(&history).unwrap()).map(|_| ()).unwrap_err();
    assert_eq!(error, "op 0 appends to a list; expected registers");
}
