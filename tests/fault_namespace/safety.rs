//! Nothing of anybody else's is touched, and nothing of ours stays, whatever happens meanwhile.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use isobar::fault::{Hold, HoldError, HoldOptions, heal_from_journal};
use serde_json::{Value, json};

use crate::FOREIGN;
use crate::lab::{Lab, can_run, wait_for};
use crate::scene::{Scene, assert_nothing_left, watchdogs};

/// All that a node has of firewalls and queues, byte by byte but for times and counts.
fn network(lab: &Lab, node: usize) -> String {
    let saved = lab.on(
        node,
        "iptables-nft-save; ip6tables-nft-save; tc qdisc show; tc class show dev e0\n\
         tc filter show dev e0; cat /proc/net/ip_tables_names /proc/net/ip6_tables_names",
    );
    let lines = saved.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(" [").next().unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn networks(lab: &Lab) -> Vec<String> {
    (1..=lab.remotes.len()).map(|node| network(lab, node)).collect()
}

/// Every fault of the network that this kernel can do, all in force at once.
fn overlapping() -> Value {
    json!([
        {"partition": {"split": {"grudge": {"n1": ["n2"]}}, "at": "0s"}},
        {"loss": {"targets": ["n2"], "to": ["n1", "n3"], "at": "0s"}},
        {"rate": {"targets": ["n1"], "at": "0s"}},
        {"silent-corrupt": {"targets": ["n3"], "to": ["n1", "n2"], "at": "0s"}},
    ])
}

#[test]
fn an_empty_firewall_stays_empty_and_a_foreign_one_as_it_is() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(3, false);
    lab.on(2, FOREIGN);
    lab.on(2, "iptables -t nat -A POSTROUTING -j MASQUERADE");
    lab.on(
        3,
        "ip6tables -P FORWARD DROP; tc qdisc add dev e0 root tbf rate 1gbit burst 1mb lat 1s",
    );
    let before = networks(&lab);
    assert!(!before[0].contains("*filter"), "{}", before[0]);
    for _ in 0..2 {
        let mut scene = Scene::new(&lab, overlapping());
        scene.injector.begin();
        (0..4).for_each(|id| scene.wait_installed(id));
        assert!(lab.rules(1).contains("ISOBAR-IN") && lab.rules(3).contains("ISOBAR-LOSS"));
        let report = scene.injector.heal_all(Duration::from_secs(5));
        assert_eq!((report.healed, report.dirty.len()), (4, 0), "{report:?}");
        scene.assert_nothing_left();
        assert_eq!(networks(&lab), before);
    }
}

#[test]
fn what_others_put_into_a_table_of_ours_stays() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(2, false);
    let mut scene = Scene::new(&lab, json!([{"partition": {"split": "one", "at": "0s"}}]));
    scene.injector.begin();
    scene.wait_installed(0);
    lab.on(1, "iptables -A INPUT -p tcp --dport 9 -j DROP; iptables -N THEIRS");
    assert!(scene.injector.heal_all(Duration::from_secs(5)).dirty.is_empty());
    let rules = lab.rules(1);
    assert!(rules.contains("--dport 9 -j DROP") && rules.contains(":THEIRS"), "{rules}");
    assert!(!rules.contains("ISOBAR"), "{rules}");
    assert!(!network(&lab, 2).contains("*filter"));
    scene.assert_nothing_left();
}

/// As `iptables`, but once a table is listed that has no chain of ours, somebody else puts a rule
/// into it before anybody has read that.
const MEANWHILE: &str = "#!/bin/sh
listed=$(iptables-nft \"$@\"); status=$?
case \"$*\" in *-S)
  case $listed in *ISOBAR*) ;; *)
    [ -e \"$0.done\" ] || { touch \"$0.done\"; iptables-nft -A INPUT -p tcp --dport 9 -j DROP; } ;;
  esac ;;
esac
[ -z \"$listed\" ] || printf '%s\\n' \"$listed\"
exit $status
";

#[test]
fn a_rule_that_comes_while_a_table_of_ours_is_deleted_stays() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(2, false);
    let before = network(&lab, 2);
    let programs = tempfile::tempdir().unwrap();
    let path = programs.path().join("iptables");
    std::fs::write(&path, MEANWHILE).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    lab.remotes[0].programs.set(programs.path().to_owned()).unwrap();
    let mut scene = Scene::new(&lab, json!([{"partition": {"split": "one", "at": "0s"}}]));
    scene.injector.begin();
    scene.wait_installed(0);
    assert!(!programs.path().join("iptables.done").exists());
    let report = scene.injector.heal_all(Duration::from_secs(5));
    assert_eq!((report.healed, report.dirty.len()), (1, 0), "{report:?}");
    assert!(programs.path().join("iptables.done").exists(), "nobody came in between");
    let rules = lab.rules(1);
    assert!(rules.contains("--dport 9 -j DROP") && !rules.contains("ISOBAR"), "{rules}");
    assert_eq!(network(&lab, 2), before);
    scene.assert_nothing_left();
}

#[test]
fn a_node_whose_iptables_became_another_program_is_healed() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(2, false);
    let before = network(&lab, 1);
    let mut scene = Scene::new(&lab, one_link());
    scene.injector.begin();
    scene.wait_installed(0);
    let programs = tempfile::tempdir().unwrap();
    for family in ["iptables", "ip6tables"] {
        let legacy = lab.on(1, &format!("command -v {family}-legacy"));
        symlink(legacy, programs.path().join(family)).unwrap();
    }
    lab.remotes[0].programs.set(programs.path().to_owned()).unwrap();
    assert!(lab.on(1, "iptables -V").contains("legacy"));
    assert!(scene.injector.heal_all(Duration::from_secs(5)).dirty.is_empty());
    assert!(lab.hears(1, 2));
    // Asking the legacy program has made its tables.
    let strip = |text: &str| text.replace("\nfilter", "").trim_end().to_owned();
    assert_eq!(strip(&network(&lab, 1)), strip(&before));
    scene.assert_nothing_left();
}

fn one_link() -> Value {
    json!([{"partition": {"split": {"grudge": {"n1": ["n2"]}}, "at": "0s"}}])
}

#[test]
fn a_node_that_restarted_is_healed_and_watched_again() {
    if !can_run() {
        return;
    }
    let (lab, directory) = (Lab::up(2, false), tempfile::tempdir().unwrap());
    let faults = json!([
        {"partition": {"split": {"grudge": {"n1": ["n2"]}}, "at": "0s"}},
        {"partition": {"split": {"grudge": {"n1": ["n2"]}}, "at": "8s"}},
    ]);
    let mut scene = Scene::with_lease(&lab, faults, Duration::from_secs(6), directory);
    scene.injector.begin();
    scene.wait_installed(0);
    // As after a power cut: processes, `/run` and the firewall are gone.
    let base = format!("/run/isobar/{}", scene.run);
    lab.on(1, &format!("kill -9 $(cat {base}/n1/pid); rm -rf {base}/n1; iptables -F"));
    wait_for("it has a watchdog again", Duration::from_secs(6), || watchdogs(&scene.run) == 2);
    let report = scene.injector.heal_all(Duration::from_secs(5));
    assert_eq!((report.healed, report.dirty.len()), (1, 0));
    assert!(lab.hears(1, 2) && !lab.rules(1).contains("ISOBAR"));
    scene.assert_nothing_left();
}

#[test]
fn a_node_out_of_reach_is_tried_again_until_it_is_clean() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(3, false);
    let mut scene = Scene::new(&lab, overlapping());
    scene.injector.begin();
    (0..4).for_each(|id| scene.wait_installed(id));
    let n1 = &lab.remotes[0].unreachable;
    n1.store(true, Ordering::SeqCst);
    let report = std::thread::scope(|scope| {
        let healing = scope.spawn(|| scene.injector.heal_all(Duration::from_secs(20)));
        // Those that can be reached do not wait for it.
        wait_for("n3 is clean", Duration::from_secs(5), || !lab.rules(3).contains("ISOBAR"));
        n1.store(false, Ordering::SeqCst);
        healing.join().unwrap()
    });
    assert_eq!((report.healed, report.dirty.len()), (4, 0), "{report:?}");
    scene.assert_nothing_left();
}

fn hold(lab: &Lab, run: &str, lease_s: u64, directory: &Path) -> Result<Hold, HoldError> {
    let options = HoldOptions {
        run: run.to_owned(),
        lease: Duration::from_secs(lease_s),
        privileged: true,
        journal: directory.join(format!("{run}.jsonl")),
    };
    Hold::take(&lab.cluster, options)
}

#[test]
fn nodes_in_use_are_refused_with_the_name_of_their_owner() {
    if !can_run() {
        return;
    }
    let (lab, directory) = (Lab::up(2, false), tempfile::tempdir().unwrap());
    let [first, second] = ["a", "b"].map(|run| format!("{}-{run}", lab.name));
    let ours = hold(&lab, &first, 30, directory.path()).unwrap();
    let error = hold(&lab, &second, 30, directory.path()).err().unwrap();
    assert!(matches!(&error, HoldError::Held { .. }), "{error}");
    let (error, pid) = (error.to_string(), format!("process {}", std::process::id()));
    let host = lab.on(1, "hostname");
    for part in [&pid, &host, &directory.path().display().to_string(), ", since 2"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    assert_nothing_left(&second);
    assert_eq!(watchdogs(&first), 2, "the first one's are untouched");
    assert_eq!(ours.release(&BTreeSet::new()), [""; 0]);
    // Both ends of a run give the nodes back: this one, and healing from its journal.
    std::fs::remove_file(directory.path().join(format!("{second}.jsonl"))).unwrap();
    let theirs = hold(&lab, &second, 30, directory.path()).unwrap();
    let journal = directory.path().join(format!("{second}.jsonl"));
    assert!(heal_from_journal(&lab.cluster, &journal).unwrap().dirty.is_empty());
    let third = hold(&lab, &format!("{}-c", lab.name), 30, directory.path()).unwrap();
    drop((theirs, third));
    assert_eq!(
        lab.on(1, "ls /run/isobar/lock.$(readlink /proc/self/ns/net | tr -dc 0-9) || :"),
        ""
    );
}

#[test]
fn what_a_dead_owner_has_left_is_undone_before_its_nodes_are_taken_over() {
    if !can_run() {
        return;
    }
    let (lab, directory) = (Lab::up(2, false), tempfile::tempdir().unwrap());
    let mut scene = Scene::new(&lab, one_link());
    scene.injector.begin();
    scene.wait_installed(0);
    // The watchdogs die with everything else of the run, and undo nothing.
    lab.remotes.iter().for_each(|remote| remote.unreachable.store(true, Ordering::SeqCst));
    let pid = |node: usize| format!("/run/isobar/{}/n{node}/pid", scene.run);
    for node in 1..=2 {
        let pid = std::fs::read_to_string(pid(node)).unwrap();
        let done = std::process::Command::new("kill").args(["-9", pid.trim()]).status().unwrap();
        assert!(done.success());
    }
    wait_for("no watchdog", Duration::from_secs(5), || watchdogs(&scene.run) == 0);
    let other = Lab::attach(&lab.name, 2, false);
    assert!(other.rules(1).contains("ISOBAR-IN"));
    let run = format!("{}-b", lab.name);
    let theirs = hold(&other, &run, 30, directory.path()).unwrap();
    assert!(!other.rules(1).contains("ISOBAR"), "it was not undone");
    assert_eq!((watchdogs(&scene.run), watchdogs(&run)), (0, 2));
    assert_nothing_left(&scene.run);
    assert_eq!(theirs.release(&BTreeSet::new()), [""; 0]);
    lab.remotes.iter().for_each(|remote| remote.unreachable.store(false, Ordering::SeqCst));
    assert!(scene.injector.heal_all(Duration::from_secs(5)).dirty.is_empty());
    scene.assert_nothing_left();
}
