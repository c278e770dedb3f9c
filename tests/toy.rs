//! The toy system as processes: what it keeps without a bug, and how its faults are made.
#![allow(clippy::unwrap_used)]

mod toy_support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use isobar::spec::ToyBug;
use isobar::system::ProcessState;
use isobar_workloads::Outcome;
use serde_json::{Value, json};
use toy_support::Group;

fn ok(value: Value) -> Outcome {
    Outcome::Ok(value)
}

fn others(of: usize) -> [usize; 2] {
    [(of + 1) % 3, (of + 2) % 3]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_reads_writes_and_compares() {
    let group = Group::start(ToyBug::None).await;
    assert_eq!(group.op(0, "read", Value::Null).await, ok(Value::Null));
    assert_eq!(group.op(1, "cas", json!([null, 1])).await, ok(json!([null, 1])));
    assert_eq!(group.op(2, "read", Value::Null).await, ok(json!(1)));
    assert_eq!(group.op(0, "write", json!(2)).await, ok(json!(2)));
    let cas = group.op(1, "cas", json!([1, 3])).await;
    assert_eq!(cas, Outcome::Fail("the value is 2, not 1".to_owned()));
    assert_eq!(group.op(2, "read", Value::Null).await, ok(json!(2)));
    assert!(matches!(group.op(2, "swap", json!(1)).await, Outcome::Fail(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minority_refuses_and_the_majority_goes_on() {
    let group = Group::start(ToyBug::None).await;
    assert_eq!(group.op(0, "write", json!(1)).await, ok(json!(1)));
    let old = group.leader(&[0, 1, 2]).await;
    group.isolate(old);
    let write = group.op(old, "write", json!(2)).await;
    assert!(matches!(write, Outcome::Info(_) | Outcome::Fail(_)), "{write:?}");
    let read = group.op(old, "read", Value::Null).await;
    assert!(matches!(read, Outcome::Fail(_)), "{read:?}");
    let new = group.leader(&others(old)).await;
    assert_ne!(new, old);
    assert_eq!(group.op(new, "write", json!(3)).await, ok(json!(3)));
    let dropped = group.dropped(new);
    let (name, count) = dropped.split_once(' ').unwrap();
    assert_eq!(name, group.node(old).name);
    assert!(count.parse::<u64>().unwrap() > 0, "{dropped}");
    assert_eq!(group.dropped(old).lines().count(), 2);
    group.heal();
    assert_eq!(group.dropped(old), "");
    group.leader(&[0, 1, 2]).await;
    assert_eq!(group.op(old, "read", Value::Null).await, ok(json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_planted_stale_read_is_there_by_hand_and_only_while_cut_off() {
    let group = Group::start(ToyBug::StaleRead).await;
    let leader = group.leader(&[0, 1, 2]).await;
    let [victim, other] = others(leader);
    assert_eq!(group.op(leader, "write", json!(1)).await, ok(json!(1)));
    assert_eq!(group.op(victim, "read", Value::Null).await, ok(json!(1)));
    group.isolate(victim);
    assert_eq!(group.op(other, "write", json!(2)).await, ok(json!(2)));
    assert_eq!(group.op(victim, "read", Value::Null).await, ok(json!(1)), "no stale read");
    group.heal();
    group.leader(&[0, 1, 2]).await;
    assert_eq!(group.op(victim, "read", Value::Null).await, ok(json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_planted_split_brain_accepts_writes_on_both_sides() {
    let group = Group::start(ToyBug::SplitBrain).await;
    let lonely = group.leader(&[0, 1, 2]).await;
    group.isolate(lonely);
    group.leader(&others(lonely)).await;
    let end = Instant::now() + Duration::from_secs(5);
    while group.op(lonely, "write", json!(1)).await != ok(json!(1)) {
        assert!(Instant::now() < end, "the old leader does not write alone");
    }
    assert_eq!(group.op(others(lonely)[0], "write", json!(2)).await, ok(json!(2)));
    assert_eq!(group.op(lonely, "read", Value::Null).await, ok(json!(1)));
    group.heal();
    group.leader(&[0, 1, 2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_writes_outlive_a_kill_of_all_nodes() {
    let group = Group::start(ToyBug::None).await;
    for number in 0..20 {
        assert_eq!(group.op(number % 3, "write", json!(number)).await, ok(json!(number)));
    }
    for index in 0..3 {
        group.kill_node(index);
        assert_eq!(group.state(index), Some(ProcessState::Gone));
    }
    (0..3).for_each(|index| group.start_node(index));
    let leader = group.leader(&[0, 1, 2]).await;
    assert_eq!(group.op(leader, "read", Value::Null).await, ok(json!(19)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_is_kept_by_a_node_that_is_killed_or_paused() {
    let group = Group::start(ToyBug::None).await;
    let leader = group.leader(&[0, 1, 2]).await;
    let [killed, paused] = others(leader);
    group.kill_node(killed);
    let begin = Instant::now();
    group.cut(killed, &[leader, paused]);
    assert_eq!(group.dropped(killed).lines().count(), 2);
    group.start_node(killed);
    group.pause_node(paused);
    assert!(matches!(group.state(paused), Some(ProcessState::Paused(_))));
    group.cut(paused, &[leader]);
    assert_eq!(group.dropped(paused), format!("{} 0", group.node(leader).name));
    assert!(begin.elapsed() < Duration::from_secs(5), "orders wait for nodes that are away");
    group.resume_node(paused);
    let read = group.op(killed, "read", Value::Null).await;
    assert!(matches!(read, Outcome::Fail(_)), "{read:?}");
    group.heal();
    group.leader(&[0, 1, 2]).await;
    assert_eq!(group.op(killed, "read", Value::Null).await, ok(Value::Null));
}

#[test]
fn a_node_ends_when_its_owner_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let mut owner = Command::new("sleep").arg("60").spawn().unwrap();
    let mut node = Command::new(env!("CARGO_BIN_EXE_isobar"))
        .args(["toy-node", "run", "--name", "n1", "--members", "n1=127.0.0.1:0"])
        .args(["--owner-pid", &owner.id().to_string(), "--lease", "500ms", "--data"])
        .arg(directory.path().join("data"))
        .arg("--links")
        .arg(directory.path().join("links"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Three leases long: it must not end while its owner is there.
    std::thread::sleep(Duration::from_millis(1500));
    let alive = node.try_wait().unwrap().is_none();
    // Not waited for yet: an owner whose parent does not care is gone all the same.
    owner.kill().unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    while node.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            node.kill().unwrap();
            panic!("the node is still there");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    owner.wait().unwrap();
    assert!(alive, "the node ended although its owner was there");
}

#[test]
fn a_wrong_command_line_is_one_clear_error() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_isobar"))
            .arg("toy-node")
            .args(arguments)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let members = ["--members", "n1=127.0.0.1:1", "--data", "/nonexistent", "--links", "/x"];
    let error = run(&[&["run", "--name", "n9"], &members[..]].concat());
    assert!(error.contains("`n9` is not among the members n1"), "{error}");
    let error = run(&["run", "--name", "n1", "--members", "n1", "--data", "x", "--links", "x"]);
    assert!(error.contains("`n1` is not name=address:port"), "{error}");
    let error = run(&["status", "127.0.0.1:1"]);
    assert!(error.contains("127.0.0.1:1 cannot be reached"), "{error}");
}
