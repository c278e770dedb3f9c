//! Faults of real processes.

use std::time::Duration;

use isobar::fault::JournalEntry;
use isobar::system::{ProcessState, System};
use serde_json::json;

use crate::lab::{Lab, can_run};
use crate::scene::{Scene, Sleepers};

#[test]
fn processes_are_killed_paused_restarted_and_run_again() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(3, false);
    let faults = json!([
        {"kill": {"targets": ["n1"], "at": "0s"}},
        {"pause": {"targets": ["n2"], "at": "0s"}},
        {"restart": {"targets": ["n3"], "at": "0s"}},
        {"pause": {"targets": ["n1"], "at": "100ms", "for": "1s"}},
    ]);
    let mut scene = Scene::new(&lab, faults);
    let directory = scene.journal.parent().unwrap().to_owned();
    let system = Sleepers { directory };
    let nodes = lab.cluster.nodes();
    let scripts = |node: usize| system.scripts(&nodes[node - 1]);
    let state = |node: usize| ProcessState::parse(&lab.on(node, &scripts(node).state)).unwrap();
    for node in 1..=3 {
        lab.on(node, &scripts(node).start);
        assert!(matches!(state(node), ProcessState::Running(_)));
    }
    let before: Vec<ProcessState> = (1..=3).map(state).collect();

    scene.injector.begin();
    (0..3).for_each(|id| scene.wait_installed(id));
    assert_eq!(state(1), ProcessState::Gone);
    assert!(matches!(state(2), ProcessState::Paused(_)));
    scene.wait_for_entry(2, |entry| matches!(entry, JournalEntry::Healed { id: 2 }));
    assert!(matches!(state(3), ProcessState::Running(_)) && state(3) != before[2]);
    // n1 is killed until the end: the pause waits its turn and then gives up.
    scene.wait_for_entry(
        3,
        |entry| matches!(entry, JournalEntry::Skipped { id: 3, why } if why.contains("fault 0")),
    );

    let report = scene.injector.heal_all(Duration::from_secs(10));
    assert_eq!((report.healed, report.dirty.len()), (3, 0));
    assert!(matches!(state(1), ProcessState::Running(_)) && state(1) != before[0]);
    assert_eq!(state(2), before[1]);
    let events = scene.events();
    let evidence = |id: u32, phase: &str| {
        let event = events.iter().find(|event| {
            let value = &event["value"];
            value["id"] == id && value["phase"] == phase && !value["outcome"].is_null()
        });
        event.unwrap()["value"]["evidence"].to_string()
    };
    assert_eq!(evidence(0, "inject"), format!("{{\"n1\":\"{}, then gone\"}}", before[0]));
    assert_eq!(evidence(1, "heal"), format!("{{\"n2\":\"{}\"}}", before[1]));
    assert_eq!(evidence(2, "inject"), format!("{{\"n3\":\"{}, then {}\"}}", before[2], state(3)));
    (1..=3).for_each(|node| drop(lab.on(node, &scripts(node).stop)));
    scene.assert_nothing_left();
}
