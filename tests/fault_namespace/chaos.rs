//! The controller is killed at any moment, whatever is in force: the nodes mend themselves.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use isobar::system::{ProcessState, System};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::lab::{Lab, can_run, wait_for};
use crate::scene::{Scene, Sleepers, processes, watchdogs};

const LAB: &str = "ISOBAR_TEST_CHAOS_LAB";
const DIRECTORY: &str = "ISOBAR_TEST_CHAOS_DIRECTORY";
const NODES: u8 = 3;
const LEASE: Duration = Duration::from_secs(2);
/// From the kill: lease, undoing, and a machine that has other things to do.
const CLEAN_WITHIN: Duration = Duration::from_secs(30);
/// Labs at a time.
const SIDE_BY_SIDE: usize = 4;

/// The victim. It starts the processes that its faults hit, and says when they run.
#[test]
#[ignore = "started by the other tests, which kill it"]
fn controller() {
    let Ok(name) = std::env::var(LAB) else { return };
    let lab = Lab::attach(&name, NODES, false);
    let directory = PathBuf::from(std::env::var(DIRECTORY).unwrap());
    let run = tempfile::tempdir_in(&directory).unwrap();
    Sleepers::start(run.path(), &lab);
    std::fs::write(directory.join("ready"), run.path().display().to_string()).unwrap();
    // All families that a bare network namespace can have, several in force at a time.
    let often = |fault: serde_json::Value, at: &str, lasts: &str| {
        let mut fault = fault;
        let settings = fault.as_object_mut().unwrap().values_mut().next().unwrap();
        settings["at"] = at.into();
        settings["every"] = "1500ms".into();
        settings["for"] = lasts.into();
        fault
    };
    let faults = json!([
        often(json!({"partition": {"split": "halves"}}), "0s", "900ms"),
        often(json!({"loss": {"targets": "minority"}}), "100ms", "800ms"),
        often(json!({"rate": {"targets": "one"}}), "200ms", "700ms"),
        often(json!({"delay": {"targets": "one"}}), "900ms", "300ms"),
        often(json!({"silent-corrupt": {"targets": "one"}}), "1200ms", "300ms"),
        often(json!({"kill": {"targets": ["n1"]}}), "0s", "300ms"),
        often(json!({"pause": {"targets": ["n1"]}}), "700ms", "300ms"),
        often(
            json!({"crash-loop": {"targets": ["n2"], "up": "200ms", "down": "200ms"}}),
            "0s",
            "900ms"
        ),
        often(json!({"truncate": {"targets": ["n3"]}}), "0s", "200ms"),
        often(json!({"file-limit": {"targets": ["n3"], "files": 17}}), "500ms", "300ms"),
        often(json!({"process-clock": {"targets": ["n1"]}}), "1100ms", "300ms"),
        often(json!({"restart": {"targets": ["n3"]}}), "1s", "100ms"),
    ]);
    let mut scene = Scene::with_lease(&lab, faults, LEASE, run);
    scene.injector.begin();
    std::thread::sleep(Duration::from_secs(120));
}

/// What is still to be mended; empty when the nodes are as before.
fn left(lab: &Lab, run: &Path, queues: &[String]) -> Vec<String> {
    let mut left = Vec::new();
    let mut note = |dirty: bool, what: String| left.extend(dirty.then_some(what));
    for node in 1..=usize::from(NODES) {
        note(lab.rules(node).contains("ISOBAR"), format!("rules of n{node}"));
        note(queue(lab, node) != queues[node - 1], format!("the queue of n{node}"));
        let member = &lab.cluster.members[node - 1].node;
        let scripts = Sleepers { directory: run.to_owned() }.scripts(member);
        let state = ProcessState::parse(&lab.on(node, &scripts.state));
        let runs = matches!(state, Some(ProcessState::Running(_)));
        note(!runs, format!("the process of n{node}: {state:?}"));
        for file in ["crash-loop", "file-limit", "faketime"] {
            let path = format!("{}.{file}", scripts.pid_file);
            note(Path::new(&path).exists(), path);
        }
        let lock = "cat /run/isobar/lock.$(readlink /proc/self/ns/net | tr -dc 0-9) 2>&1 || :";
        note(!lab.on(node, lock).contains("No such file"), format!("the lock of n{node}"));
    }
    note(watchdogs(&lab.name) > 0, "watchdogs".to_owned());
    let base = format!("/run/isobar/{}", lab.name);
    note(processes(&base, "helper") > 0, "helpers".to_owned());
    note(Path::new(&base).exists(), base);
    left
}

fn queue(lab: &Lab, node: usize) -> String {
    lab.on(node, "tc qdisc show dev e0; tc class show dev e0")
}

/// Kills so many controllers on one lab, one after the other; how long the nodes took at most.
fn rounds(count: usize, seed: u64) -> Duration {
    let lab = Lab::up(NODES, false);
    let queues: Vec<String> = (1..=usize::from(NODES)).map(|node| queue(&lab, node)).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut longest = Duration::ZERO;
    for round in 0..count {
        let directory = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "chaos::controller"])
            .env(LAB, &lab.name)
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let ready = directory.path().join("ready");
        wait_for("the processes run", Duration::from_secs(60), || ready.exists());
        let lives = Duration::from_millis(rng.random_range(0..4000));
        std::thread::sleep(lives);
        child.kill().unwrap();
        child.wait().unwrap();
        let killed = Instant::now();
        let run = PathBuf::from(std::fs::read_to_string(&ready).unwrap());
        loop {
            let left = left(&lab, &run, &queues);
            if left.is_empty() {
                break;
            }
            assert!(
                killed.elapsed() < CLEAN_WITHIN,
                "seed {seed}, round {round}, killed after {lives:?}: left after {CLEAN_WITHIN:?}: \
                 {left:?}"
            );
            std::thread::sleep(Duration::from_millis(200));
        }
        longest = longest.max(killed.elapsed());
        Sleepers::stop(&run, &lab);
    }
    longest
}

fn chaos(controllers: usize) {
    if !can_run() {
        return;
    }
    let began = Instant::now();
    let longest = std::thread::scope(|scope| {
        let lab = |seed: u64| scope.spawn(move || rounds(controllers / SIDE_BY_SIDE, seed));
        let labs: Vec<_> = (0..SIDE_BY_SIDE as u64).map(lab).collect();
        labs.into_iter().map(|lab| lab.join().unwrap()).max().unwrap_or_default()
    });
    println!(
        "{controllers} controllers killed in {:?}: all nodes clean, the last within {longest:?}",
        began.elapsed()
    );
}

#[test]
fn twenty_controllers_killed_at_random_leave_clean_nodes() {
    chaos(20);
}

#[test]
#[ignore = "takes 10 minutes; cargo test --release -- --ignored chaos_controller"]
fn chaos_controller_killed_two_hundred_times() {
    chaos(200);
}
