//! Takes away what has nothing left before it, again and again (Kahn, CACM 1962): what is on no
//! cycle and after none.

use rayon::prelude::*;

use super::timeline::Timeline;
use super::transactions::threads;
use crate::graph::Graph;

/// Per node, those of the graph first and then the moments, whether it is left. The first nodes of
/// the graph are the transactions of the timeline.
pub(super) fn rest(graph: &Graph, timeline: &Timeline) -> Vec<bool> {
    let (before, open) = degrees(graph, timeline);
    let free = vec![0; graph.nodes() + 1];
    let mut peel = Peel { graph, timeline, before, open, moment: 0, free, count: 0 };
    for node in (0..graph.nodes() as u32).rev() {
        peel.push(node);
    }
    while let Some(last) = peel.count.checked_sub(1) {
        peel.count = last;
        peel.take_away(peel.free[last]);
    }
    let moments = (0..timeline.len()).map(|moment| moment >= peel.moment);
    peel.before.iter().map(|&before| before > 0).chain(moments).collect()
}

struct Peel<'a> {
    graph: &'a Graph,
    timeline: &'a Timeline,
    /// Per node of the graph how many edges lead to it from what is left.
    before: Vec<u32>,
    /// Per moment how many of the transactions are left that were over at it.
    open: Vec<u32>,
    /// The first moment that is left.
    moment: usize,
    /// The first `count` of them have nothing before them.
    free: Vec<u32>,
    count: usize,
}

impl Peel<'_> {
    /// Of a node that has something before it, the next takes the place: which of them have none
    /// nobody can foresee, so that to ask is slower.
    #[inline]
    fn push(&mut self, node: u32) {
        self.free[self.count] = node;
        self.count += usize::from(self.before[node as usize] == 0);
    }

    #[inline]
    fn release(&mut self, node: u32) {
        self.before[node as usize] -= 1;
        self.push(node);
    }

    fn take_away(&mut self, node: u32) {
        let graph = self.graph;
        graph.out(node).for_each(|(to, _)| self.release(to));
        let over = self.timeline.over.get(node as usize);
        let Some(open) = over.and_then(|&over| self.open.get_mut(over as usize)) else { return };
        *open -= 1;
        while self.open.get(self.moment) == Some(&0) {
            self.timeline.after(self.moment).for_each(|txn| self.release(txn));
            self.moment += 1;
        }
    }
}

/// How many edges lead to each node of the graph, and from transactions to each moment.
fn degrees(graph: &Graph, timeline: &Timeline) -> (Vec<u32>, Vec<u32>) {
    let (mut before, mut open) = (vec![0; graph.nodes()], vec![0; timeline.len()]);
    let size = graph.nodes().div_ceil(threads()).max(1);
    let by_graph = || {
        let parts = before.par_chunks_mut(size).enumerate();
        parts.for_each(|(part, before)| count(graph.targets(), part * size, before));
    };
    rayon::join(by_graph, || count(&timeline.over, 0, &mut open));
    if !open.is_empty() {
        // All that were invoked after the first moment are after one.
        let later = timeline.after(0).start as usize..timeline.over.len();
        before[later].iter_mut().for_each(|before| *before += 1);
    }
    (before, open)
}

/// Counts how often each of some nodes, from `first` on, is among the targets.
fn count(targets: &[u32], first: usize, counts: &mut [u32]) {
    for &to in targets {
        if let Some(count) = counts.get_mut((to as usize).wrapping_sub(first)) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::Transactions;
    use super::super::append::Lists;
    use super::super::dependencies::Dependencies;
    use super::super::notation::history;
    use super::*;

    /// By the definition: nodes are taken away for as long as one has nothing left before it.
    fn slowly(all: &Dependencies) -> Vec<bool> {
        let mut is_left = vec![true; all.graph.nodes() + all.timeline.len()];
        loop {
            let mut has_before = vec![false; is_left.len()];
            for node in (0..is_left.len()).filter(|&node| is_left[node]) {
                all.out(node as u32, |to, _| has_before[to as usize] = true);
            }
            let free = (0..is_left.len()).find(|&node| is_left[node] && !has_before[node]);
            let Some(free) = free else { return is_left };
            is_left[free] = false;
        }
    }

    #[test]
    fn what_is_on_a_cycle_or_after_one_is_left() {
        let valid = "0-3 p1 ax1 ay1 | 1-4 p2 ax2 | 5-8 p1 rx[1,2] ax3 | 6-9 p3 rx[1,2] az1 | \
                     10-? p2 ry[1] az2 | 11-12 p3 rx[1,2,3] rz[1]";
        // A stale read: only real time makes a cycle of it.
        let stale = "0-1 ax1 | 2-3 ax2 | 4-5 rx[1] | 6-7 rx[1,2] ay1 | 8-9 ry[1]";
        let skew = "0-1 ax1 | 2-5 rx[1] ry[] az1 | 3-4 rz[] ay1 | 6-7 rz[1] ry[1]";
        for (line, left_timed, left_untimed) in
            [(valid, false, false), (stale, true, false), (skew, true, true)]
        {
            for untimed in [false, true] {
                let mut history = history(line);
                history.untimed = untimed;
                let txns = Transactions::of(&history).unwrap();
                let all = Dependencies::of(&txns, &Lists::of(&txns).unwrap()).unwrap();
                let rest = rest(&all.graph, &all.timeline);
                assert_eq!(rest, slowly(&all), "{line}");
                let expected = if untimed { left_untimed } else { left_timed };
                assert_eq!(rest.contains(&true), expected, "{line}");
                assert_eq!(all.timeline.len() == 0, untimed);
            }
        }
    }
}
