//! Sets of assumptions that conclusions rest on: that transactions keep real time.

use rustc_hash::FxHashMap;

use super::label::{Ground, Label};
use super::order::Order;

pub(super) struct Assumptions {
    /// Nodes, sorted; the set 0 is empty.
    sets: Vec<Vec<u32>>,
    /// By node, the sets that it is in.
    of: FxHashMap<u32, Vec<u32>>,
    /// By begin: it only reads.
    read_only: Vec<bool>,
    /// How many were given up.
    pub retracted: usize,
}

impl Assumptions {
    pub(super) fn new(read_only: Vec<bool>) -> Self {
        Self { sets: vec![Vec::new()], of: FxHashMap::default(), read_only, retracted: 0 }
    }

    /// The assumptions behind labels, decisions aside.
    pub(super) fn behind(&self, labels: &[Label]) -> Vec<u32> {
        let mut nodes = Vec::new();
        for label in labels {
            match label.ground() {
                Ground::Certain | Ground::Decided(_) => {}
                Ground::RealTime(node) => nodes.push(node),
                Ground::Assumed(set) => nodes.extend_from_slice(&self.sets[set as usize]),
            }
        }
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// The number of a set.
    pub(super) fn number(&mut self, nodes: Vec<u32>, order: &mut Order) -> u32 {
        if nodes.is_empty() {
            return 0;
        }
        let set = order.new_set();
        for &node in &nodes {
            self.of.entry(node).or_default().push(set);
        }
        self.sets.push(nodes);
        set
    }

    /// These cannot all hold: gives up those of transactions that only read, or else all.
    pub(super) fn retract(&mut self, core: &[u32], order: &mut Order) {
        let is_read_only = |node: &u32| self.read_only.get(*node as usize) == Some(&true);
        let some = core.iter().any(is_read_only);
        let chosen: Vec<u32> =
            core.iter().copied().filter(|node| !some || is_read_only(node)).collect();
        for node in chosen {
            order.retract(node);
            self.retracted += 1;
            for set in self.of.remove(&node).unwrap_or_default() {
                order.make_void(set);
                self.sets[set as usize] = Vec::new();
            }
        }
    }
}
