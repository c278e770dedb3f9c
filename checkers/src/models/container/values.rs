//! The life of each value: inserted once, removed at most once.
//!
//! **Time** is counted in events of these calls, densely, from 0; [`Values::end`] is after all.
//!
//! **A life** has four times: its insert takes effect in [a1, a2], its remove in [b1, b2]. As the
//! insert comes first, a2 may be lowered to b2, and b1 raised to a1. Then a value is *surely
//! present* strictly between a2 and b1, if a2 < b1, in every linearization; at no other moment
//! must it be. A value never removed has b1 = b2 = end: it is as good as removed after everything
//! else, in whatever order the container wants. A remove in doubt that took it lowers its b1 to
//! that invocation.
//!
//! **Inserts in doubt** whose value was never removed are left out: in a linearization with one,
//! leave it out, together with the remove in doubt that took it, if any. No discipline minds.
//!
//! What all containers share is refused here: a value removed that was never inserted, removed
//! twice, or removed before its insert was invoked.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::ContainerOp;
use super::order::{Conflict, sorted};
use crate::linearizability::{Call, Rule};

/// No call.
pub(super) const NONE: u32 = u32::MAX;

const NEVER_INSERTED: Rule = Rule {
    anomaly: "phantom-element",
    although: "which nobody ever put in",
    argument: "No operation that happened, or may have happened, put this value in.",
};
const REMOVED_TWICE: Rule = Rule {
    anomaly: "duplicate-delivery",
    although: "although it was put in only once and was taken out already",
    argument: "One insertion can be taken out only once.",
};
const BEFORE_INSERTED: Rule = Rule {
    anomaly: "future-element",
    although: "before that could have been put in",
    argument: "The value was taken out before the only operation that put it in was invoked.",
};

/// A value's calls and times.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    pub insert: u32,
    /// [`NONE`] if it was never removed for certain.
    pub remove: u32,
    pub a1: u32,
    pub a2: u32,
    pub b1: u32,
    pub b2: u32,
}

impl Life {
    pub(super) fn is_removed(&self) -> bool {
        self.remove != NONE
    }

    /// Whether there is a moment at which it must be present.
    pub(super) fn is_sure(&self) -> bool {
        self.a2 < self.b1
    }
}

/// A remove that found nothing, between its invocation and completion.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub call: u32,
    pub from: u32,
    pub to: u32,
}

/// A history of distinct values.
pub struct Values<'a> {
    pub(super) calls: &'a [Call<ContainerOp>],
    /// In order of a1.
    pub(super) lives: Vec<Life>,
    /// In order of invocation.
    pub(super) empties: Vec<Window>,
    /// Removes in doubt: (invocation, call), in order.
    pub(super) doubtful: Vec<(u32, u32)>,
    pub(super) end: u32,
}

impl<'a> Values<'a> {
    /// `None` when a value is inserted twice.
    pub(super) fn new(calls: &'a [Call<ContainerOp>]) -> Option<Result<Self, Conflict>> {
        let removes = match pairs(calls)? {
            Ok(removes) => removes,
            Err(conflict) => return Some(Err(conflict)),
        };
        let (invoked, completed, end) = times(calls);
        let mut values =
            Self { calls, lives: Vec::new(), empties: Vec::new(), doubtful: Vec::new(), end };
        for (place, call) in calls.iter().enumerate() {
            let number = place as u32;
            let (from, to) = (invoked[place], completed[place]);
            match &call.op {
                ContainerOp::Insert(_) => {
                    let remove = removes[place];
                    if remove == NONE && call.is_open() {
                        continue;
                    }
                    let (b1, b2) = match remove {
                        NONE => (end, end),
                        remove => (invoked[remove as usize], completed[remove as usize]),
                    };
                    if b2 < from {
                        values.lives.clear();
                        return Some(Err(Conflict {
                            rule: &BEFORE_INSERTED,
                            call: remove,
                            lives: Vec::new(),
                            calls: vec![number, remove],
                        }));
                    }
                    let (a2, b1) = (to.min(b2), b1.max(from));
                    values.lives.push(Life { insert: number, remove, a1: from, a2, b1, b2 });
                }
                ContainerOp::Remove(_) => {}
                ContainerOp::RemoveAny => values.doubtful.push((from, number)),
                ContainerOp::Empty => values.empties.push(Window { call: number, from, to }),
            }
        }
        Some(Ok(values))
    }

    /// The value of a life.
    pub(super) fn value(&self, life: usize) -> &'a Value {
        match &self.calls[self.lives[life].insert as usize].op {
            ContainerOp::Insert(value) => value,
            _ => &Value::Null,
        }
    }

    /// Lives by a2.
    pub(super) fn by_a2(&self) -> Vec<u32> {
        sorted(self.lives.len(), self.end, |life| self.lives[life].a2)
    }

    /// Only these lives and empty answers, with times counted anew. A linearization of all is one
    /// of these: no discipline minds values which are left out wholly, nor answers.
    pub(super) fn among(&self, lives: &[u32], calls: &[u32]) -> Values<'a> {
        let mut lives: Vec<Life> = lives.iter().map(|&life| self.lives[life as usize]).collect();
        lives.sort_unstable_by_key(|life| life.a1);
        let empties = self.empties.iter().filter(|window| calls.contains(&window.call));
        let mut empties: Vec<Window> = empties.copied().collect();
        let mut times: Vec<u32> = lives
            .iter()
            .flat_map(|life| [life.a1, life.a2, life.b1, life.b2])
            .chain(empties.iter().flat_map(|window| [window.from, window.to]))
            .chain(self.doubtful.iter().map(|doubtful| doubtful.0))
            .filter(|&time| time < self.end)
            .collect();
        times.sort_unstable();
        times.dedup();
        let new = |time: u32| times.partition_point(|&other| other < time) as u32;
        for life in &mut lives {
            (life.a1, life.a2) = (new(life.a1), new(life.a2));
            (life.b1, life.b2) = (new(life.b1), new(life.b2));
        }
        for window in &mut empties {
            (window.from, window.to) = (new(window.from), new(window.to));
        }
        let doubtful = self.doubtful.iter().map(|&(time, call)| (new(time), call)).collect();
        Values { calls: self.calls, lives, empties, doubtful, end: times.len() as u32 }
    }
}

/// For each insert its remove. `None` when a value is inserted twice.
fn pairs(calls: &[Call<ContainerOp>]) -> Option<Result<Vec<u32>, Conflict>> {
    let mut inserts: FxHashMap<&Value, u32> = FxHashMap::default();
    inserts.reserve(calls.len() / 2);
    for (number, call) in (0..).zip(calls) {
        if let ContainerOp::Insert(value) = &call.op
            && inserts.insert(value, number).is_some()
        {
            return None;
        }
    }
    let mut removes = vec![NONE; calls.len()];
    for (number, call) in (0..).zip(calls) {
        let ContainerOp::Remove(value) = &call.op else { continue };
        let refused = |rule, calls| Conflict { rule, call: number, lives: Vec::new(), calls };
        let Some(&insert) = inserts.get(value) else {
            return Some(Err(refused(&NEVER_INSERTED, vec![number])));
        };
        let other = std::mem::replace(&mut removes[insert as usize], number);
        if other != NONE {
            return Some(Err(refused(&REMOVED_TWICE, vec![insert, other, number])));
        }
    }
    Some(Ok(removes))
}

/// Invocation and completion of each call in dense time, and the end; open calls have the end.
fn times(calls: &[Call<ContainerOp>]) -> (Vec<u32>, Vec<u32>, u32) {
    // (rank, twice the call, plus one for the completion); calls are in order of invocation.
    let mut ends: Vec<(u32, u32)> = (0..)
        .zip(calls)
        .filter(|(_, call)| !call.is_open())
        .map(|(number, call)| (call.completed, number))
        .collect();
    ends.sort_unstable();
    let mut invoked = vec![0; calls.len()];
    let end = (calls.len() + ends.len()) as u32;
    let mut completed = vec![end; calls.len()];
    let mut ended = 0;
    for (place, call) in calls.iter().enumerate() {
        while ended < ends.len() && ends[ended].0 < call.invoked {
            completed[ends[ended].1 as usize] = (place + ended) as u32;
            ended += 1;
        }
        invoked[place] = (place + ended) as u32;
    }
    for (more, &(_, number)) in ends[ended..].iter().enumerate() {
        completed[number as usize] = (calls.len() + ended + more) as u32;
    }
    (invoked, completed, end)
}
