//! Unique ids: what `generate` gives is given once (Jepsen's `unique-ids`).
//!
//! Ids are compared as JSON values: `1` and `"1"` are two ids. A failed or crashed generate gives
//! no id to anybody. O(n).

use rustc_hash::FxHashMap;
use serde_json::json;

use super::evidence::{Case, Evidence, capital, name, shown, unjudged, who};
use super::parts::{Spelt, by_key, is_ok, stranger};
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "unique-ids";

/// `generate` → id. *Violated* by `duplicate-id`. Figures: `ids`, `attempts`.
pub fn unique_ids(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let (mut attempts, mut ids) = (0, 0);
    for part in by_key(history) {
        let mut given = FxHashMap::default();
        for op in part.operations {
            if op.f != "generate" {
                return unjudged(CHECK, stranger(op, "generate"));
            }
            attempts += 1;
            if !is_ok(op) {
                continue;
            }
            ids += 1;
            let Some(first) = given.get(&op.result).copied() else {
                given.insert(&op.result, op);
                continue;
            };
            evidence
                .add("duplicate-id", || Case {
                    key: part.key,
                    title: format!("{} was given {} again", who(op), shown(&op.result)),
                    argument: format!(
                        "{} had been given the same id: it is not unique.",
                        capital(&name(first))
                    ),
                    about: vec![first, op],
                })
                .against(
                    format!("id {}", shown(&op.result)),
                    "given once",
                    format!("given to {} and to {}", name(first), name(op)),
                );
        }
    }
    let verdict = match ids {
        0 => Verdict::Unknown("no id was generated".to_owned()),
        _ => Verdict::Valid,
    };
    let summary = format!("{ids} ids were generated");
    evidence.finish(verdict, summary, [("ids", json!(ids)), ("attempts", json!(attempts))])
}

#[cfg(test)]
mod tests {
    use super::super::notation::{found, history};
    use super::*;

    #[test]
    fn accepts_ids_given_once() {
        let text = "0-1 p0 generate -> 1\n 0-1 p1 generate -> \"1\"\n 2-3! p0 generate -> 1";
        assert_eq!(found(&unique_ids(&history(text))), "valid");
    }

    #[test]
    fn rejects_an_id_given_twice() {
        let text = "0-1 p0 generate -> 1\n 2-3 p1 generate -> 2\n 4-5 p0 generate -> 1";
        let result = unique_ids(&history(text));
        assert_eq!(found(&result), "duplicate-id 1");
        assert_eq!(result.findings[0].operations.len(), 2);
    }

    #[test]
    fn nothing_generated_is_unknown() {
        assert_eq!(found(&unique_ids(&history("0-? p0 generate"))), "unknown");
    }
}
