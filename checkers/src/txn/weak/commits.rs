//! Why there is no order of commits: where sessions, reads and demands contradict each other.

use std::collections::VecDeque;

use super::super::lists::Lists;
use super::sessions::{NOBODY, Sessions};

/// Why one transaction comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Earlier in the same session.
    Session,
    /// It was read from.
    Read,
    /// A [`Demand`](super::demand::Demand).
    Demand,
}

/// `from` comes before `to`; both are nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub from: u32,
    pub to: u32,
    pub why: Why,
}

/// By writer, who read from it.
pub(super) fn readers(sessions: &Sessions) -> Lists {
    let from = |reader: u32| {
        let found = sessions.reads(reader).iter().filter(|read| read.writer != NOBODY);
        found.map(move |read| (read.writer, reader))
    };
    Lists::of(sessions.len(), (0..sessions.len() as u32).flat_map(from))
}

/// All that is known of the order of commits.
pub(super) struct Commits<'a> {
    pub sessions: &'a Sessions,
    pub readers: &'a Lists,
    pub demands: Lists,
}

impl<'a> Commits<'a> {
    pub(super) fn new(sessions: &'a Sessions, readers: &'a Lists, demands: &[(u32, u32)]) -> Self {
        let demands = Lists::of(sessions.len(), demands.iter().copied());
        Self { sessions, readers, demands }
    }

    /// The `i`th successor of a node; `i` may be one past the last.
    fn successor(&self, node: u32, i: usize) -> Option<(u32, Why)> {
        let next = self.sessions.after(node);
        let Some(i) = i.checked_sub(usize::from(next.is_some())) else {
            return next.map(|next| (next, Why::Session));
        };
        let of = [
            (self.sessions.forks(node), Why::Session),
            (self.readers.at(node), Why::Read),
            (self.demands.at(node), Why::Demand),
        ];
        let mut i = i;
        for (nodes, why) in of {
            match nodes.get(i) {
                Some(&next) => return Some((next, why)),
                None => i -= nodes.len(),
            }
        }
        None
    }

    fn successors(&self, node: u32) -> impl Iterator<Item = (u32, Why)> + '_ {
        (0..).map_while(move |i| self.successor(node, i))
    }

    /// The strongly connected components of more than one node among `left`, what
    /// [`sort`](super::sort::sort) has no room for; small ones first. Tarjan's algorithm with an
    /// explicit stack.
    pub(super) fn knots(&self, left: &[u32]) -> Vec<Vec<u32>> {
        const UNSEEN: u32 = u32::MAX;
        const OUTSIDE: u32 = u32::MAX - 1;
        let mut number = vec![OUTSIDE; self.sessions.len()];
        for &node in left {
            number[node as usize] = UNSEEN;
        }
        let mut low = vec![0; self.sessions.len()];
        let (mut count, mut stack, mut calls) = (0, Vec::new(), Vec::new());
        let mut knots = Vec::new();
        for &root in left {
            if number[root as usize] != UNSEEN {
                continue;
            }
            calls.push((root, 0));
            while let Some((node, i)) = calls.pop() {
                if i == 0 {
                    number[node as usize] = count;
                    low[node as usize] = count;
                    count += 1;
                    stack.push(node);
                }
                if let Some((next, _)) = self.successor(node, i) {
                    calls.push((node, i + 1));
                    match number[next as usize] {
                        UNSEEN => calls.push((next, 0)),
                        OUTSIDE => {}
                        seen => low[node as usize] = low[node as usize].min(seen),
                    }
                    continue;
                }
                if let Some(&(parent, _)) = calls.last() {
                    low[parent as usize] = low[parent as usize].min(low[node as usize]);
                }
                if low[node as usize] == number[node as usize] {
                    let start = stack.iter().rposition(|&other| other == node).unwrap_or(0);
                    let knot = stack.split_off(start);
                    knot.iter().for_each(|&node| number[node as usize] = OUTSIDE);
                    if knot.len() > 1 {
                        knots.push(knot);
                    }
                }
            }
        }
        knots.iter_mut().for_each(|knot| knot.sort_unstable());
        knots.sort_by_key(|knot| (knot.len(), knot.first().copied()));
        knots
    }
}

/// Finds short paths; what a session does between two steps costs nothing.
pub(super) struct Paths<'a> {
    commits: &'a Commits<'a>,
    /// Per node the search that has reached it, and by which step.
    reached: Vec<(u32, u32, Why)>,
    distance: Vec<u32>,
    settled: Vec<u32>,
    search: u32,
    /// Successors looked at so far.
    work: u64,
}

/// After so many successors no further start is tried for a shorter cycle.
const WORK_MAX: u64 = 8_000_000;

impl<'a> Paths<'a> {
    pub(super) fn new(commits: &'a Commits<'a>) -> Self {
        let len = commits.sessions.len();
        Self {
            commits,
            reached: vec![(0, NOBODY, Why::Session); len],
            distance: vec![0; len],
            settled: vec![0; len],
            search: 0,
            work: 0,
        }
    }

    /// A path with the fewest reads and demands from one node to another, or around to the same;
    /// only through nodes that `allowed` has, with steps that `taken` has, of a length below
    /// `limit`.
    fn path(
        &mut self,
        from: u32,
        to: u32,
        limit: u32,
        allowed: impl Fn(u32) -> bool,
        taken: impl Fn(Why) -> bool,
    ) -> Option<Vec<Step>> {
        self.search += 1;
        let search = self.search;
        let mut open = VecDeque::from([(from, 0)]);
        while let Some((node, distance)) = open.pop_front() {
            if self.settled[node as usize] == search || distance >= limit {
                continue;
            }
            if distance > 0 || node != from {
                self.settled[node as usize] = search;
            }
            for (next, why) in self.commits.successors(node) {
                self.work += 1;
                if !taken(why) || !allowed(next) {
                    continue;
                }
                let far = distance + u32::from(why != Why::Session);
                let place = next as usize;
                let seen = self.reached[place].0 == search && self.distance[place] <= far;
                if seen || far >= limit {
                    continue;
                }
                self.reached[place] = (search, node, why);
                self.distance[place] = far;
                if why == Why::Session {
                    open.push_front((next, far))
                } else {
                    open.push_back((next, far))
                }
            }
            if self.reached[to as usize].0 == search
                && open.front().is_none_or(|&(_, next)| next >= self.distance[to as usize])
            {
                return Some(self.steps(from, to));
            }
        }
        (self.reached[to as usize].0 == search).then(|| self.steps(from, to))
    }

    /// Goes back from `to`; neighbouring steps of one session are one.
    fn steps(&self, from: u32, to: u32) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        let mut node = to;
        loop {
            let (_, before, why) = self.reached[node as usize];
            match steps.last_mut() {
                Some(last) if last.why == Why::Session && why == Why::Session => last.from = before,
                _ => steps.push(Step { from: before, to: node, why }),
            }
            node = before;
            if node == from {
                steps.reverse();
                return steps;
            }
        }
    }

    /// How one transaction came to know of another: through sessions and reads alone.
    pub(super) fn knowledge(&mut self, from: u32, to: u32) -> Vec<Step> {
        let known = |why| why != Why::Demand;
        self.path(from, to, u32::MAX, |_| true, known).unwrap_or_default()
    }

    /// A cycle of a knot: a shortest one, unless the knot is so large that the work runs out. It
    /// begins with a demand, where it has any.
    pub(super) fn cycle(&mut self, knot: &[u32]) -> Vec<Step> {
        let inside = |node: u32| knot.binary_search(&node).is_ok();
        let mut best: Vec<Step> = Vec::new();
        let mut limit = u32::MAX;
        let end = self.work + WORK_MAX;
        let demanding = |&node: &u32| self.commits.demands.at(node).iter().any(|&to| inside(to));
        let mut starts: Vec<u32> = knot.iter().copied().filter(demanding).collect();
        if starts.is_empty() {
            starts = knot.to_vec();
        }
        for start in starts {
            if let Some(found) = self.path(start, start, limit, inside, |_| true) {
                limit = self.distance[start as usize];
                best = found;
            }
            if limit <= 1 || self.work > end {
                break;
            }
        }
        let first = best.iter().position(|step| step.why == Why::Demand).unwrap_or(0);
        best.rotate_left(first);
        // The turn may have parted the steps of a session.
        if let [first, .., last] = best[..]
            && first.why == Why::Session
            && last.why == Why::Session
        {
            best.pop();
            best[0].from = last.from;
        }
        best
    }
}
