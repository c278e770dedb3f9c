//! Accept and reject twins of all containers, and all of them against brute force.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::Value;

use super::{
    Bag, Container, ContainerOp, Discipline, Fifo, FifoQueue, Lifo, Priority, PriorityQueue, Stack,
    UnorderedQueue,
};
use crate::linearizability::{Budget, Call, Model, linearizable, parsed};
use crate::models::testing::{accepts, agrees, history, many, rejects, some, violated_by_type};

/// `+1` inserts 1, `-1` removes it, `-_` finds nothing, `-?` is in doubt.
fn spelled<D: Discipline>(container: &Container<D>, line: &str) -> String {
    let names = container.0.names();
    let item = |item: &str| {
        let (times, what) = item.trim().split_once(' ').unwrap();
        match what.split_at(1) {
            ("+", value) => format!("{times} {} {value}", names.insert[0]),
            ("-", "_") => format!("{times} {} -> null", names.remove[0]),
            ("-", "?") => format!("{times} {}", names.remove[0]),
            (_, value) => format!("{times} {} -> {value}", names.remove[0]),
        }
    };
    line.split(", ").map(item).collect::<Vec<_>>().join(", ")
}

fn good<D: Discipline>(container: &Container<D>, line: &str) {
    accepts(container, &spelled(container, line));
}

fn bad<D: Discipline>(container: &Container<D>, line: &str) -> String {
    rejects(container, &spelled(container, line))
}

const FIFO: FifoQueue = Container(Fifo);
const STACK: Stack = Container(Lifo);
const BAG: UnorderedQueue = Container(Bag);
const GREATEST: PriorityQueue = Container(Priority { least_first: false });
const LEAST: PriorityQueue = Container(Priority { least_first: true });

#[test]
fn accepts_valid_histories() {
    for line in [
        "0-1 +1, 2-3 -1, 4-5 -_",
        "0-1 -_, 2-3 +1",
        "0-9 +1, 1-2 -_, 3-4 -1, 5-6 -_",
        "0-9 -1, 1-2 +1",
        "0-? +1, 1-2 -_, 3-4 -1",
        "0-? +1, 1-2 -_",
        "0-1! +1, 2-3 -_",
        "0-1 +1, 2-3! -1, 4-5 -1",
        // A remove in doubt may have taken it, also late.
        "0-1 +1, 2-? -?, 4-5 -_",
        "0-? -?, 1-2 +1, 4-5 -_",
        "0-1 +1, 2-? -?, 4-5 -1",
        "0-1 +1, 0-1 +2, 2-? -?, 2-? -?, 4-5 -_",
        // Twice in, twice out.
        "0-1 +1, 2-3 +1, 4-5 -1, 6-7 -1, 8-9 -_",
    ] {
        good(&FIFO, line);
        good(&STACK, line);
        good(&BAG, line);
        good(&GREATEST, line);
        good(&LEAST, line);
    }
    good(&FIFO, "0-1 +1, 2-3 +2, 4-5 -1, 6-7 -2");
    good(&FIFO, "0-9 +1, 1-8 +2, 10-11 -2, 12-13 -1");
    good(&FIFO, "0-1 +1, 2-3 +2, 4-? -?, 6-7 -2");
    good(&STACK, "0-1 +1, 2-3 +2, 4-5 -2, 6-7 -1");
    good(&STACK, "0-9 +1, 1-8 +2, 10-11 -1, 12-13 -2");
    good(&STACK, "0-1 +1, 2-3 +2, 4-? -?, 6-7 -1");
    good(&BAG, "0-1 +1, 2-3 +2, 4-5 +3, 6-7 -2, 8-9 -1");
    good(&GREATEST, "0-1 +1, 2-3 +2, 4-5 +3, 6-7 -3, 8-9 -2");
    good(&LEAST, "0-1 +3, 2-3 +2, 4-5 +1, 6-7 -1, 8-9 -2");
    good(&GREATEST, "0-1 +1, 2-3 +2, 4-? -?, 6-7 -1");
    good(&GREATEST, "0-1 +[5,\"a\"], 2-3 +[5,\"b\"], 4-5 -[5,\"b\"], 6-7 -[5,\"a\"]");
}

#[test]
fn rejects_invalid_histories() {
    for (line, anomaly) in [
        ("0-1 +1, 2-3 -_", "false-empty"),
        ("0-1 -1", "phantom-element"),
        ("0-1! +1, 2-3 -1", "phantom-element"),
        ("0-1 -1, 2-3 +1", "future-element"),
        ("0-1 +1, 2-3 -1, 4-5 -1", "duplicate-delivery"),
        ("0-1 +1, 2-3! -1, 4-5 -_", "false-empty"),
        ("0-1 +1, 2-3 -_, 4-? -?", "false-empty"),
        ("0-1 +1, 0-1 +2, 2-? -?, 4-5 -_", "false-empty"),
        ("0-1 +1, 0-1 +2, 2-3 -_, 4-? -?, 4-? -?", "false-empty"),
    ] {
        assert_eq!(bad(&FIFO, line), anomaly, "{line}");
        assert_eq!(bad(&STACK, line), anomaly, "{line}");
        assert_eq!(bad(&BAG, line), anomaly, "{line}");
        assert_eq!(bad(&GREATEST, line), anomaly, "{line}");
        assert_eq!(bad(&LEAST, line), anomaly, "{line}");
    }
    // At each moment one of the two is there.
    let relay = "0-1 +1, 2-5 +2, 6-8 -1, 3-8 -_, 9-11 -2";
    assert_eq!(bad(&FIFO, relay), "false-empty");
    assert_eq!(bad(&BAG, relay), "false-empty");
    assert_eq!(bad(&LEAST, relay), "false-empty");
    assert_eq!(bad(&FIFO, "0-1 +1, 2-3 +2, 4-5 -2, 6-7 -1"), "out-of-order");
    assert_eq!(bad(&FIFO, "0-1 +1, 2-3 +2, 4-5 -2"), "out-of-order");
    assert_eq!(bad(&FIFO, "0-1 +1, 2-3 +2, 4-5 -2, 6-? -?"), "out-of-order");
    assert_eq!(bad(&STACK, "0-1 +1, 2-3 +2, 4-5 -1, 6-7 -2"), "not-nested");
    assert_eq!(bad(&STACK, "0-1 +1, 2-3 +2, 4-5 -1"), "not-nested");
    assert_eq!(bad(&GREATEST, "0-1 +1, 2-3 +2, 4-5 -1, 6-7 -2"), "priority-inversion");
    assert_eq!(bad(&LEAST, "0-1 +1, 2-3 +2, 4-5 -2, 6-7 -1"), "priority-inversion");
    // Repeated values: the search.
    assert_eq!(bad(&BAG, "0-1 +1, 2-3 +1, 4-5 -1, 4-5 -1, 6-7 -1"), "non-linearizable");
    assert_eq!(bad(&FIFO, "0-1 +1, 2-3 +2, 4-5 +1, 6-7 -1, 8-9 -1"), "non-linearizable");
}

#[test]
fn what_is_no_container_is_said() {
    let told = violated_by_type(&FIFO, "0-1 push 1");
    assert_eq!(told, "op 0: `push` is nothing a queue does; expected enqueue or dequeue");
    let told = violated_by_type(&STACK, "0-1 push");
    assert_eq!(told, "op 0: null was inserted; expected an element: null means empty");
    let told = violated_by_type(&GREATEST, "0-1 insert \"x\"");
    assert!(told.ends_with("expected an integer or [integer, anything]"), "{told}");
}

#[test]
fn a_contradiction_is_small_and_can_be_read() {
    let mut items: Vec<String> = (0..300)
        .map(|n| {
            format!(
                "{}-{} enqueue {n}, {}-{} dequeue -> {n}",
                n * 4,
                n * 4 + 1,
                n * 4 + 4,
                n * 4 + 5
            )
        })
        .collect();
    items.push("2000-2001 enqueue 1000, 2002-2003 enqueue 1001".to_owned());
    items.push("2004-2005 dequeue -> 1001, 2006-2007 dequeue -> 1000".to_owned());
    let result = linearizable(&history(&items.join(", ")), &FIFO, &Budget::default());
    let finding = &result.findings[0];
    assert_eq!(finding.operations.len(), 4, "{finding:?}");
    assert!(
        finding.title.ends_with(
            "dequeued 1001, although something that was enqueued before it was still there"
        ),
        "{}",
        finding.title
    );
    let witness = finding.witness.as_ref().unwrap();
    assert_eq!(witness.state, serde_json::json!([1000, 1001]));
}

/// Where a remove in doubt takes what is next when it takes effect, or nothing: the definition,
/// without the model's shortcut.
fn by_definition<D: Discipline>(
    discipline: &D,
    calls: &[Call<ContainerOp>],
    done: &mut Vec<bool>,
    state: &D::State,
) -> bool {
    let left: Vec<usize> = (0..calls.len()).filter(|&call| !done[call]).collect();
    if left.iter().all(|&call| calls[call].is_open()) {
        return true;
    }
    left.iter().any(|&call| {
        if left.iter().any(|&other| calls[other].precedes(&calls[call])) {
            return false;
        }
        let removed = |value: &Value| {
            let mut next = state.clone();
            discipline.remove(&mut next, value, 0).map(|_| next)
        };
        let nexts: Vec<D::State> = match &calls[call].op {
            ContainerOp::Insert(value) => {
                let mut next = state.clone();
                discipline.insert(&mut next, value);
                vec![next]
            }
            ContainerOp::Remove(value) => removed(value).into_iter().collect(),
            ContainerOp::RemoveAny => discipline.show(state).iter().filter_map(removed).collect(),
            ContainerOp::Empty => {
                (discipline.len(state) == 0).then(|| state.clone()).into_iter().collect()
            }
        };
        done[call] = true;
        let found = nexts.iter().any(|next| by_definition(discipline, calls, done, next));
        done[call] = false;
        found
    })
}

/// What, value, start, length, moment, outcome.
type Draft = (u8, u8, u32, u32, u32, u8);

/// Simulates a container, then spoils some results.
fn line<D: Discipline>(
    discipline: &D,
    drafts: &[Draft],
    unique: bool,
    spoil: &[(usize, u8)],
) -> String {
    let names = discipline.names();
    let (insert, remove) = (names.insert[0], names.remove[0]);
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by_key(|&op| drafts[op].2 * 8 + drafts[op].3 * drafts[op].4);
    let mut state = D::State::default();
    let mut items = vec![String::new(); drafts.len()];
    for op in order {
        let (what, value, start, length, _, outcome) = drafts[op];
        let spoiled = spoil.iter().find(|(place, _)| place % drafts.len() == op);
        let end = if outcome < 2 { "?".to_owned() } else { (start + length).to_string() };
        let fails = outcome == 9;
        let mark = if fails { "!" } else { "" };
        let text = if what % 2 == 0 {
            // Greater priorities come late as often as early.
            let number = if unique { (op * 5 % 11) * 32 + op } else { usize::from(value % 3) };
            if outcome != 0 && !fails {
                discipline.insert(&mut state, &serde_json::json!(number));
            }
            format!("{insert} {number}")
        } else {
            let shown = discipline.show(&state);
            let next = shown.first().cloned().unwrap_or(Value::Null);
            if outcome != 0 && !fails {
                discipline.remove(&mut state, &next, 0);
            }
            let result = match spoiled {
                Some((_, place)) if place % 3 == 0 => Value::Null,
                Some(&(_, place)) => {
                    shown.get(usize::from(place) % 4).cloned().unwrap_or(Value::Null)
                }
                None => next,
            };
            format!("{remove} -> {result}")
        };
        items[op] = format!("{start}-{end}{mark} {text}");
    }
    items.join(", ")
}

fn drafts(count: usize) -> impl Strategy<Value = Vec<Draft>> {
    let draft = (0..2_u8, 0..3_u8, 0..24_u32, 0..9_u32, 0..9_u32, 0..14_u8);
    prop::collection::vec(draft, 1..=count)
}

fn spoils() -> impl Strategy<Value = Vec<(usize, u8)>> {
    prop::collection::vec((0..64_usize, 0..=255_u8), 0..3)
}

fn agree(drafts: &[Draft], spoils: &[(usize, u8)], unique: bool) -> Result<(), TestCaseError> {
    fn one<D: Discipline + Copy>(
        container: Container<D>,
        drafts: &[Draft],
        spoils: &[(usize, u8)],
        unique: bool,
    ) -> Result<(), TestCaseError> {
        let line = line(&container.0, drafts, unique, spoils);
        let told = |error| TestCaseError::fail(format!("{line}: {error}"));
        let history = history(&line);
        agrees(&container, &history).map_err(told)?;
        let calls = parsed(&container, &history).map_err(TestCaseError::fail)?;
        let state = D::State::default();
        let expected = by_definition(&container.0, &calls, &mut vec![false; calls.len()], &state);
        let verdict = linearizable(&history, &container, &Budget::default()).verdict;
        prop_assert_eq!(verdict == crate::Verdict::Valid, expected, "{}", line);
        // Whatever is called a contradiction stands by itself.
        if let Some(crate::linearizability::Decision::Violated(found)) = container.decide(&calls) {
            let core: Vec<_> =
                found.calls.iter().map(|&call| calls[call as usize].clone()).collect();
            let state = D::State::default();
            let mut done = vec![false; core.len()];
            prop_assert!(!by_definition(&container.0, &core, &mut done, &state), "{}", line);
        }
        Ok(())
    }
    one(FIFO, drafts, spoils, unique)?;
    one(STACK, drafts, spoils, unique)?;
    one(BAG, drafts, spoils, unique)?;
    one(GREATEST, drafts, spoils, unique)?;
    one(LEAST, drafts, spoils, unique)
}

/// A container without its own algorithm: always searched.
struct Searched<D>(Container<D>);

impl<D: Discipline> Model for Searched<D> {
    type Op = ContainerOp;
    type State = (D::State, u32);

    fn initial(&self) -> Self::State {
        self.0.initial()
    }
    fn parse(
        &self,
        operation: &crate::history::Operation<'_>,
    ) -> Result<Option<ContainerOp>, String> {
        self.0.parse(operation)
    }
    fn apply(&self, state: &Self::State, op: &ContainerOp) -> Option<Self::State> {
        self.0.apply(state, op)
    }
    fn show(&self, state: &Self::State) -> Value {
        self.0.show(state)
    }
    fn describe(&self, op: &ContainerOp) -> String {
        self.0.describe(op)
    }
    fn accumulates(&self) -> bool {
        true
    }
}

/// Verdicts of the algorithm and of the search, on histories too long for brute force.
fn same(drafts: &[Draft], spoils: &[(usize, u8)]) -> Result<(), TestCaseError> {
    fn one<D: Discipline + Copy>(
        container: Container<D>,
        drafts: &[Draft],
        spoils: &[(usize, u8)],
    ) -> Result<(), TestCaseError> {
        let line = line(&container.0, drafts, true, spoils);
        let history = history(&line);
        let budget = Budget { states: 5_000, ..Budget::default() };
        let searched = linearizable(&history, &Searched(container), &budget).verdict;
        let decided = linearizable(&history, &container, &budget).verdict;
        if !matches!(searched, crate::Verdict::Unknown(_)) {
            prop_assert_eq!(decided, searched, "{}", line);
        }
        Ok(())
    }
    one(FIFO, drafts, spoils)?;
    one(STACK, drafts, spoils)?;
    one(BAG, drafts, spoils)?;
    one(GREATEST, drafts, spoils)
}

proptest! {
    #![proptest_config(some())]

    #[test]
    fn distinct_values_agree_with_brute_force(drafts in drafts(8), spoils in spoils()) {
        agree(&drafts, &spoils, true)?;
    }

    #[test]
    fn repeating_values_agree_with_brute_force(drafts in drafts(7), spoils in spoils()) {
        agree(&drafts, &spoils, false)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..some() })]

    #[test]
    fn longer_histories_agree_with_the_search(drafts in drafts(24), spoils in spoils()) {
        same(&drafts, &spoils)?;
    }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    #[ignore = "minutes in a debug build"]
    fn many_distinct_values_agree_with_brute_force(drafts in drafts(8), spoils in spoils()) {
        agree(&drafts, &spoils, true)?;
    }

    #[test]
    #[ignore = "minutes in a debug build"]
    fn many_longer_histories_agree_with_the_search(drafts in drafts(24), spoils in spoils()) {
        same(&drafts, &spoils)?;
    }

    #[test]
    #[ignore = "minutes in a debug build"]
    fn many_repeating_values_agree_with_brute_force(drafts in drafts(7), spoils in spoils()) {
        agree(&drafts, &spoils, false)?;
    }
}
