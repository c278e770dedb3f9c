//! Reachability for many pairs at once, 64 of them in a word, over an acyclic graph.

use rayon::prelude::*;

use super::{Components, Graph, Kinds};

/// An order of nodes in which every edge leads forward; nodes of one component are at one place.
pub(crate) struct Topological {
    /// By node.
    place: Vec<u32>,
    /// By place, and where those of each place begin, with one more for the end.
    nodes: Vec<u32>,
    starts: Vec<u32>,
}

impl Topological {
    /// The place of a node.
    #[inline]
    pub(crate) fn of(&self, node: u32) -> u32 {
        self.place[node as usize]
    }

    /// The nodes from one place to another, both included.
    fn stretch(&self, first: u32, last: u32) -> &[u32] {
        let end = self.starts[last as usize + 1];
        &self.nodes[self.starts[first as usize] as usize..end as usize]
    }
}

/// An order in which every edge of these kinds leads forward, edges within `cyclic` components
/// aside.
///
/// Kahn's algorithm (CACM 1962) first in, first out, so that the order keeps to time where the
/// edges do; one group of nodes after the other, between which there are no edges.
pub(crate) fn topological(
    graph: &Graph,
    kinds: Kinds,
    cyclic: &Components,
    group: &[u32],
) -> Topological {
    let nodes = graph.nodes();
    let head = |node: u32| match cyclic.of[node as usize] {
        Components::NONE => node,
        component => cyclic.members(component as usize)[0],
    };
    let mut waiting = vec![0_u32; nodes];
    for (from, to, kind) in graph.edges() {
        if kind & kinds != 0 && head(from) != head(to) {
            waiting[head(to) as usize] += 1;
        }
    }
    let mut sources: Vec<u32> = (0..nodes as u32)
        .filter(|&node| head(node) == node && waiting[node as usize] == 0)
        .collect();
    sources.sort_by_key(|&node| group[node as usize]);
    let mut sources = sources.into_iter().peekable();
    let mut queue: Vec<u32> = Vec::with_capacity(nodes);
    let mut order = Topological {
        place: vec![0; nodes],
        nodes: Vec::with_capacity(nodes),
        starts: Vec::with_capacity(nodes + 1),
    };
    let mut next = 0;
    loop {
        if next == queue.len() {
            let Some(first) = sources.next() else { break };
            queue.push(first);
            let same = |node: &u32| group[*node as usize] == group[first as usize];
            while let Some(source) = sources.next_if(same) {
                queue.push(source);
            }
        }
        let node = queue[next];
        let alone = [node];
        let members = match cyclic.of[node as usize] {
            Components::NONE => &alone[..],
            component => cyclic.members(component as usize),
        };
        order.starts.push(order.nodes.len() as u32);
        for &member in members {
            order.place[member as usize] = next as u32;
            order.nodes.push(member);
            for (to, kind) in graph.out(member) {
                let to = head(to);
                if kind & kinds == 0 || to == node {
                    continue;
                }
                waiting[to as usize] -= 1;
                if waiting[to as usize] == 0 {
                    queue.push(to);
                }
            }
        }
        next += 1;
    }
    order.starts.push(order.nodes.len() as u32);
    order
}

/// Whether `to` is reachable from `from`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    pub from: u32,
    pub to: u32,
}

/// Answers each query, for edges of these kinds; `order` is a [`topological`] one of a graph
/// with these edges and perhaps more.
///
/// A query costs the edges of the stretch of the order that it spans; up to 64 that span alike and
/// overlap are answered at once.
pub(crate) fn reachable(
    graph: &Graph,
    kinds: Kinds,
    order: &Topological,
    queries: &[Query],
) -> Vec<bool> {
    let span = |number: usize| {
        let query = queries[number];
        let (from, to) = (order.of(query.from), order.of(query.to));
        (from <= to).then(|| Asked { size: (to - from).checked_ilog2(), from, to, number })
    };
    let mut asked: Vec<Asked> = (0..queries.len()).filter_map(span).collect();
    asked.sort_unstable_by_key(|asked| (asked.size, asked.from, asked.to, asked.number));
    let answer = |mask: &mut Vec<u64>, batch: &[Asked]| {
        for (bit, asked) in batch.iter().enumerate() {
            mask[queries[asked.number].from as usize] |= 1 << bit;
        }
        let last = batch.iter().map(|asked| asked.to).max().unwrap_or(0);
        let nodes = order.stretch(batch[0].from, last);
        spread(graph, kinds, order, nodes, batch, mask);
        let mut reached = 0_u64;
        for (bit, asked) in batch.iter().enumerate() {
            reached |= mask[queries[asked.number].to as usize] & 1 << bit;
        }
        nodes.iter().for_each(|&node| mask[node as usize] = 0);
        reached
    };
    let batches = batches(&asked);
    let reached: Vec<u64> = batches
        .par_iter()
        .with_min_len(batches.len().div_ceil(2 * rayon::current_num_threads()).max(BATCHES_MIN))
        .map_init(|| vec![0_u64; graph.nodes()], |mask, range| answer(mask, &asked[range.clone()]))
        .collect();
    let mut answers = vec![false; queries.len()];
    for (range, bits) in batches.into_iter().zip(reached) {
        for (bit, asked) in asked[range].iter().enumerate() {
            answers[asked.number] = bits & 1 << bit != 0;
        }
    }
    answers
}

/// Batches answered one after the other, so that there are few masks.
const BATCHES_MIN: usize = 8;

/// Up to 64 that span alike each, as long as the stretches overlap, so that there are no gaps to be
/// passed over.
fn batches(asked: &[Asked]) -> Vec<std::ops::Range<usize>> {
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

/// Passes the bits of `nodes` on along edges, each as far as its query goes.
fn spread(
    graph: &Graph,
    kinds: Kinds,
    order: &Topological,
    nodes: &[u32],
    batch: &[Asked],
    mask: &mut [u64],
) {
    let last = batch.iter().map(|asked| asked.to).max().unwrap_or(0);
    let mut ends: Vec<(u32, u64)> =
        batch.iter().enumerate().map(|(bit, asked)| (asked.to, 1 << bit)).collect();
    ends.sort_unstable();
    let mut ends = ends.into_iter().peekable();
    let mut live = u64::MAX;
    for together in nodes.chunk_by(|a, b| order.of(*a) == order.of(*b)) {
        let here = order.of(together[0]);
        while let Some((_, bit)) = ends.next_if(|(end, _)| *end < here) {
            live &= !bit;
        }
        // Nodes of a component pass bits to each other until nothing changes.
        loop {
            let mut changed = false;
            for &node in together {
                let bits = mask[node as usize] & live;
                if bits == 0 {
                    continue;
                }
                for (to, kind) in graph.out(node) {
                    if kind & kinds == 0 || order.of(to) > last {
                        continue;
                    }
                    let same = order.of(to) == here;
                    changed |= same && bits & !mask[to as usize] != 0;
                    mask[to as usize] |= bits;
                }
            }
            if !changed {
                break;
            }
        }
    }
}
