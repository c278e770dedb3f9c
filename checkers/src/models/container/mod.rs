//! Containers: FIFO queue, stack, priority queue, unordered queue.
//!
//! What could be argued, decided once, for all of them:
//!
//! * **Empty.** A remove that is ok with null found the container empty. So null is no element.
//! * **In doubt.** An insert in doubt may have happened or may still happen; a remove in doubt may
//!   have taken any element that was next at some moment after its invocation, or nothing.
//! * **Failed.** A failed insert or remove did not happen. In particular a remove that fails did
//!   not find the container empty: it says nothing. (Some tests write `:fail :exhausted` for
//!   empty; turn that into ok null to have it judged.)
//! * **What is left** at the end stays in the container. An element that was inserted and never
//!   removed is no violation by itself, but it is in the way of others, and of *empty*.
//! * **Duplicates.** Equal values inserted twice may be removed twice, not three times.
//!
//! ```text
//! enqueue 1        |--|
//! dequeue → empty       |--|     a violation: 1 was there all the while
//! ```
//!
//! [`decide`](crate::Model::decide) handles values that are inserted once each; see
//! [`values`] for what all disciplines share, then [`fifo`], [`nesting`] and [`priority`].

mod cover;
mod deeds;
mod discipline;
mod doubt;
mod fifo;
mod moments;
mod nesting;
mod op;
mod order;
mod priority;
mod rank;
mod replay;
#[cfg(test)]
mod tests;
mod tree;
mod values;

use std::fmt::Debug;

use serde_json::Value;

pub use discipline::{Bag, Discipline, Fifo, Lifo, Priority};
pub use op::ContainerOp;

use crate::history::{Completion, Operation};
use crate::linearizability::{Call, Decision, Model, Operations, Sources, Unparsed};
use deeds::Deeds;

/// A container whose discipline `D` tells which element is next.
#[derive(Clone, Copy, Debug, Default)]
pub struct Container<D>(pub D);

/// `enqueue` v, `dequeue` → v or null: first in, first out.
pub type FifoQueue = Container<Fifo>;
/// `push` v, `pop` → v or null: last in, first out.
pub type Stack = Container<Lifo>;
/// `enqueue` v, `dequeue` → v or null, in any order.
pub type UnorderedQueue = Container<Bag>;
/// `insert` v, `delete-max` (or `delete-min`) → v or null: greatest (or least) priority first.
/// An element is an integer, its own priority, or [priority, anything].
pub type PriorityQueue = Container<Priority>;

impl<D: Discipline> Model for Container<D> {
    type Op = ContainerOp;
    /// The elements, and how many removes in doubt have still to take one. Such a remove takes an
    /// element when that is in somebody's way, and no earlier: as it never completed, it may.
    type State = (D::State, u32);

    fn initial(&self) -> Self::State {
        (D::State::default(), 0)
    }

    fn parse(&self, operation: &Operation<'_>) -> Result<Option<ContainerOp>, String> {
        let names = self.0.names();
        let in_doubt = operation.completion() == Completion::Info;
        if names.insert.contains(&operation.f()) {
            self.0.element(&operation.argument())?;
            Ok(Some(ContainerOp::Insert(operation.argument().clone())))
        } else if names.remove.contains(&operation.f()) {
            if in_doubt {
                return Ok(Some(ContainerOp::RemoveAny));
            }
            if operation.result().is_null() {
                return Ok(Some(ContainerOp::Empty));
            }
            self.0.element(&operation.result())?;
            Ok(Some(ContainerOp::Remove(operation.result().clone())))
        } else {
            Err(format!(
                "`{}` is nothing a {} does; expected {} or {}",
                operation.f(),
                names.noun,
                names.insert[0],
                names.remove[0]
            ))
        }
    }

    fn apply(&self, state: &Self::State, op: &ContainerOp) -> Option<Self::State> {
        let mut next = state.clone();
        self.advance(&mut next, op).then_some(next)
    }

    fn advance(&self, (elements, spare): &mut Self::State, op: &ContainerOp) -> bool {
        match op {
            ContainerOp::Insert(value) => {
                self.0.insert(elements, value);
                true
            }
            ContainerOp::Remove(value) => {
                self.0.remove(elements, value, *spare).inspect(|used| *spare -= used).is_some()
            }
            ContainerOp::RemoveAny => {
                *spare += 1;
                true
            }
            ContainerOp::Empty => {
                let left = self.0.len(elements);
                if left > *spare as usize {
                    return false;
                }
                *spare -= left as u32;
                *elements = D::State::default();
                true
            }
        }
    }

    fn show(&self, (elements, _): &Self::State) -> Value {
        Value::Array(self.0.show(elements))
    }

    fn describe(&self, op: &ContainerOp) -> String {
        let names = self.0.names();
        match op {
            ContainerOp::Insert(value) => format!("{} {value}", names.inserted),
            ContainerOp::Remove(value) => format!("{} {value}", names.removed),
            ContainerOp::RemoveAny => format!("{} something, or nothing", names.removed),
            ContainerOp::Empty => "found it empty".to_owned(),
        }
    }

    fn accumulates(&self) -> bool {
        true
    }

    fn sources(&self, calls: &[Call<ContainerOp>]) -> Option<Sources> {
        Some(op::sources(calls))
    }

    fn decide(&self, calls: &[Call<ContainerOp>]) -> Option<Decision> {
        doubt::decide(&self.0, &Deeds::of_calls(&self.0, calls))
    }

    fn decide_unparsed(&self, operations: &Operations<'_>) -> Option<Unparsed> {
        let deeds = Deeds::of_operations(&self.0, operations)?;
        let decision = doubt::decide(&self.0, &deeds)?;
        let problem = match &decision {
            Decision::Valid(order) => replay::replay(&self.0, &deeds, order),
            _ => None,
        };
        Some(Unparsed::new(decision, deeds.all.len(), problem, operations, |_| true))
    }
}
