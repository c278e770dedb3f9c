//! A set: `add`, `remove`, `contains` of an element, `read` of all.

mod single;

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use crate::history::{Completion, Operation};
use crate::linearizability::{
    Call, Contradiction, Decision, Model, Operations, Reason, Rule, Unparsed,
};
use crate::models::element::Element;

/// `add` v, `remove` v, `contains` v → boolean, `read` → list of all elements (null: none).
///
/// ```text
/// add 1     |-----|
/// read [1]     |-----|
/// read []               |--|     a violation: 1 was there, and nobody removed it
/// ```
///
/// Adding what is there and removing what is not are allowed, and change nothing. Whether an
/// element appears twice in a read does not matter here.
///
/// A set of elements added once each and read, as Jepsen's, is decided in time linear in what was
/// read; one of which elements are added, removed and looked for one by one, each added and removed
/// once at most, in O(n log n) (see `single`); everything else by the general search.
///
/// **Why**, for reads: nothing is removed, so the reads of any linearization grow: by size, each
/// must contain the one before. What a read has more than the read before it is added between
/// these two; what no read has is added after all of them. So the calls fall into groups, adds and
/// reads by turns, whose order is fixed, and inside of which order does not matter: by invocation
/// is best. That order obeys real time iff no call completes before one ahead of it was invoked;
/// if it does not, none does. An add in doubt that no read shows is left out: it need not have
/// happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Set;

/// What an operation on a set did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SetOp {
    /// Put the element in.
    Add(Element),
    /// Took the element out, if it was there.
    Remove(Element),
    /// Found whether the element was there.
    Contains(Element, bool),
    /// In order, each once.
    Read(Vec<Element>),
}

const PHANTOM: Rule = Rule {
    anomaly: "phantom-element",
    although: "with an element that nobody ever added",
    argument: "No operation that happened, or may have happened, added one of its elements.",
};
const NOT_GROWING: Rule = Rule {
    anomaly: "incomparable-reads",
    although: "although another read has an element that it has not, and the other way round",
    argument: "Nothing was removed, so of two reads the later has all that the earlier has.",
};
const MISSING: Rule = Rule {
    anomaly: "stale-read",
    although: "although an element which it lacks had been added before it began",
    argument: "Nothing was removed, so what had been added when it began had to be there.",
};
const OUT_OF_ORDER: Rule = Rule {
    anomaly: "stale-read",
    although: "although an element which it lacks had been added before one which it has",
    argument: "Nothing was removed, so what had been added when the add of an element that it has \
               began had to be there too.",
};
const SHRUNK: Rule = Rule {
    anomaly: "stale-read",
    although: "although a read that had ended before it began has more",
    argument: "Nothing was removed, so a later read has all that an earlier one has.",
};
const EARLY: Rule = Rule {
    anomaly: "future-read",
    although: "with an element whose add began only after it had ended",
    argument: "An element is not there before its add begins.",
};

impl Model for Set {
    type Op = SetOp;
    type State = BTreeSet<Element>;

    fn initial(&self) -> Self::State {
        BTreeSet::new()
    }

    fn parse(&self, operation: &Operation<'_>) -> Result<Option<SetOp>, String> {
        let element = || Element(operation.argument().clone());
        let in_doubt = operation.completion() == Completion::Info;
        match (operation.f(), &operation.result()) {
            ("add", _) => Ok(Some(SetOp::Add(element()))),
            ("remove", _) => Ok(Some(SetOp::Remove(element()))),
            ("contains" | "read", _) if in_doubt => Ok(None),
            ("contains", Value::Bool(found)) => Ok(Some(SetOp::Contains(element(), *found))),
            ("contains", other) => Err(format!("contains gave {other}; expected true or false")),
            ("read", Value::Null) => Ok(Some(SetOp::Read(Vec::new()))),
            ("read", Value::Array(all)) => {
                let mut all: Vec<Element> = all.iter().cloned().map(Element).collect();
                all.sort_unstable();
                all.dedup();
                Ok(Some(SetOp::Read(all)))
            }
            ("read", other) => Err(format!("a read of {other}; expected a list of elements")),
            (other, _) => Err(format!(
                "`{other}` is nothing a set does; expected add, remove, contains or read"
            )),
        }
    }

    fn apply(&self, state: &Self::State, op: &SetOp) -> Option<Self::State> {
        let mut next = state.clone();
        self.advance(&mut next, op).then_some(next)
    }

    fn advance(&self, state: &mut Self::State, op: &SetOp) -> bool {
        match op {
            SetOp::Add(element) => {
                state.insert(element.clone());
                true
            }
            SetOp::Remove(element) => {
                state.remove(element);
                true
            }
            SetOp::Contains(element, found) => state.contains(element) == *found,
            SetOp::Read(all) => state.iter().eq(all),
        }
    }

    fn show(&self, state: &Self::State) -> Value {
        Value::Array(state.iter().map(|element| element.0.clone()).collect())
    }

    fn describe(&self, op: &SetOp) -> String {
        match op {
            SetOp::Add(element) => format!("added {}", element.0),
            SetOp::Remove(element) => format!("removed {}", element.0),
            SetOp::Contains(element, true) => format!("found {}", element.0),
            SetOp::Contains(element, false) => format!("did not find {}", element.0),
            SetOp::Read(all) if all.len() > 20 => format!("read {} elements", all.len()),
            SetOp::Read(all) => {
                let all: Vec<&Value> = all.iter().map(|element| &element.0).collect();
                format!("read {}", json!(all))
            }
        }
    }

    fn reads_only(&self, op: &SetOp) -> bool {
        matches!(op, SetOp::Contains(..) | SetOp::Read(_))
    }

    fn decide(&self, calls: &[Call<SetOp>]) -> Option<Decision> {
        let Some(growth) = Growth::new(calls) else { return single::decide(calls) };
        Some(growth.map_or_else(Decision::Violated, |growth| growth.decide()))
    }

    fn decide_unparsed(&self, operations: &Operations<'_>) -> Option<Unparsed> {
        single::decide_unparsed(operations)
    }
}

/// Elements added once each, and reads.
struct Growth<'a> {
    calls: &'a [Call<SetOp>],
    adds: FxHashMap<&'a Element, u32>,
    /// By size, then by invocation.
    reads: Vec<(u32, &'a [Element])>,
}

impl<'a> Growth<'a> {
    /// `None` if anything else happened.
    fn new(calls: &'a [Call<SetOp>]) -> Option<Result<Self, Contradiction>> {
        let mut adds = FxHashMap::default();
        let mut reads = Vec::new();
        for (number, call) in (0..).zip(calls) {
            match &call.op {
                SetOp::Add(element) if adds.insert(element, number).is_none() => {}
                SetOp::Read(all) => reads.push((number, all.as_slice())),
                SetOp::Add(_) | SetOp::Remove(_) | SetOp::Contains(..) => return None,
            }
        }
        reads.sort_by_key(|&(_, all)| all.len());
        let nobody =
            |&&(_, all): &&(u32, &[Element])| all.iter().any(|element| !adds.contains_key(element));
        if let Some(&(read, _)) = reads.iter().find(nobody) {
            return Some(Err(contradiction(vec![read], read, &PHANTOM)));
        }
        Some(Ok(Self { calls, adds, reads }))
    }

    fn decide(&self) -> Decision {
        let mut order: Vec<u32> = Vec::with_capacity(self.calls.len());
        let mut added = vec![false; self.calls.len()];
        let mut known = 0;
        let mut before: Option<(u32, &[Element])> = None;
        for &(read, all) in &self.reads {
            let new = all.iter().map(|element| self.adds[element]);
            let mut new: Vec<u32> = new.filter(|&add| !added[add as usize]).collect();
            if known + new.len() != all.len() {
                let other = before.map_or(read, |(other, _)| other);
                return Decision::Violated(self.incompatible(other, read));
            }
            known = all.len();
            new.sort_unstable();
            new.iter().for_each(|&add| added[add as usize] = true);
            order.extend(new);
            order.push(read);
            before = Some((read, all));
        }
        let is_left = |&add: &u32| !added[add as usize] && !self.calls[add as usize].is_open();
        let mut left: Vec<u32> = self.adds.values().copied().filter(is_left).collect();
        left.sort_unstable();
        order.extend(left);
        match self.back_in_time(&order) {
            None => Decision::Valid(order),
            Some((ahead, call)) => Decision::Violated(self.lost(ahead, call)),
        }
    }

    /// A call that completed before one ahead of it was invoked, and that one.
    fn back_in_time(&self, order: &[u32]) -> Option<(u32, u32)> {
        let mut latest = *order.first()?;
        for &call in order {
            if self.calls[call as usize].completed < self.calls[latest as usize].invoked {
                return Some((latest, call));
            }
            if self.calls[call as usize].invoked > self.calls[latest as usize].invoked {
                latest = call;
            }
        }
        None
    }

    /// Two reads, and the adds of what they show.
    fn incompatible(&self, first: u32, second: u32) -> Contradiction {
        contradiction(self.with_elements(&[first, second]), second, &NOT_GROWING)
    }

    /// The two calls, with the read whose elements put them in this order if neither is one.
    fn lost(&self, ahead: u32, call: u32) -> Contradiction {
        let add = |call: u32| match &self.calls[call as usize].op {
            SetOp::Add(element) => Some(element),
            _ => None,
        };
        let (culprit, rule) = match (add(ahead), add(call)) {
            (None, Some(_)) => (ahead, &MISSING),
            (None, None) => (ahead, &SHRUNK),
            (Some(_), None) => (call, &EARLY),
            (Some(element), Some(_)) => {
                let first = self.reads.iter().find(|(_, all)| all.binary_search(element).is_ok());
                (first.map_or(call, |&(read, _)| read), &OUT_OF_ORDER)
            }
        };
        contradiction(self.with_elements(&[ahead, call, culprit]), culprit, rule)
    }

    fn with_elements(&self, calls: &[u32]) -> Vec<u32> {
        let elements = |&call: &u32| match &self.calls[call as usize].op {
            SetOp::Read(all) => all.iter().map(|element| self.adds[element]).collect(),
            _ => Vec::new(),
        };
        calls.iter().flat_map(elements).chain(calls.iter().copied()).collect()
    }
}

fn contradiction(mut calls: Vec<u32>, call: u32, rule: &'static Rule) -> Contradiction {
    calls.sort_unstable();
    calls.dedup();
    Contradiction { calls, effective: Vec::new(), reason: Reason::Rule { call, rule } }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::Set;
    use crate::models::testing::{accepts, agrees, history, many, rejects, some, violated_by_type};

    #[test]
    fn accepts_valid_histories() {
        for line in [
            "0-1 add 1, 2-3 read -> [1], 4-5 add 2, 6-7 read -> [2,1]",
            "0-9 add 1, 1-2 read -> null, 3-4 read -> [1]",
            "0-? add 1, 1-2 read -> [], 3-4 read -> [1]",
            "0-? add 1, 1-2 read -> []",
            "0-1! add 1, 2-3 read -> []",
            "0-1 add 1, 2-3 add 1, 4-5 read -> [1]",
            "0-1 add 1, 2-3 contains 1 -> true, 4-5 remove 1, 6-7 contains 1 -> false",
            "0-1 remove 1, 2-3 read -> []",
            "0-9 remove 1, 0-9 add 1, 1-2 contains 1 -> false, 3-4 contains 1 -> true",
            "0-9 remove 1, 0-9 add 1, 1-2 contains 1 -> true, 3-4 contains 1 -> false",
            "0-? add 1, 1-2 contains 1 -> false, 3-4 contains 1 -> true",
            "0-1 add 1, 2-? remove 1, 4-5 read -> [], 6-7 contains 1 -> false",
            "0-1 add \"a\", 2-3 read -> [\"a\",\"a\"]",
        ] {
            accepts(&Set, line);
        }
    }

    #[test]
    fn rejects_invalid_histories() {
        for (line, anomaly) in [
            ("0-1 add 1, 2-3 read -> []", "stale-read"),
            ("0-9 add 1, 1-2 read -> [1], 3-4 read -> null", "stale-read"),
            ("0-1 read -> [1], 2-3 add 1", "future-read"),
            ("0-1 add 1, 2-3 add 2, 4-5 read -> [2]", "stale-read"),
            ("0-? add 1, 1-2 read -> [1], 3-4 read -> []", "stale-read"),
            ("0-1 read -> [7]", "phantom-element"),
            ("0-1! add 1, 2-3 read -> [1]", "phantom-element"),
            ("0-9 add 1, 0-9 add 2, 1-2 read -> [1], 1-2 read -> [2]", "incomparable-reads"),
            ("0-1 add 1, 2-3 contains 1 -> false", "non-linearizable"),
            ("0-1 add 1, 2-3 remove 1, 4-5 read -> [1]", "non-linearizable"),
            ("0-1 contains 1 -> true, 2-3 add 1", "non-linearizable"),
            ("0-1 add 1, 2-3 remove 1, 4-5 contains 1 -> true", "non-linearizable"),
            (
                "0-9 add 1, 0-9 remove 1, 1-2 contains 1 -> true, 3-4 contains 1 -> false, \
              5-6 contains 1 -> true",
                "non-linearizable",
            ),
            ("0-1 contains 1 -> true, 0-1 remove 1", "phantom-element"),
        ] {
            assert_eq!(rejects(&Set, line), anomaly, "{line}");
        }
    }

    #[test]
    fn what_is_no_set_is_said() {
        let told = violated_by_type(&Set, "0-1 read -> 3");
        assert_eq!(told, "op 0: a read of 3; expected a list of elements");
        let told = violated_by_type(&Set, "0-1 contains 3 -> null");
        assert_eq!(told, "op 0: contains gave null; expected true or false");
    }

    /// What, element, start, length, moment, outcome.
    type Draft = (u8, u8, u32, u32, u32, u8);

    #[derive(Clone, Copy, PartialEq)]
    enum Kind {
        /// Elements added once, and reads.
        Growing,
        /// Elements added once and removed once at most, and looked for.
        Single,
        Any,
    }

    /// Simulates a set, then spoils some reads: an element more or less.
    fn line(drafts: &[Draft], kind: Kind, spoil: &[(usize, u8)]) -> String {
        let mut order: Vec<usize> = (0..drafts.len()).collect();
        order.sort_by_key(|&op| drafts[op].2 * 8 + drafts[op].3 * drafts[op].4);
        let mut state: Vec<usize> = Vec::new();
        let mut items = vec![String::new(); drafts.len()];
        let (mut added, mut removed) = ([false; 2], [false; 2]);
        for op in order {
            let (what, value, start, length, _, outcome) = drafts[op];
            let value = match kind {
                Kind::Growing => op,
                Kind::Single => usize::from(value % 2),
                Kind::Any => usize::from(value % 3),
            };
            let what = match (kind, what) {
                (Kind::Single, 0..2) if !std::mem::replace(&mut added[value], true) => 0,
                (Kind::Single, 2 | 3) if !std::mem::replace(&mut removed[value], true) => 3,
                (Kind::Single, _) => 4,
                (Kind::Growing, 3 | 4) => 5,
                (_, what) => what,
            };
            let happens = outcome != 0 && outcome != 9;
            let mut seen = state.clone();
            if let Some((_, other)) = spoil.iter().find(|(place, _)| place % drafts.len() == op) {
                let most = if kind == Kind::Single { 2 } else { drafts.len() };
                let other = usize::from(*other) % most;
                match seen.iter().position(|&element| element == other) {
                    Some(place) => drop(seen.remove(place)),
                    None => seen.push(other),
                }
            }
            let text = match what {
                0..=2 => {
                    if happens && !state.contains(&value) {
                        state.push(value);
                    }
                    format!("add {value}")
                }
                3 => {
                    if happens {
                        state.retain(|&element| element != value);
                    }
                    format!("remove {value}")
                }
                4 => format!("contains {value} -> {}", seen.contains(&value)),
                _ => format!("read -> {seen:?}"),
            };
            let end = if outcome < 2 { "?".to_owned() } else { (start + length).to_string() };
            let mark = if outcome == 9 { "!" } else { "" };
            items[op] = format!("{start}-{end}{mark} {text}");
        }
        items.join(", ")
    }

    fn agree(drafts: &[Draft], spoils: &[(usize, u8)]) -> Result<(), TestCaseError> {
        for kind in [Kind::Growing, Kind::Single, Kind::Any] {
            let line = line(drafts, kind, spoils);
            let told = |error| TestCaseError::fail(format!("{line}: {error}"));
            let by_type = agrees(&Set, &history(&line)).map_err(told)?;
            prop_assert!(by_type || kind == Kind::Any, "left to the search: {}", line);
        }
        Ok(())
    }

    fn drafts() -> impl Strategy<Value = Vec<Draft>> {
        let draft = (0..7_u8, 0..3_u8, 0..24_u32, 0..9_u32, 0..9_u32, 0..14_u8);
        prop::collection::vec(draft, 1..9)
    }

    fn spoils() -> impl Strategy<Value = Vec<(usize, u8)>> {
        prop::collection::vec((0..64_usize, 0..=255_u8), 0..3)
    }

    proptest! {
        #![proptest_config(some())]

        #[test]
        fn sets_agree_with_brute_force(drafts in drafts(), spoils in spoils()) {
            agree(&drafts, &spoils)?;
        }
    }

    proptest! {
        #![proptest_config(many())]

        #[test]
        #[ignore = "minutes in a debug build"]
        fn many_sets_agree_with_brute_force(drafts in drafts(), spoils in spoils()) {
            agree(&drafts, &spoils)?;
        }
    }
}
