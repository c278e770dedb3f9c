//! Faults of real processes.

use std::time::Duration;

use isobar::fault::JournalEntry;
use isobar::system::{ProcessScripts, ProcessState, System};
use serde_json::json;

use crate::lab::{Lab, can_run, wait_for};
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

/// Processes on a lab of three nodes, with a file of data each, and a scene to break them.
struct Stage {
    scene: Scene,
    scripts: Vec<ProcessScripts>,
    lab: Lab,
}

impl Stage {
    fn new(faults: serde_json::Value) -> Self {
        let lab = Lab::up(3, false);
        let scene = Scene::new(&lab, faults);
        let system = Sleepers { directory: scene.directory() };
        let scripts: Vec<_> = lab.cluster.nodes().iter().map(|n| system.scripts(n)).collect();
        Sleepers::start(&scene.directory(), &lab);
        Self { scene, scripts, lab }
    }

    fn state(&self, node: usize) -> ProcessState {
        ProcessState::parse(&self.lab.on(node, &self.scripts[node - 1].state)).unwrap()
    }

    fn pid(&self, node: usize) -> u32 {
        let ProcessState::Running(pid) = self.state(node) else { panic!("{}", self.state(node)) };
        pid
    }

    fn data(&self, node: usize) -> Vec<u8> {
        std::fs::read(format!("{}/0.wal", self.scripts[node - 1].data)).unwrap()
    }

    fn wait_healed(&self, id: u32) {
        self.scene.wait_for_entry(
            id,
            |entry| matches!(entry, JournalEntry::Healed { id: other } if *other == id),
        );
    }

    /// All run, and nothing is left.
    fn end(mut self, healed: usize) {
        let report = self.scene.injector.heal_all(Duration::from_secs(10));
        assert_eq!((report.healed, report.dirty.len()), (healed, 0), "{report:?}");
        let all: Vec<u32> = (1..=3).map(|node| self.pid(node)).collect();
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!((1..=3).map(|node| self.pid(node)).collect::<Vec<_>>(), all);
        for (node, scripts) in (1..).zip(&self.scripts) {
            self.lab.on(node, &scripts.stop);
            for file in ["crash-loop", "file-limit", "faketime"] {
                let file = format!("{}.{file}", scripts.pid_file);
                assert!(!std::path::Path::new(&file).exists(), "{file} is left");
            }
        }
        self.scene.assert_nothing_left();
    }
}

#[test]
fn a_process_crashes_again_and_again_and_another_runs_out_of_files() {
    if !can_run() {
        return;
    }
    let mut stage = Stage::new(json!([
        {"crash-loop": {"targets": ["n1"], "up": "300ms", "down": "200ms", "at": "0s"}},
        {"file-limit": {"targets": ["n2"], "files": 17, "at": "0s", "for": "1s"}},
    ]));
    let files = |stage: &Stage| {
        let ask = format!("prlimit --pid {} --nofile --noheadings -o SOFT", stage.pid(2));
        stage.lab.on(2, &ask).trim().parse::<u64>().unwrap()
    };
    let limit = files(&stage);
    assert_ne!(limit, 17);
    stage.scene.injector.begin();
    stage.scene.wait_installed(1);
    assert_eq!(files(&stage), 17);
    stage.scene.wait_installed(0);
    let mut pids = std::collections::BTreeSet::new();
    wait_for("n1 runs under three pids", Duration::from_secs(20), || {
        if let ProcessState::Running(pid) = stage.state(1) {
            pids.insert(pid);
        }
        pids.len() >= 3
    });
    stage.wait_healed(1);
    assert_eq!(files(&stage), limit);
    stage.end(2);
}

#[test]
fn files_are_cut_short_damaged_and_lost() {
    if !can_run() {
        return;
    }
    let mut stage = Stage::new(json!([
        {"truncate": {"targets": ["n3"], "file": "*.wal", "bytes": 3, "at": "0s", "for": "1s"}},
        {"bit-flip": {"targets": ["n3"], "at": "1s", "for": "1s"}},
        {"wipe": {"targets": ["n2"], "at": "0s", "for": "1s"}},
        {"truncate": {"targets": ["n2"], "at": "2s", "for": "1s"}},
    ]));
    stage.scene.injector.begin();
    // They are numbered by time, then as they are listed.
    stage.scene.wait_installed(0);
    assert_eq!((stage.state(3), stage.data(3).as_slice()), (ProcessState::Gone, &b"0123456"[..]));
    stage.scene.wait_installed(1);
    assert_eq!(stage.state(2), ProcessState::Gone);
    assert!(!std::path::Path::new(&stage.scripts[1].data).exists());
    stage.scene.wait_installed(2);
    assert_eq!(stage.data(3), b"0122456", "the lowest bit of the 3");
    stage.wait_healed(1);
    // What has no file is not damaged, and not killed either.
    stage.scene.wait_for_entry(
        3,
        |entry| matches!(entry, JournalEntry::Skipped { id: 3, why } if why.contains("no file")),
    );
    assert!(matches!(stage.state(2), ProcessState::Running(_)));
    stage.end(3);
}

/// How far the time that the process of a node tells is from ours, in s.
fn offset(stage: &Stage, node: &str) -> Option<i64> {
    let ours = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    Some(Sleepers::told(&stage.scene.directory(), node)? - i64::try_from(ours).unwrap())
}

#[test]
fn the_clock_of_one_process_jumps_and_that_of_others_does_not() {
    let library = std::process::Command::new("faketime").arg("--version").output();
    let missing = library.is_err().then(|| "no faketime (apt-get install faketime)".to_owned());
    if !can_run() || !crate::lab::requirement::met(missing) {
        return;
    }
    let fault = json!({"by": "1h", "way": "back", "targets": ["n1"], "at": "0s", "for": "4s"});
    let mut stage = Stage::new(json!([{"process-clock": fault}]));
    let first = stage.pid(1);
    stage.scene.injector.begin();
    stage.scene.wait_installed(0);
    let behind = || offset(&stage, "n1").is_some_and(|s| (-3602..=-3598).contains(&s));
    wait_for("the process is an hour back", Duration::from_secs(10), behind);
    assert!(offset(&stage, "n2").is_none_or(|s| s.abs() < 60));
    let second = stage.pid(1);
    assert_ne!(second, first);
    stage.wait_healed(0);
    let right = || offset(&stage, "n1").is_some_and(|s| s.abs() <= 2);
    wait_for("its clock is right", Duration::from_secs(10), right);
    assert_ne!(stage.pid(1), second);
    let memory = format!("/dev/shm/faketime_shm_{second}");
    assert!(!std::path::Path::new(&memory).exists(), "{memory} is left");
    let events = stage.scene.events();
    let told = events[1]["value"]["evidence"]["n1"].as_str().unwrap();
    assert!(told.starts_with("for the process the clock is -3600"), "{told}");
    stage.end(1);
}
