//! A register with read, write and compare-and-set. Its initial value is null, and null is a
//! value like any other: a read of null after a write was acknowledged is a violation.
//! (Knossos takes a nil read for a wildcard, and so misses them.)

use std::hash::Hash;

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::{Budget, Call, Decision, Model, Outcome, Sources, sandwich, zones};
use crate::history::{Completion, Operation};

/// `read` → value, `write` value, `cas` [old, new].
///
/// A compare-and-set whose comparison failed is a *fail* in the history: it constrains nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Register;

/// What an operation on a register did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RegisterOp<V = Value> {
    /// Found the value.
    Read(V),
    /// Set the value.
    Write(V),
    /// Found one value and set another.
    Cas {
        /// What it found.
        old: V,
        /// What it set.
        new: V,
    },
}

impl<V> RegisterOp<V> {
    pub(super) fn sees(&self) -> Option<&V> {
        match self {
            Self::Read(value) | Self::Cas { old: value, .. } => Some(value),
            Self::Write(_) => None,
        }
    }

    pub(super) fn sets(&self) -> Option<&V> {
        match self {
            Self::Read(_) => None,
            Self::Write(value) | Self::Cas { new: value, .. } => Some(value),
        }
    }
}

/// The writers of one value.
#[derive(Default)]
struct Writers {
    /// (completion, least invocation from here on, invocation, call), in order.
    completed: Vec<(u32, u32, u32, u32)>,
    /// (invocation, call), in order.
    open: Vec<(u32, u32)>,
}

impl Writers {
    /// In order of invocation.
    fn add<O>(&mut self, number: u32, call: &Call<O>) {
        if call.is_open() {
            self.open.push((call.invoked, number));
        } else {
            self.completed.push((call.completed, call.invoked, call.invoked, number));
        }
    }

    fn sort(&mut self) {
        self.completed.sort_unstable();
        let mut least = u32::MAX;
        for writer in self.completed.iter_mut().rev() {
            least = least.min(writer.2);
            writer.1 = least;
        }
    }

    /// Writers completed after `from` and invoked before `to`, the last open one of these; and
    /// the last one completed before.
    fn between(&self, from: u32, to: u32) -> (impl Iterator<Item = u32>, Option<u32>) {
        let first = self.completed.partition_point(|writer| writer.0 < from);
        let within = self.completed[first..].iter().take_while(move |writer| writer.1 < to);
        let within = within.filter(move |writer| writer.2 < to).map(|writer| writer.3);
        let before = first.checked_sub(1).map(|last| self.completed[last].3);
        (within.chain(self.open_before(to)), before)
    }

    /// The last open writer invoked before `rank`.
    fn open_before(&self, rank: u32) -> Option<u32> {
        let count = self.open.partition_point(|&(invoked, _)| invoked < rank);
        count.checked_sub(1).map(|last| self.open[last].1)
    }
}

/// A call may have observed a writer of its value that began before the call ended, unless
/// some other completed write lies wholly between the two: then that one, or a later one, is
/// the last before the call in any order. So a writer nobody lists can be left out: in a
/// linearization of all calls, those between it and the next write are none of the others.
///
/// A call whose every writer was overwritten so lists the last of them and what overwrote it:
/// the three tell the whole story.
///
/// Of the open writers of a value a call lists the last, and each of them lists the one before:
/// a crashed write may be observed by everything later, so there would be no end to the lists.
pub(super) fn sources<V: Eq + Hash>(calls: &[Call<RegisterOp<V>>]) -> Sources {
    let mut writers: FxHashMap<&V, Writers> = FxHashMap::default();
    // (completion, invocation, call) of writes; then the latest invocation so far.
    let mut ended: Vec<(u32, u32, u32)> = Vec::new();
    for (number, call) in (0..).zip(calls) {
        if let Some(value) = call.op.sets() {
            writers.entry(value).or_default().add(number, call);
            ended.push((call.completed, call.invoked, number));
        }
    }
    writers.values_mut().for_each(Writers::sort);
    ended.sort_unstable();
    for place in 1..ended.len() {
        let (_, invoked, number) = ended[place - 1];
        if invoked > ended[place].1 {
            (ended[place].1, ended[place].2) = (invoked, number);
        }
    }
    let add = |call: &Call<RegisterOp<V>>, sources: &mut Vec<u32>| {
        let own = call.op.sets().filter(|_| call.is_open()).and_then(|value| writers.get(value));
        let earlier = own.and_then(|own| own.open_before(call.invoked));
        let Some(all) = call.op.sees().and_then(|value| writers.get(value)) else {
            sources.extend(earlier);
            return;
        };
        let ended_before = ended.partition_point(|&(completed, ..)| completed < call.invoked);
        let latest = ended_before.checked_sub(1).map(|last| ended[last]);
        let overwritten = latest.map_or(0, |(_, invoked, _)| invoked);
        let (within, before_that) = all.between(overwritten, call.completed);
        let before = sources.len();
        sources.extend(within);
        if let (true, Some(last)) = (sources.len() == before, before_that) {
            sources.push(last);
            sources.extend(latest.map(|(.., number)| number));
        }
        sources.extend(earlier);
    };
    let mut sources = Sources::with_capacity(calls.len());
    for call in calls {
        sources.push(|numbers| add(call, numbers));
    }
    sources
}

impl Model for Register {
    type Op = RegisterOp;
    type State = Value;

    fn initial(&self) -> Value {
        Value::Null
    }

    fn parse(&self, operation: &Operation<'_>) -> Result<Option<RegisterOp>, String> {
        match operation.f() {
            "read" if operation.completion() == Completion::Info => Ok(None),
            "read" => Ok(Some(RegisterOp::Read(operation.result()))),
            "write" => Ok(Some(RegisterOp::Write(operation.argument()))),
            "cas" => match operation.argument() {
                Value::Array(pair) if pair.len() == 2 => {
                    let mut pair = pair.into_iter();
                    let (old, new) = (pair.next(), pair.next());
                    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
                    Ok(Some(RegisterOp::Cas { old, new }))
                }
                other => Err(format!("a cas of {other}; expected [old, new]")),
            },
            other => {
                Err(format!("`{other}` is nothing a register does; expected read, write or cas"))
            }
        }
    }

    fn apply(&self, state: &Value, op: &RegisterOp) -> Option<Value> {
        if op.sees().is_some_and(|value| value != state) {
            return None;
        }
        Some(op.sets().unwrap_or(state).clone())
    }

    fn show(&self, state: &Value) -> Value {
        state.clone()
    }

    fn describe(&self, op: &RegisterOp) -> String {
        match op {
            RegisterOp::Read(value) => format!("read {value}"),
            RegisterOp::Write(value) => format!("wrote {value}"),
            RegisterOp::Cas { old, new } => format!("replaced {old} by {new} (cas)"),
        }
    }

    fn reads_only(&self, op: &RegisterOp) -> bool {
        matches!(op, RegisterOp::Read(_))
    }

    fn observed(&self, op: &RegisterOp) -> Option<Value> {
        op.sees().cloned()
    }

    fn written(&self, op: &RegisterOp) -> Option<Value> {
        op.sets().cloned()
    }

    fn unmoored(&self, op: &RegisterOp) -> RegisterOp {
        op.sets().map_or_else(|| op.clone(), |value| RegisterOp::Write(value.clone()))
    }

    fn sources(&self, calls: &[Call<RegisterOp>]) -> Option<Sources> {
        Some(sources(calls))
    }

    fn is_register(&self) -> bool {
        true
    }

    fn decide(&self, calls: &[Call<RegisterOp>]) -> Option<Decision> {
        zones::decide(calls)
    }

    fn search(&self, calls: &[Call<RegisterOp>], budget: &mut Budget) -> Option<Outcome> {
        sandwich::search(calls, budget)
    }
}
