//! What an operation on a container did.

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::linearizability::{Call, Sources};

/// What an operation on a container did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ContainerOp {
    /// Put the element in.
    Insert(Value),
    /// Took the element out.
    Remove(Value),
    /// A remove in doubt: it may have taken something.
    RemoveAny,
    /// A remove that found nothing.
    Empty,
}

/// A linearization without all the calls of one value is a linearization: so a call may be left
/// out together with all others of its value. A remove in doubt may have taken any value: all of
/// them stay. Both are told as rings, which are as long as their members are many.
pub(super) fn sources(calls: &[Call<ContainerOp>]) -> Sources {
    let mut sources = vec![Vec::new(); calls.len()];
    // First and latest call of each value.
    let mut rings: FxHashMap<Option<&Value>, (u32, u32)> = FxHashMap::default();
    for (number, call) in (0..).zip(calls) {
        let value = match &call.op {
            ContainerOp::Insert(value) | ContainerOp::Remove(value) => Some(value),
            ContainerOp::RemoveAny => None,
            ContainerOp::Empty => continue,
        };
        let ring = rings.entry(value).or_insert((number, number));
        sources[ring.1 as usize].push(number);
        ring.1 = number;
    }
    for &(first, last) in rings.values() {
        sources[last as usize].push(first);
    }
    if let Some(&(first, _)) = rings.get(&None) {
        sources.iter_mut().for_each(|sources| sources.push(first));
    }
    sources.into_iter().collect()
}
