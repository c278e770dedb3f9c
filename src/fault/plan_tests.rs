#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn nodes(count: u8) -> Vec<Node> {
    (1..=count)
        .map(|i| Node {
            name: format!("n{i}"),
            index: usize::from(i) - 1,
            ip: Ipv4Addr::new(10, 0, 0, i).into(),
            role: None,
        })
        .collect()
}

fn faults(json: serde_json::Value) -> Vec<FaultSpec> {
    serde_json::from_value(json).unwrap()
}

fn mixed() -> Vec<FaultSpec> {
    faults(serde_json::json!([
        {"partition": {"split": "majority", "every": "10s", "for": "5s"}},
        {"kill": {"targets": "leader", "every": "15s", "for": "3s"}},
        {"partition": {"split": {"isolate": "followers"}, "direction": "deaf", "port": 2380,
                       "at": "21s", "for": "10m"}},
        {"restart": {"targets": "all", "at": "30s"}},
        {"pause": {"targets": "minority-third"}},
    ]))
}

#[test]
fn a_plan_as_people_read_it() {
    let plan = Plan::draw(&mixed(), &nodes(5), 42, Duration::from_secs(40));
    insta::assert_snapshot!(plan);
}

#[test]
fn mixes_are_drawn_or_taken_in_turn_and_restarts_roll() {
    let kills = json!([{"kill": {"for": "1s"}}, {"pause": {}}, {"partition": {"split": "one"}}]);
    let mixes = faults(serde_json::json!([
        {"random": {"every": "5s", "for": "2s", "of": kills}},
        {"sequence": {"every": "10s", "for": "2s", "at": "0s", "of": kills}},
        {"rolling-restart": {"at": "1s", "gap": "4s"}},
    ]));
    let plan = Plan::draw(&mixes, &nodes(3), 42, Duration::from_secs(40));
    insta::assert_snapshot!(plan);
    let again = Plan::draw(&mixes, &nodes(3), 42, Duration::from_secs(40));
    assert_eq!(plan, again);
    assert_ne!(plan, Plan::draw(&mixes, &nodes(3), 43, Duration::from_secs(40)));
}

#[test]
fn one_node_leaves_nothing_to_cut() {
    let plan = Plan::draw(&mixed(), &nodes(1), 42, Duration::from_secs(12));
    insta::assert_snapshot!(plan);
}

#[test]
fn a_plan_survives_being_written_and_read() {
    let plan = Plan::draw(&mixed(), &nodes(5), 7, Duration::from_secs(60));
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

#[test]
fn an_interval_of_nothing_is_once_and_a_tiny_one_is_bounded() {
    let once = faults(serde_json::json!([{"kill": {"every": "0s", "at": "1s"}}]));
    assert_eq!(Plan::draw(&once, &nodes(3), 1, Duration::from_secs(9)).injections.len(), 1);
    let often = faults(serde_json::json!([{"kill": {"every": "1ms"}}]));
    let many = Plan::draw(&often, &nodes(3), 1, Duration::from_secs(3600)).injections.len();
    assert_eq!(many, INJECTIONS_MAX);
}

proptest! {
    #[test]
    fn the_same_seed_gives_the_same_bytes(seed: u64, count in 1_u8..8) {
        let draw = || Plan::draw(&mixed(), &nodes(count), seed, Duration::from_secs(60));
        prop_assert_eq!(draw().to_string(), draw().to_string());
        prop_assert_eq!(
            serde_json::to_vec(&draw()).unwrap(), serde_json::to_vec(&draw()).unwrap()
        );
    }

    #[test]
    fn another_track_changes_no_draw_of_the_others(seed: u64, before: bool) {
        let draws = |faults: &[FaultSpec], name: &str| -> Vec<(Span, Vec<String>)> {
            Plan::draw(faults, &nodes(5), seed, Duration::from_secs(60))
                .injections
                .into_iter()
                .filter(|injection| injection.fault.name() == name)
                .map(|injection| (injection.at, injection.order))
                .collect()
        };
        let kill = faults(serde_json::json!([{"kill": {}}]));
        let pause = faults(serde_json::json!([{"pause": {"every": "3s"}}]));
        let (first, second) = if before { (&pause, &kill) } else { (&kill, &pause) };
        let together: Vec<FaultSpec> = first.iter().chain(second).cloned().collect();
        prop_assert_eq!(draws(&together, "kill"), draws(&kill, "kill"));
        prop_assert_eq!(draws(&together, "pause"), draws(&pause, "pause"));
    }

    #[test]
    fn injections_lie_within_the_load_in_order(seed: u64, load_s in 1_u64..200) {
        let load = Duration::from_secs(load_s);
        let plan = Plan::draw(&mixed(), &nodes(5), seed, load);
        for (id, injection) in (0..).zip(&plan.injections) {
            prop_assert_eq!(injection.id, id);
            prop_assert!(injection.at.0 < load && injection.at.0 + injection.lasts.0 <= load);
        }
        prop_assert!(plan.injections.is_sorted_by_key(|i| (i.at, i.track)));
    }
}

#[test]
fn different_seeds_differ() {
    let draw = |seed| Plan::draw(&mixed(), &nodes(5), seed, Duration::from_secs(60)).injections;
    assert_ne!(draw(1), draw(2));
}

#[test]
fn a_known_leader_replaces_the_stand_in() {
    let plan = Plan::draw(&mixed(), &nodes(5), 42, Duration::from_secs(60));
    let kill = plan.injections.iter().find(|i| i.fault.name() == "kill").unwrap();
    assert!(kill.asks_leader());
    let Effect::Process { nodes, .. } = kill.effect(Some("n4")) else { panic!("not a kill") };
    assert_eq!(nodes, ["n4"]);
}
