//! The etcd client against a real etcd.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use isobar_workloads::{Connect, Outcome, etcd};
use serde_json::{Value, json};
use support::{Etcd, cas, have_etcd, ok, read, until, write};

#[tokio::test]
async fn a_node_serves_a_register() {
    if !have_etcd() {
        return;
    }
    let node = Etcd::alone().await;
    let mut client = node.client(true).await;
    assert_eq!(client.invoke(&read("k0")).await, ok(Value::Null));
    let from_absent = cas("k0", Value::Null, json!(1));
    assert_eq!(client.invoke(&from_absent).await, ok(json!([null, 1])));
    assert!(matches!(client.invoke(&from_absent).await, Outcome::Fail(_)));
    assert_eq!(client.invoke(&read("k0")).await, ok(json!(1)));
    assert_eq!(client.invoke(&write("k0", json!(2))).await, ok(json!(2)));
    let Outcome::Fail(reason) = client.invoke(&cas("k0", json!(1), json!(3))).await else {
        panic!("2 is not 1");
    };
    assert!(reason.starts_with("compare failed"), "{reason}");
    assert_eq!(client.invoke(&cas("k0", json!(2), json!(3))).await, ok(json!([2, 3])));
    assert_eq!(client.invoke(&read("k0")).await, ok(json!(3)));
    assert!(matches!(client.invoke(&cas("k1", json!(2), json!(3))).await, Outcome::Fail(_)));
    assert_eq!(client.invoke(&read("k1")).await, ok(Value::Null));
}

#[tokio::test]
async fn what_etcd_refuses_is_definite() {
    if !have_etcd() {
        return;
    }
    let node = Etcd::alone().await;
    let mut client = node.client(true).await;
    let Outcome::Fail(reason) = client.invoke(&write("k0", json!("x".repeat(1_600_000)))).await
    else {
        panic!("1.6 MB are more than etcd takes");
    };
    assert!(reason.starts_with("etcdserver: request is too large ("), "{reason}");
    assert_eq!(client.invoke(&read("k0")).await, ok(Value::Null));
}

#[tokio::test]
async fn a_write_cut_off_is_indeterminate_and_the_next_was_never_sent() {
    if !have_etcd() {
        return;
    }
    let mut node = Etcd::alone().await;
    let mut client = node.client(true).await;
    assert_eq!(client.invoke(&write("k0", json!(1))).await, ok(json!(1)));

    node.signal("STOP");
    until("etcd has read all", || node.unread_bytes() == 0).await;
    let cut_off = tokio::spawn(async move {
        let outcome = client.invoke(&write("k0", json!(2))).await;
        (client, outcome)
    });
    until("the write reaches the node", || node.unread_bytes() > 0).await;
    node.kill();
    let (mut client, outcome) = cut_off.await.unwrap();
    assert!(matches!(outcome, Outcome::Info(_)), "{outcome:?}");

    let Outcome::Fail(reason) = client.invoke(&write("k0", json!(3))).await else {
        panic!("nobody listens");
    };
    assert!(reason.contains("refused") && reason.contains("never sent"), "{reason}");
    let refused = etcd::EtcdConnect { linearizable: true }.connect(&node.address).await;
    let error = refused.err().expect("nobody listens");
    assert_eq!(error.address, node.address);
    assert!(error.reason.contains("refused"), "{error}");
    let status = etcd::status(&node.address).await.unwrap_err();
    assert!(status.starts_with(&format!("etcd at {}: ", node.address)), "{status}");

    // The same client finds the node when it is back.
    node.restart().await;
    assert_eq!(client.invoke(&write("k0", json!(4))).await, ok(json!(4)));
}

#[tokio::test]
async fn nothing_hangs_on_a_paused_node() {
    if !have_etcd() {
        return;
    }
    let node = Etcd::alone().await;
    let mut client = node.client(true).await;
    assert_eq!(client.invoke(&write("k0", json!(1))).await, ok(json!(1)));
    let others = node.connections() - 1;

    node.signal("STOP");
    let second = write("k0", json!(2));
    let waited = tokio::time::timeout(Duration::from_millis(200), client.invoke(&second)).await;
    assert!(waited.is_err(), "{waited:?} from a paused node");
    drop(client);
    until("the dropped client's connection is closed", || node.connections() == others).await;

    // The kernel accepts for the paused process, so that connecting succeeds; asking does not.
    let begin = Instant::now();
    let mut client = node.client(true).await;
    let error = etcd::status(&node.address).await.unwrap_err();
    assert!(error.ends_with("no answer within 1 s"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());

    // The given-up write may have happened: that is what *info* says.
    node.signal("CONT");
    let outcome = client.invoke(&read("k0")).await;
    assert!([ok(json!(1)), ok(json!(2))].contains(&outcome), "{outcome:?}");
}

#[tokio::test]
async fn without_a_quorum_only_serializable_reads_are_answered() {
    if !have_etcd() {
        return;
    }
    let mut nodes = Etcd::cluster(2).await;
    let members = etcd::member_list(&nodes[0].address).await.unwrap();
    let names: BTreeMap<u64, &str> = members.iter().map(|m| (m.id, m.name.as_str())).collect();
    assert!(names.values().any(|name| *name == "n1") && names.values().any(|name| *name == "n2"));
    assert!(members.len() == 2 && members.iter().all(|member| !member.learns), "{members:?}");
    let statuses = [
        etcd::status(&nodes[0].address).await.unwrap(),
        etcd::status(&nodes[1].address).await.unwrap(),
    ];
    for (status, name) in statuses.iter().zip(["n1", "n2"]) {
        assert_eq!(names[&status.member_id], name);
        assert!(names.contains_key(&status.leader_id), "{status:?}");
        assert!(status.term > 0 && status.version.starts_with('3'), "{status:?}");
    }
    assert_eq!(statuses[0].leader_id, statuses[1].leader_id);

    let mut client = nodes[0].client(true).await;
    assert_eq!(client.invoke(&write("k0", json!(1))).await, ok(json!(1)));
    nodes[1].kill();
    let mut stale_reader = nodes[0].client(false).await;
    assert_eq!(stale_reader.invoke(&read("k0")).await, ok(json!(1)));
    let quorum_read = read("k0");
    let waited = tokio::time::timeout(Duration::from_secs(1), client.invoke(&quorum_read)).await;
    // Either no answer yet, or etcd's refusal; not a value.
    if let Ok(outcome) = waited {
        assert!(matches!(outcome, Outcome::Fail(_)), "{outcome:?} without a quorum");
    }
    let mut writer = nodes[0].client(true).await;
    let Outcome::Info(reason) = writer.invoke(&write("k0", json!(2))).await else {
        panic!("a write that waits for a quorum may yet happen");
    };
    // The first while it still takes itself for the leader, the second once it knows of none.
    let expected = ["etcdserver: request timed out", "Unknown: context deadline exceeded"];
    assert!(expected.contains(&reason.as_str()), "{reason}");
    // Still only its own copy, whatever became of the write.
    assert_eq!(stale_reader.invoke(&read("k0")).await, ok(json!(1)));
}
