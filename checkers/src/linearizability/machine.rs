//! A model with its states and operations numbered, every transition computed once.

use rustc_hash::FxHashMap;

use super::{Call, Model};

const UNTRIED: u32 = u32::MAX;
const REFUSED: u32 = u32::MAX - 1;

/// Numbers are given in the order of appearance; the initial state is 0.
pub(super) struct Machine<'a, M: Model> {
    model: &'a M,
    states: Vec<M::State>,
    numbers: FxHashMap<M::State, u32>,
    /// One representative of each *signature*: the class of equal operations.
    signatures: Vec<M::Op>,
    /// Transitions by state, then signature.
    table: FxHashMap<(u32, u32), u32>,
}

impl<'a, M: Model> Machine<'a, M> {
    /// Also gives the signature of each call.
    pub(super) fn new(model: &'a M, calls: &[Call<M::Op>]) -> (Self, Vec<u32>) {
        let mut seen: FxHashMap<&M::Op, u32> = FxHashMap::default();
        let mut signatures = Vec::new();
        let mut of_call = Vec::with_capacity(calls.len());
        for call in calls {
            let next = signatures.len() as u32;
            let number = *seen.entry(&call.op).or_insert(next);
            if number == next {
                signatures.push(call.op.clone());
            }
            of_call.push(number);
        }
        let mut machine = Self {
            model,
            states: Vec::new(),
            numbers: FxHashMap::default(),
            signatures,
            table: FxHashMap::default(),
        };
        machine.number(model.initial());
        (machine, of_call)
    }

    fn number(&mut self, state: M::State) -> u32 {
        if let Some(&number) = self.numbers.get(&state) {
            return number;
        }
        let number = self.states.len() as u32;
        self.states.push(state.clone());
        self.numbers.insert(state, number);
        number
    }

    pub(super) fn step(&mut self, state: u32, signature: u32) -> Option<u32> {
        let known = self.table.get(&(state, signature)).copied().unwrap_or(UNTRIED);
        let next = if known == UNTRIED {
            let op = &self.signatures[signature as usize];
            let next = self.model.apply(&self.states[state as usize], op);
            let next = next.map_or(REFUSED, |state| self.number(state));
            self.table.insert((state, signature), next);
            next
        } else {
            known
        };
        (next != REFUSED).then_some(next)
    }

    pub(super) fn reads_only(&self, signature: u32) -> bool {
        self.model.reads_only(&self.signatures[signature as usize])
    }
}
