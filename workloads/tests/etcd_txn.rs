//! Transactions on a real etcd.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use isobar_workloads::txn::{Function, KeyDistribution, Kind, Micro, TxnOptions, Txns};
use isobar_workloads::{Client, Invocation, Outcome, Workload};
use serde_json::{Value, json};
use support::{Etcd, have_etcd, ok};

fn txn(micros: Value) -> Invocation {
    Invocation { f: "txn".to_owned(), key: None, value: micros }
}

#[tokio::test]
async fn a_node_serves_transactions_on_lists_and_registers() {
    if !have_etcd() {
        return;
    }
    let node = Etcd::alone().await;
    let mut client = node.client(true).await;
    let empty = json!([["r", "x", null], ["r", "y", null]]);
    assert_eq!(client.invoke(&txn(empty.clone())).await, ok(empty));
    let own = json!([["append", "x", 1], ["r", "x", null], ["append", "x", 2]]);
    let seen = json!([["append", "x", 1], ["r", "x", [1]], ["append", "x", 2]]);
    assert_eq!(client.invoke(&txn(own)).await, ok(seen));
    let mixed = json!([["r", "x", null], ["w", "z", 7], ["r", "z", null]]);
    let seen = json!([["r", "x", [1, 2]], ["w", "z", 7], ["r", "z", 7]]);
    assert_eq!(client.invoke(&txn(mixed)).await, ok(seen));
    let blind = json!([["w", "z", 8], ["w", "y", 9], ["w", "z", 10]]);
    assert_eq!(client.invoke(&txn(blind.clone())).await, ok(blind));
    let reads = json!([["r", "z", null], ["r", "y", null], ["r", "x", null]]);
    let seen = json!([["r", "z", 10], ["r", "y", 9], ["r", "x", [1, 2]]]);
    assert_eq!(client.invoke(&txn(reads)).await, ok(seen));

    let no_list = client.invoke(&txn(json!([["append", "x", 3], ["append", "y", 1]]))).await;
    assert!(matches!(no_list, Outcome::Fail(_)), "{no_list:?}");
    let unchanged = json!([["r", "x", [1, 2]]]);
    assert_eq!(client.invoke(&txn(json!([["r", "x", null]]))).await, ok(unchanged));
    let odd = client.invoke(&txn(json!([["swap", "x", 3]]))).await;
    assert!(matches!(&odd, Outcome::Fail(reason) if reason.contains("never sent")), "{odd:?}");
}

/// Clients of three members, in great contention: some commit, some fail, and each list shows it.
#[tokio::test(flavor = "multi_thread")]
async fn contended_transactions_of_three_members_leave_lists_that_agree() {
    if !have_etcd() {
        return;
    }
    let nodes = Etcd::cluster(3).await;
    let workload = Arc::new(Mutex::new(Txns::new(TxnOptions {
        seed: 1,
        kind: Kind::Append,
        keys: 3,
        txn_length: (1, 4),
        max_writes_per_key: 50,
        read_percent: 50,
        key_distribution: KeyDistribution::Uniform,
    })));
    let mut tasks = Vec::new();
    for worker in 0..6 {
        let mut client = nodes[worker % 3].client(true).await;
        let workload = Arc::clone(&workload);
        tasks.push(tokio::spawn(async move {
            let mut done = Vec::new();
            for _ in 0..100 {
                let invocation = workload.lock().unwrap().next(0).unwrap();
                let outcome = client.invoke(&invocation).await;
                done.push((invocation, outcome));
            }
            done
        }));
    }
    let mut done = Vec::new();
    for task in tasks {
        done.extend(task.await.unwrap());
    }
    let mut client = nodes[0].client(true).await;
    let reads = workload.lock().unwrap().final_reads();
    let lists = final_lists(&mut *client, reads).await;
    let (mut committed, mut conflicts) = (0, 0);
    for (invocation, outcome) in &done {
        let invoked = Micro::list(&invocation.value).unwrap();
        match outcome {
            Outcome::Ok(value) => {
                committed += 1;
                assert_committed(&Micro::list(value).unwrap(), &lists);
            }
            Outcome::Fail(reason) => {
                conflicts += usize::from(reason.starts_with("conflict"));
                for Micro(function, key, value) in invoked {
                    let failed = function == Function::Append && lists[&key].contains(&value);
                    assert!(!failed, "{value} is in {key}, though: {reason}");
                }
            }
            Outcome::Info(reason) => panic!("nothing was cut: {reason}"),
        }
    }
    assert!(committed > 200 && conflicts > 20, "{committed} committed, {conflicts} conflicts");
}

async fn final_lists(
    client: &mut dyn Client,
    reads: Vec<Invocation>,
) -> BTreeMap<String, Vec<Value>> {
    let mut lists = BTreeMap::new();
    for read in reads {
        let Outcome::Ok(value) = client.invoke(&read).await else { panic!("{read:?}") };
        for Micro(_, key, list) in Micro::list(&value).unwrap() {
            lists.insert(key, list.as_array().cloned().unwrap_or_default());
        }
    }
    lists
}

fn assert_committed(micros: &[Micro], lists: &BTreeMap<String, Vec<Value>>) {
    for Micro(function, key, value) in micros {
        let list = &lists[key];
        match function {
            Function::Append => assert!(list.contains(value), "{value} is not in {key}: {list:?}"),
            _ => {
                let read = value.as_array().cloned().unwrap_or_default();
                assert!(list.starts_with(&read), "{key}: {read:?} is no prefix of {list:?}");
            }
        }
    }
}
