//! What happens to the nodes when the controller is killed.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use isobar::fault::{JournalState, heal_from_journal};
use serde_json::json;

use crate::lab::{Lab, can_run, wait_for};
use crate::scene::{Scene, assert_nothing_left, watchdogs};

const LAB: &str = "ISOBAR_TEST_LAB";
const LEASE_S: &str = "ISOBAR_TEST_LEASE_S";
const DIRECTORY: &str = "ISOBAR_TEST_DIRECTORY";

/// The controller of the other tests here, in a process of its own.
#[test]
#[ignore = "started by the other tests, which kill it"]
fn controller() {
    let Ok(name) = std::env::var(LAB) else { return };
    let lab = Lab::attach(&name, 3, false);
    let lease = Duration::from_secs(std::env::var(LEASE_S).unwrap().parse().unwrap());
    let directory = tempfile::tempdir_in(std::env::var(DIRECTORY).unwrap()).unwrap();
    let faults = json!([{"partition": {"split": "halves", "at": "0s"}}]);
    let mut scene = Scene::with_lease(&lab, faults, lease, directory);
    scene.injector.begin();
    std::thread::sleep(Duration::from_secs(120));
}

struct Controller(Child);

impl Controller {
    /// Starts one and waits until its partition is installed; also the journal's path.
    fn start(lab: &Lab, lease_s: u32, directory: &Path) -> (Self, std::path::PathBuf) {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "watchdog::controller"])
            .env(LAB, &lab.name)
            .env(LEASE_S, lease_s.to_string())
            .env(DIRECTORY, directory)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let controller = Self(child);
        let mut journal = None;
        wait_for("the partition is installed", Duration::from_secs(20), || {
            let entries = std::fs::read_dir(directory).unwrap().flatten();
            journal = entries.map(|e| e.path().join("faults.jsonl")).find(|path| {
                std::fs::read_to_string(path).is_ok_and(|text| text.contains("\"installed\""))
            });
            journal.is_some()
        });
        (controller, journal.unwrap())
    }

    /// SIGKILL: nothing of it runs any more.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn cut(lab: &Lab) -> bool {
    (1..=3).any(|node| lab.rules(node).contains("ISOBAR"))
}

#[test]
fn nodes_mend_themselves_when_the_controller_is_killed_and_not_before() {
    if !can_run() {
        return;
    }
    let (lab, directory) = (Lab::up(3, false), tempfile::tempdir().unwrap());
    let (mut controller, journal) = Controller::start(&lab, 2, directory.path());
    // More than two leases: it is renewed.
    std::thread::sleep(Duration::from_secs(5));
    assert!(cut(&lab) && watchdogs(&lab.name) == 3);
    controller.kill();
    assert!(cut(&lab));
    let clean = || !cut(&lab) && watchdogs(&lab.name) == 0;
    wait_for("all nodes are clean", Duration::from_secs(10), clean);
    assert_nothing_left(&lab.name);
    assert_eq!(JournalState::read(&journal).unwrap().open.len(), 1);
    let report = heal_from_journal(&lab.cluster, &journal).unwrap();
    assert_eq!((report.healed, report.dirty.len(), report.remarks.len()), (1, 0, 0));
}

#[test]
fn healing_from_the_journal_is_immediate_and_idempotent() {
    if !can_run() {
        return;
    }
    let (lab, directory) = (Lab::up(3, false), tempfile::tempdir().unwrap());
    let (mut controller, journal) = Controller::start(&lab, 60, directory.path());
    controller.kill();
    assert!(cut(&lab) && watchdogs(&lab.name) == 3);
    for healed in [1, 0, 0] {
        let report = heal_from_journal(&lab.cluster, &journal).unwrap();
        assert_eq!((report.healed, report.dirty.len(), report.remarks.len()), (healed, 0, 0));
        assert!(!cut(&lab) && lab.hears(1, 2) && lab.hears(2, 3));
        assert_nothing_left(&lab.name);
    }
}
