//! The operations of one key before a model has parsed them, and what can be decided of them: where
//! a history is long, its parsed operations are several times as large as the algorithm needs.

use super::Decision;
use crate::history::{Completion, History, Operation, Values};

/// The operations on one key, in order of invocation.
#[derive(Clone, Copy)]
pub struct Operations<'a> {
    history: &'a History,
    /// Places in the history; `None`: all of it.
    places: Option<&'a [u32]>,
}

impl<'a> Operations<'a> {
    pub(super) fn new(history: &'a History, places: Option<&'a [u32]>) -> Self {
        Self { history, places }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.map_or(self.history.len(), <[u32]>::len)
    }

    pub(crate) fn values(&self) -> &'a Values {
        self.history.values()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Operation<'a>> + use<'a> {
        let Self { history, places } = *self;
        let place = move |number: usize| places.map_or(number, |places| places[number] as usize);
        (0..self.len()).map(move |number| history.operation(place(number)))
    }
}

/// What was decided of operations that were not parsed, in numbers of the calls that
/// would be made of them.
pub struct Unparsed {
    pub(super) decision: Decision,
    /// How many calls there are.
    pub(super) count: usize,
    /// Configurations searched; `None`: it took no search.
    pub(super) states: Option<u64>,
    /// Places in the history of the calls of a contradiction that no other call matters for.
    pub(super) places: Vec<usize>,
}

impl Unparsed {
    /// `problem`: what is wrong with the order, if something is. Calls are operations that did not
    /// fail and `count`.
    pub(crate) fn new(
        decision: Decision,
        count: usize,
        problem: Option<String>,
        operations: &Operations<'_>,
        counts: impl Fn(&Operation<'_>) -> bool,
    ) -> Self {
        let mut places = Vec::new();
        if let Decision::Violated(contradiction) = &decision {
            let is_call = |operation: &Operation<'_>| {
                operation.completion() != Completion::Fail && counts(operation)
            };
            let calls = (0..).zip(operations.iter().filter(is_call));
            let about = calls.filter(|(call, _)| contradiction.calls.binary_search(call).is_ok());
            places.extend(about.map(|(_, operation)| operation.place()));
        }
        let decision = match problem {
            None => decision,
            Some(problem) => {
                Decision::Unknown(format!("internal error: in the order found, {problem}"))
            }
        };
        Self { decision, count, states: None, places }
    }
}
