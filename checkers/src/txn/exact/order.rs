//! A topological order of a graph that grows and shrinks: Pearce & Kelly (JEA 11, 2006), with a
//! label on each edge, so that a cycle tells what it rests on.
//!
//! Most edges never change and lie in columns; those that the search adds form lists, and are taken
//! away in the reverse order. An edge from the time line into a transaction is there only as long
//! as the transaction is assumed to keep real time; one that rests on assumptions only as long as
//! all of them are kept.

use super::label::{Ground, Label};
use crate::txn::lists::Lists;

const NONE: u32 = u32::MAX;

/// An edge that was added.
struct Added {
    from: u32,
    to: u32,
    label: Label,
    /// The one added before it from the same node, and to the same node.
    next_out: u32,
    next_in: u32,
}

pub(super) struct Order {
    /// By node.
    position: Vec<u32>,
    out: Lists,
    /// Empty until [`prepare`](Self::prepare).
    into: Lists,
    /// The nodes of the time line whose edges are assumptions.
    time_line: std::ops::Range<u32>,
    /// Nodes that are not assumed to keep real time.
    retracted: Vec<bool>,
    /// Sets of assumptions of which one was retracted.
    void: Vec<bool>,
    added: Vec<Added>,
    first_out: Vec<u32>,
    first_in: Vec<u32>,
    /// The search that reached a node, and how.
    mark: Vec<u32>,
    reached: Vec<(u32, Label)>,
    search: u32,
    forward: Vec<u32>,
    backward: Vec<u32>,
    /// Nodes which have got another position since this was last taken.
    pub moved: Vec<u32>,
    /// Of the last cycle found, its nodes.
    pub cycle: Vec<u32>,
    /// Nodes looked at so far: the measure of time.
    pub steps: u64,
}

impl Order {
    /// `position` is a topological order of the edges that are there.
    pub(super) fn new(
        position: Vec<u32>,
        out: Lists,
        time_line: std::ops::Range<u32>,
        retracted: Vec<bool>,
    ) -> Self {
        Self {
            position,
            out,
            into: Lists::default(),
            time_line,
            retracted,
            void: vec![false],
            added: Vec::new(),
            first_out: Vec::new(),
            first_in: Vec::new(),
            mark: Vec::new(),
            reached: Vec::new(),
            search: 0,
            forward: Vec::new(),
            backward: Vec::new(),
            moved: Vec::new(),
            cycle: Vec::new(),
            steps: 0,
        }
    }

    /// Makes room for edges to be added: most histories need none.
    pub(super) fn prepare(&mut self) {
        let len = self.position.len();
        self.into = self.out.turned();
        self.first_out = vec![NONE; len];
        self.first_in = vec![NONE; len];
        self.mark = vec![0; len];
        self.reached = vec![(NONE, Label::CERTAIN); len];
    }

    pub(super) fn at(&self, node: u32) -> u32 {
        self.position[node as usize]
    }

    /// By node.
    pub(super) fn into_positions(self) -> Vec<u32> {
        self.position
    }

    /// How many edges were added.
    pub(super) fn added(&self) -> usize {
        self.added.len()
    }

    pub(super) fn retract(&mut self, node: u32) {
        self.retracted[node as usize] = true;
    }

    /// Whether the edges that rest on assumptions may still be retracted.
    pub(super) fn has_assumptions(&self) -> bool {
        !self.time_line.is_empty()
    }

    pub(super) fn retract_all(&mut self) {
        self.retracted.fill(true);
        self.void[1..].fill(true);
    }

    /// Numbers a new set of assumptions.
    pub(super) fn new_set(&mut self) -> u32 {
        self.void.push(false);
        self.void.len() as u32 - 1
    }

    pub(super) fn make_void(&mut self, set: u32) {
        self.void[set as usize] = true;
    }

    pub(super) fn is_void(&self, set: u32) -> bool {
        self.void[set as usize]
    }

    fn holds(&self, label: Label) -> bool {
        !matches!(label.ground(), Ground::Assumed(set) if self.void[set as usize])
    }

    /// What an edge that was there from the beginning rests on; `None` if it was retracted.
    fn given(&self, from: u32, to: u32) -> Option<Label> {
        if !self.time_line.contains(&from) || self.time_line.contains(&to) {
            return Some(Label::CERTAIN);
        }
        (!self.retracted[to as usize]).then(|| Label::real_time(to))
    }

    /// Takes away the edges added last.
    pub(super) fn take_back(&mut self, len: usize) {
        while self.added.len() > len {
            if let Some(edge) = self.added.pop() {
                self.first_out[edge.from as usize] = edge.next_out;
                self.first_in[edge.to as usize] = edge.next_in;
            }
        }
    }

    /// Whether there is a path; what it rests on goes to `why`.
    pub(super) fn path(&mut self, from: u32, to: u32, why: Option<&mut Vec<Label>>) -> bool {
        self.forward.clear();
        if from == to {
            self.cycle = vec![from];
            return true;
        }
        let bound = self.at(to);
        if self.at(from) > bound {
            return false;
        }
        self.search += 1;
        self.mark[from as usize] = self.search;
        self.forward.push(from);
        let mut done = 0;
        while let Some(&node) = self.forward.get(done) {
            done += 1;
            for place in 0..self.out.at(node).len() {
                let next = self.out.at(node)[place];
                let Some(label) = self.given(node, next) else { continue };
                if self.reach(node, next, label, bound) && next == to {
                    self.tell(from, to, why);
                    return true;
                }
            }
            let mut place = self.first_out[node as usize];
            while let Some(edge) = self.added.get(place as usize) {
                let (next, label) = (edge.to, edge.label);
                place = edge.next_out;
                if self.holds(label) && self.reach(node, next, label, bound) && next == to {
                    self.tell(from, to, why);
                    return true;
                }
            }
        }
        self.steps += self.forward.len() as u64;
        false
    }

    /// Goes on to `next`, if that is new and not too late.
    fn reach(&mut self, node: u32, next: u32, label: Label, bound: u32) -> bool {
        let place = next as usize;
        if self.mark[place] == self.search || self.position[place] > bound {
            return false;
        }
        self.mark[place] = self.search;
        self.reached[place] = (node, label);
        self.forward.push(next);
        true
    }

    fn tell(&mut self, from: u32, to: u32, why: Option<&mut Vec<Label>>) {
        self.steps += self.forward.len() as u64;
        let Some(why) = why else { return };
        self.cycle.clear();
        self.cycle.push(to);
        let mut node = to;
        while node != from {
            let (before, label) = self.reached[node as usize];
            if label != Label::CERTAIN {
                why.push(label);
            }
            node = before;
            self.cycle.push(node);
        }
    }

    /// Adds an edge and mends the order. False: it would close a cycle; what the rest of that rests
    /// on goes to `why`.
    pub(super) fn insert(
        &mut self,
        from: u32,
        to: u32,
        label: Label,
        why: &mut Vec<Label>,
    ) -> bool {
        if self.at(from) >= self.at(to) {
            if self.path(to, from, Some(why)) {
                return false;
            }
            self.look_back(from, self.at(to));
            self.rearrange();
        }
        let place = self.added.len() as u32;
        let (next_out, next_in) = (self.first_out[from as usize], self.first_in[to as usize]);
        self.added.push(Added { from, to, label, next_out, next_in });
        self.first_out[from as usize] = place;
        self.first_in[to as usize] = place;
        true
    }

    /// All that reaches `from` and does not lie before `bound`.
    fn look_back(&mut self, from: u32, bound: u32) {
        self.search += 1;
        self.mark[from as usize] = self.search;
        self.backward.clear();
        self.backward.push(from);
        let mut done = 0;
        while let Some(&node) = self.backward.get(done) {
            done += 1;
            for place in 0..self.into.at(node).len() {
                let before = self.into.at(node)[place];
                if self.given(before, node).is_some() {
                    self.reach_back(before, bound);
                }
            }
            let mut place = self.first_in[node as usize];
            while let Some(edge) = self.added.get(place as usize) {
                let (before, label) = (edge.from, edge.label);
                place = edge.next_in;
                if self.holds(label) {
                    self.reach_back(before, bound);
                }
            }
        }
        self.steps += self.backward.len() as u64;
    }

    fn reach_back(&mut self, node: u32, bound: u32) {
        let place = node as usize;
        if self.mark[place] != self.search && self.position[place] >= bound {
            self.mark[place] = self.search;
            self.backward.push(node);
        }
    }

    /// What comes before the new edge goes before what comes after it, in the same positions.
    fn rearrange(&mut self) {
        let position = &mut self.position;
        self.backward.sort_unstable_by_key(|&node| position[node as usize]);
        self.forward.sort_unstable_by_key(|&node| position[node as usize]);
        let nodes = || self.backward.iter().chain(&self.forward);
        let mut places: Vec<u32> = nodes().map(|&node| position[node as usize]).collect();
        places.sort_unstable();
        for (&place, &node) in places.iter().zip(nodes()) {
            position[node as usize] = place;
            self.moved.push(node);
        }
    }

    /// By edges that were there from the beginning.
    pub(super) fn predecessors(&self, node: u32) -> &[u32] {
        self.into.at(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(len: u32, edges: &[(u32, u32)]) -> Order {
        let out = Lists::of(len as usize, edges.iter().copied());
        let retracted = vec![false; len as usize];
        let mut order = Order::new((0..len).collect(), out, 0..0, retracted);
        order.prepare();
        order
    }

    #[test]
    fn edges_move_what_they_must_and_cycles_are_told() {
        let mut order = order(5, &[(0, 1), (2, 3), (3, 4)]);
        let mut why = Vec::new();
        assert!(order.insert(4, 0, Label::decided(7), &mut why));
        assert!(order.at(4) < order.at(0));
        assert!(!order.insert(1, 2, Label::decided(8), &mut why));
        assert_eq!(why, [Label::decided(7)]);
        assert_eq!(order.cycle, [1, 0, 4, 3, 2]);
        order.take_back(0);
        assert!(order.insert(1, 2, Label::decided(8), &mut why));
        assert!(order.at(1) < order.at(2));
    }
}
