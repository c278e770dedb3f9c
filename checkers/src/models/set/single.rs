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
use crate::history::{Completion, ValueId, numbered};
use crate::linearizability::{Call, Decision, Operations, Rule, Unparsed, shrink};
use crate::models::deed::{Deed, OPEN, settle};
use crate::models::sorted;

/// Attempts to make a contradiction smaller.
const TRIES: usize = 500;

const UNTIMELY: Rule = Rule {
    anomaly: "non-linearizable",
    although: "although that does not fit when the element was added and removed",
    argument: "The element is there from its add to its remove, and at no other time; no moments \
               of these two, each while its operation ran, explain what was found.",
};

/// What a call did, with the number of its element.
#[derive(Clone, Copy, Debug)]
enum What {
    Add(u32),
    Remove(u32),
    Found(u32),
    Missed(u32),
}

impl What {
    fn element(self) -> u32 {
        let (Self::Add(element)
        | Self::Remove(element)
        | Self::Found(element)
        | Self::Missed(element)) = self;
        element
    }
}

/// Decides, or `None` if all elements are read at once, or one is added or removed twice.
pub(super) fn decide(calls: &[Call<SetOp>]) -> Option<Decision> {
    let mut numbers: FxHashMap<&Element, u32> = FxHashMap::default();
    let mut deeds = Vec::with_capacity(calls.len());
    for call in calls {
        let mut number = |element| {
            let next = numbers.len() as u32;
            *numbers.entry(element).or_insert(next)
        };
        let what = match &call.op {
            SetOp::Add(element) => What::Add(number(element)),
            SetOp::Remove(element) => What::Remove(number(element)),
            SetOp::Contains(element, true) => What::Found(number(element)),
            SetOp::Contains(element, false) => What::Missed(number(element)),
            SetOp::Read(_) => return None,
        };
        deeds.push(Deed { what, invoked: call.invoked, completed: call.completed });
    }
    decide_deeds(deeds)
}

/// As [`decide`], from operations that were not parsed.
pub(super) fn decide_unparsed(operations: &Operations<'_>) -> Option<Unparsed> {
    let decision = decide_deeds(gather(operations)?)?;
    let deeds = gather(operations)?;
    let problem = match &decision {
        Decision::Valid(order) => replay(&deeds, order),
        _ => None,
    };
    Some(Unparsed::new(decision, deeds.len(), problem, operations, |operation| {
        let looks = operation.f() == "contains";
        !(looks && operation.completion() == Completion::Info)
    }))
}

#[derive(Clone, Copy)]
enum Function {
    Add,
    Remove,
    Contains,
}

/// The calls that the model makes of these operations. `None` if one is none of a set's, or reads.
fn gather(operations: &Operations<'_>) -> Option<Vec<Deed<What>>> {
    let values = operations.values();
    let mut functions: Vec<(ValueId, Function)> = Vec::new();
    let happened = || operations.iter().filter(|op| op.completion() != Completion::Fail);
    let mentions: Vec<ValueId> = happened().map(|operation| operation.argument_id()).collect();
    let elements = numbered(&mentions).numbers;
    drop(mentions);
    let mut deeds = Vec::with_capacity(elements.len());
    for (operation, element) in happened().zip(elements) {
        let f = operation.f_id();
        let known = functions.iter().find(|(known, _)| *known == f).map(|known| known.1);
        let function = match known {
            Some(function) => function,
            None => {
                let function = match operation.f() {
                    "add" => Function::Add,
                    "remove" => Function::Remove,
                    "contains" => Function::Contains,
                    _ => return None,
                };
                functions.push((f, function));
                function
            }
        };
        let what = match function {
            Function::Add => What::Add(element),
            Function::Remove => What::Remove(element),
            Function::Contains if operation.completion() == Completion::Info => continue,
            Function::Contains => match values.get(operation.result_id()).as_bool()? {
                true => What::Found(element),
                false => What::Missed(element),
            },
        };
        let completed = match (operation.completion(), operation.completed_rank()) {
            (Completion::Ok, Some(rank)) => rank.saturating_add(1),
            _ => OPEN,
        };
        deeds.push(Deed { what, invoked: operation.invoked_rank().saturating_add(1), completed });
    }
    Some(deeds)
}

fn decide_deeds(mut calls: Vec<Deed<What>>) -> Option<Decision> {
    let end = settle(&mut calls);
    let elements = calls.iter().map(|call| call.what.element()).max().unwrap_or(0);
    let by_element = sorted(calls.len(), elements, |call| calls[call].what.element());
    // The order of each element, one after the other, with the moments of its calls.
    let (mut order, mut moments) = (Vec::new(), Vec::new());
    order.reserve(calls.len());
    moments.reserve(calls.len());
    let mut one = Calls::default();
    let element = |call: u32| calls[call as usize].what.element();
    for numbers in by_element.chunk_by(|&a, &b| element(a) == element(b)) {
        one.fill(&calls, numbers)?;
        let start = order.len();
        if !one.linearize(&calls, &mut order) {
            return Some(violated(&calls, &one));
        }
        let mut moment = 0;
        for &number in &order[start..] {
            moment = calls[number as usize].invoked.max(moment);
            moments.push(moment);
        }
    }
    drop(by_element);
    let by_moment = sorted(order.len(), end, |place| moments[place]);
    drop(moments);
    Some(Decision::Valid(by_moment.into_iter().map(|place| order[place as usize]).collect()))
}

/// What is wrong with an order, re-checked without anything known of it; times are those of the
/// history.
fn replay(deeds: &[Deed<What>], order: &[u32]) -> Option<String> {
    let mut done = vec![false; deeds.len()];
    let elements = deeds.iter().map(|deed| deed.what.element() as usize + 1).max().unwrap_or(0);
    let mut there = vec![false; elements];
    let mut latest = 0;
    for &number in order {
        let deed = &deeds[number as usize];
        if std::mem::replace(&mut done[number as usize], true) {
            return Some(format!("call {number} is there twice"));
        }
        if deed.completed < latest {
            return Some(format!("call {number} completed before one ahead of it was invoked"));
        }
        latest = latest.max(deed.invoked);
        let there = &mut there[deed.what.element() as usize];
        let fits = match deed.what {
            What::Found(_) => *there,
            What::Missed(_) => !*there,
            What::Add(_) | What::Remove(_) => {
                *there = matches!(deed.what, What::Add(_));
                true
            }
        };
        if !fits {
            return Some(format!("call {number} cannot happen in its state"));
        }
    }
    let missing = deeds.iter().zip(&done).position(|(deed, done)| !done && !deed.is_open());
    missing.map(|missing| format!("call {missing} is missing"))
}

/// The calls of one element.
#[derive(Default)]
struct Calls {
    add: Option<u32>,
    remove: Option<u32>,
    found: Vec<u32>,
    missed: Vec<u32>,
}

impl Calls {
    /// `None` if it is added or removed twice.
    fn fill(&mut self, calls: &[Deed<What>], numbers: &[u32]) -> Option<()> {
        (self.add, self.remove) = (None, None);
        self.found.clear();
        self.missed.clear();
        for &number in numbers {
            let before = match calls[number as usize].what {
                What::Add(_) => self.add.replace(number),
                What::Remove(_) => self.remove.replace(number),
                What::Found(_) => {
                    self.found.push(number);
                    None
                }
                What::Missed(_) => {
                    self.missed.push(number);
                    None
                }
            };
            if before.is_some() {
                return None;
            }
        }
        Some(())
    }

    /// Appends an order of the calls to `order`; false if there is none.
    fn linearize(&self, calls: &[Deed<What>], order: &mut Vec<u32>) -> bool {
        let is_open = |call: u32| calls[call as usize].is_open();
        let sure_remove = self.remove.filter(|&remove| !is_open(remove));
        let Some(add) = self.add.filter(|&add| !is_open(add) || !self.found.is_empty()) else {
            let start = order.len();
            order.extend(sure_remove.iter().chain(&self.missed));
            order[start..].sort_unstable();
            return self.found.is_empty();
        };
        let invoked = |call: &u32| calls[*call as usize].invoked;
        let completed = |call: &u32| calls[*call as usize].completed;
        // Until when whoever found the element lets it be added, and from when on removed.
        let added_by = self.found.iter().chain([&add]).map(completed).min().unwrap_or(0);
        let present_from = self.found.iter().chain([&add]).map(invoked).max().unwrap_or(0);
        let first = self.missed.iter().chain(&sure_remove).chain([&add]).map(invoked).max();
        if first.is_some_and(|first| first <= added_by) {
            let start = order.len();
            order.extend(self.missed.iter().chain(&sure_remove));
            order[start..].sort_unstable();
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
        let before = |call: &&u32| invoked(call) <= added;
        let after = |call: &&u32| !before(call);
        if self.missed.iter().filter(after).any(|call| completed(call) < removed) {
            return false;
        }
        order.extend(self.missed.iter().filter(before));
        order.push(add);
        order.extend(&self.found);
        order.push(remove);
        order.extend(self.missed.iter().filter(after));
        true
    }
}

/// The add, the remove, and as few of those who looked as contradict them.
fn violated(calls: &[Deed<What>], one: &Calls) -> Decision {
    let looked: Vec<u32> = one.found.iter().chain(&one.missed).copied().collect();
    let changes = || one.add.iter().chain(&one.remove).copied();
    let among = |places: &[u32]| -> Vec<u32> {
        let kept = places.iter().map(|&place| looked[place as usize]);
        let mut numbers: Vec<u32> = changes().chain(kept).collect();
        numbers.sort_unstable();
        numbers
    };
    let contradicts = |places: &[u32]| {
        let mut less = Calls::default();
        let once = less.fill(calls, &among(places)).is_some();
        once && !less.linearize(calls, &mut Vec::new())
    };
    let kept = shrink::minimise(looked.len(), TRIES, |_| {}, contradicts);
    let numbers = among(&kept);
    let last = kept.iter().map(|&place| looked[place as usize]).max();
    let call = last.or(numbers.last().copied()).unwrap_or(0);
    let rule = if one.add.is_none() { &PHANTOM } else { &UNTIMELY };
    Decision::Violated(contradiction(numbers, call, rule))
}
