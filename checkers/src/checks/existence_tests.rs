//! Objects that stay deleted and objects that do not; and every small history against all orders.

use proptest::prelude::*;

use super::super::notation::{found, history};
use super::*;

fn judged(text: &str) -> String {
    found(&existence(&history(text)))
}

#[test]
fn accepts_a_life_from_create_to_delete() {
    let life = "0-1 p0 create\n 2-3 p0 update 1\n 4-5 p1 read -> 1\n 6-9 p0 delete\n
                7-8 p1 read -> 1\n 7-8 p2 read -> null\n 10-11 p1 read -> null";
    assert_eq!(judged(life), "valid");
    assert_eq!(judged("0-? p0 delete\n 2-3 p1 read -> 1\n 4-5 p1 read -> null"), "valid");
    assert_eq!(judged("0-1 p0 delete\n 2-3! p1 update 1\n 2-? p2 update 2"), "unknown");
    assert_eq!(judged("0-9 p0 create\n 1-2 p1 read -> null\n 3-4 p1 read -> 1"), "valid");
    assert_eq!(judged("0-? p0 create\n 3-4 p1 read -> null"), "valid");
}

#[test]
fn rejects_what_comes_back_and_what_is_gone_by_itself() {
    assert_eq!(judged("0-1 p0 delete\n 2-3 p1 read -> 1"), "zombie 1");
    assert_eq!(judged("0-1 p0 delete\n 2-3 p1 update 1\n 4-5 p1 read -> null"), "zombie 1");
    assert_eq!(judged("0-9 p0 delete\n 1-2 p1 read -> null\n 3-4 p1 read -> 1"), "zombie 1");
    assert_eq!(judged("0-1 p0 create\n 2-3 p1 read -> null"), "lost-object 1");
    assert_eq!(judged("2-3 p1 read -> null\n 4-5 p0 delete"), "lost-object 1");
    assert_eq!(judged("0-1! p0 delete\n 2-3 p1 read -> null"), "lost-object 1");
}

#[test]
fn what_cannot_be_told_is_left_out_or_unknown() {
    assert_eq!(judged("0-9 p0 create\n 1-2 p1 delete\n 10-11 p1 read -> 1"), "valid");
    assert_eq!(judged("0-1! p0 create\n 2-3 p1 read -> null"), "valid");
    assert_eq!(judged("0-1 p0 create\n 2-3 p0 create\n 4-5 p0 read -> 1"), "unknown");
    assert_eq!(judged("0-1 p0 push 1"), "unknown");
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    Update,
    Delete,
    See,
    Miss,
}

/// (start, end or none, what)
type Timed = (u32, Option<u32>, Deed);

/// Whether some order of these operations, the object being there at first, explains them all.
fn explained(deeds: &[Timed], done: u32, there: bool) -> bool {
    let left: Vec<usize> = (0..deeds.len()).filter(|at| done & (1 << at) == 0).collect();
    if left.iter().all(|&at| deeds[at].1.is_none()) {
        return true;
    }
    let deadline = left.iter().filter_map(|&at| deeds[at].1).min().unwrap_or(u32::MAX);
    left.iter().filter(|&&at| deeds[at].0 < deadline).any(|&at| {
        let rest = |there| explained(deeds, done | 1 << at, there);
        match deeds[at].2 {
            Deed::Delete => rest(false),
            Deed::Miss => !there && rest(there),
            Deed::Update | Deed::See => there && rest(there),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn agrees_with_trying_all_orders(
        ops in prop::collection::vec((0_u32..12, 1_u32..6, 0_u8..7), 1..8)
    ) {
        let (mut text, mut deeds) = (String::new(), Vec::<Timed>::new());
        for (process, (start, length, kind)) in ops.iter().enumerate() {
            let (start, end) = (2 * start, 2 * (start + length) + 1);
            let (deed, end) = match kind {
                0 => (Deed::Update, Some(end)),
                1 => (Deed::Delete, Some(end)),
                2 => (Deed::Delete, None),
                3 | 4 => (Deed::See, Some(end)),
                _ => (Deed::Miss, Some(end)),
            };
            let call = match deed {
                Deed::Update => "update 1",
                Deed::Delete => "delete",
                Deed::See => "read -> 1",
                Deed::Miss => "read -> null",
            };
            let until = end.map_or("?".to_owned(), |end| end.to_string());
            text.push_str(&format!("{start}-{until} p{process} {call}\n"));
            deeds.push((start, end, deed));
        }
        let violated = existence(&history(&text)).verdict == Verdict::Violated;
        prop_assert_eq!(violated, !explained(&deeds, 0, true), "{}", text);
    }
}
