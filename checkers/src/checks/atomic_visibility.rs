//! An object of several parts that is written as a whole: a read shows all parts of one write, or
//! none of it (Bailis et al., SIGMOD 2014: atomic visibility; what breaks it is a fractured read).
//!
//! `write v` gives every part the value v, another one each time; `read` → the list of its parts,
//! `[v, v, v]`, where a part that is not there is null; null alone means that the object is not
//! there. So the parts of a read differ only if it mixes two writes. O(n).

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Value, json};

use super::evidence::{Case, Evidence, shown, unjudged, who};
use super::parts::{Op, Spelt, by_key, is_fail, is_ok, list, stranger};
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "atomic-visibility";

/// *Violated* by `fractured-object`. *Unknown* without an ok read of parts. Figures: `reads`,
/// `fractured_share`.
pub fn atomic_visibility(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let mut reads = 0_usize;
    for part in by_key(history) {
        let mut writers: FxHashMap<&Value, Op<'_>> = FxHashMap::default();
        let mut read = Vec::new();
        for &op in part.operations.iter().filter(|op| !is_fail(op)) {
            match op.f {
                "write" => {
                    writers.entry(&op.argument).or_insert(op);
                }
                "read" if is_ok(op) => match list(op) {
                    Ok(parts) => read.push((op, parts)),
                    Err(problem) => return unjudged(CHECK, problem),
                },
                "read" => {}
                _ => return unjudged(CHECK, stranger(op, "write or read")),
            }
        }
        for (op, parts) in read.into_iter().filter(|(_, parts)| !parts.is_empty()) {
            reads += 1;
            if parts.iter().any(|value| *value != parts[0]) {
                evidence
                    .add("fractured-object", || fractured(part.key, op, parts, &writers))
                    .against("all parts", "one value", shown(&op.result));
            }
        }
    }
    let verdict = match reads {
        0 => Verdict::Unknown("no read found the parts of anything".to_owned()),
        _ => Verdict::Valid,
    };
    let share = evidence.count() as f64 / reads.max(1) as f64;
    let summary = format!("{reads} reads found the parts of an object");
    evidence.finish(verdict, summary, [("reads", json!(reads)), ("fractured_share", json!(share))])
}

fn fractured<'a>(
    key: Option<&'a Value>,
    read: Op<'a>,
    parts: &'a [Value],
    writers: &FxHashMap<&'a Value, Op<'a>>,
) -> Case<'a> {
    let values: FxHashSet<&Value> = parts.iter().collect();
    let written = parts.iter().find(|value| !value.is_null()).unwrap_or(&Value::Null);
    let places = |value: &Value| {
        let at = parts.iter().enumerate().filter(|(_, part)| *part == value);
        let at: Vec<String> = at.map(|(place, _)| (place + 1).to_string()).collect();
        match at.split_last() {
            Some((last, [])) => format!("part {last} shows"),
            Some((last, rest)) => format!("parts {} and {last} show", rest.join(", ")),
            None => String::new(),
        }
    };
    let others = values.iter().copied().filter(|value| *value != written);
    let mut told: Vec<String> = others
        .map(|value| {
            let what = if value.is_null() { "nothing at all".to_owned() } else { shown(value) };
            format!("{} {what}", places(value))
        })
        .collect();
    told.sort();
    Case {
        key,
        title: format!("{} found parts of different writes: {}", who(read), shown(&read.result)),
        argument: format!(
            "Every write gives all parts one value, but {} {} while {}: the read saw some \
             of a write and missed the rest.",
            places(written),
            shown(written),
            told.join(" and ")
        ),
        about: values
            .iter()
            .filter_map(|value| writers.get(value).copied())
            .chain([read])
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::{found, history};
    use super::*;

    fn judged(text: &str) -> String {
        found(&atomic_visibility(&history(text)))
    }

    #[test]
    fn accepts_whole_objects_old_or_new() {
        let text = "0-9 p0 write 1\n 1-2 p1 read -> [1, 1, 1]\n 3-4 p1 read -> [0, 0, 0]\n
                    5-6 p1 read -> null";
        assert_eq!(judged(text), "valid");
        assert_eq!(
            judged("0-1 p0 write 1 @a\n 2-3 p0 write 2 @b\n 4-5 p0 read -> [1, 1] @a"),
            "valid"
        );
    }

    #[test]
    fn rejects_parts_of_two_writes_and_missing_parts() {
        let text = "0-1 p0 write 1\n 2-3 p0 write 2\n 2-3 p1 read -> [2, 2, 1]";
        assert_eq!(judged(text), "fractured-object 1");
        let result = atomic_visibility(&history("0-1 p0 write 1\n 2-3 p1 read -> [1, 1, null]"));
        assert_eq!(found(&result), "fractured-object 1");
        let argument = result.findings[0].prose.last().cloned().unwrap_or_default();
        assert!(argument.contains("parts 1 and 2 show 1 while part 3 shows nothing"), "{argument}");
    }

    #[test]
    fn without_parts_nobody_knows() {
        assert_eq!(judged("0-1 p0 write 1\n 2-3 p1 read -> null"), "unknown");
        assert_eq!(judged("0-1 p0 read -> 7"), "unknown");
        assert_eq!(judged("0-1 p0 add 7"), "unknown");
    }
}
