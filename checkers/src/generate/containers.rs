//! Queues, stacks and priority queues of elements that are all different.

use std::collections::{BTreeSet, VecDeque};

use super::simulation::{Answer, Request, Subject, simulate};
use super::{Load, Random};
use crate::history::{History, Recording, ValueId};

/// About how many elements there are at a time.
const SIZE: u64 = 100;
/// Elements are below this.
const ELEMENTS: u64 = 1 << 30;
/// Odd, so that multiples of it are all different, and neither grow nor fall.
const STRIDE: u64 = 7_368_787;

/// `enqueue`, `dequeue`.
pub fn fifo_queue(load: &Load) -> History {
    history(load, ("enqueue", "dequeue"), VecDeque::new())
}

/// `push`, `pop`.
pub fn stack(load: &Load) -> History {
    history(load, ("push", "pop"), Vec::new())
}

/// `insert`, `delete-max`: an element is its own priority.
pub fn priority_queue(load: &Load) -> History {
    history(load, ("insert", "delete-max"), BTreeSet::new())
}

trait Elements {
    fn len(&self) -> usize;
    fn insert(&mut self, element: i64);
    fn take(&mut self) -> Option<i64>;
}

impl Elements for VecDeque<i64> {
    fn len(&self) -> usize {
        self.len()
    }

    fn insert(&mut self, element: i64) {
        self.push_back(element);
    }

    fn take(&mut self) -> Option<i64> {
        self.pop_front()
    }
}

impl Elements for Vec<i64> {
    fn len(&self) -> usize {
        self.len()
    }

    fn insert(&mut self, element: i64) {
        self.push(element);
    }

    fn take(&mut self) -> Option<i64> {
        self.pop()
    }
}

impl Elements for BTreeSet<i64> {
    fn len(&self) -> usize {
        self.len()
    }

    fn insert(&mut self, element: i64) {
        self.insert(element);
    }

    fn take(&mut self) -> Option<i64> {
        self.pop_last()
    }
}

fn history(load: &Load, names: (&str, &str), elements: impl Elements) -> History {
    let mut book = Recording::with_capacity(load.operations as usize);
    let (insert, remove) = (book.text(names.0), book.text(names.1));
    simulate(load, &mut Container { insert, remove, elements, inserted: 0 }, book)
}

struct Container<E> {
    insert: ValueId,
    remove: ValueId,
    elements: E,
    inserted: u64,
}

impl<E: Elements> Subject for Container<E> {
    /// What is inserted; `None`: something is taken.
    type Call = Option<i64>;

    fn request(
        &mut self,
        _: u32,
        random: &mut Random,
        book: &mut Recording,
    ) -> (Request, Self::Call) {
        if random.below(2 * SIZE) < self.elements.len() as u64 {
            return (Request { f: self.remove, key: None, argument: ValueId::NULL }, None);
        }
        let element = (self.inserted * STRIDE % ELEMENTS) as i64;
        self.inserted += 1;
        (Request { f: self.insert, key: None, argument: book.integer(element) }, Some(element))
    }

    fn answer(&mut self, call: Self::Call, book: &mut Recording) -> Answer {
        let result = match call {
            Some(element) => {
                self.elements.insert(element);
                Some(element)
            }
            None => self.elements.take(),
        };
        Answer::Ok(result.map_or(ValueId::NULL, |element| book.integer(element)))
    }
}
