//! The calls of a container with their values numbered: all that the algorithms look at.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::{ContainerOp, Discipline};
use crate::history::{Completion, Numbered, ValueId, numbered};
use crate::linearizability::{Call, Operations};
use crate::models::deed::{Deed, OPEN, settle};

/// What a call did, with the number of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Insert(u32),
    Remove(u32),
    RemoveAny,
    Empty,
}

/// The same in half of the memory: the kind in the lowest two bits, so that there is room for
/// [`VALUES_MAX`] values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed(u32);

/// With more, which take a history of some 30 GB, the general search is asked.
const VALUES_MAX: usize = 1 << 30;

impl From<What> for Packed {
    fn from(what: What) -> Self {
        Self(match what {
            What::Insert(value) => value << 2,
            What::Remove(value) => value << 2 | 1,
            What::RemoveAny => 2,
            What::Empty => 3,
        })
    }
}

impl Packed {
    pub(super) fn what(self) -> What {
        match self.0 & 3 {
            0 => What::Insert(self.0 >> 2),
            1 => What::Remove(self.0 >> 2),
            2 => What::RemoveAny,
            _ => What::Empty,
        }
    }
}

/// All calls, in order of invocation.
pub(super) struct Deeds {
    pub all: Vec<Deed<Packed>>,
    /// By number of the value: less goes first, equal ones in any order.
    pub ranks: Vec<u32>,
    /// Later than every time.
    pub end: u32,
}

impl Deeds {
    pub(super) fn of_calls<D: Discipline>(discipline: &D, calls: &[Call<ContainerOp>]) -> Self {
        let mut numbers: FxHashMap<&Value, u32> = FxHashMap::default();
        let mut ranks = Vec::new();
        let mut number = |value| {
            let next = numbers.len() as u32;
            let number = *numbers.entry(value).or_insert(next);
            if number == next && D::RANKED {
                ranks.push(discipline.rank(value));
            }
            number
        };
        let mut all = Vec::with_capacity(calls.len());
        for call in calls {
            let what = match &call.op {
                ContainerOp::Insert(value) => What::Insert(number(value)),
                ContainerOp::Remove(value) => What::Remove(number(value)),
                ContainerOp::RemoveAny => What::RemoveAny,
                ContainerOp::Empty => What::Empty,
            };
            let what = what.into();
            all.push(Deed { what, invoked: call.invoked, completed: call.completed });
        }
        Self::new(all, dense(&ranks))
    }

    /// The same, and the same numbers of calls, from operations that were not parsed. `None` if
    /// one is none of a container's: whoever parses it says which.
    pub(super) fn of_operations<D: Discipline>(
        discipline: &D,
        operations: &Operations<'_>,
    ) -> Option<Self> {
        let names = discipline.names();
        let values = operations.values();
        let mut functions: Vec<(ValueId, bool)> = Vec::new();
        // First each value's number is the place of its mention.
        let mut mentions = Vec::with_capacity(operations.len());
        let mut mention = |value: ValueId| {
            mentions.push(value);
            mentions.len() as u32 - 1
        };
        let mut all = Vec::with_capacity(operations.len());
        for operation in operations.iter() {
            if operation.completion() == Completion::Fail {
                continue;
            }
            let f = operation.f_id();
            let known = functions.iter().find(|(known, _)| *known == f).map(|known| known.1);
            let inserts = match known {
                Some(inserts) => inserts,
                None => {
                    let inserts = names.insert.contains(&operation.f());
                    if !inserts && !names.remove.contains(&operation.f()) {
                        return None;
                    }
                    functions.push((f, inserts));
                    inserts
                }
            };
            let what = if inserts {
                What::Insert(mention(operation.argument_id()))
            } else if operation.completion() == Completion::Info {
                What::RemoveAny
            } else if operation.result_id().is_null() {
                What::Empty
            } else {
                What::Remove(mention(operation.result_id()))
            };
            let completed = match (operation.completion(), operation.completed_rank()) {
                (Completion::Ok, Some(rank)) => rank.saturating_add(1),
                _ => OPEN,
            };
            let invoked = operation.invoked_rank().saturating_add(1);
            all.push(Deed { what: Packed::from(what), invoked, completed });
        }
        if mentions.len() > VALUES_MAX {
            return None;
        }
        let Numbered { numbers, values: named } = numbered(&mentions);
        drop(mentions);
        for deed in &mut all {
            let number = |mention: u32| numbers[mention as usize];
            deed.what = match deed.what.what() {
                What::Insert(mention) => What::Insert(number(mention)).into(),
                What::Remove(mention) => What::Remove(number(mention)).into(),
                What::RemoveAny | What::Empty => continue,
            };
        }
        drop(numbers);
        let mut ranks = Vec::new();
        for value in named.into_iter().map(|name| values.get(name)) {
            discipline.element(&value).ok()?;
            if D::RANKED {
                ranks.push(discipline.rank(&value));
            }
        }
        Some(Self::new(all, dense(&ranks)))
    }

    fn new(mut all: Vec<Deed<Packed>>, ranks: Vec<u32>) -> Self {
        let end = settle(&mut all);
        Self { all, ranks, end }
    }

    /// The rank of a value.
    pub(super) fn rank(&self, value: u32) -> u32 {
        self.ranks.get(value as usize).copied().unwrap_or(0)
    }
}

/// Ranks numbered in their order.
fn dense(ranks: &[i128]) -> Vec<u32> {
    let least = ranks.iter().copied().min().unwrap_or(0);
    let near = |&rank: &i128| u32::try_from(rank - least).ok();
    // As pairs of small numbers, where they are: a quarter of the memory.
    match ranks.iter().map(near).collect::<Option<Vec<u32>>>() {
        Some(near) => numbered_in_order(near),
        None => numbered_in_order(ranks.to_vec()),
    }
}

fn numbered_in_order<R: Copy + Ord>(ranks: Vec<R>) -> Vec<u32> {
    let mut order: Vec<(R, u32)> = ranks.into_iter().zip(0..).collect();
    order.sort_unstable();
    let mut numbers = vec![0; order.len()];
    for (number, equal) in (0..).zip(order.chunk_by(|a, b| a.0 == b.0)) {
        for &(_, place) in equal {
            numbers[place as usize] = number;
        }
    }
    numbers
}
