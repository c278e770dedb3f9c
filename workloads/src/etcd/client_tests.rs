#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::etcd::generated::mvccpb::KeyValue;

fn operation(f: &str, value: Value) -> Invocation {
    Invocation { f: f.to_owned(), key: Some(json!("k7")), value }
}

#[test]
fn a_read_asks_a_quorum_unless_told_otherwise() {
    for linearizable in [true, false] {
        let request = Request::new(&operation("read", Value::Null), linearizable).unwrap();
        let key = b"isobar/k7".to_vec();
        assert_eq!(request, Request::Range(RangeRequest { key, serializable: !linearizable }));
    }
}

#[test]
fn a_write_stores_json_text() {
    let request = Request::new(&operation("write", json!({"a": [1, "x"]})), true).unwrap();
    let value = br#"{"a":[1,"x"]}"#.to_vec();
    assert_eq!(request, Request::Put(PutRequest { key: b"isobar/k7".to_vec(), value }));
}

#[test]
fn a_cas_compares_the_value_or_the_absence() {
    let comparison = |old: Value| {
        let request = Request::new(&operation("cas", json!([old, 2])), true).unwrap();
        let Request::Txn(mut txn) = request else { panic!("{request:?}") };
        assert_eq!((txn.compare.len(), txn.success.len()), (1, 1));
        txn.compare.remove(0)
    };
    let present = comparison(json!(1));
    assert_eq!(present.target(), CompareTarget::Value);
    assert_eq!(present.target_union, Some(TargetUnion::Value(b"1".to_vec())));
    let absent = comparison(Value::Null);
    assert_eq!(absent.target(), CompareTarget::Create);
    assert_eq!(absent.target_union, Some(TargetUnion::CreateRevision(0)));
    assert_eq!(present.result(), CompareResult::Equal);
}

#[test]
fn a_key_which_is_no_string_is_its_json_text() {
    let numbered = Invocation { key: Some(json!(7)), ..operation("read", Value::Null) };
    assert_eq!(key_bytes(&numbered).unwrap(), b"isobar/7");
}

#[test]
fn what_cannot_be_expressed_says_why() {
    let keyless = Invocation { key: None, ..operation("read", Value::Null) };
    for (invocation, reason) in [
        (keyless, "`read` needs a key"),
        (operation("write", Value::Null), "null cannot be written: it means absent"),
        (operation("cas", json!([1])), "cas takes [old, new], not [1]"),
        (operation("cas", json!([1, null])), "null cannot be written: it means absent"),
        (operation("inc", json!(1)), "etcd clients know read, write, cas and txn, not `inc`"),
    ] {
        assert_eq!(Request::new(&invocation, true).unwrap_err(), reason);
    }
}

#[test]
fn an_absent_key_reads_null_and_foreign_bytes_read_as_text() {
    let answer = |value: &[u8]| RangeResponse {
        header: None,
        kvs: vec![KeyValue { value: value.to_vec(), ..KeyValue::default() }],
    };
    assert_eq!(stored_value(&RangeResponse::default()), Value::Null);
    assert_eq!(stored_value(&answer(b"17")), json!(17));
    assert_eq!(stored_value(&answer(b"not json")), json!("not json"));
}
