//! An object that is created once, updated while it is there, and deleted for good: what was
//! deleted stays deleted, and what was not is there.
//!
//! `create`, `update`, `delete` and `read` → null for *not there*. An update does not create: of an
//! object that is not there it fails. A delete of what is not there succeeds, as HTTP has it (RFC
//! 9110, 9.3.5: idempotent). A key without a `create` was there before the history began.
//!
//! **Decided exactly.** The first delete to take effect does so at one moment d. Every sight of the
//! object (an ok read of something, an ok update) began before d, and every miss (an ok read of
//! null) ended after it; d is not before the first delete began, and not after the first ok delete
//! ended. Such a d exists iff each lower bound is below each upper one, and then some delete lasts
//! over it: the one that began first, or it would have ended before. So at most two operations are
//! a contradiction. The moment of creation is alike: not after the first sight ended. Where a
//! create and a delete may have been at the same time, deletes of what is not there blur the
//! picture, and the key is left out. O(n).

use serde_json::{Value, json};

use super::evidence::{Case, Evidence, capital, name, unjudged, who};
use super::parts::{Op, Part, Spelt, by_key, end_rank, is_fail, is_ok, stranger};
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "existence";

/// What bounds the moments of creation and deletion of one object.
#[derive(Default)]
struct Bounds<'a> {
    create: Option<Op<'a>>,
    /// A create that failed: the object was not there from the beginning.
    refused: bool,
    /// The delete which began first, and the ok one which ended first.
    delete_begun: Option<Op<'a>>,
    delete_done: Option<Op<'a>>,
    /// Ok operations which found it there.
    sights: Vec<Op<'a>>,
    /// Ok reads which did not.
    misses: Vec<Op<'a>>,
}

/// *Violated* by `zombie` (seen after it was deleted, or after it was seen to be gone) and
/// `lost-object` (not there, though nobody had begun to delete it). *Unknown* without an ok read,
/// or where a key was created twice. Figures: `objects`, `deleted`, `sights`, `left_out`.
pub fn existence(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let (mut objects, mut deleted, mut sights, mut reads, mut left_out) = (0, 0, 0, 0, 0);
    for part in by_key(history) {
        let bounds = match Bounds::of(&part) {
            Ok(bounds) => bounds,
            Err(problem) => return unjudged(CHECK, problem),
        };
        objects += 1;
        deleted += usize::from(bounds.delete_done.is_some());
        sights += bounds.sights.len();
        let ok_read = |op: &&Op<'_>| op.f == "read" && is_ok(op);
        reads += part.operations.iter().filter(ok_read).count();
        match bounds.created_apart() {
            true => bounds.judge(part.key, &mut evidence),
            false => left_out += 1,
        }
    }
    let verdict = match reads {
        0 => Verdict::Unknown("no read was ok".to_owned()),
        _ => Verdict::Valid,
    };
    let summary = format!("{objects} objects, {deleted} of them deleted, were read {reads} times");
    let figures = [
        ("objects", json!(objects)),
        ("deleted", json!(deleted)),
        ("sights", json!(sights)),
        ("left_out", json!(left_out)),
    ];
    evidence.finish(verdict, summary, figures)
}

impl<'a> Bounds<'a> {
    fn of(part: &Part<'a>) -> Result<Self, String> {
        let mut bounds = Self::default();
        for &op in &part.operations {
            match op.f {
                "create" if is_fail(op) => bounds.refused = true,
                _ if is_fail(op) => {}
                "create" if bounds.create.is_some() => {
                    return Err(format!("op {}: its object was created before", op.index.0));
                }
                "create" => bounds.create = Some(op),
                "delete" => bounds.delete(op),
                "update" if is_ok(op) => bounds.sights.push(op),
                "read" if is_ok(op) && op.result.is_null() => bounds.misses.push(op),
                "read" if is_ok(op) => bounds.sights.push(op),
                "update" | "read" => {}
                _ => return Err(stranger(op, "create, update, delete or read")),
            }
        }
        Ok(bounds)
    }

    fn delete(&mut self, op: Op<'a>) {
        self.delete_begun.get_or_insert(op);
        if is_ok(op) && self.delete_done.is_none_or(|done| end_rank(op) < end_rank(done)) {
            self.delete_done = Some(op);
        }
    }

    /// Whether the object was there before anybody began to delete it.
    fn created_apart(&self) -> bool {
        let Some(create) = self.create else { return !self.refused };
        self.delete_begun.is_none_or(|delete| end_rank(create) < delete.invoked_rank)
    }

    fn judge(&self, key: Option<&'a Value>, evidence: &mut Evidence<'a>) {
        let known = self.create.map_or(0, end_rank);
        let first_miss = self.misses.iter().copied().filter(|miss| miss.invoked_rank >= known);
        let first_miss = first_miss.min_by_key(|miss| end_rank(miss));
        let gone = [self.delete_done, first_miss].into_iter().flatten();
        if let Some(gone) = gone.min_by_key(|op| end_rank(op)) {
            for &sight in self.sights.iter().filter(|op| op.invoked_rank > end_rank(gone)) {
                evidence.add("zombie", || zombie(key, gone, sight)).against(
                    "the object",
                    "gone",
                    format!("there, by {}", name(sight)),
                );
            }
        }
        for &miss in self.misses.iter().filter(|miss| miss.invoked_rank >= known) {
            if self.delete_begun.is_none_or(|delete| delete.invoked_rank > end_rank(miss)) {
                evidence.add("lost-object", || lost(key, self.create, miss)).against(
                    "the object",
                    "there",
                    format!("gone, by {}", name(miss)),
                );
            }
        }
    }
}

fn zombie<'a>(key: Option<&'a Value>, gone: Op<'a>, sight: Op<'a>) -> Case<'a> {
    let (since, found) = match gone.f {
        "delete" => ("deleted it, acknowledged", "still there"),
        _ => ("had found it gone", "there again"),
    };
    Case {
        key,
        title: format!("{} found what was deleted {found}", who(sight)),
        argument: format!(
            "{} {since} before {} began, and nothing creates it again: a zombie.",
            capital(&name(gone)),
            name(sight)
        ),
        about: vec![gone, sight],
    }
}

fn lost<'a>(key: Option<&'a Value>, create: Option<Op<'a>>, miss: Op<'a>) -> Case<'a> {
    let since = create.map_or("It was there from the beginning".to_owned(), |create| {
        format!("{} created it, acknowledged before {} began", capital(&name(create)), name(miss))
    });
    Case {
        key,
        title: format!("{} found nothing, but nobody had deleted it", who(miss)),
        argument: format!("{since}, and until {} ended no delete had been invoked.", name(miss)),
        about: create.into_iter().chain([miss]).collect(),
    }
}

#[cfg(test)]
#[path = "existence_tests.rs"]
mod tests;
