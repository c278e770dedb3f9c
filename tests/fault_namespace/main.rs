//! Faults on real network namespaces and real processes. Needs root, iproute2 and iptables.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod chaos;
mod guard;
mod lab;
mod legacy;
mod packet;
mod policy;
mod process;
mod safety;
mod scene;
mod watchdog;

use std::time::Duration;

use isobar::fault::JournalEntry;
use serde_json::json;

use lab::{Lab, can_run};
use scene::Scene;

const FOREIGN: &str = "iptables -N THEIRS && iptables -A INPUT -s 10.9.0.77 -j THEIRS &&
    iptables -A INPUT -p tcp --dport 9 -j DROP && ip6tables -A INPUT -s fd09::77 -j DROP";

#[test]
fn a_one_way_partition_is_one_way_seen_and_leaves_no_trace() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(3, false);
    (1..=3).for_each(|node| drop(lab.on(node, FOREIGN)));
    let before: Vec<String> = (1..=3).map(|node| lab.rules(node)).collect();
    assert!(lab.hears(1, 2) && lab.hears(2, 1));

    let faults = json!([{"partition": {"split": {"grudge": {"n1": ["n2"]}}, "at": "0s"}}]);
    let mut scene = Scene::new(&lab, faults);
    scene.injector.begin();
    scene.wait_installed(0);
    assert!(!lab.hears(1, 2), "n1 still hears n2");
    assert!(lab.hears(2, 1) && lab.hears(1, 3) && lab.hears(3, 2));
    let rules = lab.rules(1);
    let jump = rules.find("-A INPUT -j ISOBAR-IN").unwrap();
    assert!(jump < rules.find("-A INPUT -s 10.9.0.77").unwrap(), "{rules}");
    assert!(rules.contains("-A ISOBAR-IN -s 10.9.0.254/32 -j RETURN"), "{rules}");
    assert_eq!(lab.rules(2), before[1]);

    let report = scene.injector.heal_all(Duration::from_secs(5));
    assert_eq!((report.healed, report.dirty.len(), report.remarks.len()), (1, 0, 0));
    assert_eq!((1..=3).map(|node| lab.rules(node)).collect::<Vec<_>>(), before);
    assert!(lab.hears(1, 2));
    scene.assert_nothing_left();
    let events = scene.events();
    assert_eq!(events.len(), 4);
    assert_eq!(events[0]["value"]["grudge"], json!({"n1": ["n2"]}));
    assert_eq!(events[1]["value"]["outcome"], "installed");
    assert_eq!(events[1]["value"]["evidence"], json!({"n1": "1 rule, 0 packets dropped"}));
    assert_eq!(events[3]["value"]["outcome"], "healed");
    assert_eq!(events[3]["value"]["evidence"], json!({"n1": "1 rule, 3 packets dropped"}));
}

#[test]
fn a_partition_of_ipv6_by_port_cuts_that_port_only() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(2, true);
    drop(lab.on(1, FOREIGN));
    let before = lab.rules(1);
    let faults = json!([{"partition": {"split": "one", "port": 2380, "at": "0s"}}]);
    let mut scene = Scene::new(&lab, faults);
    assert!(lab.connects(1, 2, 2380));
    scene.injector.begin();
    scene.wait_installed(0);
    assert!(!lab.connects(1, 2, 2380) && !lab.connects(2, 1, 2380));
    assert!(lab.connects(1, 2, 2379) && lab.connects(2, 1, 2379) && lab.hears(1, 2));
    assert!(scene.injector.heal_all(Duration::from_secs(5)).dirty.is_empty());
    assert!(lab.connects(1, 2, 2380));
    assert_eq!(lab.rules(1), before);
}

#[test]
fn partitions_do_not_overlap_and_follow_the_plan() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(5, false);
    let faults = json!([
        {"partition": {"split": "majorities-ring", "at": "0s", "for": "1s"}},
        {"partition": {"split": "leader", "at": "500ms", "for": "6s"}},
    ]);
    let mut scene = Scene::new(&lab, faults);
    scene.injector.begin();
    scene.wait_for_entry(0, |entry| matches!(entry, JournalEntry::Healed { id: 0 }));
    scene.wait_installed(1);
    // The leader is asked of the system: n2, as the scene has it.
    assert!((1..=5).all(|node| node == 2 || !lab.hears(node, 2)));
    assert!(lab.hears(1, 3));
    scene.wait_for_entry(1, |entry| {
        matches!(entry, JournalEntry::Settled { id: 1, settled_ms: Some(500..) })
    });
    assert_eq!(scene.injector.heal_all(Duration::from_secs(5)).healed, 2);
    let events = scene.events();
    let time = |index: usize| events[index]["time"].as_u64().unwrap();
    assert_eq!(events[4]["value"]["leader"], "n2");
    assert!(time(4) > time(3), "the second began before the first was healed");
    let took_ms = (time(1) - time(0)) / 1_000_000;
    println!("a partition of five nodes was installed in {took_ms} ms");
    scene.assert_nothing_left();
}

#[test]
fn a_fault_on_half_of_its_nodes_is_undone_and_an_unreachable_node_is_dirty() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(3, false);
    let faults = json!([
        {"partition": {"split": {"isolate": ["n1"]}, "at": "1s"}},
        {"partition": {"split": {"isolate": ["n9"]}, "at": "0s"}},
    ]);
    let mut scene = Scene::new(&lab, faults);
    let n3 = &lab.remotes[2].unreachable;
    n3.store(true, std::sync::atomic::Ordering::SeqCst);
    scene.injector.begin();
    scene.wait_for_entry(1, |entry| matches!(entry, JournalEntry::Indeterminate { id: 1, .. }));
    lab::wait_for("n1 is undone", Duration::from_secs(5), || !lab.rules(1).contains("ISOBAR"));
    let report = scene.injector.heal_all(Duration::from_secs(1));
    let dirty: Vec<&str> = report.dirty.iter().map(|(node, _)| node.as_str()).collect();
    assert_eq!(dirty, ["n3"]);
    n3.store(false, std::sync::atomic::Ordering::SeqCst);
    let report = isobar::fault::heal_from_journal(&lab.cluster, &scene.journal).unwrap();
    assert_eq!((report.healed, report.dirty.len()), (1, 0));
    scene.assert_nothing_left();
    let outcomes: Vec<String> =
        scene.events().iter().map(|event| event["value"]["outcome"].to_string()).collect();
    assert_eq!(outcomes, ["null", "\"skipped\"", "null", "\"indeterminate\"", "null", "\"dirty\""]);
}
