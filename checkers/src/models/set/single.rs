//! A set whose operations are about one element each: `add`, `remove`, `contains`.
//!
//! **Why by element.** Nothing is asked of two elements together, so a set is a product of
//! elements, each there or not, and linearizable iff each of them is (locality; Herlihy & Wing,
//! TOPLAS 1990, §3.1).
//!
//! **Why these bounds.** An element is added once at most, and removed once at most. Let *t* be the
//! moment of its add, *u* that of its remove; a call can take effect at any moment of its interval.
//! Either the remove comes first and changes nothing: then whoever did not find the element began
//! by *t*, and whoever found it ended no earlier; the earliest *t* after all that must come first
//! is best. Or *t* ≤ *u*: whoever found the element ended no earlier than *t* and began by *u*;
//! whoever did not find it began by *t* or ended no earlier than *u*. The latest *t* and the
//! earliest *u* are best; if they cross, the moment where they meet suits everybody. A call in
//! doubt never completes; an add in doubt that nobody found, and a remove in doubt that nobody
//! needs, did not happen.
//!
//! Then each call takes effect at the earliest moment after the ones ahead of it, and the calls of
//! all elements are put in order of these moments: O(n log n).

use rustc_hash::FxHashMap;

use super::{Element, PHANTOM, SetOp, contradiction};
use crate::linearizability::{Call, Decision, Rule, shrink};

/// Attempts to make a contradiction smaller.
const TRIES: usize = 500;

const UNTIMELY: Rule = Rule {
    anomaly: "non-linearizable",
    although: "although that does not fit when the element was added and removed",
    argument: "The element is there from its add to its remove, and at no other time; no moments \
               of these two, each while its operation ran, explain what was found.",
};

/// The calls of one element.
#[derive(Default)]
struct Calls {
    add: Option<u32>,
    remove: Option<u32>,
    found: Vec<u32>,
    missed: Vec<u32>,
}

/// Decides, or `None` if all elements are read at once, or one is added or removed twice.
pub(super) fn decide(calls: &[Call<SetOp>]) -> Option<Decision> {
    let mut order: Vec<(u32, u32, u32)> = Vec::with_capacity(calls.len());
    let mut local = Vec::new();
    let groups = groups(calls)?;
    for group in groups.chunk_by(|a, b| a.0 == b.0) {
        let numbers: Vec<u32> = group.iter().map(|&(_, number)| number).collect();
        let one = Calls::of(calls, &numbers)?;
        local.clear();
        if !one.linearize(calls, &mut local) {
            return Some(violated(calls, &one));
        }
        let mut moment = 0;
        for (&number, place) in local.iter().zip(0..) {
            moment = calls[number as usize].invoked.max(moment);
            order.push((moment, place, number));
        }
    }
    order.sort_unstable();
    Some(Decision::Valid(order.into_iter().map(|(.., number)| number).collect()))
}

/// Number of the element and of the call, those of one element side by side.
fn groups(calls: &[Call<SetOp>]) -> Option<Vec<(u32, u32)>> {
    let mut numbers: FxHashMap<&Element, u32> = FxHashMap::default();
    let mut groups = Vec::with_capacity(calls.len());
    for (number, call) in (0..).zip(calls) {
        let element = match &call.op {
            SetOp::Add(element) | SetOp::Remove(element) | SetOp::Contains(element, _) => element,
            SetOp::Read(_) => return None,
        };
        let next = numbers.len() as u32;
        groups.push((*numbers.entry(element).or_insert(next), number));
    }
    groups.sort_unstable();
    Some(groups)
}

impl Calls {
    fn of(calls: &[Call<SetOp>], numbers: &[u32]) -> Option<Self> {
        let mut one = Self::default();
        for &number in numbers {
            let before = match &calls[number as usize].op {
                SetOp::Add(_) => one.add.replace(number),
                SetOp::Remove(_) => one.remove.replace(number),
                SetOp::Contains(_, true) => {
                    one.found.push(number);
                    None
                }
                SetOp::Contains(_, false) => {
                    one.missed.push(number);
                    None
                }
                SetOp::Read(_) => return None,
            };
            if before.is_some() {
                return None;
            }
        }
        Some(one)
    }

    /// Appends an order of the calls to `order`; false if there is none.
    fn linearize(&self, calls: &[Call<SetOp>], order: &mut Vec<u32>) -> bool {
        let is_open = |call: u32| calls[call as usize].is_open();
        let sure_remove = self.remove.filter(|&remove| !is_open(remove));
        let Some(add) = self.add.filter(|&add| !is_open(add) || !self.found.is_empty()) else {
            order.extend(sure_remove.iter().chain(&self.missed));
            order.sort_unstable();
            return self.found.is_empty();
        };
        let invoked = |call: &u32| calls[*call as usize].invoked;
        let completed = |call: &u32| calls[*call as usize].completed;
        // Until when whoever found the element lets it be added, and from when on removed.
        let added_by = self.found.iter().chain([&add]).map(completed).min().unwrap_or(0);
        let present_from = self.found.iter().chain([&add]).map(invoked).max().unwrap_or(0);
        let first = self.missed.iter().chain(&sure_remove).chain([&add]).map(invoked).max();
        if first.is_some_and(|first| first <= added_by) {
            order.extend(self.missed.iter().chain(&sure_remove));
            order.sort_unstable();
            order.push(add);
            order.extend(&self.found);
            return true;
        }
        let Some(remove) = self.remove else { return false };
        let removed = present_from.max(invoked(&remove));
        let latest = added_by.min(completed(&remove));
        let added = latest.min(removed);
        if latest < invoked(&add) || completed(&remove) < removed {
            return false;
        }
        let (before, after): (Vec<u32>, Vec<u32>) =
            self.missed.iter().partition(|call| invoked(call) <= added);
        if after.iter().any(|call| completed(call) < removed) {
            return false;
        }
        order.extend(before);
        order.push(add);
        order.extend(&self.found);
        order.push(remove);
        order.extend(after);
        true
    }
}

/// The add, the remove, and as few of those who looked as contradict them.
fn violated(calls: &[Call<SetOp>], one: &Calls) -> Decision {
    let looked: Vec<u32> = one.found.iter().chain(&one.missed).copied().collect();
    let changes = || one.add.iter().chain(&one.remove).copied();
    let among = |places: &[u32]| -> Vec<u32> {
        let kept = places.iter().map(|&place| looked[place as usize]);
        let mut numbers: Vec<u32> = changes().chain(kept).collect();
        numbers.sort_unstable();
        numbers
    };
    let contradicts = |places: &[u32]| {
        let less = Calls::of(calls, &among(places));
        less.is_some_and(|less| !less.linearize(calls, &mut Vec::new()))
    };
    let kept = shrink::minimise(looked.len(), TRIES, |_| {}, contradicts);
    let numbers = among(&kept);
    let last = kept.iter().map(|&place| looked[place as usize]).max();
    let call = last.or(numbers.last().copied()).unwrap_or(0);
    let rule = if one.add.is_none() { &PHANTOM } else { &UNTIMELY };
    Decision::Violated(contradiction(numbers, call, rule))
}
