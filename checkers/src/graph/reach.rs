//! Reachability for many pairs at once, 64 of them in a word.

use std::ops::Range;

use rayon::prelude::*;

use super::{Graph, Kinds, Topological};

/// Whether `to` is reachable from `from`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    pub from: u32,
    pub to: u32,
}

/// Answers each query, for edges of the first of these kinds, of the second, and so on; `order` is
/// a [`topological`](super::topological) one of a graph with all these edges and perhaps more.
///
/// A query costs the edges of the stretch of the order that it spans; up to 64 that span alike and
/// overlap are answered at once.
pub(crate) fn reachable<const N: usize>(
    graph: &Graph,
    kinds: [Kinds; N],
    order: &Topological,
    queries: &[Query],
) -> Vec<[bool; N]> {
    let span = |number: usize| {
        let query = queries[number];
        let (from, to) = (order.of(query.from), order.of(query.to));
        (from <= to).then(|| Asked { size: (to - from).checked_ilog2(), from, to, number })
    };
    let mut asked: Vec<Asked> = (0..queries.len()).filter_map(span).collect();
    asked.sort_unstable_by_key(|asked| (asked.size, asked.from, asked.to, asked.number));
    let sorted = order.sorted(graph, kinds.iter().fold(0, |all, kinds| all | kinds));
    let answer = |masks: &mut Vec<[u64; N]>, batch: &[Asked]| {
        let stretch = Stretch::of(batch, order);
        masks.clear();
        masks.resize(stretch.positions.len(), [0; N]);
        let at = |node: u32| (order.position(node) - stretch.positions.start) as usize;
        for (bit, asked) in batch.iter().enumerate() {
            masks[at(queries[asked.number].from)].iter_mut().for_each(|mask| *mask |= 1 << bit);
        }
        stretch.spread(&sorted, kinds, order, masks);
        let reached = |(bit, asked): (usize, &Asked)| {
            masks[at(queries[asked.number].to)].map(|mask| mask & 1 << bit != 0)
        };
        batch.iter().enumerate().map(reached).collect::<Vec<_>>()
    };
    let batches = batches(&asked);
    let reached: Vec<Vec<[bool; N]>> = batches
        .par_iter()
        .map_init(Vec::new, |masks, range| answer(masks, &asked[range.clone()]))
        .collect();
    let mut answers = vec![[false; N]; queries.len()];
    for (asked, reached) in asked.iter().zip(reached.into_iter().flatten()) {
        answers[asked.number] = reached;
    }
    answers
}

/// Up to 64 that span alike each, as long as the stretches overlap, so that there are no gaps to be
/// passed over.
fn batches(asked: &[Asked]) -> Vec<Range<usize>> {
    let (mut batches, mut begin, mut last) = (Vec::new(), 0, 0);
    for (place, next) in asked.iter().enumerate() {
        let goes_on = place - begin < 64 && next.size == asked[begin].size && next.from <= last;
        if place > begin && !goes_on {
            batches.push(begin..place);
            begin = place;
        }
        last = if place == begin { next.to } else { last.max(next.to) };
    }
    if begin < asked.len() {
        batches.push(begin..asked.len());
    }
    batches
}

/// A query with the stretch of the order that it spans.
#[derive(Clone, Copy)]
struct Asked {
    /// The logarithm of its length.
    size: Option<u32>,
    from: u32,
    to: u32,
    number: usize,
}

/// The part of an order that the queries of a batch span together.
struct Stretch {
    positions: Range<u32>,
    /// Where each query ends, in order, and its bit.
    ends: Vec<(u32, u64)>,
}

impl Stretch {
    fn of(batch: &[Asked], order: &Topological) -> Self {
        let mut ends: Vec<(u32, u64)> =
            batch.iter().enumerate().map(|(bit, asked)| (asked.to, 1 << bit)).collect();
        ends.sort_unstable();
        let last = ends.last().map_or(0, |last| last.0);
        Self { positions: batch[0].from..order.end(last), ends }
    }

    /// Passes bits on along edges, each as far as its query goes; `masks` by position, from the
    /// first of the stretch on.
    fn spread<const N: usize>(
        &self,
        sorted: &Graph,
        kinds: [Kinds; N],
        order: &Topological,
        masks: &mut [[u64; N]],
    ) {
        let Range { start: first, end: last } = self.positions;
        let mut ends = self.ends.iter().peekable();
        let (mut live, mut place) = (u64::MAX, first);
        while place < last {
            while let Some((_, bit)) = ends.next_if(|(end, _)| *end < place) {
                live &= !bit;
            }
            let end = order.end(place);
            // Nodes of a component pass bits to each other until nothing changes.
            loop {
                let mut changed = false;
                for from in place..end {
                    let bits = masks[(from - first) as usize].map(|mask| mask & live);
                    if bits == [0; N] {
                        continue;
                    }
                    for (to, kind) in sorted.out(from).filter(|(to, _)| *to < last) {
                        let mask = &mut masks[(to - first) as usize];
                        let before = *mask;
                        for level in 0..N {
                            let passed = if kind & kinds[level] != 0 { bits[level] } else { 0 };
                            mask[level] |= passed;
                        }
                        changed |= to < end && *mask != before;
                    }
                }
                if !changed {
                    break;
                }
            }
            place = end;
        }
    }
}
