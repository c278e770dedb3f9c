//! The operations of a history, a column per property: about 30 bytes each, and none on the heap.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::narrow::{Durations, Named, Narrow, Times, pick};
use super::{Completion, ValueId};

/// No key.
pub(super) const KEYLESS: u32 = u32::MAX;
/// The rank of a completion that is not there.
pub(super) const NEVER: u32 = u32::MAX;

/// Keys, numbered by first use.
#[derive(Default)]
pub(super) struct Keys {
    pub order: Vec<ValueId>,
    numbers: FxHashMap<ValueId, u32>,
}

impl Keys {
    pub(super) fn number(&mut self, key: ValueId) -> u32 {
        *self.numbers.entry(key).or_insert_with(|| {
            self.order.push(key);
            self.order.len() as u32 - 1
        })
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Columns {
    /// Read by checkers.
    pub f: Named,
    /// Place in `History::keys`, one more; 0: no key.
    keys: Narrow,
    pub argument: Vec<ValueId>,
    pub result: Vec<ValueId>,
    pub completion: Vec<Completion>,
    /// Ranks of invocation and completion; of an info too, which is no bound in time.
    pub invoked: Vec<u32>,
    pub ended: Vec<u32>,
    /// Read for reports. The index is that of the event's rank, unless it is here.
    index: Vec<u32>,
    process: Narrow,
    /// A text, or null.
    pub(super) node: Named,
    invoked_at: Times,
    /// Means nothing where `ended` is [`NEVER`].
    took: Durations,
    /// By place, in order: few operations have them. Times in ns.
    pub(super) scheduled: Vec<(u32, u64)>,
    pub(super) errors: Vec<(u32, ValueId)>,
}

/// What is known of an operation when it begins.
pub(super) struct Begun {
    pub f: ValueId,
    pub key: u32,
    pub argument: ValueId,
    /// The rank, or what stands for it until all are known.
    pub rank: u32,
    pub index: u32,
    pub process: u32,
    pub node: ValueId,
    /// In ns.
    pub time: u64,
}

impl Columns {
    /// With room for so many operations.
    pub(super) fn with_capacity(operations: usize) -> Self {
        Self {
            f: Named::with_capacity(operations),
            keys: Narrow::with_capacity(operations),
            argument: Vec::with_capacity(operations),
            result: Vec::with_capacity(operations),
            completion: Vec::with_capacity(operations),
            invoked: Vec::with_capacity(operations),
            ended: Vec::with_capacity(operations),
            index: Vec::new(),
            process: Narrow::with_capacity(operations),
            node: Named::with_capacity(operations),
            invoked_at: Times::with_capacity(operations),
            took: Durations::with_capacity(operations),
            scheduled: Vec::new(),
            errors: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.invoked.len()
    }

    /// An operation begins, and is open: its place.
    #[inline]
    pub(super) fn begin(&mut self, begun: Begun) -> u32 {
        let place = self.len() as u32;
        if self.index.len() < self.len() && begun.index == begun.rank {
            // As all before it.
        } else {
            self.keep_indexes();
            self.index.push(begun.index);
        }
        self.f.push(begun.f);
        self.keys.push(begun.key.wrapping_add(1));
        self.argument.push(begun.argument);
        self.result.push(ValueId::NULL);
        self.completion.push(Completion::Info);
        self.invoked.push(begun.rank);
        self.ended.push(NEVER);
        self.process.push(begun.process);
        self.node.push(begun.node);
        self.invoked_at.push(begun.time);
        self.took.push(begun.time, begun.time);
        place
    }

    /// The operation at a place ends, with a rank (or what stands for it) and a time in ns.
    #[inline]
    pub(super) fn end(&mut self, place: usize, completion: Completion, rank: u32, time: u64) {
        self.completion[place] = completion;
        self.ended[place] = rank;
        self.took.set(place, self.invoked_at.get(place), time);
    }

    /// Place in `History::keys`, or [`KEYLESS`].
    #[inline]
    pub(crate) fn key(&self, place: usize) -> u32 {
        self.keys.get(place).wrapping_sub(1)
    }

    /// Calls `visit` with the key of each operation at these places, in order.
    pub(crate) fn each_key(&self, places: Range<usize>, mut visit: impl FnMut(u32)) {
        self.keys.each(places, |key| visit(key.wrapping_sub(1)));
    }

    pub(super) fn set_key(&mut self, place: usize, key: u32) {
        self.keys.set(place, key.wrapping_add(1));
    }

    pub(super) fn index(&self, place: usize) -> u32 {
        if self.index.is_empty() { self.invoked[place] } else { self.index[place] }
    }

    pub(super) fn process(&self, place: usize) -> u32 {
        self.process.get(place)
    }

    /// In ns.
    pub(super) fn invoked_at(&self, place: usize) -> u64 {
        self.invoked_at.get(place)
    }

    /// In ns; means nothing where `ended` is [`NEVER`].
    pub(super) fn ended_at(&self, place: usize) -> u64 {
        self.took.end(place, self.invoked_at(place))
    }

    /// Whether it was completed, be it with the word that nobody knows.
    pub(super) fn is_over(&self, place: usize) -> bool {
        self.ended[place] != NEVER
    }

    /// Whether something is known to have come back.
    pub(super) fn has_result(&self, place: usize) -> bool {
        self.completion[place] == Completion::Ok || !self.result[place].is_null()
    }

    /// Ranks will change, or are no indexes any more.
    pub(super) fn keep_indexes(&mut self) {
        if self.index.is_empty() {
            self.index.clone_from(&self.invoked);
        }
    }

    /// The index of an operation is, from here on, what stands for the rank of its invocation.
    pub(super) fn forget_indexes(&mut self) {
        self.index = Vec::new();
    }

    /// Puts the operations in order of invocation, and the sparse columns in that of places.
    pub(super) fn sort(&mut self) {
        if !self.invoked.is_sorted() {
            let mut order: Vec<u32> = (0..self.len() as u32).collect();
            order.sort_unstable_by_key(|&place| self.invoked[place as usize]);
            self.permute(&order);
        }
        self.scheduled.sort_unstable_by_key(|entry| entry.0);
        self.errors.sort_unstable_by_key(|entry| entry.0);
    }

    /// The operation at `order[i]` goes to `i`.
    fn permute(&mut self, order: &[u32]) {
        self.f.permute(order);
        self.keys.permute(order);
        pick(&mut self.argument, order);
        pick(&mut self.result, order);
        pick(&mut self.completion, order);
        pick(&mut self.invoked, order);
        pick(&mut self.ended, order);
        if !self.index.is_empty() {
            pick(&mut self.index, order);
        }
        self.process.permute(order);
        self.node.permute(order);
        self.invoked_at.permute(order);
        self.took.permute(order);
        let mut place = vec![0; order.len()];
        for (new, &old) in (0..).zip(order) {
            place[old as usize] = new;
        }
        self.scheduled.iter_mut().for_each(|entry| entry.0 = place[entry.0 as usize]);
        self.errors.iter_mut().for_each(|entry| entry.0 = place[entry.0 as usize]);
    }
}
