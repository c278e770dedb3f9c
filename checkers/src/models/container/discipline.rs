//! Which element is next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::Hash;

use serde_json::Value;

use super::order::{Conflict, Plan};
use super::replay::Shelf;
use super::values::{Life, Values};
use super::{fifo, nesting, priority};
use crate::models::element::{Element, integer};

/// How the operations are called.
pub struct Names {
    pub noun: &'static str,
    /// In the history; the first is the usual one.
    pub insert: &'static [&'static str],
    pub remove: &'static [&'static str],
    /// In a sentence.
    pub inserted: &'static str,
    pub removed: &'static str,
}

/// The order in which a container gives its elements back. Of this crate only.
pub trait Discipline: Sync {
    /// The elements, empty at first.
    type State: Clone + Default + Eq + Hash;

    /// Whether the rank of an element counts.
    const RANKED: bool = false;
    /// What its operations are called.
    fn names(&self) -> Names;

    /// # Errors
    /// What was expected, when `value` cannot be an element.
    fn element(&self, value: &Value) -> Result<(), String>;

    /// Puts an element where it belongs.
    fn insert(&self, elements: &mut Self::State, value: &Value);

    /// Removes an equal element, and whatever is ahead of it if that is at most `spare`: the
    /// number of these. `None` if it cannot be.
    fn remove(&self, elements: &mut Self::State, value: &Value, spare: u32) -> Option<u32>;

    /// How many elements there are.
    fn len(&self, elements: &Self::State) -> usize;

    /// The next one first.
    fn show(&self, elements: &Self::State) -> Vec<Value>;

    /// The rank of an element, where that counts: less goes first.
    fn rank(&self, _value: &Value) -> i128 {
        0
    }

    /// While `left`, which is never removed, stays, the removal of `other` is impossible if this
    /// is less than [`bound`](Self::bound) of `left`, and `left` is surely there when it begins.
    #[doc(hidden)]
    fn key(&self, other: &Life) -> u32;

    /// 0: nothing is impossible.
    #[doc(hidden)]
    fn bound(&self, left: &Life) -> u32;

    /// A linearization of what is known, or what contradicts every one.
    #[doc(hidden)]
    fn plan(&self, values: &Values) -> Result<Plan, Conflict>;

    /// An empty container of distinct values.
    #[doc(hidden)]
    fn shelf(&self) -> Shelf;
}

fn not_null(value: &Value) -> Result<(), String> {
    match value {
        Value::Null => Err("null was inserted; expected an element: null means empty".to_owned()),
        _ => Ok(()),
    }
}

/// First in, first out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fifo;

impl Discipline for Fifo {
    type State = VecDeque<Value>;

    fn names(&self) -> Names {
        Names {
            noun: "queue",
            insert: &["enqueue"],
            remove: &["dequeue"],
            inserted: "enqueued",
            removed: "dequeued",
        }
    }
    fn element(&self, value: &Value) -> Result<(), String> {
        not_null(value)
    }
    fn insert(&self, elements: &mut Self::State, value: &Value) {
        elements.push_back(value.clone());
    }
    fn remove(&self, elements: &mut Self::State, value: &Value, spare: u32) -> Option<u32> {
        let reach = (spare as usize).saturating_add(1);
        let ahead = elements.iter().take(reach).position(|element| element == value)?;
        elements.drain(..=ahead);
        Some(ahead as u32)
    }
    fn len(&self, elements: &Self::State) -> usize {
        elements.len()
    }
    fn show(&self, elements: &Self::State) -> Vec<Value> {
        elements.iter().cloned().collect()
    }
    fn key(&self, other: &Life) -> u32 {
        !other.a1
    }
    fn bound(&self, left: &Life) -> u32 {
        !left.a2
    }
    fn plan(&self, values: &Values) -> Result<Plan, Conflict> {
        fifo::plan(values)
    }
    fn shelf(&self) -> Shelf {
        Shelf::Queue(VecDeque::new())
    }
}

/// Last in, first out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lifo;

impl Discipline for Lifo {
    type State = Vec<Value>;

    fn names(&self) -> Names {
        Names {
            noun: "stack",
            insert: &["push"],
            remove: &["pop"],
            inserted: "pushed",
            removed: "popped",
        }
    }
    fn element(&self, value: &Value) -> Result<(), String> {
        not_null(value)
    }
    fn insert(&self, elements: &mut Self::State, value: &Value) {
        elements.push(value.clone());
    }
    fn remove(&self, elements: &mut Self::State, value: &Value, spare: u32) -> Option<u32> {
        let reach = (spare as usize).saturating_add(1);
        let above = elements.iter().rev().take(reach).position(|element| element == value)?;
        elements.truncate(elements.len() - above - 1);
        Some(above as u32)
    }
    fn len(&self, elements: &Self::State) -> usize {
        elements.len()
    }
    fn show(&self, elements: &Self::State) -> Vec<Value> {
        elements.iter().rev().cloned().collect()
    }
    fn key(&self, other: &Life) -> u32 {
        other.a2
    }
    fn bound(&self, left: &Life) -> u32 {
        left.a1
    }
    fn plan(&self, values: &Values) -> Result<Plan, Conflict> {
        nesting::plan(values)
    }
    fn shelf(&self) -> Shelf {
        Shelf::Pile(Vec::new())
    }
}

/// In any order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bag;

impl Discipline for Bag {
    type State = BTreeMap<Element, usize>;

    fn names(&self) -> Names {
        Names { noun: "queue", ..Fifo.names() }
    }
    fn element(&self, value: &Value) -> Result<(), String> {
        not_null(value)
    }
    fn insert(&self, elements: &mut Self::State, value: &Value) {
        *elements.entry(Element(value.clone())).or_default() += 1;
    }
    fn remove(&self, elements: &mut Self::State, value: &Value, _: u32) -> Option<u32> {
        take(elements, &Element(value.clone())).then_some(0)
    }
    fn len(&self, elements: &Self::State) -> usize {
        elements.values().sum()
    }
    fn show(&self, elements: &Self::State) -> Vec<Value> {
        let all = elements.iter().flat_map(|(value, &count)| vec![value.0.clone(); count]);
        all.collect()
    }
    fn key(&self, _: &Life) -> u32 {
        0
    }
    fn bound(&self, _: &Life) -> u32 {
        0
    }
    fn plan(&self, values: &Values) -> Result<Plan, Conflict> {
        priority::plan(values)
    }
    fn shelf(&self) -> Shelf {
        Shelf::Heap(BTreeSet::new())
    }
}

/// One of `key`, if there is one.
fn take<K: Ord>(elements: &mut BTreeMap<K, usize>, key: &K) -> bool {
    let Some(count) = elements.get_mut(key) else { return false };
    *count -= 1;
    if *count == 0 {
        elements.remove(key);
    }
    true
}

/// By priority. Of equal ones, any.
#[derive(Clone, Copy, Debug, Default)]
pub struct Priority {
    /// `delete-min` instead of `delete-max`.
    pub least_first: bool,
}

impl Priority {
    /// The integer, or the first of a pair; less is first.
    fn priority(self, value: &Value) -> Option<i128> {
        let number = match value {
            Value::Number(number) => Some(number),
            Value::Array(pair) if pair.len() == 2 => pair[0].as_number(),
            _ => None,
        };
        let priority = number.and_then(integer)?;
        Some(if self.least_first { priority } else { -priority })
    }
}

impl Discipline for Priority {
    type State = BTreeMap<(i128, Element), usize>;

    const RANKED: bool = true;

    fn names(&self) -> Names {
        Names {
            noun: "priority queue",
            insert: &["insert"],
            remove: if self.least_first { &["delete-min"] } else { &["delete-max"] },
            inserted: "inserted",
            removed: "removed",
        }
    }
    fn element(&self, value: &Value) -> Result<(), String> {
        let wrong = || format!("an element {value}; expected an integer or [integer, anything]");
        self.priority(value).map(|_| ()).ok_or_else(wrong)
    }
    fn insert(&self, elements: &mut Self::State, value: &Value) {
        if let Some(rank) = self.priority(value) {
            *elements.entry((rank, Element(value.clone()))).or_default() += 1;
        }
    }
    fn remove(&self, elements: &mut Self::State, value: &Value, spare: u32) -> Option<u32> {
        let rank = self.priority(value)?;
        let mut ahead = 0_usize;
        for ((other, _), count) in elements.iter() {
            if *other >= rank {
                break;
            }
            ahead += count;
            if ahead > spare as usize {
                return None;
            }
        }
        if !take(elements, &(rank, Element(value.clone()))) {
            return None;
        }
        while elements.first_key_value().is_some_and(|((other, _), _)| *other < rank) {
            elements.pop_first();
        }
        Some(ahead as u32)
    }
    fn len(&self, elements: &Self::State) -> usize {
        elements.values().sum()
    }
    fn show(&self, elements: &Self::State) -> Vec<Value> {
        let all = elements.iter().flat_map(|((_, value), &count)| vec![value.0.clone(); count]);
        all.collect()
    }
    fn rank(&self, value: &Value) -> i128 {
        self.priority(value).unwrap_or_default()
    }
    fn key(&self, other: &Life) -> u32 {
        !other.rank
    }
    fn bound(&self, left: &Life) -> u32 {
        !left.rank
    }
    fn plan(&self, values: &Values) -> Result<Plan, Conflict> {
        priority::plan(values)
    }
    fn shelf(&self) -> Shelf {
        Shelf::Heap(BTreeSet::new())
    }
}
