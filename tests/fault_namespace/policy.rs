//! Faults that have to wait: for a majority, and for a cluster in good health.

use std::time::Duration;

use isobar::fault::{JournalEntry, JournalState, Policy};
use isobar::spec::Quorum;
use serde_json::json;

use crate::lab::{Lab, can_run};
use crate::scene::{Scene, Sleepers};

#[test]
fn faults_that_would_take_the_majority_wait_or_are_skipped() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(3, false);
    let faults = json!([
        {"kill": {"targets": "majority", "at": "0s"}},
        {"kill": {"targets": ["n1"], "at": "0s", "for": "2s"}},
        {"pause": {"targets": ["n2"], "at": "500ms", "for": "500ms"}},
    ]);
    let mut scene = Scene::new(&lab, faults);
    scene.injector = scene.injector.under(Policy { quorum: Quorum::Keep, ..Policy::default() });
    Sleepers::start(&scene.directory(), &lab);
    scene.injector.begin();
    scene.wait_installed(1);
    scene.wait_installed(2);
    let entries = JournalState::read(&scene.journal).unwrap().entries;
    let place = |wanted: &dyn Fn(&JournalEntry) -> bool| entries.iter().position(wanted).unwrap();
    let skipped = place(
        &|entry| matches!(entry, JournalEntry::Skipped { id: 0, why } if why.contains("by itself")),
    );
    let healed = place(&|entry| matches!(entry, JournalEntry::Healed { id: 1 }));
    let opened = place(&|entry| matches!(entry, JournalEntry::Open { id: 2, .. }));
    assert!(skipped < healed && healed < opened, "{entries:?}");
    scene.wait_for_entry(2, |entry| matches!(entry, JournalEntry::Healed { id: 2 }));
    assert!(scene.injector.heal_all(Duration::from_secs(10)).dirty.is_empty());
    Sleepers::stop(&scene.directory(), &lab);
    scene.assert_nothing_left();
}

#[test]
fn a_sick_cluster_gets_no_faults_and_its_recovery_is_timed() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(2, false);
    let faults = json!([{"partition": {"split": "one", "at": "0s", "every": "4s", "for": "1s"}}]);
    let mut scene = Scene::new(&lab, faults);
    let sick = scene.directory().join("sick");
    std::fs::write(&sick, "").unwrap();
    let health_gate = Some(Duration::from_secs(1));
    scene.injector = scene.injector.under(Policy { health_gate, ..Policy::default() });
    scene.injector.begin();
    scene.wait_for_entry(0, |entry| {
        matches!(entry, JournalEntry::Skipped { id: 0, why } if why.contains("did not agree"))
    });
    std::fs::remove_file(&sick).unwrap();
    scene.wait_installed(1);
    scene.wait_for_entry(1, |entry| {
        matches!(entry, JournalEntry::Settled { id: 1, settled_ms: Some(500..) })
    });
    assert!(scene.injector.heal_all(Duration::from_secs(5)).dirty.is_empty());
    let events = scene.events();
    let settled = events.iter().find(|event| event["value"]["phase"] == "settle").unwrap();
    assert_eq!(settled["value"]["outcome"], "settled");
    assert!(settled["value"]["settled_ms"].as_u64().unwrap() >= 500);
    scene.assert_nothing_left();
}
