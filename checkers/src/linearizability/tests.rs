//! Accept and reject twins, and everything against brute force.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::history::Operation;
use notation::{edited, history};

/// The register without its own algorithm: always searched.
pub(super) struct Searched;

impl Model for Searched {
    type Op = RegisterOp;
    type State = Value;

    fn initial(&self) -> Value {
        Register.initial()
    }
    fn parse(&self, operation: &Operation<'_>) -> Result<Option<RegisterOp>, String> {
        Register.parse(operation)
    }
    fn apply(&self, state: &Value, op: &RegisterOp) -> Option<Value> {
        Register.apply(state, op)
    }
    fn show(&self, state: &Value) -> Value {
        state.clone()
    }
    fn describe(&self, op: &RegisterOp) -> String {
        Register.describe(op)
    }
    fn reads_only(&self, op: &RegisterOp) -> bool {
        Register.reads_only(op)
    }
    fn sources(&self, calls: &[Call<RegisterOp>]) -> Option<Sources> {
        Register.sources(calls)
    }
}

/// Only what a model must have: no reads at once, nothing known of values.
struct Bare;

impl Model for Bare {
    type Op = RegisterOp;
    type State = Value;

    fn initial(&self) -> Value {
        Register.initial()
    }
    fn parse(&self, operation: &Operation<'_>) -> Result<Option<RegisterOp>, String> {
        Register.parse(operation)
    }
    fn apply(&self, state: &Value, op: &RegisterOp) -> Option<Value> {
        Register.apply(state, op)
    }
    fn show(&self, state: &Value) -> Value {
        state.clone()
    }
    fn describe(&self, op: &RegisterOp) -> String {
        Register.describe(op)
    }
}

/// Tries every order.
fn brute(calls: &[Call<RegisterOp>], done: &mut Vec<bool>, state: &Value) -> bool {
    let left: Vec<usize> = (0..calls.len()).filter(|&call| !done[call]).collect();
    if left.iter().all(|&call| calls[call].is_open()) {
        return true;
    }
    left.iter().any(|&call| {
        if left.iter().any(|&other| calls[other].precedes(&calls[call])) {
            return false;
        }
        let Some(next) = Register.apply(state, &calls[call].op) else { return false };
        done[call] = true;
        let found = brute(calls, done, &next);
        done[call] = false;
        found
    })
}

fn is_linearizable(calls: &[Call<RegisterOp>]) -> bool {
    brute(calls, &mut vec![false; calls.len()], &Value::Null)
}

fn all_calls(history: &History) -> Vec<Call<RegisterOp>> {
    call::calls(&Register, history.operations()).unwrap()
}

fn verdict(line: &str) -> Verdict {
    let history = history(line);
    let result = linearizable(&history, &Register, &Budget::default());
    let searched = linearizable(&history, &Searched, &Budget::default());
    assert_eq!(result.verdict, searched.verdict, "zones and search differ on {line}");
    result.verdict
}

#[test]
fn accepts_valid_histories() {
    for line in [
        "0-1 w1, 2-3 r1",
        "0-1 r_, 2-3 w1, 4-5 r1",
        "0-9 w1, 1-2 r_, 3-4 r1",
        "0-9 w1, 1-8 w2, 2-3 r2, 4-5 r1",
        "0-1 w1, 2-3 c1:2, 4-5 r2",
        "0-1 w1, 2-3! c7:2, 4-5 r1",
        "0-1 w1, 2-3! w2, 4-5 r1",
        "0-1 w1, 2-? w2, 4-5 r1, 6-7 r2",
        "0-1 w1, 2-? w2, 4-5 r1, 6-7 r1",
        "0-? c_:5, 4-5 r_, 6-7 r5",
        "0-1 w1, 2-3 w1, 4-5 w2, 6-7 w1, 8-9 r1",
        "0-1 w1, 2-3 w_, 4-5 r_",
        "0-? w1, 1-2 w2, 3-4 r1, 5-6 w2, 7-8 r2",
        // Touching intervals are concurrent.
        "0-5 w1, 5-6 r_",
    ] {
        assert_eq!(verdict(line), Verdict::Valid, "{line}");
    }
}

#[test]
fn rejects_invalid_histories() {
    for line in [
        "0-1 w1, 2-3 r2",
        "0-1 w1, 2-3 r_",
        "0-1 r1, 2-3 w1",
        "0-9 w1, 1-2 r1, 3-4 r_",
        "0-9 w1, 1-8 w2, 2-3 r2, 4-5 r1, 6-7 r2",
        "0-1 w1, 2-3 c7:2",
        "0-1 w1, 2-3! w2, 4-5 r2",
        "0-1 w1, 2-? w2, 4-5 r2, 6-7 r1",
        "0-1 w1, 2-9 c1:2, 2-9 c1:3",
        "0-9 c1:2, 0-9 c2:1",
        "0-1 w1, 2-3 w1, 4-5 w2, 6-7 r1",
        "0-1 w1, 2-3 w_, 4-5 r1",
        // One crashed write explains one appearance, not two.
        "0-? w1, 1-2 w2, 3-4 r1, 5-6 w2, 7-8 r1",
        "0-5 w1, 6-7 r_",
    ] {
        assert_eq!(verdict(line), Verdict::Violated, "{line}");
    }
}

#[test]
fn keys_are_judged_apart() {
    assert_eq!(verdict("0-1 w1@a, 2-3 w2@b, 4-5 r1@a, 6-7 r2@b"), Verdict::Valid);
    let mixed = history("0-1 w1@a, 2-3 w2@b, 4-5 r2@a, 6-7 r2@b");
    let result = linearizable(&mixed, &Register, &Budget::default());
    assert_eq!(result.verdict, Verdict::Violated);
    assert_eq!(result.figures["keys"], 2);
    assert_eq!(result.figures["keys_violated"], 1);
    assert_eq!(result.findings[0].key, Some(json!("a")));
}

#[test]
fn findings_are_limited_and_the_rest_is_counted() {
    let lines: Vec<String> = (0..14).map(|key| format!("{0}-{0} r9@k{key}", key * 2)).collect();
    let result = linearizable(&history(&lines.join(", ")), &Register, &Budget::default());
    assert_eq!(result.findings.len(), 10);
    assert_eq!(result.figures["findings_left_out"], 4);
    assert!(result.summary.ends_with("4 more findings are left out"), "{}", result.summary);
}

#[test]
fn a_budget_used_up_is_unknown_and_tells_how_far_it_got() {
    let line = "0-9 w1, 0-9 w2, 0-9 w1, 0-9 c1:2, 0-9 c2:1, 0-9 w3, 10-11 r4";
    let result =
        linearizable(&history(line), &Searched, &Budget { states: 3, ..Budget::default() });
    let Verdict::Unknown(reason) = result.verdict else { panic!("{:?}", result.verdict) };
    assert!(reason.contains("an order was found for the first "), "{reason}");
    assert_eq!(verdict(line), Verdict::Violated);
}

#[test]
fn an_operation_of_another_type_is_unknown_not_valid() {
    let history = edited(history("0-1 w1"), |operations| operations[0].f = "enqueue".to_owned());
    let result = linearizable(&history, &Register, &Budget::default());
    let Verdict::Unknown(reason) = result.verdict else { panic!("{:?}", result.verdict) };
    assert!(reason.contains("op 0: `enqueue` is nothing a register does"), "{reason}");
}

#[test]
fn replay_refuses_false_certificates() {
    let history = history("0-1 w1, 2-3 r1, 4-? w2, 6-7 r1");
    let good = &certificates(&history, &Register, &Budget::default()).unwrap()[0];
    good.verify(&history, &Register).unwrap();
    let index = |place: usize| history.operation(place).index();
    for (order, problem) in [
        (vec![0, 1], "op 5 is missing"),
        (vec![0, 3, 1], "completed before an operation ahead of it was invoked"),
        (vec![1, 0, 3], "cannot happen in its state"),
        (vec![0, 1, 1, 3], "is there twice"),
        (vec![0, 1, 2, 3], "cannot happen in its state"),
    ] {
        let order = order.into_iter().map(index).collect();
        let error = Certificate { key: None, order }.verify(&history, &Register).unwrap_err();
        assert!(error.contains(problem), "{error}");
    }
    let unknown = Certificate { key: None, order: vec![crate::OpIndex(99)] };
    assert!(unknown.verify(&history, &Register).unwrap_err().contains("op 99 is none"));
}

/// kind, two values, start, length, moment, outcome.
type Draft = (u8, u8, u8, u32, u32, u32, u8);

/// Simulates a register, then spoils some results. The line is what a failure shows.
fn line(drafts: &[Draft], unique: bool, spoil: &[(usize, u8)]) -> String {
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by_key(|&op| drafts[op].3 * 8 + drafts[op].4 * drafts[op].5);
    let text = |value: u32| if value == 0 { "_".to_owned() } else { value.to_string() };
    let mut state = 0;
    let mut items = vec![String::new(); drafts.len()];
    for op in order {
        let (kind, a, b, start, length, _, outcome) = drafts[op];
        let new = if unique { op as u32 + 1 } else { u32::from(b % 3) };
        let spoiled = spoil.iter().find(|(place, _)| place % drafts.len() == op);
        let seen = match spoiled {
            Some(&(_, value)) if unique => u32::from(value) % (drafts.len() as u32 + 2),
            Some(&(_, value)) => u32::from(value % 4),
            None if unique || a % 2 == 0 => state,
            None => u32::from(a % 3),
        };
        let crashed = outcome < 2;
        let happens = outcome != 0;
        let mut failed = outcome == 9 && spoiled.is_none();
        let what = match kind % 3 {
            0 => format!("r{}", text(if spoiled.is_some() { seen } else { state })),
            1 => format!("w{}", text(new)),
            _ => {
                failed |= seen != state && spoiled.is_none();
                format!("c{}:{}", text(seen), text(new))
            }
        };
        if happens && !failed && kind % 3 > 0 && (kind % 3 == 1 || seen == state) {
            state = new;
        }
        let end = if crashed { "?".to_owned() } else { (start + length).to_string() };
        let mark = if failed && !crashed { "!" } else { "" };
        items[op] = format!("{start}-{end}{mark} {what}");
    }
    items.join(", ")
}

fn drafts(count: usize) -> impl Strategy<Value = Vec<Draft>> {
    let draft = (0..6_u8, 0..6_u8, 0..6_u8, 0..24_u32, 0..9_u32, 0..9_u32, 0..14_u8);
    prop::collection::vec(draft, 1..=count)
}

fn spoils() -> impl Strategy<Value = Vec<(usize, u8)>> {
    prop::collection::vec((0..64_usize, 0..=255_u8), 0..3)
}

/// The verdict, its certificate and its contradiction are right.
fn check_against_brute_force<M: Model<Op = RegisterOp>>(
    model: &M,
    history: &History,
) -> Result<Verdict, TestCaseError> {
    let calls = all_calls(history);
    let expected = is_linearizable(&calls);
    let result = linearizable(history, model, &Budget::default());
    let right = if expected { Verdict::Valid } else { Verdict::Violated };
    prop_assert_eq!(&result.verdict, &right, "{:?}", result);
    if expected {
        for certificate in certificates(history, model, &Budget::default()).unwrap() {
            prop_assert_eq!(certificate.verify(history, model), Ok(()));
        }
        return Ok(right);
    }
    let finding = &result.findings[0];
    prop_assert!(finding.witness.is_some(), "{:?}", finding);
    prop_assert!(!finding.operations.is_empty());
    let Decision::Violated(contradiction) = decide(model, &calls, &Budget::default()).0 else {
        return Err(TestCaseError::fail("two answers to one question"));
    };
    // What zones call a contradiction stands by itself; brute force agrees.
    let words = wording::Wording::new(history, &Register, &calls, &contradiction.calls);
    let core = explain::among(&words, &contradiction);
    prop_assert!(!is_linearizable(&core), "{:?}", finding);
    Ok(right)
}

fn agree(line: &str) -> Result<(), TestCaseError> {
    let history = history(line);
    let told = |error| TestCaseError::fail(format!("{line}: {error}"));
    check_against_brute_force(&Register, &history).map_err(told)?;
    check_against_brute_force(&Searched, &history).map_err(told)?;
    let bare = linearizable(&history, &Bare, &Budget::default());
    let full = linearizable(&history, &Searched, &Budget::default());
    prop_assert_eq!(bare.verdict, full.verdict);
    Ok(())
}

fn many() -> ProptestConfig {
    ProptestConfig { cases: 100_000, max_shrink_iters: 10_000, ..ProptestConfig::default() }
}

fn some() -> ProptestConfig {
    ProptestConfig { cases: 2_000, ..many() }
}

proptest! {
    #![proptest_config(some())]

    #[test]
    fn unique_values_agree_with_brute_force(drafts in drafts(8), spoils in spoils()) {
        agree(&line(&drafts, true, &spoils))?;
    }

    #[test]
    fn repeating_values_agree_with_brute_force(drafts in drafts(8), spoils in spoils()) {
        agree(&line(&drafts, false, &spoils))?;
    }

    #[test]
    fn zones_agree_with_the_search_on_longer_histories(
        drafts in drafts(30),
        spoils in spoils(),
    ) {
        let history = history(&line(&drafts, true, &spoils));
        let zones = linearizable(&history, &Register, &Budget::default());
        let search = linearizable(&history, &Searched, &Budget::default());
        prop_assert_eq!(&zones.verdict, &search.verdict, "{:?}", zones);
        for finding in zones.findings.iter().chain(&search.findings) {
            prop_assert!(finding.witness.is_some(), "{:?}", finding);
        }
    }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    #[ignore = "minutes in a debug build"]
    fn many_unique_values_agree_with_brute_force(drafts in drafts(8), spoils in spoils()) {
        agree(&line(&drafts, true, &spoils))?;
    }

    #[test]
    #[ignore = "minutes in a debug build"]
    fn many_repeating_values_agree_with_brute_force(drafts in drafts(8), spoils in spoils()) {
        agree(&line(&drafts, false, &spoils))?;
    }
}
