//! A set that only grows, judged by its final read (Jepsen's `set`): what was acknowledged must be
//! there, and nothing may be there that nobody added.
//!
//! The final read is the ok read that was invoked last. An element is *lost* when an add of it was
//! acknowledged before that read began and the read has it not; *recovered* when only crashed adds
//! explain it. O(n).

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Value, json};

use super::evidence::{Case, Evidence, meanwhile, name, shown, unjudged, who};
use super::parts::{Op, Part, Spelt, by_key, end_rank, is_fail, is_ok, list, precedes, stranger};
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "set";

/// Who tried to add one element.
#[derive(Clone, Copy, Default)]
pub(super) struct Adders<'a> {
    /// The first of those that happened or may have happened.
    pub first: Option<Op<'a>>,
    /// The first to be acknowledged.
    pub acknowledged: Option<Op<'a>>,
    pub failed: Option<Op<'a>>,
}

/// The adds of one key, and its ok reads in order of invocation.
#[derive(Default)]
pub(super) struct Growth<'a> {
    pub adders: FxHashMap<&'a Value, Adders<'a>>,
    /// Elements in order of their first add.
    pub order: Vec<&'a Value>,
    pub reads: Vec<(Op<'a>, &'a [Value])>,
}

impl<'a> Growth<'a> {
    /// # Errors
    /// Names the first operation that is no set's.
    pub(super) fn of(part: &Part<'a>) -> Result<Self, String> {
        let mut growth = Self::default();
        for &op in &part.operations {
            match op.f {
                "add" => growth.add(op),
                "read" if is_ok(op) => growth.reads.push((op, list(op)?)),
                "read" => {}
                _ => return Err(stranger(op, "add or read")),
            }
        }
        Ok(growth)
    }

    fn add(&mut self, op: Op<'a>) {
        let element = &op.argument;
        let adders = self.adders.entry(element).or_insert_with(|| {
            self.order.push(element);
            Adders::default()
        });
        if is_fail(op) {
            adders.failed.get_or_insert(op);
            return;
        }
        adders.first.get_or_insert(op);
        if is_ok(op) && adders.acknowledged.is_none_or(|known| end_rank(op) < end_rank(known)) {
            adders.acknowledged = Some(op);
        }
    }

    /// Accuses a read of what nobody can have added, and of elements that it has twice.
    pub(super) fn judge_read(
        &self,
        key: Option<&'a Value>,
        (read, elements): (Op<'a>, &'a [Value]),
        accused: &mut FxHashSet<&'a Value>,
        evidence: &mut Evidence<'a>,
    ) {
        let mut seen = FxHashSet::default();
        for element in elements {
            if !seen.insert(element) {
                evidence
                    .add("duplicate-element", || Case {
                        key,
                        title: format!("{} found {} more than once", who(read), shown(element)),
                        argument: "A set has each element once.".to_owned(),
                        about: vec![read],
                    })
                    .against(shown(element), "once", format!("more than once, by {}", name(read)));
                continue;
            }
            let adders = self.adders.get(element).copied().unwrap_or_default();
            let possible = adders.first.is_some_and(|first| first.invoked_rank < end_rank(read));
            if !possible && accused.insert(element) {
                strange(key, read, element, adders, evidence);
            }
        }
    }
}

fn strange<'a>(
    key: Option<&'a Value>,
    read: Op<'a>,
    element: &'a Value,
    adders: Adders<'a>,
    evidence: &mut Evidence<'a>,
) {
    let found = shown(element);
    let (anomaly, why, also) = match (adders.first, adders.failed) {
        (None, Some(failed)) => (
            "dirty-read",
            format!("only adds that failed, as {}, would have put it there", name(failed)),
            Some(failed),
        ),
        (Some(first), None) => (
            "future-read",
            format!("{}, the first to add it, was invoked only later", name(first)),
            Some(first),
        ),
        (Some(first), Some(failed)) => (
            "future-read",
            format!("{} failed, and {} was invoked only later", name(failed), name(first)),
            Some(first),
        ),
        (None, None) => ("unexpected-element", "nobody ever tried to add it".to_owned(), None),
    };
    evidence
        .add(anomaly, || Case {
            key,
            title: format!("{} found {found}, which cannot be there", who(read)),
            argument: format!("{found} is there, but {why}: a contradiction."),
            about: also.into_iter().chain([read]).collect(),
        })
        .against(found.clone(), "not there", format!("there, by {}", name(read)));
}

/// `add` element, `read` → list. *Violated* by `lost-element`, `unexpected-element`,
/// `dirty-read` (only failed adds), `future-read` and `duplicate-element`. *Unknown* without an ok
/// read. Figures: `attempts`, `acknowledged`, `read` (elements found), `lost`, `recovered`.
pub fn set(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let (mut attempts, mut acknowledged, mut read, mut lost, mut recovered) = (0, 0, 0, 0, 0);
    let mut unread = 0;
    for part in by_key(history) {
        let growth = match Growth::of(&part) {
            Ok(growth) => growth,
            Err(problem) => return unjudged(CHECK, problem),
        };
        attempts += growth.order.len();
        let Some(&last) = growth.reads.last() else {
            unread += 1;
            continue;
        };
        growth.judge_read(part.key, last, &mut FxHashSet::default(), &mut evidence);
        let found: FxHashSet<&Value> = last.1.iter().collect();
        read += found.len();
        for &element in &growth.order {
            let adders = growth.adders[element];
            acknowledged += usize::from(adders.acknowledged.is_some());
            if found.contains(element) {
                let maybe = adders.acknowledged.is_none() && adders.first.is_some();
                recovered += usize::from(maybe);
            } else if let Some(add) = adders.acknowledged.filter(|add| precedes(add, last.0)) {
                lost += 1;
                let seen = format!("not there, by {}", name(last.0));
                let meanwhile = || meanwhile(history, add);
                let lost = || missing(part.key, element, add, last.0, meanwhile());
                let expected = format!("there, added by {}", name(add));
                evidence.add("lost-element", lost).against(shown(element), expected, seen);
            }
        }
    }
    let verdict = match (read + attempts, unread) {
        (0, _) => Verdict::Unknown("there is nothing to judge".to_owned()),
        (_, 0) => Verdict::Valid,
        (_, keys) => Verdict::Unknown(format!("{keys} sets were never read to the end")),
    };
    let summary = format!("{acknowledged} of {attempts} elements were acknowledged, {read} found");
    let figures = [
        ("attempts", json!(attempts)),
        ("acknowledged", json!(acknowledged)),
        ("read", json!(read)),
        ("lost", json!(lost)),
        ("recovered", json!(recovered)),
    ];
    evidence.finish(verdict, summary, figures)
}

fn missing<'a>(
    key: Option<&'a Value>,
    element: &'a Value,
    add: Op<'a>,
    read: Op<'a>,
    meanwhile: String,
) -> Case<'a> {
    let element = shown(element);
    Case {
        key,
        title: format!("{element}, added by {} and acknowledged, is lost", who(add)),
        argument: format!(
            "{element} was acknowledged before {}, the final read, began, and nothing removes \
             it; yet it is not there.{meanwhile}",
            name(read)
        ),
        about: vec![add, read],
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::{found, history};
    use super::*;

    #[test]
    fn accepts_what_was_acknowledged_and_what_may_have_been_added() {
        let text = "0-1 p0 add 1\n 0-? p1 add 2\n 0-? p2 add 3\n 2-9 p3 add 4\n 3-4! p4 add 5\n
                    3-8 p0 read -> [2, 1]";
        let result = set(&history(text));
        assert_eq!(found(&result), "valid");
        assert_eq!(result.figures["recovered"], 1);
        assert_eq!(result.figures["acknowledged"], 2);
    }

    #[test]
    fn rejects_each_kind_of_wrong_element() {
        let text = "0-1 p0 add 1\n 0-1! p1 add 2\n 2-3 p2 read -> [2, 3, 4, 4]\n 9-10 p0 add 4";
        let expected = [
            "dirty-read",
            "duplicate-element",
            "future-read",
            "lost-element",
            "unexpected-element",
        ]
        .map(|name| format!("{name} 1"))
        .join(", ");
        assert_eq!(found(&set(&history(text))), expected);
    }

    #[test]
    fn only_the_final_read_counts_and_keys_are_apart() {
        let text = "0-1 p0 add 1 @a\n 2-3 p0 read -> [] @a\n 4-5 p0 read -> [1] @a\n
                    4-5 p1 read -> null @b";
        assert_eq!(found(&set(&history(text))), "valid");
        assert_eq!(
            found(&set(&history("0-1 p0 add 1 @a\n 4-5 p1 read -> [1] @b"))),
            "unexpected-element 1"
        );
    }

    #[test]
    fn without_a_read_nobody_knows() {
        assert_eq!(found(&set(&history("0-1 p0 add 1"))), "unknown");
        assert_eq!(found(&set(&History::default())), "unknown");
        assert_eq!(found(&set(&history("0-1 p0 read -> 7"))), "unknown");
    }
}
