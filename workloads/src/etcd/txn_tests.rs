#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::etcd::generated::etcdserverpb::{RangeResponse, ResponseOp};
use crate::etcd::generated::mvccpb::KeyValue;

fn micros(value: Value) -> Vec<Micro> {
    Micro::list(&value).unwrap()
}

fn answer(values: &[Option<(&str, i64)>]) -> TxnResponse {
    let range = |stored: &Option<(&str, i64)>| {
        let kv = stored.map(|(value, mod_revision)| KeyValue {
            value: value.as_bytes().to_vec(),
            mod_revision,
            ..KeyValue::default()
        });
        let range = RangeResponse { header: None, kvs: kv.into_iter().collect() };
        ResponseOp { response: Some(response_op::Response::ResponseRange(range)) }
    };
    TxnResponse { responses: values.iter().map(range).collect(), ..TxnResponse::default() }
}

#[test]
fn only_keys_whose_value_matters_are_read() {
    let needed = |value: Value| needed_keys(&micros(value));
    assert_eq!(needed(json!([["w", "x", 1], ["r", "x", null], ["w", "y", 2]])), [""; 0]);
    assert_eq!(needed(json!([["append", "x", 1], ["append", "x", 2]])), ["x"]);
    let mixed = json!([["r", "y", null], ["w", "x", 1], ["w", "y", 2], ["r", "y", null]]);
    assert_eq!(needed(mixed), ["y"]);
}

#[test]
fn all_reads_are_one_transaction_which_asks_a_quorum_unless_told_otherwise() {
    for linearizable in [true, false] {
        let request = ranges(&["x".to_owned(), "y".to_owned()], linearizable);
        assert!(request.compare.is_empty());
        let keys: Vec<(Vec<u8>, bool)> = request
            .success
            .into_iter()
            .map(|op| match op.request {
                Some(request_op::Request::RequestRange(range)) => (range.key, range.serializable),
                other => panic!("{other:?}"),
            })
            .collect();
        let key = |name: &str| (name.as_bytes().to_vec(), !linearizable);
        assert_eq!(keys, [key("isobar/x"), key("isobar/y")]);
    }
}

#[test]
fn the_commit_compares_every_key_that_was_read_and_puts_each_key_once() {
    let micros =
        micros(json!([["append", "x", 2], ["r", "y", null], ["append", "x", 3], ["w", "z", 4]]));
    let needed = needed_keys(&micros);
    let held = Held::of(&needed, &answer(&[Some(("[1]", 7)), None])).unwrap();
    let performed = perform(&micros, |key| held.value(key)).unwrap();
    let request = commit(&held, &performed).unwrap();
    let compared: Vec<_> = request
        .compare
        .iter()
        .map(|c| (c.key.as_slice(), c.target(), c.result(), c.target_union.clone()))
        .collect();
    let is = |key: &'static [u8], revision: i64| {
        let union = Some(TargetUnion::ModRevision(revision));
        (key, CompareTarget::Mod, CompareResult::Equal, union)
    };
    assert_eq!(compared, [is(b"isobar/x", 7), is(b"isobar/y", 0)]);
    let puts: Vec<(Vec<u8>, Vec<u8>)> = request
        .success
        .into_iter()
        .map(|op| match op.request {
            Some(request_op::Request::RequestPut(put)) => (put.key, put.value),
            other => panic!("{other:?}"),
        })
        .collect();
    let stored = |key: &str, value: &str| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
    assert_eq!(puts, [stored("isobar/x", "[1,2,3]"), stored("isobar/z", "4")]);
}

#[test]
fn an_answer_with_something_missing_is_refused() {
    let keys = ["x".to_owned(), "y".to_owned()];
    assert_eq!(Held::of(&keys, &answer(&[None])).unwrap_err(), "1 answers to 2 reads");
    let mut odd = answer(&[None, None]);
    odd.responses[1].response = None;
    assert_eq!(Held::of(&keys, &odd).unwrap_err(), "no range in the answer to the read of y");
}

#[test]
fn null_cannot_be_written() {
    let performed = perform(&micros(json!([["w", "x", null]])), |_| Value::Null).unwrap();
    assert!(commit(&Held::default(), &performed).is_err());
}
