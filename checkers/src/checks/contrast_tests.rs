//! What each accusation sets against one another: what should have been seen, and what was.

use super::notation::history;
use super::*;
use crate::Nanos;
use crate::finding::CheckResult;

/// The rows of the first finding: `what | expected | seen`.
fn rows(result: CheckResult) -> Vec<String> {
    let row = |row: &crate::Contrast| format!("{} | {} | {}", row.what, row.expected, row.seen);
    result.findings[0].contrast.iter().map(row).collect()
}

#[test]
fn of_sessions() {
    let own = "0-1 p0 write 1\n 2-3 p0 write 2\n 4-5 p0 read -> 1";
    assert_eq!(rows(sessions(&history(own))), ["op 4 of process 0 | 2, or newer | 1, older"]);
    let back = "0-1 p0 write 1\n 2-3 p0 write 2\n 4-5 p1 read -> 2\n 6-7 p1 read -> 1";
    assert_eq!(rows(sessions(&history(back))), ["op 6 of process 1 | 2, or newer | 1, older"]);
    let writes = "0-1 p0 write 5 -> [2, 5]\n 2-3 p0 write 6 -> [1, 6]";
    let expected = ["op 2 of process 0 | a version after 2 | version 1"];
    assert_eq!(rows(versioned_sessions(&history(writes))), expected);
    let follows = "0-1 p0 read -> [2, 5]\n 2-3 p0 write 6 -> [1, 6]";
    assert_eq!(rows(versioned_sessions(&history(follows))), expected);
}

#[test]
fn of_what_only_grows() {
    let back = "0-1 p0 inc -> 2\n 2-3 p0 read -> 1";
    assert_eq!(rows(monotonic(&history(back))), ["the value as op 2 found it | 2 or more | 1"]);
    let apart = "0-1 p0 read -> {\"x\":1,\"y\":0}\n 2-3 p1 read -> {\"x\":0,\"y\":1}";
    let expected = [
        "x, if op 0 came first | 1 or more in op 2 | 0",
        "y, if op 2 came first | 1 or more in op 0 | 0",
    ];
    assert_eq!(rows(monotonic(&history(apart))), expected);
}

#[test]
fn of_writes_seen_out_of_order() {
    let text = "0-1 p0 write 1\n 2-3 p1 write 2\n 4-9 p2 read -> [2]";
    let expected = ["1 | there, since 2 is | not there, by op 4"];
    assert_eq!(rows(causal_reverse(&history(text))), expected);
    let text = "0-1 p0 read -> [\"a\", null]";
    let expected = ["place 2 of op 0 | there, since \"a\" is | nothing"];
    assert_eq!(rows(sequential(&history(text))), expected);
}

#[test]
fn of_stale_reads() {
    let text = "0-1 p0 write 1\n 2-3 p0 write 2\n 103-104 p1 read -> 1";
    let result = staleness(&history(text), Some(Nanos(50_000_000)));
    assert_eq!(rows(result), ["age of what op 4 read | at most 0.050 s | 0.100 s"]);
}

#[test]
fn of_watches() {
    let event = |text: &str| {
        let (key, revision) = text.split_at(1);
        format!(r#"{{"revision":{revision},"key":"{key}","value":{revision}}}"#)
    };
    let response =
        |events: &str| format!("[{}]", events.split(' ').map(event).collect::<Vec<_>>().join(","));
    let judged = |argument: &str, events: &[&str]| {
        let events: Vec<String> = events.iter().map(|events| response(events)).collect();
        let log = response("a2 b3 a4");
        let events = events.join(",");
        let text = format!("90-91 p1 log -> {log}\n 0-9 p0 watch {argument} -> [{events}]");
        rows(watch(&history(&text)))
    };
    for (argument, events, expected) in [
        ("{}", &["a4", "a2"][..], "order of revisions | 2 before 4 | 2 after 4"),
        ("{}", &["a2", "b3", "b3"], "revision 3 of \"b\" | delivered once | delivered twice"),
        ("{}", &["a2", "a4"], "revision 3 of \"b\" | delivered | never delivered"),
        (r#"{"from":3}"#, &["a2", "b3"], "first revision | 3 or later | 2"),
    ] {
        assert!(judged(argument, events).iter().any(|row| row == expected), "{expected}");
    }
}
