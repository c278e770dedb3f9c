//! Tests of schedules.

#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::cluster::Cluster;

pub(in crate::replay) fn schedule() -> Schedule {
    let text = "version: 1\nname: t\ncluster:\n  local: { nodes: 3 }\nsystem:\n  toy: {}\n\
                workload:\n  register: {}\nload: { time: 60s }\nfaults:\n  \
                - kill: { targets: one, every: 20s, for: 2s, at: 5s }\n  \
                - partition: { split: one, every: 10s, for: 5s, at: 1s }\n\
                checks:\n  - linearizable: {}\n";
    let spec = spec::parse("t.yaml", text).unwrap();
    let plan = Plan::draw(&spec.faults, &Cluster::local(3).nodes(), 7, spec.load.time.0);
    let operation = |second: u64| PlannedOperation {
        at: Nanos(second * 1_000_000_000),
        worker: (second % 9) as u32,
        request: Request {
            f: "write".to_owned(),
            key: Some(json!(format!("k{}", second % 5))),
            value: json!(second),
        },
    };
    Schedule {
        schema: Schedule::SCHEMA,
        spec,
        plan,
        workers: 9,
        operations: (0..60).map(operation).collect(),
        final_reads: Vec::new(),
        findings: Vec::new(),
        frequency: None,
    }
}

#[test]
fn a_schedule_is_read_as_it_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("schedule.json");
    schedule().write(&path).unwrap();
    assert_eq!(Schedule::read(&path).unwrap(), schedule());
    let text = fs::read_to_string(&path).unwrap();
    let newer = text.replace("\"schema\": 1,", "\"schema\": 2,");
    fs::write(&path, newer).unwrap();
    let error = Schedule::read(&path).unwrap_err().to_string();
    assert!(error.contains("schema 2, this one reads 1"), "{error}");
}

#[test]
fn a_part_plans_only_what_it_injects() {
    let whole = schedule();
    let kill = whole.plan.injections.iter().find(|i| i.fault.name() == "kill").unwrap();
    let part = whole.part(&[kill.id], Vec::new());
    assert_eq!(part.plan.injections.len(), 1);
    assert_eq!(part.plan.injections[0].track, 0);
    assert_eq!(part.spec.faults.len(), 1);
    assert!(whole.part(&[], Vec::new()).spec.faults.is_empty());
}

#[test]
fn a_stretch_of_time_begins_at_zero_with_the_faults_that_are_in_force() {
    let second = |s: u64| Nanos(s * 1_000_000_000);
    // Partitions at 1, 11, 21 … for 5 s; kills at 5, 25, 45 for 2 s.
    let part = schedule().between(second(14), second(23));
    let told: Vec<(&str, u128, u128)> = part
        .plan
        .injections
        .iter()
        .map(|i| (i.fault.name(), i.at.0.as_millis(), i.lasts.0.as_millis()))
        .collect();
    assert_eq!(told, [("partition", 0, 2000), ("partition", 7000, 5000)]);
    assert_eq!(part.operations.len(), 10);
    assert_eq!(part.operations[0].at, Nanos(0));
    assert_eq!(part.spec.load.time.0, Duration::from_secs(9));
    assert_eq!(part.after_heal(), Duration::ZERO);
}

#[test]
fn a_stretch_shorter_than_its_tracks_wait_is_a_specification_still() {
    let second = |s: u64| Nanos(s * 1_000_000_000);
    let whole = schedule();
    let part = whole.between(second(21), second(22));
    assert_eq!((part.plan.injections.len(), part.spec.faults.len()), (1, 1));
    assert!(whole.spec.faults[0].schedule().first >= part.spec.load.time.0, "the test is void");
    crate::spec::parse("spec.yaml", &crate::spec::to_yaml(&part.spec).unwrap()).unwrap();
}

#[test]
fn another_cluster_gives_its_names_to_the_nodes() {
    let mut other = schedule().spec;
    other.cluster = serde_json::from_value(json!({"ssh": {"nodes": ["a", "b", "c"]}})).unwrap();
    other.system = serde_json::from_value(json!({"etcd": {}})).unwrap();
    let there = schedule().onto(&other).unwrap();
    assert_eq!(there.plan.nodes, ["a", "b", "c"]);
    let order: BTreeSet<&String> = there.plan.injections[0].order.iter().collect();
    assert_eq!(order.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    other.cluster = serde_json::from_value(json!({"local": {"nodes": 5}})).unwrap();
    let error = schedule().onto(&other).unwrap_err().to_string();
    assert_eq!(error, "the run has 3 nodes and the other cluster 5; give as many");
}
