//! Faults of real processes.

use std::time::Duration;

use isobar::fault::JournalEntry;
use isobar::system::{ProcessState, System};
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

#[test]
fn processes_crash_again_and_again_lose_files_and_have_them_damaged() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(3, false);
    let faults = json!([
        {"crash-loop": {"targets": ["n1"], "up": "300ms", "down": "200ms", "at": "0s"}},
        {"file-limit": {"targets": ["n2"], "files": 17, "at": "0s", "for": "1s"}},
        {"truncate": {"targets": ["n3"], "file": "*.wal", "bytes": 3, "at": "0s", "for": "1s"}},
        {"bit-flip": {"targets": ["n3"], "at": "2s", "for": "1s"}},
        {"wipe": {"targets": ["n2"], "at": "2s", "for": "1s"}},
        {"truncate": {"targets": ["n2"], "at": "6s", "for": "1s"}},
        {"freeze": {"targets": ["n3"], "at": "4s", "for": "1s"}},
    ]);
    let mut scene = Scene::new(&lab, faults);
    let directory = scene.journal.parent().unwrap().to_owned();
    let data = |node: usize, name: &str| directory.join(format!("n{node}.data/{name}"));
    for node in [2, 3] {
        std::fs::create_dir(directory.join(format!("n{node}.data"))).unwrap();
        std::fs::write(data(node, "0.wal"), b"0123456789\0\0\0\0").unwrap();
    }
    let system = Sleepers { directory: directory.clone() };
    let nodes = lab.cluster.nodes();
    let scripts = |node: usize| system.scripts(&nodes[node - 1]);
    let state = |node: usize| ProcessState::parse(&lab.on(node, &scripts(node).state));
    let files = |node: usize| {
        let Some(ProcessState::Running(pid)) = state(node) else { panic!("{:?}", state(node)) };
        let soft = lab.on(node, &format!("prlimit --pid {pid} --nofile --noheadings -o SOFT"));
        soft.trim().parse::<u64>().unwrap()
    };
    (1..=3).for_each(|node| drop(lab.on(node, &scripts(node).start)));
    let limit = files(2);
    assert_ne!(limit, 17);

    scene.injector.begin();
    (0..3).for_each(|id| scene.wait_installed(id));
    assert_eq!(files(2), 17);
    assert_eq!(std::fs::read(data(3, "0.wal")).unwrap(), b"0123456");
    let mut pids = std::collections::BTreeSet::new();
    wait_for("n1 runs under three pids", Duration::from_secs(10), || {
        if let Some(ProcessState::Running(pid)) = state(1) {
            pids.insert(pid);
        }
        pids.len() >= 3
    });
    let healed = |id: u32| {
        scene.wait_for_entry(
            id,
            move |entry| matches!(entry, JournalEntry::Healed { id: other } if *other == id),
        );
    };
    healed(1);
    // By number, as the plan has them by time: the bit first, then the wipe.
    scene.wait_installed(3);
    assert_eq!(std::fs::read(data(3, "0.wal")).unwrap(), b"0122456", "the lowest bit of the 3");
    scene.wait_installed(4);
    assert_eq!(state(2), Some(ProcessState::Gone));
    assert!(!directory.join("n2.data").exists());
    healed(4);
    assert_eq!(files(2), limit);
    // What has no file is not damaged, and not killed either.
    scene.wait_for_entry(
        6,
        |entry| matches!(entry, JournalEntry::Skipped { id: 6, why } if why.contains("no file")),
    );
    assert!(matches!(state(2), Some(ProcessState::Running(_))));

    let report = scene.injector.heal_all(Duration::from_secs(10));
    assert_eq!(report.dirty.len(), 0, "{report:?}");
    (1..=3).for_each(|node| assert!(matches!(state(node), Some(ProcessState::Running(_)))));
    std::thread::sleep(Duration::from_millis(700));
    let last = state(1);
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(state(1), last, "nobody kills it any more");
    (1..=3).for_each(|node| drop(lab.on(node, &scripts(node).stop)));
    scene.assert_nothing_left();
    let left: Vec<String> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("crash-loop") || name.contains("file-limit"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
