//! Re-checks an order of calls with numbered values, without anything that the algorithms know.

use std::collections::{BTreeSet, VecDeque};

use super::Discipline;
use super::deeds::{Deeds, What};

/// A container of distinct values, by number.
pub enum Shelf {
    Queue(VecDeque<u32>),
    Pile(Vec<u32>),
    /// (rank, value): all of the least rank are next.
    Heap(BTreeSet<(u32, u32)>),
}

impl Shelf {
    fn insert(&mut self, rank: u32, value: u32) {
        match self {
            Self::Queue(values) => values.push_back(value),
            Self::Pile(values) => values.push(value),
            Self::Heap(values) => drop(values.insert((rank, value))),
        }
    }

    /// Removes a value and what is ahead of it, if that is at most `spare`: the number of these.
    fn remove(&mut self, rank: u32, value: u32, spare: usize) -> Option<usize> {
        let reach = spare.saturating_add(1);
        let is_it = |&other: &u32| other == value;
        match self {
            Self::Queue(values) => {
                let ahead = values.iter().take(reach).position(is_it)?;
                values.drain(..=ahead);
                Some(ahead)
            }
            Self::Pile(values) => {
                let above = values.iter().rev().take(reach).position(is_it)?;
                values.truncate(values.len() - above - 1);
                Some(above)
            }
            Self::Heap(values) => {
                if !values.remove(&(rank, value)) {
                    return None;
                }
                let mut ahead = 0;
                while values.first().is_some_and(|first| first.0 < rank) {
                    values.pop_first();
                    ahead += 1;
                    if ahead > spare {
                        return None;
                    }
                }
                Some(ahead)
            }
        }
    }

    /// Empties it: how many there were.
    fn clear(&mut self) -> usize {
        match self {
            Self::Queue(values) => values.drain(..).count(),
            Self::Pile(values) => values.drain(..).count(),
            Self::Heap(values) => {
                let count = values.len();
                values.clear();
                count
            }
        }
    }
}

/// What is wrong with an order, if something is.
pub(super) fn replay<D: Discipline>(
    discipline: &D,
    deeds: &Deeds,
    order: &[u32],
) -> Option<String> {
    let mut done = vec![false; deeds.all.len()];
    let mut shelf = discipline.shelf();
    // Removes in doubt that have still to take something: they may, when it is in the way.
    let (mut spare, mut latest) = (0_usize, 0);
    for &number in order {
        let deed = deeds.all[number as usize];
        if std::mem::replace(&mut done[number as usize], true) {
            return Some(format!("call {number} is there twice"));
        }
        if deed.completed < latest {
            return Some(format!("call {number} completed before one ahead of it was invoked"));
        }
        latest = latest.max(deed.invoked);
        let used = match deed.what.what() {
            What::Insert(value) => {
                shelf.insert(deeds.rank(value), value);
                Some(0)
            }
            What::Remove(value) => shelf.remove(deeds.rank(value), value, spare),
            What::RemoveAny => {
                spare += 1;
                Some(0)
            }
            What::Empty => Some(shelf.clear()),
        };
        match used.and_then(|used| spare.checked_sub(used)) {
            Some(left) => spare = left,
            None => return Some(format!("call {number} cannot happen in its state")),
        }
    }
    let missing = deeds.all.iter().zip(&done).position(|(deed, done)| !done && !deed.is_open());
    missing.map(|missing| format!("call {missing} is missing"))
}
