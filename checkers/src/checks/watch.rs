//! The guarantees of etcd's watch (etcd documentation, *KV API guarantees*; its robustness tests):
//! ordered, unique, atomic, reliable, resumable.
//!
//! `watch` `{"key": k | "prefix": p, "from": revision}` → a list of responses, each a list of
//! events `{"revision": n, "key": k, "type": "put" | "delete", "value": v}`. `log` → the list of
//! all events in order of revision, the canonical log (from a member's write-ahead log); without
//! one, what all watches together delivered is taken for it. Other operations are not looked at.
//! What would have come after the last event delivered is not judged. O(n log n).

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use serde_json::{Value, json};

use super::evidence::{Case, Evidence, shown, unjudged, who};
use super::parts::{Op, Spelt, is_ok, operations};
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "watch";

struct Event<'a> {
    revision: u64,
    key: &'a Value,
    whole: &'a Value,
    /// The number of the response in its watch.
    response: usize,
}

struct Watch<'a> {
    op: Op<'a>,
    events: Vec<Event<'a>>,
    from: Option<u64>,
}

/// Revision and key (as text) → the event.
type Log<'a> = BTreeMap<(u64, String), &'a Value>;

/// *Violated* by `unordered-watch`, `duplicate-event`, `split-revision` (not atomic),
/// `missed-event` (not reliable), `unresumable-watch` and `wrong-event` (not the canonical one).
/// *Unknown* when no watch delivered anything. Figures: `watches`, `events`, `log_events`.
pub fn watch(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let (watches, log, logged) = match gather(history) {
        Ok(gathered) => gathered,
        Err(problem) => return unjudged(CHECK, problem),
    };
    for watch in &watches {
        in_order(watch, &mut evidence);
        against(watch, &log, logged, &mut evidence);
    }
    let events: usize = watches.iter().map(|watch| watch.events.len()).sum();
    let verdict = match events {
        0 => Verdict::Unknown("no watch delivered an event".to_owned()),
        _ => Verdict::Valid,
    };
    let summary = format!(
        "{events} events of {} watches were held against a log of {}",
        watches.len(),
        log.len()
    );
    let figures = [
        ("watches", json!(watches.len())),
        ("events", json!(events)),
        ("log_events", json!(log.len())),
    ];
    evidence.finish(verdict, summary, figures)
}

/// The watches, the canonical log, and whether it was recorded as such.
fn gather<'a>(history: &'a Spelt<'_>) -> Result<(Vec<Watch<'a>>, Log<'a>, bool), String> {
    let (mut watches, mut log, mut logged) = (Vec::new(), Log::new(), false);
    for op in operations(history).filter(|op| is_ok(op)) {
        let problem = |what: &Value| {
            let expected = r#"expected events {"revision": n, "key": k, …}"#;
            format!("op {}: {}; {expected}", op.index.0, shown(what))
        };
        match op.f {
            "log" => {
                logged = true;
                for event in op.result.as_array().ok_or_else(|| problem(&op.result))? {
                    let event = read(event, 0).ok_or_else(|| problem(event))?;
                    log.insert((event.revision, event.key.to_string()), event.whole);
                }
            }
            "watch" => {
                let responses = op.result.as_array().ok_or_else(|| problem(&op.result))?;
                let mut events = Vec::new();
                for (number, response) in responses.iter().enumerate() {
                    for event in response.as_array().ok_or_else(|| problem(response))? {
                        events.push(read(event, number).ok_or_else(|| problem(event))?);
                    }
                }
                // In etcd, revision 0 means from now on.
                let from = op.argument.get("from").and_then(Value::as_u64).filter(|&from| from > 0);
                watches.push(Watch { op, events, from });
            }
            _ => {}
        }
    }
    if !logged {
        for event in watches.iter().flat_map(|watch: &Watch<'_>| &watch.events) {
            log.entry((event.revision, event.key.to_string())).or_insert(event.whole);
        }
    }
    Ok((watches, log, logged))
}

fn read(event: &Value, response: usize) -> Option<Event<'_>> {
    let revision = event.get("revision")?.as_u64()?;
    Some(Event { revision, key: event.get("key")?, whole: event, response })
}

impl Event<'_> {
    fn told(&self) -> String {
        format!("revision {} of {}", self.revision, shown(self.key))
    }
}

impl<'a> Watch<'a> {
    fn wants(&self, key: &Value) -> bool {
        let prefix = self.op.argument.get("prefix").and_then(Value::as_str);
        match (self.op.argument.get("key"), prefix, key.as_str()) {
            (Some(only), _, _) => only == key,
            (None, Some(prefix), Some(key)) => key.starts_with(prefix),
            (None, Some(_), None) => false,
            (None, None, _) => true,
        }
    }

    fn case(&self, title: String, argument: String) -> Case<'a> {
        let title = format!("{} {title}", who(self.op));
        Case { key: None, title, argument, about: vec![self.op] }
    }
}

/// What a watch shows by itself: ordered, unique, atomic. One finding of a kind per watch.
fn in_order<'a>(watch: &Watch<'a>, evidence: &mut Evidence<'a>) {
    let pairs = || watch.events.windows(2).map(|pair| (&pair[0], &pair[1]));
    if let Some((a, b)) = pairs().find(|(a, b)| b.revision < a.revision) {
        evidence
            .add("unordered-watch", || {
                let title = format!("delivered revision {} after {}", b.revision, a.revision);
                watch.case(title, "Events are delivered in order of revision.".to_owned())
            })
            .against(
                "order of revisions",
                format!("{} before {}", b.revision, a.revision),
                format!("{} after {}", b.revision, a.revision),
            );
    }
    let mut seen = FxHashSet::default();
    let again = |event: &&Event<'_>| !seen.insert((event.revision, event.key.to_string()));
    if let Some(event) = watch.events.iter().find(again) {
        evidence
            .add("duplicate-event", || {
                let key = shown(event.key);
                let title = format!("delivered revision {} of {key} twice", event.revision);
                watch.case(title, "An event is delivered once.".to_owned())
            })
            .against(event.told(), "delivered once", "delivered twice");
    }
    let mut response_of = BTreeMap::new();
    let split = |event: &&Event<'_>| {
        *response_of.entry(event.revision).or_insert(event.response) != event.response
    };
    if let Some(event) = watch.events.iter().find(split) {
        evidence.add("split-revision", || {
            let title = format!("delivered revision {} in two responses", event.revision);
            let argument = "All events of a revision come at once: who sees one of them must see \
                            the others.";
            watch.case(title, argument.to_owned())
        })
        .against(format!("revision {}", event.revision), "in one response", "in two responses");
    }
}

/// What the log shows of a watch: reliable, resumable, and the right events.
fn against<'a>(watch: &Watch<'a>, log: &Log<'a>, logged: bool, evidence: &mut Evidence<'a>) {
    let revisions = watch.events.iter().map(|event| event.revision);
    let (Some(first), Some(last)) = (revisions.clone().min(), revisions.max()) else { return };
    let ends = log.keys().next().zip(log.keys().next_back());
    let within =
        |revision: u64| ends.is_some_and(|(low, high)| (low.0..=high.0).contains(&revision));
    for event in &watch.events {
        let canonical = log.get(&(event.revision, event.key.to_string())).copied();
        let invented = canonical.is_none() && logged && within(event.revision);
        if invented || canonical.is_some_and(|canonical| canonical != event.whole) {
            let case = || {
                let title = format!("delivered {}, which is not what happened", shown(event.whole));
                let log = canonical.map_or("has no such event".to_owned(), |canonical| {
                    format!("has {}", shown(canonical))
                });
                watch.case(title, format!("At revision {} the log {log}.", event.revision))
            };
            let expected = canonical.map_or("no such event".to_owned(), shown);
            evidence.add("wrong-event", case).against(event.told(), expected, shown(event.whole));
        }
    }
    let delivered: FxHashSet<(u64, String)> =
        watch.events.iter().map(|event| (event.revision, event.key.to_string())).collect();
    let begin = watch.from.unwrap_or(first).min(first);
    let mut told = [false; 2];
    for (place, event) in log.range((begin, String::new())..) {
        if place.0 > last {
            break;
        }
        let wanted = event.get("key").is_some_and(|key| watch.wants(key));
        if !wanted || delivered.contains(place) {
            continue;
        }
        let resumes = place.0 < first;
        if std::mem::replace(&mut told[usize::from(resumes)], true) {
            continue;
        }
        let anomaly = if resumes { "unresumable-watch" } else { "missed-event" };
        evidence.add(anomaly, || {
            let title = format!("missed {}", shown(event));
            let argument = match resumes {
                true => format!(
                    "It was to begin at revision {begin}, and the first event it delivered is of \
                     {first}."
                ),
                false => format!("It delivered events of revisions {first} to {last} around it."),
            };
            watch.case(title, argument)
        })
        .against(
            format!("revision {} of {}", place.0, event.get("key").map_or("?".to_owned(), shown)),
            "delivered",
            "never delivered",
        );
    }
    if let Some(from) = watch.from.filter(|&from| first < from) {
        evidence
            .add("unresumable-watch", || {
                let title = format!("delivered revision {first}, though it was to begin at {from}");
                watch
                    .case(title, "A watch delivers nothing older than it was asked for.".to_owned())
            })
            .against("first revision", format!("{from} or later"), first.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::{found, history};
    use super::*;

    /// `a5` is a put of key a at revision 5; a bar parts responses.
    fn responses(events: &str) -> String {
        let event = |text: &str| {
            let (key, revision) = text.split_at(1);
            format!(r#"{{"revision":{revision},"key":"{key}","type":"put","value":{revision}}}"#)
        };
        let responses = events.split('|').map(|response| {
            let events: Vec<String> = response.split_whitespace().map(event).collect();
            format!("[{}]", events.join(","))
        });
        responses.collect::<Vec<_>>().join(",")
    }

    fn judged(log: &str, argument: &str, events: &str) -> String {
        let log = match log {
            "" => String::new(),
            log => format!("90-91 p1 log -> {}\n", responses(log)),
        };
        let text = format!("{log}0-9 p0 watch {argument} -> [{}]", responses(events));
        found(&watch(&history(&text)))
    }

    #[test]
    fn accepts_what_the_log_has() {
        let log = "a2 b3 a4 b4 c5 a6";
        assert_eq!(judged(log, "{}", "a2 b3|a4 b4|c5"), "valid");
        assert_eq!(judged(log, r#"{"from":3}"#, "b3|a4 b4"), "valid");
        assert_eq!(judged(log, r#"{"key":"a"}"#, "a2|a4|a6"), "valid");
        assert_eq!(judged(log, r#"{"prefix":"b","from":1}"#, "b3|b4"), "valid");
        assert_eq!(judged("", "{}", "b3|a9"), "valid");
    }

    #[test]
    fn rejects_each_broken_guarantee() {
        let log = "a2 b3 a4 b4 c5 a6";
        assert_eq!(judged(log, "{}", "a2 b3|c5|a4 b4"), "unordered-watch 1");
        assert_eq!(judged(log, "{}", "a2|a2 b3"), "duplicate-event 1, split-revision 1");
        assert_eq!(judged(log, "{}", "a2 a2 b3"), "duplicate-event 1");
        assert_eq!(judged(log, "{}", "a2|b3|a4|b4"), "split-revision 1");
        assert_eq!(judged(log, "{}", "a2|a4 b4|c5"), "missed-event 1");
        assert_eq!(judged(log, "{}", "a4|c5"), "missed-event 1");
        assert_eq!(judged(log, r#"{"from":2}"#, "b3|a4 b4"), "unresumable-watch 1");
        assert_eq!(judged(log, r#"{"from":3}"#, "a2 b3"), "unresumable-watch 1");
        assert_eq!(judged(log, "{}", "a2 b3 c3"), "wrong-event 1");
    }

    #[test]
    fn watches_that_disagree_are_wrong_without_a_log() {
        let one = r#"0-9 p0 watch {} -> [[{"revision":1,"key":"a","value":1}]]"#;
        let other = r#"0-9 p1 watch {} -> [[{"revision":1,"key":"a","value":2}]]"#;
        assert_eq!(found(&watch(&history(&format!("{one}\n{other}")))), "wrong-event 1");
    }

    #[test]
    fn what_is_no_watch_is_unknown() {
        assert_eq!(judged("a2", "{}", ""), "unknown");
        assert_eq!(found(&watch(&history("0-9 p0 watch {} -> 7"))), "unknown");
        assert_eq!(found(&watch(&history("0-9 p0 watch {} -> [[7]]"))), "unknown");
    }
}
