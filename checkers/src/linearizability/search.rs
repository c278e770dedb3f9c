//! The general search for a linearization: Wing & Gong's, depth first, with Lowe's just-in-time
//! linearization and memo (*Testing for linearizability*, CCPE 2017).
//!
//! Completions are met one after another. At the completion of X, if X has not taken effect, live
//! calls are linearized one by one until X is. That is complete: cut any linearization after
//! each call all of whose predecessors in completion order are through, and every call sits
//! before a completion that needs it, which it may precede, as it was invoked before.
//!
//! * **Configuration**: (completions passed, state, live calls that took effect, crashed calls
//!   used). Equal ones have equal futures: each is expanded once.
//! * **Reads at once**: a call that leaves every state as it is takes effect as soon as it can;
//!   its removal from a later place changes no state there.
//! * **Crash symmetry**: open calls of equal signature are interchangeable and have no deadline,
//!   so a configuration counts how many of each signature were used. One that has used less of
//!   each, all else equal, can do all that the other can: the other is not expanded.
//! * **Relaxed first**: with unlimited crashed calls of each signature once the first is invoked,
//!   there is nothing to count. If no order exists then, none exists; if the order found stays
//!   within the supply, it is a linearization. Otherwise the counted search decides.
//!
//! The stack is explicit: its depth, which grows with the history, is limited by memory only.

use rustc_hash::{FxHashMap, FxHashSet};

use super::machine::Machine;
use super::timeline::Timeline;
use super::{Budget, Call, Model};

/// How a search ended. Numbers are places in the calls given.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A linearization: every completed call once, open calls at most once.
    Valid(Vec<u32>),
    /// There is no order; how far one goes.
    Violated(Partial),
    /// The budget ran out.
    Exhausted(Partial),
}

/// How far the search got.
#[derive(Clone, Debug)]
pub struct Partial {
    /// The longest order found; a search that keeps none leaves it empty.
    pub order: Vec<u32>,
    /// The completed call which nothing lets take effect in time; `None` when nothing completes.
    pub stuck: Option<u32>,
    /// Completions passed.
    pub passed: usize,
}

/// Searches within `budget`, and takes from it what was used.
pub(super) fn search<M: Model>(model: &M, calls: &[Call<M::Op>], budget: &mut Budget) -> Outcome {
    let (machine, signatures) = Machine::new(model, calls);
    let mut search = Search::new(machine, calls, signatures);
    if !search.supply.is_empty() && !model.accumulates() {
        match search.run(budget, false) {
            // A relaxed order may use a crashed call more often than there are such calls.
            Outcome::Valid(order) if distinct(&order, calls.len()) => return Outcome::Valid(order),
            Outcome::Valid(_) => {}
            other => return other,
        }
    }
    search.run(budget, true)
}

fn distinct(order: &[u32], count: usize) -> bool {
    let mut seen = vec![false; count];
    order.iter().all(|&call| !std::mem::replace(&mut seen[call as usize], true))
}

const ROOT: u32 = u32::MAX;

/// What a configuration takes in `visited`, `nodes` and the stack, besides its lists.
const BYTES: u64 = 200;

/// A call taking effect after those of its parents.
struct Node {
    parent: u32,
    depth: u32,
    /// A call, or the first call of a signature that crashed.
    call: u32,
}

#[derive(Clone)]
struct Configuration {
    passed: u32,
    state: u32,
    done: Box<[u64]>,
    /// (signature, how many of it), in order of signature.
    used: Vec<(u32, u32)>,
    node: u32,
}

struct Frame {
    configuration: Configuration,
    next: u32,
}

type Visited = FxHashMap<(u32, u32, Box<[u64]>), Vec<Box<[(u32, u32)]>>>;

struct Search<'a, M: Model> {
    machine: Machine<'a, M>,
    signatures: Vec<u32>,
    timeline: Timeline,
    /// Crashed calls by signature: (signature, [(invocation rank, call)]), in order.
    supply: Vec<(u32, Vec<(u32, u32)>)>,
    nodes: Vec<Node>,
    visited: Visited,
    /// Live calls at the completion `live_at`.
    live: Vec<(u32, u32)>,
    live_at: u32,
    best: (u32, u32),
    /// What `visited`, `nodes` and the stack take, about.
    bytes: u64,
    counted: bool,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(machine: Machine<'a, M>, calls: &[Call<M::Op>], signatures: Vec<u32>) -> Self {
        let mut supply: FxHashMap<u32, Vec<(u32, u32)>> = FxHashMap::default();
        for (number, call) in (0..).zip(calls).filter(|(_, call)| call.is_open()) {
            let of_signature = supply.entry(signatures[number as usize]).or_default();
            of_signature.push((call.invoked, number));
        }
        let mut supply: Vec<_> = supply.into_iter().collect();
        supply.sort_unstable();
        Self {
            machine,
            signatures,
            timeline: Timeline::new(calls),
            supply,
            nodes: Vec::new(),
            visited: Visited::default(),
            live: Vec::new(),
            live_at: u32::MAX,
            best: (0, ROOT),
            bytes: 0,
            counted: true,
        }
    }

    fn run(&mut self, budget: &mut Budget, counted: bool) -> Outcome {
        self.counted = counted;
        self.nodes.clear();
        self.visited.clear();
        self.bytes = 0;
        let words = self.timeline.width().div_ceil(64);
        let mut first = Configuration {
            passed: 0,
            state: 0,
            done: vec![0; words].into_boxed_slice(),
            used: Vec::new(),
            node: ROOT,
        };
        let mut stack = Vec::new();
        if self.advance(&mut first) {
            return Outcome::Valid(self.order(first.node));
        }
        self.best = (first.passed, first.node);
        stack.push(Frame { configuration: first, next: 0 });
        while let Some(mut frame) = stack.pop() {
            let known = self.nodes.len();
            let Some(mut child) = self.branch(&mut frame) else { continue };
            stack.push(frame);
            if self.advance(&mut child) {
                return Outcome::Valid(self.order(child.node));
            }
            let Some(cost) = self.visit(&child) else {
                self.nodes.truncate(known);
                continue;
            };
            if (child.passed, self.depth(child.node)) > (self.best.0, self.depth(self.best.1)) {
                self.best = (child.passed, child.node);
            }
            if self.bytes > budget.bytes || !budget.spend(cost) {
                return Outcome::Exhausted(self.partial());
            }
            stack.push(Frame { configuration: child, next: 0 });
        }
        Outcome::Violated(self.partial())
    }

    /// Takes every step that needs no choice. True when all completions are passed.
    fn advance(&mut self, at: &mut Configuration) -> bool {
        loop {
            let Some(&ending) = self.timeline.endings.get(at.passed as usize) else { return true };
            self.look(at.passed);
            for place in 0..self.live.len() {
                let (slot, call) = self.live[place];
                let signature = self.signatures[call as usize];
                if !has(&at.done, slot)
                    && self.machine.reads_only(signature)
                    && self.machine.step(at.state, signature).is_some()
                {
                    set(&mut at.done, slot);
                    at.node = self.node(at.node, call);
                }
            }
            if !has(&at.done, ending.slot) {
                return false;
            }
            clear(&mut at.done, ending.slot);
            at.passed += 1;
        }
    }

    /// The next configuration after this one: first by the call that is about to complete, then
    /// by the other live calls, then by crashed ones.
    fn branch(&mut self, frame: &mut Frame) -> Option<Configuration> {
        let from = &frame.configuration;
        self.look(from.passed);
        let ending = self.timeline.endings[from.passed as usize];
        let live = self.live.len() as u32;
        while frame.next <= live + self.supply.len() as u32 {
            let choice = frame.next;
            frame.next += 1;
            let (slot, call) = match choice.checked_sub(1) {
                None => (ending.slot, ending.call),
                Some(place) if place < live => self.live[place as usize],
                Some(place) => match self.crashed(from, (place - live) as usize, ending.rank) {
                    Some(child) => return Some(child),
                    None => continue,
                },
            };
            let again = choice > 0 && call == ending.call;
            if again || has(&from.done, slot) {
                continue;
            }
            if let Some(state) = self.machine.step(from.state, self.signatures[call as usize]) {
                let mut child = from.clone();
                child.state = state;
                set(&mut child.done, slot);
                child.node = self.node(from.node, call);
                return Some(child);
            }
        }
        None
    }

    /// Uses one more crashed call of a signature, if one was invoked and it changes the state.
    fn crashed(&mut self, from: &Configuration, place: usize, rank: u32) -> Option<Configuration> {
        let (signature, supply) = &self.supply[place];
        let entry = from.used.binary_search_by_key(signature, |&(signature, _)| signature);
        let used = entry.map_or(0, |entry| from.used[entry].1);
        let next = supply.get(used as usize)?;
        if next.0 > rank {
            return None;
        }
        let (signature, call) = (*signature, next.1);
        let state = self.machine.step(from.state, signature)?;
        if state == from.state {
            return None;
        }
        let mut child = from.clone();
        child.state = state;
        child.node = self.node(from.node, call);
        if self.counted {
            match entry {
                Ok(entry) => child.used[entry].1 += 1,
                Err(entry) => child.used.insert(entry, (signature, 1)),
            }
        }
        Some(child)
    }

    /// Remembers a configuration. `None` when one at least as able was there before; otherwise
    /// what it costs.
    fn visit(&mut self, at: &Configuration) -> Option<u64> {
        let key = (at.passed, at.state, at.done.clone());
        let known = self.visited.entry(key).or_default();
        if known.iter().any(|earlier| covers(earlier, &at.used)) {
            return None;
        }
        known.retain(|earlier| !covers(&at.used, earlier));
        known.push(at.used.clone().into_boxed_slice());
        self.bytes += BYTES + 2 * size_of_val(&*at.done) as u64 + 16 * at.used.len() as u64;
        Some(1 + known.len() as u64 / 16)
    }

    fn look(&mut self, passed: u32) {
        if self.live_at != passed {
            self.timeline.live(passed as usize, &mut self.live);
            self.live_at = passed;
        }
    }

    fn node(&mut self, parent: u32, call: u32) -> u32 {
        let depth = self.depth(parent) + 1;
        self.nodes.push(Node { parent, depth, call });
        self.nodes.len() as u32 - 1
    }

    fn depth(&self, node: u32) -> u32 {
        self.nodes.get(node as usize).map_or(0, |node| node.depth)
    }

    fn order(&self, mut node: u32) -> Vec<u32> {
        let mut order = Vec::with_capacity(self.depth(node) as usize);
        while let Some(here) = self.nodes.get(node as usize) {
            order.push(here.call);
            node = here.parent;
        }
        order.reverse();
        order
    }

    fn partial(&self) -> Partial {
        let mut order = self.order(self.best.1);
        let mut seen = FxHashSet::default();
        // A relaxed order may show a crashed call twice: the honest part ends there.
        let honest = order.iter().position(|call| !seen.insert(*call)).unwrap_or(order.len());
        order.truncate(honest);
        let passed = self.best.0 as usize;
        let stuck = self.timeline.endings.get(passed).map(|ending| ending.call);
        Partial { order, stuck, passed }
    }
}

/// Whether `less` uses no more of any signature than `more`. Both in order of signature.
pub(super) fn covers(less: &[(u32, u32)], more: &[(u32, u32)]) -> bool {
    let mut rest = more.iter();
    less.iter().all(|&(signature, count)| {
        rest.by_ref()
            .find(|entry| entry.0 >= signature)
            .is_some_and(|&(other, available)| other == signature && available >= count)
    })
}

fn has(bits: &[u64], slot: u32) -> bool {
    bits[slot as usize / 64] >> (slot % 64) & 1 == 1
}

fn set(bits: &mut [u64], slot: u32) {
    bits[slot as usize / 64] |= 1 << (slot % 64);
}

fn clear(bits: &mut [u64], slot: u32) {
    bits[slot as usize / 64] &= !(1 << (slot % 64));
}
