//! What is forced: of two neighbouring chains that overlap, one comes first if the other way round
//! there is a cycle.

use super::Budget;
use super::assumptions::Assumptions;
use super::label::Label;
use super::order::Order;
use super::overlap::{Edges, Overlaps};

/// No order exists; the nodes of the last cycles.
#[derive(Debug)]
pub(super) struct Conflict {
    pub nodes: Vec<u32>,
}

/// Why a part of the work ended without a result.
#[derive(Debug)]
pub(super) enum Halt {
    Conflict(Conflict),
    Budget,
}

/// The order and what keeps it from being an execution.
pub(super) struct State {
    pub order: Order,
    pub overlaps: Overlaps,
    pub assumptions: Assumptions,
    /// Chains put in order because they had to be.
    pub forced: usize,
}

impl State {
    /// Whether the edges would close a cycle; what that rests on goes to `why`.
    pub(super) fn closes(&mut self, edges: Edges, why: &mut Vec<Label>) -> bool {
        let order = &mut self.order;
        edges.into_iter().flatten().any(|(from, to)| order.path(to, from, Some(why)))
    }

    /// Adds edges; false if one closes a cycle.
    pub(super) fn insert(&mut self, edges: Edges, label: Label, why: &mut Vec<Label>) -> bool {
        let order = &mut self.order;
        let mut edges = edges.into_iter().flatten();
        let done = edges.all(|(from, to)| order.insert(from, to, label, why));
        self.overlaps.settle(order);
        done
    }

    /// Gives up the assumptions behind a contradiction; false if there are none.
    fn give_up(&mut self, why: &[Label]) -> bool {
        let core = self.assumptions.behind(why);
        self.assumptions.retract(&core, &mut self.order);
        !core.is_empty()
    }

    /// # Errors
    /// [`Halt`].
    pub(super) fn saturate(&mut self, budget: &Budget) -> Result<(), Halt> {
        let mut deferred: Vec<u32> = Vec::new();
        loop {
            let mut any = false;
            while let Some(chain) = self.overlaps.pop() {
                if self.order.steps > budget.steps {
                    return Err(Halt::Budget);
                }
                match self.force(chain)? {
                    Some(true) => {
                        any = true;
                        self.overlaps.touch(chain);
                    }
                    Some(false) => deferred.push(chain),
                    None => {}
                }
            }
            deferred.sort_unstable();
            deferred.dedup();
            for chain in deferred.drain(..) {
                if self.overlaps.of(chain, &self.order).is_some() {
                    self.overlaps.touch(chain);
                }
            }
            if self.overlaps.is_clean() || !any {
                return Ok(());
            }
        }
    }

    /// Looks at one chain: nothing overlaps, something was learnt, or nothing is forced.
    fn force(&mut self, chain: u32) -> Result<Option<bool>, Halt> {
        let Some((a, b)) = self.overlaps.of(chain, &self.order) else { return Ok(None) };
        let mut why = Vec::new();
        let not_before = self.closes(self.overlaps.edges(a, b), &mut why);
        let mut nodes = if not_before { self.order.cycle.clone() } else { Vec::new() };
        let not_after = self.closes(self.overlaps.edges(b, a), &mut why);
        if !not_before && !not_after {
            return Ok(Some(false));
        }
        if not_before && not_after {
            if !self.give_up(&why) {
                nodes.extend_from_slice(&self.order.cycle);
                nodes.extend(self.ends(a).into_iter().chain(self.ends(b)));
                return Err(Halt::Conflict(Conflict { nodes }));
            }
            return Ok(Some(true));
        }
        let (first, second) = if not_before { (b, a) } else { (a, b) };
        let core = self.assumptions.behind(&why);
        let set = self.assumptions.number(core, &mut self.order);
        let label = Label::assumed(set);
        let mut why = Vec::new();
        if self.insert(self.overlaps.edges(first, second), label, &mut why) {
            self.forced += 1;
            return Ok(Some(true));
        }
        why.push(label);
        if self.give_up(&why) {
            return Ok(Some(true));
        }
        let mut nodes = self.order.cycle.clone();
        nodes.extend(self.ends(a).into_iter().chain(self.ends(b)));
        Err(Halt::Conflict(Conflict { nodes }))
    }

    /// The nodes at the ends of a chain.
    pub(super) fn ends(&self, chain: u32) -> [u32; 4] {
        let chain = &self.overlaps.chains[chain as usize];
        [chain.begin, chain.commit, chain.last, chain.readers]
    }
}
