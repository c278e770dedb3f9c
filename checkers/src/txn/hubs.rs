//! Anti-dependencies from every one of some readers to every one of some writers.

use super::dependencies::{HUB, RW};
use crate::graph::Kinds;

/// Pairs of readers and writers up to this many are edges; more go through a hub.
const PAIRS_MAX: usize = 256;

/// An rw edge from each reader to each writer but itself; both ascending.
///
/// Where they are many: readers which also write overwrite each other in a ring, which is as
/// cyclic as all their pairs; to the other writers a hub leads, and another to these from readers
/// that do not write.
pub(crate) fn all_pairs(
    readers: &[u32],
    writers: &[u32],
    hub: &mut impl FnMut() -> u32,
    add: &mut impl FnMut(u32, u32, Kinds),
) {
    if readers.len() * writers.len() <= PAIRS_MAX {
        for &reader in readers {
            for &writer in writers.iter().filter(|&&writer| writer != reader) {
                add(reader, writer, RW);
            }
        }
        return;
    }
    let is = |sorted: &[u32], txn: u32| sorted.binary_search(&txn).is_ok();
    let both: Vec<u32> = readers.iter().copied().filter(|&txn| is(writers, txn)).collect();
    let blind: Vec<u32> = writers.iter().copied().filter(|&txn| !is(&both, txn)).collect();
    let pure: Vec<u32> = readers.iter().copied().filter(|&txn| !is(&both, txn)).collect();
    if both.len() > 1 {
        both.iter().zip(both.iter().cycle().skip(1)).for_each(|(&one, &next)| add(one, next, RW));
    }
    for (from, to) in [(readers, &blind), (&pure[..], &both)] {
        if from.is_empty() || to.is_empty() {
            continue;
        }
        let hub = hub();
        from.iter().for_each(|&reader| add(reader, hub, RW));
        to.iter().for_each(|&writer| add(hub, writer, HUB));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each pair is joined, directly or by a hub.
    fn joined(readers: &[u32], writers: &[u32]) -> Vec<(u32, u32)> {
        let mut edges = Vec::new();
        let mut next = 1000;
        let mut hub = || {
            next += 1;
            next - 1
        };
        all_pairs(readers, writers, &mut hub, &mut |from, to, kind| edges.push((from, to, kind)));
        let mut pairs = Vec::new();
        for &(from, to, kind) in edges.iter().filter(|edge| edge.2 == RW) {
            assert_ne!(from, to, "{kind}");
            if to < 1000 {
                pairs.push((from, to));
            }
            let on = edges.iter().filter(|edge| edge.0 == to && to >= 1000);
            pairs.extend(on.map(|edge| (from, edge.1)));
        }
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn all_pairs_of_others_are_joined_with_or_without_a_hub() {
        let small = joined(&[1, 2], &[2, 3]);
        assert_eq!(small, [(1, 2), (1, 3), (2, 3)]);
        let readers: Vec<u32> = (0..40).collect();
        let writers: Vec<u32> = (30..70).collect();
        let pairs = joined(&readers, &writers);
        assert!(pairs.iter().all(|(reader, writer)| reader != writer));
        for reader in 0..40 {
            for writer in (40..70).chain(if reader < 30 { 30..40 } else { 0..0 }) {
                assert!(pairs.contains(&(reader, writer)), "{reader} {writer}");
            }
        }
        // Of those that both read and write, each is joined to the next.
        assert!((30..39).all(|txn| pairs.contains(&(txn, txn + 1))) && pairs.contains(&(39, 30)));
    }
}
