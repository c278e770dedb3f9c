//! The order of one process, seen by others (Jepsen's `sequential`): a process writes the subkeys
//! of a key one after the other; readers read them in the reverse order.
//!
//! `write` of a key (one process, its subkeys in order); `read` → `[key, [last, …, first]]`, or
//! the list alone where the history has keys: what the reader found, the subkey written last being
//! read first. Once a subkey was found, every one that is read after it was written before it, and
//! must be there: a null after a value contradicts sequential consistency. O(n).

use serde_json::{Value, json};

use super::evidence::{Case, Evidence, name, shown, unjudged, who};
use super::parts::{Op, Spelt, by_key, is_ok, stranger};
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "sequential";

/// *Violated* by `trailing-null`. Figures: `reads`, `none`, `some`, `all` (how many reads found so
/// many of the subkeys).
pub fn sequential(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let (mut none, mut part_of, mut all) = (0, 0, 0);
    for part in by_key(history) {
        for op in part.operations {
            if op.f == "write" || op.f == "read" && !is_ok(op) {
                continue;
            }
            let found = match subkeys(op) {
                Ok(found) => found,
                Err(problem) => return unjudged(CHECK, problem),
            };
            let there = found.iter().filter(|value| !value.is_null()).count();
            match there {
                0 => none += 1,
                there if there == found.len() => all += 1,
                _ => part_of += 1,
            }
            let first = found.iter().position(|value| !value.is_null()).unwrap_or(found.len());
            let Some(gap) = found[first..].iter().position(Value::is_null) else { continue };
            let case = || Case {
                key: part.key,
                title: format!("{} found a later write but not an earlier one", who(op)),
                argument: format!(
                    "It found {} and, reading on, nothing at place {} of what was written before \
                     it: the writes of one process were seen out of order.",
                    shown(&found[first]),
                    first + gap + 1
                ),
                about: vec![op],
            };
            evidence.add("trailing-null", case).against(
                format!("place {} of {}", first + gap + 1, name(op)),
                format!("there, since {} is", shown(&found[first])),
                "nothing",
            );
        }
    }
    let reads = none + part_of + all;
    let verdict = match none == reads {
        true => Verdict::Unknown("no read found anything".to_owned()),
        false => Verdict::Valid,
    };
    let summary = format!("of {reads} reads {all} found all, {part_of} some, {none} nothing");
    let figures = [
        ("reads", json!(reads)),
        ("none", json!(none)),
        ("some", json!(part_of)),
        ("all", json!(all)),
    ];
    evidence.finish(verdict, summary, figures)
}

fn subkeys(op: Op<'_>) -> Result<&[Value], String> {
    if op.f != "read" {
        return Err(stranger(op, "write or read"));
    }
    match &op.result {
        Value::Array(pair) if pair.len() == 2 && pair[1].is_array() => {
            Ok(pair[1].as_array().map_or(&[], Vec::as_slice))
        }
        Value::Array(list) => Ok(list),
        other => Err(format!(
            "op {}: a read of {}; expected [key, [last, …, first]]",
            op.index.0,
            shown(other)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::{found, history};
    use super::*;

    #[test]
    fn accepts_a_prefix_of_what_was_written() {
        let text = "0-9 p0 write 7\n 1-2 p1 read -> [7, [null, \"7_1\", \"7_0\"]]\n
                    3-4 p1 read -> [7, [null, null, null]]\n 5-6 p1 read -> [\"b\", \"a\"]";
        let result = sequential(&history(text));
        assert_eq!(found(&result), "valid");
        assert_eq!(result.figures["some"], 1);
    }

    #[test]
    fn rejects_a_null_after_a_value() {
        let text = "0-9 p0 write 7\n 1-2 p1 read -> [7, [null, \"7_1\", null]]";
        assert_eq!(found(&sequential(&history(text))), "trailing-null 1");
        let keyed = "1-2 p1 read -> [\"7_2\", null, \"7_0\"] @7";
        assert_eq!(found(&sequential(&history(keyed))), "trailing-null 1");
    }

    #[test]
    fn nothing_found_is_unknown() {
        assert_eq!(found(&sequential(&history("1-2 p1 read -> [7, [null]]"))), "unknown");
        assert_eq!(found(&sequential(&history("1-2 p1 read -> 7"))), "unknown");
        assert_eq!(found(&sequential(&history("1-2 p1 push 7"))), "unknown");
    }
}
