//! Every reader: all shapes, places of errors, torn ends, and what never happens: a panic.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::linearizability::{Budget, Register, linearizable};

/// Index, time, process, type, f, key, value; a stale read of k2 in the end.
type Row = (u64, u64, u32, &'static str, &'static str, &'static str, Value);

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |process, kind, f, key, value| {
        rows.push((rows.len() as u64, rows.len() as u64 * 10, process, kind, f, key, value));
    };
    add(0, "invoke", "write", "k1", json!(1));
    add(1, "invoke", "read", "k1", json!(null));
    add(0, "ok", "write", "k1", json!(1));
    add(1, "ok", "read", "k1", json!(1));
    add(2, "invoke", "cas", "k2", json!([null, "a\"b"]));
    add(2, "ok", "cas", "k2", json!([null, "a\"b"]));
    add(3, "invoke", "write", "k2", json!("c"));
    add(3, "info", "write", "k2", json!("c"));
    add(4, "invoke", "write", "k2", json!(-5));
    add(4, "ok", "write", "k2", json!(-5));
    add(5, "invoke", "read", "k2", json!(null));
    add(5, "ok", "read", "k2", json!("a\"b"));
    rows
}

/// In JSON, with the key as a member or in the value.
fn object((index, time, process, kind, f, key, value): &Row, tuple: bool) -> Value {
    let mut object = json!({
        "index": index, "time": time, "process": process, "type": kind, "f": f,
    });
    match tuple {
        true => object["value"] = json!([key, value]),
        false => (object["key"], object["value"]) = (json!(key), value.clone()),
    }
    object
}

fn edn_value(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(edn_value).collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}

fn edn_map((index, time, process, kind, f, key, value): &Row, tuple: &str) -> String {
    let value = edn_value(value);
    let value = match tuple {
        "" => format!(":key \"{key}\", :value {value}"),
        tag => format!(":value {}[\"{key}\" {value}]", tag.trim()),
    };
    format!("{{:index {index}, :time {time} :process {process} :type :{kind}, :f :{f}, {value}}}")
}

/// The history in every shape.
fn shapes() -> Vec<(&'static str, String)> {
    let lines = |line: &dyn Fn(&Row) -> String, by: &str| {
        rows().iter().map(line).collect::<Vec<_>>().join(by)
    };
    let json = |tuple| move |row: &Row| object(row, tuple).to_string();
    let keywords = |row: &Row| {
        let mut object = object(row, true);
        for member in ["type", "f"] {
            object[member] = json!(format!(":{}", object[member].as_str().unwrap()));
        }
        object.to_string()
    };
    let edn = |tuple| move |row: &Row| edn_map(row, tuple);
    let record = |row: &Row| format!("#jepsen.history.Op{}", edn_map(row, " "));
    vec![
        ("jsonl", lines(&json(false), "\n")),
        ("jsonl with tuples", lines(&json(true), "\n")),
        ("jsonl with blanks", lines(&json(false), "\n\n").replace("\":", "\" : ")),
        ("json", format!("[{}]", lines(&json(true), ", "))),
        ("json of keywords", format!("[\n{}\n]", lines(&keywords, ",\n"))),
        ("json over lines", { lines(&json(false), "\n").replace('{', "{\n").replace('}', "\n}") }),
        ("edn", lines(&edn(""), "\n")),
        ("edn vector", format!("[{}]", lines(&edn(" "), "\n "))),
        ("edn list", format!("; a comment\n({})", lines(&edn(" "), " #_ gone "))),
        ("edn records", lines(&record, "\n")),
        ("edn vector of records", format!("[{}]\n", lines(&record, ", "))),
        ("edn tagged", lines(&edn("#jepsen.independent.Tuple"), "\n")),
    ]
}

#[test]
fn one_history_in_every_shape_has_one_verdict_and_one_counterexample() {
    let judge = |text: &str| {
        let history = read("h", text.as_bytes(), None).unwrap();
        linearizable(&history, &Register, &Budget::default())
    };
    let shapes = shapes();
    let first = judge(&shapes[0].1);
    assert_eq!(first.verdict.word(), "violated");
    assert_eq!(first.findings[0].key, Some(json!("k2")));
    for (name, text) in &shapes {
        assert_eq!(judge(text), first, "{name}");
    }
}

#[test]
fn values_that_are_no_tuples_stay_whole() {
    let row = |process, kind, f, value: Value| {
        json!({"process": process, "type": kind, "f": f, "value": value}).to_string()
    };
    let cas = [row(0, "invoke", "cas", json!([1, 2])), row(0, "ok", "cas", json!([1, 2]))];
    let read_nil = [row(1, "invoke", "read", json!(null)), row(1, "ok", "read", json!(1))];
    let txn = [
        row(2, "invoke", "txn", json!([[":r", 1, null], [":append", 1, 2]])),
        row(2, "ok", "txn", json!([[":r", 1, []], [":append", 1, 2]])),
    ];
    for lines in [&cas[..], &[&cas[..], &read_nil].concat(), &txn] {
        let history = read("h", lines.join("\n").as_bytes(), None).unwrap();
        assert!(history.operations().all(|operation| operation.key().is_none()), "{lines:?}");
    }
    let history = read("h", txn.join("\n").as_bytes(), None).unwrap();
    assert_eq!(history.operation(0).result(), json!([["r", 1, []], ["append", 1, 2]]));
}

#[test]
fn events_of_jepsens_nemesis_are_told_and_left_out() {
    let text = "[{:type :info, :process :nemesis, :f nil, :value [:isolated {\"n1\" #{\"n2\"}}], \
                :time 3, :index -1}]";
    let error = read("h", text.as_bytes(), None);
    let history = error.unwrap();
    assert!(history.is_empty());
    assert!(history.remarks[0].starts_with("1 nemesis events"), "{:?}", history.remarks);
}

#[test]
fn errors_of_every_reader_have_a_place_and_an_expectation() {
    let good = "{\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}";
    let edn = "{:process 0, :type :invoke, :f :read}";
    for (text, expected) in [
        (format!("{good}\n{}\n", good.replace('0', "1,")), "h:2:14: "),
        (format!("[{good},\n {}]", good.replace("0", "{}")), "h:2:"),
        (format!("[{good}\n{good}]"), "h:2:1: expected `,` or `]`"),
        (format!("[{good}] 1"), "h:1:44: expected nothing after the end of the array"),
        (format!("[1, {good}]"), "h:1:2: expected an operation"),
        (format!("{edn}\n 17"), "h:2:2: expected an operation"),
        (format!("{edn}\n{{:process 0, :type :begin, :f 0}} "), "h:2:20: `:type`: expected :inv"),
        (format!("{edn}\n{{:process 0, :type}}"), "h:2:14: `type` has no value"),
        (
            format!("{edn}\n{{:type :ok, :f :read}}\n"),
            "h:2: event 1: `process` is missing, although",
        ),
        (format!("{edn}\n{edn}"), "h:2: event 1: process 0 invokes `read` while"),
        (format!("{edn}\n{}", edn.replace(":f", ":time 3 :f")), "h:2: event 1: `time` is there"),
        ("w 0 7\nr 0 x\nr 0 7\n".to_owned(), "h:2:1: `r 0 x`: expected a value as a number"),
        ("-----\n".to_owned(), "h: no operation found; expected lines such as `w 0 7`"),
    ] {
        let error = read("h", text.as_bytes(), None).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}\n{error}");
    }
}

#[test]
fn indexes_are_there_once_and_always_or_never() {
    let line = |index: &str, process: u32| {
        format!("{{{index}\"time\":0,\"process\":{process},\"type\":\"invoke\",\"f\":\"read\"}}")
    };
    for (second, expected) in [
        ("\"index\":4,", "h:2: event 4: an earlier event has the same index"),
        ("", "h:2: event 1: `index` is missing, although earlier events have it"),
    ] {
        let text = format!("{}\n{}\n", line("\"index\":4,", 0), line(second, 1));
        let error = read("h", text.as_bytes(), None).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn torn_ends_are_told_in_every_format() {
    for (name, text) in shapes() {
        let text = text.trim_end().trim_end_matches([']', ')']);
        let torn = &text[..text.len() - 8];
        let history = read(name, torn.as_bytes(), None).unwrap();
        assert_eq!(history.len(), 6, "{name}");
        let told = |remark: &String| remark.ends_with("the last, is torn: left out");
        assert!(history.remarks.iter().any(told), "{name}: {:?}", history.remarks);
    }
}

#[test]
fn sessions_become_processes_without_time() {
    let text = "w 0 0\nw 1 5\n-----\nr 2 0\n=====\nr 0 0\n-----\nr 1 5";
    let history = read("h", text.as_bytes(), None).unwrap();
    let shape: Vec<_> = history.operations().map(|op| (op.process(), op.result())).collect();
    let expected = [
        (0, json!([["w", 0, 0], ["w", 1, 5]])),
        (0, json!([["r", 2, null]])),
        (1, json!([["r", 0, 0]])),
        (1, json!([["r", 1, 5]])),
    ];
    assert_eq!(shape, expected);
    assert_eq!(history.operation(1).argument(), json!([["r", 2, null]]));
    assert!(history.untimed);
    let verdict = linearizable(&history, &Register, &Budget::default()).verdict;
    assert_eq!(verdict.word(), "unknown");
}

/// An operation of process 0, ok, with this value before and after; its events have no index.
fn done(f: &str, value: &Value) -> String {
    let event = |kind| json!({"process": 0, "type": kind, "f": f, "value": value}).to_string();
    format!("{}\n{}\n", event("invoke"), event("ok"))
}

/// Transactions enough for a piece, of 200 bytes in tests: what follows is read on every core, in
/// pieces that know nothing of each other.
const TXNS: usize = 6;

fn txns() -> String {
    done("txn", &json!([["w", "x", 1]])).repeat(TXNS)
}

#[test]
fn equal_values_of_any_piece_have_one_name() {
    let values = |turn: i64| {
        let long = format!("a longer text, of turn {turn}");
        [
            json!("text"),
            json!(long),
            json!(turn),
            json!(1_i64 << 40 | turn),
            json!(u64::MAX),
            json!(1.5),
            json!({"a": [turn]}),
            json!([1, "text", [long, 1_i64 << 40, null]]),
            json!([]),
            json!([7, turn]),
            json!("esc\"aped"),
        ]
    };
    let all: Vec<Value> = (0..40).flat_map(|turn| values(turn % 20)).collect();
    let text: String = all.iter().map(|value| done("write", value)).collect();
    for (before, text) in [(0, text.clone()), (TXNS, txns() + &text)] {
        let history = read("h", text.as_bytes(), None).unwrap();
        let operations = history.operations().skip(before);
        let found: Vec<Value> = operations.clone().map(|operation| operation.result()).collect();
        assert_eq!(found, all);
        let mut names = std::collections::HashMap::new();
        for operation in operations {
            let value = operation.result().to_string();
            let name = *names.entry(value).or_insert(operation.result_id());
            assert_eq!((operation.argument_id(), operation.result_id()), (name, name));
        }
        assert_eq!(names.len(), 6 * 20 + 5);
    }
}

#[test]
fn a_value_that_looks_like_a_micro_operation_has_one_name_too() {
    let micros = [json!([["w", "x", 1]]), json!([["w", "y", ["w", "x", 1]]])];
    let txns = (0..30).map(|turn| done("txn", &micros[turn % 2]));
    let history = read("h", txns.collect::<String>().as_bytes(), None).unwrap();
    let values = history.values();
    let written = |operation: Operation<'_>| {
        let micro = values.elements(operation.result_id()).unwrap()[0];
        values.elements(micro).unwrap()[2]
    };
    let names: std::collections::HashSet<ValueId> = history.operations().map(written).collect();
    assert_eq!(names.len(), 2);
}

#[test]
fn errors_are_told_by_the_line_of_the_file_whatever_came_before() {
    let good = done("write", &json!(1)).repeat(300 - TXNS);
    for good in [txns() + &good, good.clone() + &txns()] {
        told_by_line(&good);
    }
}

/// A file that cannot be read to its end.
struct Broken<'a>(&'a [u8]);

impl std::io::Read for Broken<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(std::io::Error::other("the disk is gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn of_several_errors_the_first_in_the_file_is_told() {
    let good = txns().repeat(40);
    let wrong = format!("{good}[\n{good}{{]\n");
    for (text, expected) in [
        (good.as_str(), "h: cannot read: the disk is gone"),
        (&wrong, "h:481:0: "),
        (&txns(), "h: cannot read: the disk is gone"),
    ] {
        let error = jsonl::read("h", Broken(text.as_bytes())).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

/// `good`: 300 operations of process 0.
fn told_by_line(good: &str) {
    let first = "{\"process\":0,\"type\":\"ok\",\"f\":\"write\"}\n";
    for (text, expected) in [
        (format!("{good}\n\n{{\"process\":0,,}}\n{good}"), "h:603:14: "),
        (format!("{good}{first}{good}[\n"), "h:601: event 600: process 0 completes `write`"),
        (format!("{good}[\n{first}"), "h:601:0: "),
        (format!("{good}{}", first.trim_end().replace("ok", "okay")), "h:601:"),
    ] {
        let error = read("h", text.as_bytes(), None).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let torn = format!("{good}{{\"process\":0,");
    let history = read("h", torn.as_bytes(), None).unwrap();
    assert_eq!(history.len(), 300);
    assert_eq!(history.remarks[0], "line 601, the last, is torn: left out");
}

/// All formats, guessed and told.
fn read_all(bytes: &[u8]) {
    let formats = [Format::Jsonl, Format::Json, Format::Edn, Format::PorcupineEtcd, Format::Awdit];
    for format in formats.into_iter().map(Some).chain([None]) {
        if let Ok(history) = read("h", bytes, format) {
            let _ = linearizable(&history, &Register, &Budget { states: 100, ..Budget::default() });
            history.operations().for_each(|operation| drop(operation.owned()));
        }
    }
}

/// A good file with bytes changed, inserted, removed and doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let mut samples: Vec<String> = shapes().into_iter().map(|(_, text)| text).collect();
    samples.push("INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]\nINFO  jepsen.util - 0 :ok".into());
    samples.push("w 0 0\nw 1 5\n-----\nr 2 0\n=====\nr 0 0\n-----\nr 1 5".into());
    let change = (any::<prop::sample::Index>(), 0..4_u8, any::<u8>(), 0..40_usize);
    let bytes = prop::sample::select(b"{}[]()\"\\#:;, \n-0_e.^N/".to_vec());
    (prop::sample::select(samples), prop::collection::vec((change, bytes), 1..8)).prop_map(
        |(text, changes)| {
            let mut bytes = text.into_bytes();
            for ((place, what, any, length), telling) in changes {
                let at = place.index(bytes.len().max(1));
                let end = (at + length).min(bytes.len());
                match what {
                    0 if at < bytes.len() => bytes[at] = any,
                    1 => bytes.insert(at.min(bytes.len()), telling),
                    2 => drop(bytes.drain(at.min(end)..end)),
                    _ => bytes.extend_from_within(at.min(end)..end),
                }
            }
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_reader_panics_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
    }

    #[test]
    fn no_reader_panics_on_a_good_file_gone_bad(bytes in mutated()) {
        read_all(&bytes);
    }

    /// The quick reader of lines and the slow one agree on whatever both take.
    #[test]
    fn both_readers_of_json_agree(bytes in mutated()) {
        for line in bytes.split(|&byte| byte == b'\n') {
            let mut names = values::Interner::default();
            let quick = scan::Scanner::default().record(line, line.len(), &mut names);
            let Some(quick) = quick else { continue };
            let value = quick.value.whole(&mut names);
            let slow: decode::Members = serde_json::from_slice(line)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(slow.index, quick.stamp.index);
            let process = slow.process.unwrap_or(Process::Nemesis);
            let event = slow.into_event(process);
            let get = |id| names.values().get(id);
            prop_assert_eq!(event.kind, quick.stamp.kind);
            prop_assert_eq!(event.process, Process::Client(quick.process));
            prop_assert_eq!(json!(event.f), get(quick.f));
            prop_assert_eq!(event.key, quick.key.map(get));
            prop_assert_eq!(event.value, get(value));
            prop_assert_eq!(json!(event.error), get(quick.error));
            prop_assert_eq!(json!(event.node), get(quick.node));
        }
    }
}
