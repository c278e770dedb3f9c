//! What the histories of others leave out: indexes, times, processes, functions.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;

#[test]
fn without_index_and_time_the_order_is_that_of_the_file() {
    let text = "{:process 0, :type :invoke, :f :append, :key \"0\", :value \"x 0 0 y\"}\n\
                {:process :nemesis, :type :info, :f :start, :value nil}\n\
                {:process 0, :type :ok, :f :append, :key \"0\", :value \"x 0 0 y\"}\n\
                {:process 1, :type :invoke, :f :get, :key \"0\", :value nil}\n\
                {:process 1, :type :ok, :f :get, :key \"0\", :value \"x 0 0 y\"}\n";
    let history = read("kv", text.as_bytes(), None).unwrap();
    assert_eq!(history.len(), 2);
    let get = history.operation(1);
    assert_eq!((get.index(), get.f(), get.key()), (OpIndex(3), "get", Some(json!("0"))));
    assert_eq!((get.invoked_rank(), get.completed_rank()), (3, Some(4)));
    assert_eq!(get.result(), "x 0 0 y");
    assert!(history.remarks.iter().any(|remark| remark.starts_with("the format has no times")));
}

/// As elle-cli's examples are.
#[test]
fn a_list_of_micro_operations_is_a_transaction_without_a_function_too() {
    let edn = "{:index 0, :process 1, :type :invoke, :value [[:append x 1] [:r x]]}\n\
               {:index 1, :process 1, :type :ok, :value [[:append x 1] [:r x [1]]]}\n\
               {:index 2, :process 2, :type :invoke, :value []}\n\
               {:index 3, :process 2, :type :info}\n";
    let event = |index, process, kind, value: Value| json!({"index": index, "process": process, "type": kind, "value": value});
    let json = json!([
        event(0, 1, "invoke", json!([[":append", "x", 1], ["r", "x"]])),
        event(1, 1, "ok", json!([["append", "x", 1], ["r", "x", [1]]])),
        event(2, 2, "invoke", json!([])),
        event(3, 2, "info", json!(null)),
    ]);
    for text in [edn.to_owned(), edn.replace(":index", ":f :txn :index"), json.to_string()] {
        let history = read("h", text.as_bytes(), None).unwrap();
        let first = history.operation(0);
        assert_eq!((history.len(), first.f(), history.operation(1).f()), (2, "txn", "txn"));
        assert_eq!(first.argument(), json!([["append", "x", 1], ["r", "x"]]));
        assert_eq!(first.result(), json!([["append", "x", 1], ["r", "x", [1]]]));
    }
    for (text, expected) in [
        ("{:process 1, :type :invoke, :value 3}".to_owned(), "h:1:1: `:f` is missing"),
        ("{:process 1, :type :invoke}".to_owned(), "h:1:1: `:f` is missing"),
        (event(0, 1, "invoke", json!([1, 2])).to_string(), "h:1:53: `f` is missing"),
        (event(0, 1, "invoke", json!(null)).to_string(), "h:1:52: `f` is missing"),
    ] {
        let error = read("h", text.as_bytes(), None).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

/// Where each process counts its own events, nobody said in which order those of two came.
#[test]
fn without_times_processes_may_count_for_themselves() {
    let event = |process, index, kind: &str, value| {
        format!("{{:process {process}, :index {index}, :type :{kind}, :f :read, :value {value}}}\n")
    };
    let read_all = |events: &[String]| read("h", events.concat().as_bytes(), None);
    let each = [
        event(1, 1, "invoke", "nil"),
        event(1, 2, "ok", "7"),
        event(2, 1, "invoke", "nil"),
        event(2, 1, "ok", "8"),
        event(1, 3, "invoke", "nil"),
        event(1, 4, "ok", "9"),
    ];
    let history = read_all(&each).unwrap();
    let shape: Vec<_> = history.operations().map(|op| (op.index(), op.process())).collect();
    assert_eq!(shape, [(OpIndex(0), 1), (OpIndex(2), 2), (OpIndex(4), 1)]);
    assert!(history.untimed);
    assert!(history.remarks[0].starts_with("each process counts"), "{:?}", history.remarks);
    let nemesis = "{:process :nemesis, :index 1, :type :info, :f :start}\n".to_owned();
    assert!(read_all(&[&[nemesis][..], &each].concat()).unwrap().untimed);
    let timed: Vec<String> =
        (0..).zip(&each).map(|(n, event)| event.replace(":f", &format!(":time {n} :f"))).collect();
    let twice = [&each[..2], &each[..2]].concat();
    let back = [&each[..], &[event(1, 4, "invoke", "nil")]].concat();
    let late = [&each[..], &[event(2, 2, "invoke", "nil"), event(2, 1, "ok", "7")]].concat();
    for (events, line) in [(&timed[..], 3), (&twice, 3), (&back, 7), (&late, 8)] {
        let error = read_all(events).unwrap_err().to_string();
        assert!(error.starts_with(&format!("h:{line}: event")), "{error}");
        assert!(error.contains("an earlier event has the same index"), "{error}");
    }
}

/// As some of elle-cli's examples are: who did what is not told.
#[test]
fn without_processes_each_operation_is_one_of_its_own() {
    let event = |kind: &str| format!("{{:type :{kind}, :value [[:append x 1]]}}\n");
    let all = ["invoke", "ok", "invoke", "info", "invoke"].map(event);
    let history = read("h", all.concat().as_bytes(), None).unwrap();
    let shape: Vec<_> = history.operations().map(|op| (op.process(), op.completion())).collect();
    assert_eq!(shape, [(0, Completion::Ok), (1, Completion::Info), (2, Completion::Info)]);
    assert!(!history.untimed);
    let json = r#"{"type":"invoke","value":[]}
{"type":"fail","value":[]}
{"type":"invoke","value":[]}
"#;
    let history = read("h", json.as_bytes(), None).unwrap();
    assert_eq!(history.operations().map(|op| op.process()).collect::<Vec<_>>(), [0, 1]);
    let named = event("ok").replace(":type", ":process 0 :type");
    for (events, expected) in [
        (vec![event("ok")], "h:1: event 0: process 0 completes `txn` without"),
        (vec![event("invoke"), event("invoke")], "h:2: event 1: process 0 invokes `txn` while"),
        (vec![event("invoke"), named.clone()], "h:2: event 1: `process` is there, although"),
        (vec![named.replace("ok", "invoke"), event("ok")], "h:2: event 1: `process` is missing,"),
    ] {
        let error = read("h", events.concat().as_bytes(), None).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
