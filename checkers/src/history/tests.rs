#![allow(clippy::unwrap_used)]

use super::*;
use crate::Nanos;

/// `"process type f value time"` per line.
fn events(lines: &[&str]) -> Vec<Event> {
    let parse = |(index, line): (usize, &&str)| {
        let words: Vec<&str> = line.split(' ').collect();
        let text = format!(
            r#"{{"index":{index},"process":{},"type":"{}","f":"{}","value":{},"time":{}}}"#,
            words[0], words[1], words[2], words[3], words[4]
        );
        serde_json::from_str(&text).unwrap()
    };
    lines.iter().enumerate().map(parse).collect()
}

fn problem(lines: &[&str]) -> String {
    History::from_events(events(lines)).unwrap_err().to_string()
}

#[test]
fn pairs_by_process() {
    let history = History::from_events(events(&[
        "0 invoke write 1 10",
        "1 invoke read null 20",
        "1 ok read 1 30",
        "0 ok write 1 40",
        "1 invoke write 2 50",
        "1 info write 2 60",
        "0 invoke read null 70",
    ]))
    .unwrap();
    let shape: Vec<_> = history
        .operations()
        .map(|o| (o.index().0, o.process(), o.completion(), o.invoked_rank(), o.completed_rank()))
        .collect();
    assert_eq!(
        shape,
        [
            (0, 0, Completion::Ok, 0, Some(3)),
            (1, 1, Completion::Ok, 1, Some(2)),
            (4, 1, Completion::Info, 4, None),
            (6, 0, Completion::Info, 6, None),
        ]
    );
    assert_eq!(history.operation(1).result(), 1);
    assert_eq!(history.operation(2).completed_at(), None);
    assert_eq!(history.operation(2).gave_up_at(), Some(Nanos(60)));
    assert_eq!(history.operation(3).gave_up_at(), None);
    assert_eq!(history.end, Nanos(70));
}

#[test]
fn what_cannot_be_paired_is_an_error_which_names_the_event() {
    let error = problem(&["0 invoke read null 0", "1 ok read 1 1"]);
    assert!(error.starts_with("event 1: process 1 completes `read` without"), "{error}");
    let error = problem(&["0 invoke read null 0", "0 invoke read null 1"]);
    assert!(
        error.starts_with("event 1: process 0 invokes `read` while its operation 0"),
        "{error}"
    );
    let error = problem(&["0 invoke read null 0", "0 ok write 1 1"]);
    assert!(error.contains("its open operation 0 is a `read`"), "{error}");
    let error = problem(&["0 invoke read null 5", "0 ok read 1 4"]);
    assert!(error.contains("completed at 4 ns, before its invocation"), "{error}");
}

#[test]
fn a_process_may_go_on_after_an_info() {
    let history = History::from_events(events(&[
        "0 invoke write 1 0",
        "0 info write 1 1",
        "0 invoke read null 2",
        "0 ok read 1 3",
    ]))
    .unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(history.operation(0).completion(), Completion::Info);
}

#[test]
fn intervals_are_closed_so_touching_operations_are_concurrent() {
    let touching = History::from_events(events(&[
        "0 invoke write 1 0",
        "0 ok write 1 5",
        "1 invoke read null 5",
        "1 ok read null 6",
    ]))
    .unwrap();
    let (write, read) = (touching.operation(0), touching.operation(1));
    assert!(read.invoked_rank() < write.completed_rank().unwrap());
    assert_eq!(touching.remarks.len(), 1, "{:?}", touching.remarks);

    let apart = History::from_events(events(&[
        "0 invoke write 1 0",
        "0 ok write 1 5",
        "1 invoke read null 6",
        "1 ok read null 6",
    ]))
    .unwrap();
    let (write, read) = (apart.operation(0), apart.operation(1));
    assert!(read.invoked_rank() > write.completed_rank().unwrap());
    assert!(read.invoked_rank() < read.completed_rank().unwrap());
    assert!(apart.remarks.is_empty());
}

#[test]
fn events_out_of_order_are_put_in_order_of_time() {
    let history = History::from_events(events(&[
        "0 invoke write 1 10",
        "0 ok write 1 20",
        "1 invoke read null 5",
        "1 ok read null 6",
    ]))
    .unwrap();
    assert_eq!(history.operation(0).index(), OpIndex(2));
    assert!(history.remarks[0].contains("put in order of time"));
}

const NEMESIS: &str = r#"
{"index":0,"time":10,"process":"nemesis","type":"invoke","f":"partition","value":{"id":3,"phase":"inject","nodes":["n1"],"grudge":{"n1":["n2"]}}}
{"index":1,"time":20,"process":"nemesis","type":"info","f":"partition","value":{"id":3,"phase":"inject","outcome":"installed","evidence":{"n1":"2 rules"}}}
{"index":2,"time":30,"process":"nemesis","type":"invoke","f":"kill","value":{"id":4,"phase":"inject","nodes":["n2"]}}
{"index":3,"time":31,"process":"nemesis","type":"info","f":"kill","value":{"id":4,"phase":"inject","outcome":"skipped","why":"n2 is cut off"}}
{"index":4,"time":40,"process":"nemesis","type":"invoke","f":"partition","value":{"id":3,"phase":"heal"}}
{"index":5,"time":50,"process":"nemesis","type":"info","f":"partition","value":{"id":3,"phase":"heal","outcome":"dirty","why":"n1 is gone","evidence":{"n1":"31 packets"}}}
{"index":6,"time":60,"process":"nemesis","type":"invoke","f":"pause","value":{"id":5,"phase":"inject","nodes":["n1"]}}
{"index":7,"time":61,"process":"nemesis","type":"info","f":"start","value":"a Jepsen nemesis"}
"#;

#[test]
fn faults_become_windows() {
    let history = jsonl::read("h", NEMESIS.as_bytes()).unwrap();
    let [partition, kill, pause] = &history.faults[..] else { panic!("three windows") };
    assert_eq!(partition.nodes, ["n1"]);
    assert_eq!(partition.detail["grudge"]["n1"][0], "n2");
    assert_eq!(partition.outcome, InjectOutcome::Installed);
    assert_eq!(partition.installed_at, Some(Nanos(20)));
    assert_eq!((partition.heal_from, partition.to), (Some(Nanos(40)), Some(Nanos(50))));
    assert_eq!(partition.evidence["n1"], "2 rules");
    assert_eq!(partition.heal_evidence["n1"], "31 packets");
    assert_eq!(partition.dirty.as_deref(), Some("n1 is gone"));
    assert_eq!(kill.outcome, InjectOutcome::Skipped("n2 is cut off".into()));
    assert!(matches!(pause.outcome, InjectOutcome::Indeterminate(_)));
    assert_eq!(history.faults_during(Nanos(0), Nanos(9)), [0_u32; 0]);
    assert_eq!(history.faults_during(Nanos(30), Nanos(35)), [3]);
    assert_eq!(history.faults_during(Nanos(50), Nanos(90)), [3, 5]);
    assert!(history.remarks[0].starts_with("1 nemesis events"), "{:?}", history.remarks);
}

const OK: &str = r#"{"index":0,"time":0,"process":0,"type":"invoke","f":"read","value":null}"#;

#[test]
fn a_torn_last_line_is_told_and_any_other_is_an_error() {
    let torn = format!("{OK}\n\n{}", &OK[..20]);
    let history = jsonl::read("h.jsonl", torn.as_bytes()).unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history.remarks, ["line 3, the last, is torn: left out"]);

    let whole = jsonl::read("h.jsonl", OK.as_bytes()).unwrap();
    assert!(whole.remarks.is_empty(), "a missing newline alone tears nothing");

    let broken = format!("{}\n{OK}\n", &OK[..20]);
    let error = jsonl::read("h.jsonl", broken.as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("h.jsonl:1:20: "), "{error}");
}

#[test]
fn read_errors_have_a_place_and_an_expectation() {
    let bad = format!("{OK}\n{}\n", OK.replace("\"process\":0", "\"process\":true"));
    let error = jsonl::read("h.jsonl", bad.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        error,
        "h.jsonl:2:34: `process`: invalid type: boolean `true`, expected a process: a number from \
         0 or \"nemesis\""
    );
    let twice = format!("{OK}\n\n{OK}\n");
    let error = jsonl::read("h.jsonl", twice.as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("h.jsonl:3: event 0: process 0 invokes"), "{error}");
}

#[test]
fn reads_porcupine_logs() {
    let log = "INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]\nsomething else\n\
               INFO  jepsen.util - :nemesis :info :start nil\n\
               INFO  jepsen.util - 0\t:info\t:cas\t:timed-out\n\
               INFO  jepsen.util - 3\t:invoke\t:read\tnil\nINFO  jepsen.util - 3\t:ok\t:read\t7\n";
    let history = porcupine::read("e.log", log.as_bytes()).unwrap();
    let (cas, read) = (history.operation(0), history.operation(1));
    assert_eq!(cas.argument(), serde_json::json!([1, 2]));
    assert_eq!(cas.error(), Some("timed-out"));
    assert_eq!(read.result(), 7);

    let bad = log.replace(":read\t7", ":read\tseven");
    let error = porcupine::read("e.log", bad.as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("e.log:6:21: `seven`: expected nil"), "{error}");
    let error = porcupine::read("e.log", b"nothing".as_slice()).unwrap_err().to_string();
    assert!(error.starts_with("e.log: no operation found"), "{error}");
}

#[test]
fn times_are_shown_in_seconds() {
    assert_eq!(Nanos(4_102_345_678).to_string(), "4.102 s");
    assert_eq!(format!("{:.6}", Nanos(4_000_000_999)), "4.000000 s");
    assert_eq!(format!("{:.9}", Nanos(5)), "0.000000005 s");
}
