//! The life of each value: inserted once, removed at most once.
//!
//! **Time** is counted in events, densely enough to be the place in a table; [`Values::end`] is
//! after all.
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

use super::deeds::{Deeds, Packed, What};
use super::order::Conflict;
use crate::linearizability::Rule;
use crate::models::deed::OPEN;
use crate::models::sorted;

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
    /// Of a lesser rank goes first, where that counts.
    pub rank: u32,
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
pub struct Values {
    /// In order of a1.
    pub(super) lives: Vec<Life>,
    /// In order of invocation.
    pub(super) empties: Vec<Window>,
    /// Removes in doubt: (invocation, call), in order.
    pub(super) doubtful: Vec<(u32, u32)>,
    pub(super) end: u32,
}

impl Values {
    /// `None` when a value is inserted twice.
    pub(super) fn new(deeds: &Deeds) -> Option<Result<Self, Conflict>> {
        let removes = match pairs(deeds)? {
            Ok(removes) => removes,
            Err(conflict) => return Some(Err(conflict)),
        };
        let end = deeds.end;
        let time = |completed: u32| if completed == OPEN { end } else { completed };
        let lives = Vec::with_capacity(removes.len());
        let mut values = Self { lives, empties: Vec::new(), doubtful: Vec::new(), end };
        for (number, deed) in (0..).zip(&deeds.all) {
            let (from, to) = (deed.invoked, time(deed.completed));
            match deed.what.what() {
                What::Insert(value) => {
                    let remove = removes[value as usize];
                    if remove == NONE && deed.is_open() {
                        continue;
                    }
                    let (b1, b2) = match deeds.all.get(remove as usize) {
                        None => (end, end),
                        Some(remove) => (remove.invoked, time(remove.completed)),
                    };
                    if b2 < from {
                        let calls = vec![number, remove];
                        let (rule, lives) = (&BEFORE_INSERTED, Vec::new());
                        return Some(Err(Conflict { rule, call: remove, lives, calls }));
                    }
                    let (a2, b1, rank) = (to.min(b2), b1.max(from), deeds.rank(value));
                    values.lives.push(Life { insert: number, remove, a1: from, a2, b1, b2, rank });
                }
                What::Remove(_) => {}
                What::RemoveAny => values.doubtful.push((from, number)),
                What::Empty => values.empties.push(Window { call: number, from, to }),
            }
        }
        Some(Ok(values))
    }

    /// Lives by a2.
    pub(super) fn by_a2(&self) -> Vec<u32> {
        sorted(self.lives.len(), self.end, |life| self.lives[life].a2)
    }

    /// Only these lives and empty answers, with times and ranks counted anew. A linearization of
    /// all is one of these: no discipline minds values which are left out wholly, nor answers.
    pub(super) fn among(&self, lives: &[u32], calls: &[u32]) -> Self {
        let mut lives: Vec<Life> = lives.iter().map(|&life| self.lives[life as usize]).collect();
        lives.sort_unstable_by_key(|life| life.a1);
        let empties = self.empties.iter().filter(|window| calls.contains(&window.call));
        let mut empties: Vec<Window> =
            if calls.is_empty() { Vec::new() } else { empties.copied().collect() };
        let mut ranks: Vec<u32> = lives.iter().map(|life| life.rank).collect();
        ranks.sort_unstable();
        ranks.dedup();
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
            life.rank = ranks.partition_point(|&other| other < life.rank) as u32;
        }
        for window in &mut empties {
            (window.from, window.to) = (new(window.from), new(window.to));
        }
        let doubtful = self.doubtful.iter().map(|&(time, call)| (new(time), call)).collect();
        Self { lives, empties, doubtful, end: times.len() as u32 }
    }
}

/// For each value its remove. `None` when one is inserted twice.
fn pairs(deeds: &Deeds) -> Option<Result<Vec<u32>, Conflict>> {
    let value = |what: Packed| match what.what() {
        What::Insert(value) | What::Remove(value) => value as usize + 1,
        What::RemoveAny | What::Empty => 0,
    };
    let count = deeds.all.iter().map(|deed| value(deed.what)).max().unwrap_or(0);
    let (mut inserts, mut removes) = (vec![NONE; count], vec![NONE; count]);
    for (number, deed) in (0..).zip(&deeds.all) {
        if let What::Insert(value) = deed.what.what()
            && std::mem::replace(&mut inserts[value as usize], number) != NONE
        {
            return None;
        }
    }
    for (number, deed) in (0..).zip(&deeds.all) {
        let What::Remove(value) = deed.what.what() else { continue };
        let refused = |rule, calls| Conflict { rule, call: number, lives: Vec::new(), calls };
        let insert = inserts[value as usize];
        if insert == NONE {
            return Some(Err(refused(&NEVER_INSERTED, vec![number])));
        }
        let other = std::mem::replace(&mut removes[value as usize], number);
        if other != NONE {
            return Some(Err(refused(&REMOVED_TWICE, vec![insert, other, number])));
        }
    }
    Some(Ok(removes))
}
