//! Logs that are only appended to (Jepsen's `kafka`): per key, messages at offsets.
//!
//! `send` and `poll`, or `txn`, of `["send", key, value]` → `["send", key, [offset, value]]` and
//! `["poll"]` → `["poll", {"key": [[offset, value], …]}]`; `assign` and `subscribe` begin a new
//! position. Values are unique per key. Consumers begin at the beginning of a log, as Jepsen's do.
//!
//! * The *order* of a key is that of its known offsets: what a send gave back or a poll found.
//!   Offsets which nobody knows (markers of transactions) are no gap.
//! * A process's polls are followed from one operation to the next until it assigns or subscribes
//!   anew, or an operation of its is not ok. While it subscribes, partitions come and go: then only
//!   what is inside one operation is judged.
//! * What was acknowledged but never polled is *unseen*, not lost: whoever polled later offsets may
//!   have begun behind it. That a consumer was led past it is a skip of its polls.
//!
//! O(n log n).

mod log;
mod order;

use rustc_hash::FxHashSet;
use serde_json::{Value, json};

use self::log::{Log, Logs};
use super::evidence::{Case, Evidence, name, shown, unjudged, who};
use super::parts::Spelt;
use crate::finding::{CheckResult, Verdict};
use crate::history::{History, Nanos};
use crate::latency::milliseconds;

const CHECK: &str = "append-log";

/// *Violated* by `inconsistent-offsets`, `duplicate`, `G1a` (a failed send was
/// polled), `phantom-read` (nobody sent it), `poll-skip`, `nonmonotonic-poll`, `nonmonotonic-send`,
/// and the same with `int-` when inside one operation. *Unknown* when nothing was polled. Figures:
/// `sent`, `polled`, `unseen`, `lag_ms_max` (the age of the oldest message acknowledged but not
/// yet polled when a poll began).
pub fn append_log(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let logs = match Logs::of(history) {
        Ok(logs) => logs,
        Err(problem) => return unjudged(CHECK, problem),
    };
    let (mut sent, mut polled, mut unseen) = (0, 0, 0);
    for log in logs.by_key.values() {
        offsets(log, &mut evidence);
        polls(log, &mut evidence);
        let seen: FxHashSet<&Value> = log.polled.iter().map(|entry| entry.value).collect();
        sent += log.acknowledged.len();
        polled += seen.len();
        unseen += log.acknowledged.iter().filter(|send| !seen.contains(send.value)).count();
    }
    let lag = order::judge(&logs, &mut evidence);
    let verdict = match polled {
        0 => Verdict::Unknown("no message was polled".to_owned()),
        _ => Verdict::Valid,
    };
    let summary = format!("{sent} messages were acknowledged, {polled} polled, {unseen} not yet");
    let figures = [
        ("sent", json!(sent)),
        ("polled", json!(polled)),
        ("unseen", json!(unseen)),
        ("lag_ms_max", json!(milliseconds(lag.unwrap_or(Nanos(0))))),
    ];
    evidence.finish(verdict, summary, figures)
}

/// One value per offset, and one offset per value.
fn offsets<'a>(log: &Log<'a>, evidence: &mut Evidence<'a>) {
    let (mut told_offsets, mut told_values) = (FxHashSet::default(), FxHashSet::default());
    for entry in log.acknowledged.iter().chain(&log.polled) {
        let first = log.at[&entry.offset];
        if first.value != entry.value && told_offsets.insert(entry.offset) {
            evidence
                .add("inconsistent-offsets", || Case {
                    key: order::some_key(log),
                    title: format!(
                        "offset {} held both {} and {}",
                        entry.offset,
                        shown(first.value),
                        shown(entry.value)
                    ),
                    argument: "A place in the log has one message for ever.".to_owned(),
                    about: vec![first.op, entry.op],
                })
                .against(
                    format!("offset {}", entry.offset),
                    shown(first.value),
                    shown(entry.value),
                );
        }
        let first = log.of_value[entry.value];
        let sent_once = log.sends.get(entry.value).is_none_or(|sends| sends.len() < 2);
        if first.offset != entry.offset && sent_once && told_values.insert(entry.value) {
            evidence
                .add("duplicate", || Case {
                    key: order::some_key(log),
                    title: format!(
                        "{} is in the log twice, at {} and at {}",
                        shown(entry.value),
                        first.offset,
                        entry.offset
                    ),
                    argument: "It was sent once.".to_owned(),
                    about: vec![first.op, entry.op],
                })
                .against(
                    shown(entry.value),
                    format!("at {} alone", first.offset),
                    format!("at {} too", entry.offset),
                );
        }
    }
}

/// Every message that was polled had been sent, by somebody who did not fail.
fn polls<'a>(log: &Log<'a>, evidence: &mut Evidence<'a>) {
    let mut told = FxHashSet::default();
    for entry in &log.polled {
        let sends = log.sends.get(entry.value).map_or(&[][..], Vec::as_slice);
        if sends.iter().any(|send| !super::parts::is_fail(send)) || !told.insert(entry.value) {
            continue;
        }
        let value = shown(entry.value);
        let failed = sends.first().copied();
        let (anomaly, argument) = match failed {
            Some(failed) => ("G1a", format!("Only {} sent {value}, and it failed.", name(failed))),
            None => ("phantom-read", format!("Nobody ever sent {value}.")),
        };
        evidence
            .add(anomaly, || Case {
                key: order::some_key(log),
                title: format!("{} polled {value}, which cannot be there", who(entry.op)),
                argument,
                about: failed.into_iter().chain([entry.op]).collect(),
            })
            .against(value.clone(), "never in the log", format!("at {}", entry.offset));
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::{found, history};
    use super::*;

    /// Lines of `TIMES PROCESS what`, what being `s1` or `s1@0` (a send of 1, its offset), or
    /// `p0:1,1:2` (a poll of value 1 at offset 0 and 2 at 1), or anything of the notation.
    fn judged(lines: &str) -> String {
        found(&append_log(&history(&spelt(lines))))
    }

    fn spelt(lines: &str) -> String {
        let spell = |line: &str| {
            let mut words = line.split_whitespace();
            let head = [words.next(), words.next()].map(Option::unwrap_or_default).join(" ");
            let what = words.collect::<Vec<_>>().join(" ");
            let entry = |text: &str| {
                let (offset, value) = text.split_once(':').unwrap_or((text, ""));
                format!("[{offset},{value}]")
            };
            let call = match what.split_at(1) {
                ("s", rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                    match rest.split_once('@') {
                        Some((value, offset)) => format!(
                            r#"send [["send","x",{value}]] -> [["send","x",[{offset},{value}]]]"#
                        ),
                        None => format!(r#"send [["send","x",{rest}]]"#),
                    }
                }
                ("p", rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                    let entries: Vec<String> = rest.split(',').map(entry).collect();
                    format!(r#"poll [["poll"]] -> [["poll",{{"x":[{}]}}]]"#, entries.join(","))
                }
                _ => what,
            };
            format!("{head} {call}")
        };
        lines
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(spell)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn accepts_a_log_that_is_read_through() {
        let text = "0-1 p0 s1@0\n 2-3 p0 s2@4\n 4-? p1 s3\n 5-6 p2 p0:1,4:2\n 7-8 p2 p5:3\n
                    9-10 p0 s4@6\n 9-10 p3 p0:1";
        assert_eq!(judged(text), "valid");
        let result = append_log(&history(&spelt(text)));
        assert_eq!(result.figures["unseen"], 1);
        assert_eq!(result.figures["lag_ms_max"], 6.0);
        assert_eq!(result.figures["polled"], 3);
        // A consumer that begins in the middle of a log has not lost what came before.
        assert_eq!(judged("0-1 p0 s1@0\n 0-1 p1 s2@1\n 2-3 p2 p1:2"), "valid");
    }

    #[test]
    fn rejects_what_the_log_cannot_hold() {
        assert_eq!(judged("0-1 p0 s1@0\n 0-1 p1 s2@0\n 2-3 p2 p0:1"), "inconsistent-offsets 1");
        assert_eq!(judged("0-1 p0 s1@0\n 2-3 p2 p0:1,1:1"), "duplicate 1");
        assert_eq!(judged("0-1! p0 s1\n 2-3 p2 p0:1"), "G1a 1");
        assert_eq!(judged("2-3 p2 p0:1"), "phantom-read 1");
        // Led past offset 1, by one poll and by two.
        let sends = "0-1 p0 s1@0\n 0-1 p1 s2@1\n 0-1 p3 s3@2\n";
        assert_eq!(judged(&format!("{sends} 2-3 p2 p0:1,2:3")), "int-poll-skip 1");
        assert_eq!(judged(&format!("{sends} 2-3 p2 p0:1\n 4-5 p2 p2:3")), "poll-skip 1");
    }

    #[test]
    fn rejects_polls_and_sends_out_of_order() {
        let sent = "0-1 p0 s1@0\n 0-1 p1 s2@1\n 0-1 p3 s3@2\n";
        let all = "90-91 p9 p0:1,1:2,2:3\n";
        let with = |text: &str| judged(&format!("{sent}{all}{text}"));
        assert_eq!(with("2-3 p2 p0:1,2:3"), "int-poll-skip 1");
        assert_eq!(with("2-3 p2 p1:2,0:1"), "int-nonmonotonic-poll 1");
        assert_eq!(with("2-3 p2 p0:1\n 4-5 p2 p2:3"), "poll-skip 1");
        assert_eq!(with("2-3 p2 p0:1\n 4-5 p2 p0:1"), "nonmonotonic-poll 1");
        assert_eq!(judged("0-1 p0 s1@5\n 2-3 p0 s2@4\n 4-5 p1 p4:2,5:1"), "nonmonotonic-send 1");
        let txn = "0-1 p0 txn [] -> [[\"send\",\"x\",[5,1]],[\"send\",\"x\",[4,2]]]\n
                   4-5 p1 p4:2,5:1";
        assert_eq!(judged(txn), "int-nonmonotonic-send 1");
    }

    #[test]
    fn a_new_position_is_no_skip() {
        let sent = "0-1 p0 s1@0\n 0-1 p1 s2@1\n 0-1 p3 s3@2\n 90-91 p9 p0:1,1:2,2:3\n";
        let with = |text: &str| judged(&format!("{sent}{text}"));
        assert_eq!(with("2-3 p2 p0:1\n 4-5 p2 assign [\"x\"]\n 6-7 p2 p2:3"), "valid");
        assert_eq!(with("0-1 p2 subscribe [\"x\"]\n 2-3 p2 p0:1\n 6-7 p2 p2:3"), "valid");
        assert_eq!(with("2-3 p2 p0:1\n 4-5? p2 poll [[\"poll\"]]\n 6-7 p2 p2:3"), "valid");
    }

    #[test]
    fn what_is_no_log_is_unknown() {
        assert_eq!(judged("0-1 p0 s1@0"), "unknown");
        assert_eq!(judged("0-1 p0 push 1"), "unknown");
        assert_eq!(judged("0-1 p0 txn [[\"w\",1,2]]"), "unknown");
        assert_eq!(judged("0-1 p0 poll [] -> [[\"poll\",{\"x\":[7]}]]"), "unknown");
    }
}
