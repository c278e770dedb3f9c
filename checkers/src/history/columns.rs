//! The operations of a history, a column per property: 57 bytes each, and none on the heap.

use rustc_hash::FxHashMap;

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
    pub f: Vec<ValueId>,
    /// Place in `History::keys`, or [`KEYLESS`].
    pub key: Vec<u32>,
    pub argument: Vec<ValueId>,
    pub result: Vec<ValueId>,
    pub completion: Vec<Completion>,
    /// Ranks of invocation and completion; of an info too, which is no bound in time.
    pub invoked: Vec<u32>,
    pub ended: Vec<u32>,
    /// Read for reports.
    pub index: Vec<u32>,
    pub process: Vec<u32>,
    /// A text, or null.
    pub node: Vec<ValueId>,
    /// In ns; `ended_at` means nothing where `ended` is [`NEVER`].
    pub invoked_at: Vec<u64>,
    pub ended_at: Vec<u64>,
    /// By place, in order: few operations have them.
    pub scheduled: Vec<(u32, u64)>,
    pub errors: Vec<(u32, ValueId)>,
}

impl Columns {
    /// With room for so many operations.
    pub(super) fn with_capacity(operations: usize) -> Self {
        Self {
            f: Vec::with_capacity(operations),
            key: Vec::with_capacity(operations),
            argument: Vec::with_capacity(operations),
            result: Vec::with_capacity(operations),
            completion: Vec::with_capacity(operations),
            invoked: Vec::with_capacity(operations),
            ended: Vec::with_capacity(operations),
            index: Vec::with_capacity(operations),
            process: Vec::with_capacity(operations),
            node: Vec::with_capacity(operations),
            invoked_at: Vec::with_capacity(operations),
            ended_at: Vec::with_capacity(operations),
            scheduled: Vec::new(),
            errors: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether something is known to have come back.
    pub(super) fn has_result(&self, place: usize) -> bool {
        self.completion[place] == Completion::Ok || !self.result[place].is_null()
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
        fn pick<T: Copy>(column: &mut Vec<T>, order: &[u32]) {
            *column = order.iter().map(|&place| column[place as usize]).collect();
        }
        pick(&mut self.f, order);
        pick(&mut self.key, order);
        pick(&mut self.argument, order);
        pick(&mut self.result, order);
        pick(&mut self.completion, order);
        pick(&mut self.invoked, order);
        pick(&mut self.ended, order);
        pick(&mut self.index, order);
        pick(&mut self.process, order);
        pick(&mut self.node, order);
        pick(&mut self.invoked_at, order);
        pick(&mut self.ended_at, order);
        let mut place = vec![0; order.len()];
        for (new, &old) in (0..).zip(order) {
            place[old as usize] = new;
        }
        self.scheduled.iter_mut().for_each(|entry| entry.0 = place[entry.0 as usize]);
        self.errors.iter_mut().for_each(|entry| entry.0 = place[entry.0 as usize]);
    }
}
