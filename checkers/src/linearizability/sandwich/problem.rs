//! The calls on one register, with values, signatures and slots numbered, and the events in order.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::linearizability::Call;
use crate::linearizability::register::RegisterOp;

/// No value, signature, rank or call.
pub(super) const NONE: u32 = u32::MAX;
/// The number of the initial value.
pub(super) const INITIAL: u32 = 0;
/// Every value that nobody sees from here on: they need not be told apart.
pub(super) const UNSEEN: u32 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
    Cas,
}

/// A call that matters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Act {
    pub kind: Kind,
    /// The value found; [`NONE`] for a write.
    pub sees: u32,
    /// The value left; [`NONE`] for a read.
    pub sets: u32,
    /// The class of equal calls: a write has the number of its value, a compare-and-set a number
    /// past the values, a read [`NONE`].
    pub signature: u32,
    /// Ranks of invocation and completion; the latter [`NONE`] if it crashed.
    pub from: u32,
    pub to: u32,
    /// Among the live calls; [`NONE`] if it crashed.
    pub slot: u32,
    /// Place among the calls given.
    pub call: u32,
}

impl Act {
    pub(super) fn crashed(&self) -> bool {
        self.to == NONE
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    pub rank: u32,
    pub completes: bool,
    pub act: u32,
}

pub(super) struct Problem {
    pub acts: Vec<Act>,
    /// By rank; at equal ranks invocations come first.
    pub events: Vec<Event>,
    pub values: usize,
    /// Per signature the value it needs ([`NONE`] for a write) and the value it leaves.
    pub ends: Vec<(u32, u32)>,
    /// Per value the completion of the last call that sees it; [`NONE`]: a crashed one may.
    pub last_seen: Vec<u32>,
    /// Most live calls at a time.
    pub width: usize,
}

impl Problem {
    /// `calls` in order of invocation.
    ///
    /// A compare-and-set of a value by itself is a read. A crashed call whose effect nobody can
    /// see is left out: a linearization without it is one of the rest and the other way round.
    pub(super) fn new<V: Default + Eq + Hash>(calls: &[Call<RegisterOp<V>>]) -> Self {
        let (mut acts, values) = numbered(calls);
        let last_seen = last_seen(&acts, values);
        let seen_after = |act: &Act| act.sets != NONE && last_seen[act.sets as usize] > act.from;
        acts.retain(|act| !act.crashed() || seen_after(act));
        for act in &mut acts {
            if act.sets != NONE && !seen_after(act) {
                act.sets = UNSEEN;
            }
        }
        let mut events = Vec::with_capacity(acts.len() * 2);
        for (act, place) in acts.iter().zip(0..) {
            events.push(Event { rank: act.from, completes: false, act: place });
            if !act.crashed() {
                events.push(Event { rank: act.to, completes: true, act: place });
            }
        }
        events.sort_unstable();
        let ends = sign(&mut acts, values);
        let width = seat(&mut acts, &events);
        Self { acts, events, values, ends, last_seen, width }
    }

    pub(super) fn is_write(&self, signature: u32) -> bool {
        (signature as usize) < self.values
    }
}

/// The calls with their values numbered, and how many values there are.
fn numbered<V: Default + Eq + Hash>(calls: &[Call<RegisterOp<V>>]) -> (Vec<Act>, usize) {
    let initial = V::default();
    let mut numbers: FxHashMap<&V, u32> = FxHashMap::default();
    numbers.insert(&initial, INITIAL);
    let mut acts = Vec::with_capacity(calls.len());
    for (call, place) in calls.iter().zip(0..) {
        let mut number = |value| {
            let next = numbers.len() as u32 + UNSEEN;
            *numbers.entry(value).or_insert(next)
        };
        let sees = call.op.sees().map_or(NONE, &mut number);
        let mut sets = call.op.sets().map_or(NONE, &mut number);
        if sees == sets {
            sets = NONE;
        }
        let kind = match (sees, sets) {
            (NONE, _) => Kind::Write,
            (_, NONE) => Kind::Read,
            _ => Kind::Cas,
        };
        let to = if call.is_open() { NONE } else { call.completed };
        acts.push(Act {
            kind,
            sees,
            sets,
            signature: NONE,
            from: call.invoked,
            to,
            slot: NONE,
            call: place,
        });
    }
    (acts, numbers.len() + UNSEEN as usize)
}

/// Per value, until when it may be seen; 0: never. A crashed compare-and-set counts only when
/// what it leaves may be seen after its invocation.
fn last_seen(acts: &[Act], values: usize) -> Vec<u32> {
    let mut last = vec![0; values];
    let mut crashed: Vec<Vec<u32>> = vec![Vec::new(); values];
    for (act, place) in acts.iter().zip(0..) {
        if act.crashed() && act.kind == Kind::Cas {
            crashed[act.sets as usize].push(place);
        } else if act.sees != NONE && !act.crashed() {
            let last = &mut last[act.sees as usize];
            *last = act.to.max(*last);
        }
    }
    let mut changed: Vec<u32> = (0..values as u32).collect();
    while let Some(value) = changed.pop() {
        let until = last[value as usize];
        crashed[value as usize].retain(|&place| {
            let act = acts[place as usize];
            if act.from >= until {
                return true;
            }
            if std::mem::replace(&mut last[act.sees as usize], NONE) != NONE {
                changed.push(act.sees);
            }
            false
        });
    }
    last
}

/// Gives signatures; returns their ends.
fn sign(acts: &mut [Act], values: usize) -> Vec<(u32, u32)> {
    let mut ends: Vec<(u32, u32)> = (0..values as u32).map(|value| (NONE, value)).collect();
    let mut known: FxHashMap<(u32, u32), u32> = FxHashMap::default();
    for act in acts {
        act.signature = match act.kind {
            Kind::Read => NONE,
            Kind::Write => act.sets,
            Kind::Cas => *known.entry((act.sees, act.sets)).or_insert_with(|| {
                ends.push((act.sees, act.sets));
                ends.len() as u32 - 1
            }),
        };
    }
    ends
}

/// Gives slots to the calls that completed; returns how many it takes.
fn seat(acts: &mut [Act], events: &[Event]) -> usize {
    let mut free = Vec::new();
    let mut width = 0;
    for event in events {
        let act = &mut acts[event.act as usize];
        if event.completes {
            free.push(act.slot);
        } else if !act.crashed() {
            act.slot = free.pop().unwrap_or_else(|| {
                width += 1;
                width - 1
            });
        }
    }
    width as usize
}
