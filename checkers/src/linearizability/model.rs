//! What a data type does when used by one client at a time.

use std::hash::Hash;

use serde_json::Value;

use super::{Budget, Call, Decision, Operations, Outcome, Sources, Unparsed};
use crate::history::Operation;

/// A sequential data type. Only the first five methods are needed to judge a type of your own;
/// the others make the search faster, shrink counterexamples further, or choose better words.
pub trait Model: Sync {
    /// What an operation did: function, arguments and result. Equal ones are interchangeable.
    type Op: Clone + Eq + Hash + Send + Sync;
    /// What an object holds between operations.
    type State: Clone + Eq + Hash;

    /// Before any operation.
    fn initial(&self) -> Self::State;

    /// Reads an operation that is ok or info. After an info the `result` is unknown: only the
    /// `argument` may be used. `None`: whatever happened, it constrains nothing.
    ///
    /// # Errors
    /// A fragment which says what was expected, when the operation is none of this type's.
    fn parse(&self, operation: &Operation<'_>) -> Result<Option<Self::Op>, String>;

    /// The state after `op`, or `None` when `op` cannot happen in `state`.
    fn apply(&self, state: &Self::State, op: &Self::Op) -> Option<Self::State>;

    /// As [`Model::apply`], in place; the state after a refusal does not matter. Types with a big
    /// state change it here, so that an order of a million operations is replayed without copies.
    fn advance(&self, state: &mut Self::State, op: &Self::Op) -> bool {
        match self.apply(state, op) {
            Some(next) => {
                *state = next;
                true
            }
            None => false,
        }
    }

    /// For reports.
    fn show(&self, state: &Self::State) -> Value;

    /// For reports, in the past tense: `wrote 17`.
    fn describe(&self, op: &Self::Op) -> String;

    /// Whether `op` leaves every state as it is. It is then linearized as soon as it can be.
    fn reads_only(&self, _op: &Self::Op) -> bool {
        false
    }

    /// The whole value which `op` found, for types with a value.
    fn observed(&self, _op: &Self::Op) -> Option<Value> {
        None
    }

    /// The whole value which `op` leaves, for types with a value.
    fn written(&self, _op: &Self::Op) -> Option<Value> {
        None
    }

    /// `op` with the same effect but without the condition on the state before: an operation
    /// that asks for less. Used where the writer of the state before is left out of a witness.
    fn unmoored(&self, op: &Self::Op) -> Self::Op {
        op.clone()
    }

    /// Per call, the calls whose effect it may have observed. A counterexample may leave out a
    /// call only together with all calls that list it. `None`: nobody knows, so only calls which
    /// read may be left out.
    fn sources(&self, _calls: &[Call<Self::Op>]) -> Option<Sources> {
        None
    }

    /// Whether this is [`Register`](super::Register), with the same functions: then histories whose
    /// values are written once each are judged by ids alone, before any operation is parsed.
    fn is_register(&self) -> bool {
        false
    }

    /// Whether repeating an operation can lead to ever new states, as with a counter. Then no
    /// search begins by supposing unlimited calls in doubt: it would never end.
    fn accumulates(&self) -> bool {
        false
    }

    /// An exact decision by an algorithm that knows this type; `None`: the general search.
    fn decide(&self, _calls: &[Call<Self::Op>]) -> Option<Decision> {
        None
    }

    /// As [`decide`](Self::decide), from operations that were not parsed, its order replayed: for
    /// types whose long histories would take too much memory parsed. `None`: parse them.
    #[doc(hidden)]
    fn decide_unparsed(&self, _operations: &Operations<'_>) -> Option<Unparsed> {
        None
    }

    /// A search that knows this type, where nothing decides at once; it takes what it used from
    /// `budget`. `None`: it got to no answer, and the general search goes on.
    fn search(&self, _calls: &[Call<Self::Op>], _budget: &mut Budget) -> Option<Outcome> {
        None
    }
}
