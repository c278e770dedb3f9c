//! A good order to begin with: a list schedule, earliest deadline first, the deadlines propagated
//! backwards, where a chain that has begun locks its key until its last reader is through.
//!
//! For most histories of databases that work the guess is already an execution. Where it is stuck,
//! it goes on without a lock: it always gives a topological order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::graph::{Chain, Graph};
use super::sort::{Cyclic, degrees, sort};
use crate::txn::lists::Lists;
use crate::txn::transactions::NONE;

/// Deadline, own time, node: the order of the schedule.
type Turn = Reverse<(u32, u32, u32)>;

/// What a node waits for: the key's lock, or the readers of the chain before.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Wait {
    Lock(u32),
    Readers(u32),
}

struct Schedule<'a> {
    graph: &'a Graph,
    snapshots: bool,
    /// By node, the chains that it is an end of.
    ends: &'a Lists,
    deadline: Vec<u32>,
    waits_for: Vec<u32>,
    position: Vec<u32>,
    placed: u32,
    ready: BinaryHeap<Turn>,
    /// All that ever waited for a key, in case nothing else is ready.
    stuck: BinaryHeap<Turn>,
    waiting: FxHashMap<Wait, BinaryHeap<Turn>>,
    /// By key: the chain that has begun, and the last that has.
    open: Vec<u32>,
    last: Vec<u32>,
    /// By chain: the readers that its commit waits for.
    readers_before: Vec<u32>,
    /// By node: the key whose release woke it, which another may want if it does not.
    woken_by: Vec<u32>,
}

/// The position of each node.
///
/// # Errors
/// [`Cyclic`].
pub(super) fn guess(graph: &Graph, snapshots: bool, ends: &Lists) -> Result<Vec<u32>, Cyclic> {
    let len = graph.due.len();
    let order = sort(&graph.out)?;
    let mut deadline = deadlines(graph, order);
    let waits_for = degrees(&graph.out);
    // They close a chain: at once.
    deadline[graph.gatherers.start as usize..graph.gatherers.end as usize].fill(0);
    let mut schedule = Schedule {
        graph,
        snapshots,
        ends,
        deadline,
        waits_for,
        position: vec![NONE; len],
        placed: 0,
        ready: BinaryHeap::new(),
        stuck: BinaryHeap::new(),
        waiting: FxHashMap::default(),
        open: vec![NONE; graph.keys],
        last: vec![NONE; graph.keys],
        readers_before: vec![NONE; graph.chains.len()],
        woken_by: vec![NONE; len],
    };
    let first = (0..len as u32).filter(|&node| schedule.waits_for[node as usize] == 0);
    schedule.ready = first.map(|node| schedule.turn(node)).collect();
    schedule.run();
    Ok(schedule.position)
}

/// When each node is due, or what comes after it in a topological order.
fn deadlines(graph: &Graph, order: Vec<u32>) -> Vec<u32> {
    let mut deadline = graph.due.clone();
    for node in order.into_iter().rev() {
        let after = graph.out.at(node).iter().map(|&next| deadline[next as usize]);
        deadline[node as usize] = after.fold(deadline[node as usize], u32::min);
    }
    deadline
}

impl Schedule<'_> {
    fn turn(&self, node: u32) -> Turn {
        Reverse((self.deadline[node as usize], self.graph.due[node as usize], node))
    }

    fn is_placed(&self, node: u32) -> bool {
        self.position[node as usize] != NONE
    }

    fn run(&mut self) {
        while (self.placed as usize) < self.position.len() {
            let (node, is_forced) = match self.ready.pop() {
                Some(Reverse((_, _, node))) => (node, false),
                None => match self.next_stuck() {
                    Some(node) => (node, true),
                    None => return,
                },
            };
            let key = std::mem::replace(&mut self.woken_by[node as usize], NONE);
            if !self.is_placed(node) {
                match self.waits(node).filter(|_| !is_forced) {
                    Some(wait) => {
                        let turn = self.turn(node);
                        self.waiting.entry(wait).or_default().push(turn);
                        self.stuck.push(turn);
                    }
                    None => self.place(node),
                }
            }
            if key != NONE && self.open[key as usize] == NONE {
                self.wake(key);
            }
        }
    }

    fn next_stuck(&mut self) -> Option<u32> {
        loop {
            let Reverse((_, _, node)) = self.stuck.pop()?;
            if !self.is_placed(node) {
                return Some(node);
            }
        }
    }

    fn waits(&self, node: u32) -> Option<Wait> {
        self.ends.at(node).iter().find_map(|&number| {
            let chain = &self.graph.chains[number as usize];
            let open = self.open[chain.key as usize];
            if chain.begin == node && open != NONE && open != number {
                return Some(Wait::Lock(chain.key));
            }
            let readers = self.readers_before[number as usize];
            let waits = self.snapshots && chain.commit == node;
            (waits && readers != NONE && !self.is_placed(readers))
                .then_some(Wait::Readers(chain.key))
        })
    }

    /// The node after which another chain of the key may begin.
    fn end(&self, chain: &Chain) -> u32 {
        if self.snapshots || chain.readers == NONE { chain.last } else { chain.readers }
    }

    fn place(&mut self, node: u32) {
        self.position[node as usize] = self.placed;
        self.placed += 1;
        let graph = self.graph;
        for &number in self.ends.at(node) {
            let chain = &graph.chains[number as usize];
            let (key, end) = (chain.key as usize, self.end(chain));
            if chain.begin == node {
                let before = std::mem::replace(&mut self.last[key], number);
                let readers = graph.chains.get(before as usize).map_or(NONE, |c| c.readers);
                self.readers_before[number as usize] = readers;
                if end != node {
                    self.open[key] = number;
                }
            }
            if self.snapshots
                && chain.readers == node
                && let Some(mut waiting) = self.waiting.remove(&Wait::Readers(chain.key))
            {
                self.ready.append(&mut waiting);
            }
            if end == node && self.open[key] == number {
                self.open[key] = NONE;
                self.wake(chain.key);
            }
        }
        for &next in graph.out.at(node) {
            self.waits_for[next as usize] -= 1;
            if self.waits_for[next as usize] == 0 {
                self.ready.push(self.turn(next));
            }
        }
    }

    /// The first that waits for a key's lock may try.
    fn wake(&mut self, key: u32) {
        let Some(waiting) = self.waiting.get_mut(&Wait::Lock(key)) else { return };
        while let Some(turn) = waiting.pop() {
            let Reverse((_, _, node)) = turn;
            if self.position[node as usize] == NONE {
                self.woken_by[node as usize] = key;
                self.ready.push(turn);
                return;
            }
        }
    }
}
