//! What undoes a fault when the program itself fails.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use crate::lab::{Lab, can_run, wait_for};
use crate::scene::{Scene, assert_nothing_left};

#[test]
fn an_injector_that_is_dropped_heals() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(2, false);
    let mut scene = Scene::new(&lab, json!([{"partition": {"split": "one", "at": "0s"}}]));
    scene.injector.begin();
    scene.wait_installed(0);
    assert!(!lab.hears(1, 2) && !lab.hears(2, 1));
    drop(scene);
    assert!(lab.hears(1, 2) && lab.hears(2, 1));
    assert_nothing_left(&lab.name);
}

#[test]
fn a_fault_whose_track_panicked_is_healed_with_the_others() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(2, false);
    let faults = json!([
        {"partition": {"split": {"grudge": {"n1": ["n2"]}}, "at": "0s", "for": "1s"}},
    ]);
    let mut scene = Scene::new(&lab, faults);
    scene.injector.begin();
    scene.wait_installed(0);
    // The next command on n1 is the undo: leases are renewed every 5 s.
    lab.remotes[0].explodes.store(true, Ordering::SeqCst);
    wait_for("the track panics", Duration::from_secs(4), || {
        !lab.remotes[0].explodes.load(Ordering::SeqCst)
    });
    assert!(lab.rules(1).contains("ISOBAR-IN"));
    let report = scene.injector.heal_all(Duration::from_secs(5));
    assert_eq!((report.healed, report.dirty.len()), (1, 0));
    assert!(!lab.rules(1).contains("ISOBAR-IN"));
    scene.assert_nothing_left();
    let events = scene.events();
    assert_eq!(events.len(), 4, "{events:?}");
    assert_eq!(events[3]["value"]["outcome"], "healed");
}
