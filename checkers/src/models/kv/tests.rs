//! Accept and reject twins of kv, and brute force.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::Kv;
use crate::models::testing::{accepts, agrees, history, many, rejects, some, violated_by_type};

#[test]
fn accepts_valid_histories() {
    for line in [
        r#"0-1 append "a", 2-3 append "b", 4-5 get -> "ab""#,
        r#"0-9 append "a", 0-9 append "b", 1-2 get -> "b", 3-4 get -> "ba""#,
        r#"0-1 get -> null, 2-3 get -> "", 4-5 put "x", 6-7 append "a", 8-9 get -> "xa""#,
        r#"0-? append "a", 1-2 get -> "", 3-4 get -> "a""#,
        r#"0-? append "a", 1-2 put "x", 3-4 get -> "xa", 5-6 put "y", 7-8 get -> "y""#,
        r#"0-1! append "a", 1-2 get -> """#,
        // Nobody found b: it may be the end of what the put replaced, or follow x.
        r#"0-9 put "x", 0-9 append "b", 10-11 append "c", 12-13 get -> "xbc""#,
        r#"0-5 put "x", 0-5 append "b", 6-7 get -> "x""#,
        r#"0-1 append "a", 2-3 append "b", 4-5 append "a", 6-7 get -> "aba""#,
        r#"0-9 append "a", 1-2 append "a", 3-4 get -> "a", 5-6 append "b", 7-8 get -> "aba""#,
        r#"0-1 put "x", 2-3 put "y", 4-5 put "x", 6-7 get -> "x""#,
        r#"0-1 put "x", 2-3 get -> "x", 4-5 put "y", 6-7 put "x", 8-9 get -> "x""#,
        r#"0-1 append "x", 2-3 get -> "x", 4-5 put "y", 6-7 put "x", 8-9 get -> "x""#,
        // Not to be told apart: the search.
        r#"0-1 append "a", 2-3 append "a", 4-5 append "aa", 6-7 get -> "aaaa""#,
    ] {
        accepts(&Kv, line);
    }
}

#[test]
fn rejects_invalid_histories() {
    for (line, anomaly) in [
        (r#"0-1 append "a", 2-3 append "b", 4-5 get -> "ba""#, "stale-read"),
        (r#"0-1 append "a", 2-3 append "b", 4-5 get -> "a""#, "stale-read"),
        (r#"0-1 append "a", 2-3 get -> null"#, "stale-read"),
        (r#"0-1 append "a", 2-3 get -> "aa""#, "phantom-read"),
        (r#"0-1 append "a", 2-3 get -> "ac""#, "phantom-read"),
        (r#"0-1! append "a", 2-3 get -> "a""#, "phantom-read"),
        (r#"0-1 append "a", 0-1 put "x", 2-3 get -> "ax""#, "phantom-read"),
        (
            r#"0-9 append "a", 0-9 append "b", 1-2 get -> "ab", 3-4 get -> "ba""#,
            "incompatible-order",
        ),
        (r#"0-? append "a", 1-2 get -> "a", 3-4 get -> """#, "stale-read"),
        (r#"0-1 put "x", 2-3 put "y", 4-5 get -> "x""#, "stale-read"),
        (r#"0-1 put "x", 2-3 append "b", 4-5 get -> "x""#, "stale-read"),
        (r#"0-1 append "a", 2-3 append "a", 4-5 get -> "a""#, "stale-read"),
        (r#"0-1 append "a", 2-3 append "aa", 4-5 get -> "a""#, "non-linearizable"),
        (r#"0-1 append "a", 2-3 append "b", 4-5 append "a", 6-7 get -> "aab""#, "stale-read"),
    ] {
        assert_eq!(rejects(&Kv, line), anomaly, "{line}");
    }
}

#[test]
fn what_is_no_kv_is_said() {
    let told = violated_by_type(&Kv, "0-1 put 7");
    assert_eq!(told, "op 0: a put of 7; expected a string");
}

/// What, start, length, moment, outcome.
type Draft = (u8, u32, u32, u32, u8);

/// Simulates a key, then spoils some gets by those of other moments.
fn line(drafts: &[Draft], unique: bool, spoil: &[(usize, usize)]) -> String {
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by_key(|&op| drafts[op].1 * 8 + drafts[op].2 * drafts[op].3);
    let mut states = vec![String::new()];
    let mut items = vec![String::new(); drafts.len()];
    for op in order {
        let (what, start, length, _, outcome) = drafts[op];
        let letter = if unique { (b'a' + op as u8) as char } else { (b'a' + what % 2) as char };
        let spoiled = spoil.iter().find(|(place, _)| place % drafts.len() == op);
        let end = if outcome < 2 { "?".to_owned() } else { (start + length).to_string() };
        let mark = if outcome == 9 { "!" } else { "" };
        let mut state = states.last().unwrap().clone();
        let text = match what {
            0 => {
                state = letter.to_string();
                format!("put {:?}", letter.to_string())
            }
            1..=3 => {
                state.push(letter);
                format!("append {:?}", letter.to_string())
            }
            _ => {
                let found = spoiled.map_or(&state, |&(_, place)| &states[place % states.len()]);
                let mut found = found.clone();
                if spoiled.is_some_and(|(_, place)| place % 5 == 0) {
                    found = found.chars().rev().collect();
                }
                format!("get -> {found:?}")
            }
        };
        if outcome != 0 && outcome != 9 {
            states.push(state);
        }
        items[op] = format!("{start}-{end}{mark} {text}");
    }
    items.join(", ")
}

fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    let draft = (0..7_u8, 0..24_u32, 0..9_u32, 0..9_u32, 0..14_u8);
    prop::collection::vec(draft, 1..9)
}

fn spoils() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0..64_usize, 0..64_usize), 0..3)
}

fn agree(line: &str, unique: bool) -> Result<(), TestCaseError> {
    let told = |error| TestCaseError::fail(format!("{line}: {error}"));
    let by_type = agrees(&Kv, &history(line)).map_err(told)?;
    prop_assert!(by_type || !unique, "left to the search: {}", line);
    Ok(())
}

proptest! {
    #![proptest_config(some())]

    #[test]
    fn kv_agrees_with_brute_force(drafts in drafts(), spoils in spoils()) {
        agree(&line(&drafts, true, &spoils), true)?;
        agree(&line(&drafts, false, &spoils), false)?;
    }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    #[ignore = "minutes in a debug build"]
    fn many_kv_agree_with_brute_force(drafts in drafts(), spoils in spoils()) {
        agree(&line(&drafts, true, &spoils), true)?;
        agree(&line(&drafts, false, &spoils), false)?;
    }
}
