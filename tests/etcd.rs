//! Real etcd in a real lab: partitions, kills, pauses, a controller that dies.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use support::lists::{Lists, Order, Rule};
use support::{Isobar, LabGuard, firewall, lab_available, traces, wait_for};

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    fs::read_to_string(path).unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The nemesis's reports of what became of its injections.
fn outcomes(run: &Path) -> Vec<String> {
    let history = fs::read_to_string(run.join("history.jsonl")).unwrap();
    history
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event["process"] == "nemesis" && event["type"] == "info")
        .filter_map(|event| event["value"]["outcome"].as_str().map(str::to_owned))
        .filter(|outcome| !["healed", "dirty", "settled", "unsettled"].contains(&outcome.as_str()))
        .collect()
}

#[test]
fn etcd_stays_linearizable_under_partitions_kills_and_pauses_and_nothing_is_left() {
    if !lab_available("etcd under faults") {
        return;
    }
    let before = firewall();
    let isobar = Isobar::new();
    let text = example("etcd-register.yaml")
        .replace("time: 60s", "time: 25s")
        .replace("nodes: 5", "nodes: 5, name: tfaults");
    let spec = isobar.spec("register.yaml", &text);
    isobar.run(["run", &spec, "--seed", "1"]).expect(0).says("valid");

    let run = isobar.latest("etcd-register");
    let results = json(&run.join("results.json"));
    assert!(results["operations"]["ok"].as_u64().unwrap() > 2_000, "{}", results["operations"]);
    let outcomes = outcomes(&run);
    assert!(outcomes.len() >= 4, "{outcomes:?}");
    let checks = results["checks"].as_array().unwrap();
    let stats = checks.iter().find(|check| check["check"] == "stats").unwrap();
    let recoveries = stats["figures"]["recoveries"].as_array().unwrap();
    let timed = |recovery: &&Value| {
        let first_ok = &recovery["first_ok_ms_by_node"];
        recovery["settled_ms"].is_number() && (1..=5).all(|n| first_ok[format!("n{n}")].is_number())
    };
    assert!(recoveries.iter().any(|recovery| timed(&recovery)), "{recoveries:?}");
    assert!(outcomes.iter().any(|outcome| outcome == "installed"), "{outcomes:?}");
    assert!(run.join("nodes/n5/isobar-etcd.log").metadata().unwrap().len() > 0);
    assert_eq!(traces("tfaults"), [""; 0]);
    isobar.run(["heal", "-1"]).expect(0).says("nothing to undo");
    assert_eq!(before, firewall());
}

#[test]
fn serializable_reads_of_a_member_that_is_cut_off_are_found_stale() {
    if !lab_available("stale reads of etcd") {
        return;
    }
    let before = firewall();
    let isobar = Isobar::new();
    let text = example("etcd-stale-read.yaml").replace("nodes: 5", "nodes: 5, name: tstale");
    let spec = isobar.spec("stale.yaml", &text);
    let ended = isobar.run(["run", &spec, "--seed", "1"]).expect(1);
    ended.says("stale").says("partition").says("--seed 1");
    assert_eq!(traces("tstale"), [""; 0]);
    assert_eq!(before, firewall());
}

#[test]
fn etcd_transactions_stay_strictly_serializable_under_partitions_kills_and_pauses() {
    if !lab_available("etcd transactions under faults") {
        return;
    }
    let before = firewall();
    let isobar = Isobar::new();
    let text = example("etcd-append.yaml")
        .replace("time: 60s", "time: 25s")
        .replace("nodes: 5", "nodes: 5, name: ttxns");
    let spec = isobar.spec("append.yaml", &text);
    isobar.run(["run", &spec, "--seed", "1"]).expect(0).says("valid");
    let run = isobar.latest("etcd-append");
    let results = json(&run.join("results.json"));
    assert!(results["operations"]["ok"].as_u64().unwrap() > 1_000, "{}", results["operations"]);
    assert!(outcomes(&run).iter().any(|outcome| outcome == "installed"));

    // A second opinion.
    let lists = Lists::read(&run.join("history.jsonl"));
    assert!(!lists.cyclic(Rule::Any, Order::Realtime), "{}", lists.figures());
    assert_eq!((lists.incompatible(), lists.lost()), (0, 0));
    assert_eq!((lists.aborted_reads(), lists.intermediate_reads()), (0, 0));
    assert_eq!(traces("ttxns"), [""; 0]);
    assert_eq!(before, firewall());
}

#[test]
fn transactions_that_read_a_members_own_copy_are_found_stale() {
    if !lab_available("stale transactions of etcd") {
        return;
    }
    let isobar = Isobar::new();
    let text = example("etcd-append-stale.yaml").replace("nodes: 5", "nodes: 5, name: tstxns");
    let spec = isobar.spec("stale.yaml", &text);
    isobar.run(["run", &spec, "--seed", "1"]).expect(1).says("G-single-realtime");
    let history = isobar.latest("etcd-append-stale").join("history.jsonl");
    let check = ["check", "-m", "list-append", "-c", "serializable", history.to_str().unwrap()];
    isobar.run(check).expect(0).says("valid");
    assert_eq!(traces("tstxns"), [""; 0]);
}

#[test]
fn nodes_mend_themselves_when_the_controller_dies_and_the_prefix_is_judged() {
    if !lab_available("a controller that dies") {
        return;
    }
    let isobar = Isobar::new();
    let _lab = LabGuard(&isobar, "tdies");
    let text = example("etcd-register.yaml");
    let (head, _) = text.split_once("faults:").unwrap();
    let text = format!(
        "{head}faults:\n  - partition: {{ split: halves, at: 2s, for: 50s }}\nlease: 8s\n\
         checks:\n  - linearizable: {{}}\n"
    );
    let spec = isobar.spec("dies.yaml", &isobar.over_ssh("tdies", 5, &text));
    let dirty = |node: &str| {
        let rules = ["lab", "exec", node, "--name", "tdies", "--", "iptables-save"];
        isobar.run(rules).stdout.contains("ISOBAR")
    };
    let die_in_a_partition = || -> PathBuf {
        let mut controller = isobar.command(["run", &spec, "--seed", "1"]).spawn().unwrap();
        let cut = || {
            let latest = isobar.store.path().join("etcd-register/latest/history.jsonl");
            fs::read_to_string(latest).is_ok_and(|history| history.contains("\"installed\""))
        };
        wait_for("a partition", Duration::from_secs(60), cut);
        controller.kill().unwrap();
        controller.wait().unwrap();
        isobar.latest("etcd-register")
    };

    let run = die_in_a_partition();
    assert!(["n1", "n2", "n3", "n4", "n5"].iter().any(|node| dirty(node)));
    let clean = || ["n1", "n2", "n3", "n4", "n5"].iter().all(|node| !dirty(node));
    wait_for("all nodes clean by themselves", Duration::from_secs(20), clean);
    isobar.run(["check", run.to_str().unwrap()]).says("incomplete");
    fs::remove_dir_all(&run).unwrap();

    let run = die_in_a_partition();
    isobar.run(["heal", run.to_str().unwrap()]).expect(0);
    assert!(clean(), "heal left a rule");
    isobar.run(["heal", run.to_str().unwrap()]).expect(0);
}

#[test]
fn the_doctor_refuses_on_the_nodes_of_a_lab_what_the_run_refuses() {
    if !lab_available("etcd's doctor") {
        return;
    }
    let isobar = Isobar::new();
    let text = example("etcd-register.yaml").replace("  - kill: {", "  - disk-fill: {");
    let spec = isobar.spec("disk.yaml", &text);
    let impossible = "node n1: fault: disk-fill: impossible: the file system of \
                      /var/lib/isobar/etcd is this machine's";
    for command in ["doctor", "run"] {
        isobar.run([command, &spec]).expect(4).says(impossible);
    }
    let whole = isobar.spec("whole.yaml", &example("etcd-register.yaml"));
    isobar.run(["doctor", &whole]).expect(0).says("system\tetcd 3");
}

#[test]
fn the_same_test_runs_over_ssh_and_a_wrong_host_key_is_refused() {
    if !lab_available("etcd over ssh") {
        return;
    }
    let isobar = Isobar::new();
    let _lab = LabGuard(&isobar, "tssh");
    let text = example("etcd-register.yaml").replace("time: 60s", "time: 14s");
    let text = isobar.over_ssh("tssh", 5, &text);
    let spec = isobar.spec("ssh.yaml", &text);
    isobar.run(["doctor", &spec]).expect(0);
    isobar.run(["run", &spec, "--seed", "1"]).expect(0).says("valid");

    let known = text.lines().find_map(|line| line.trim().strip_prefix("known-hosts: ")).unwrap();
    let keys = fs::read_to_string(known).unwrap();
    let line = |node: usize| keys.lines().nth(node).unwrap().split_once(' ').unwrap();
    let swapped = format!("{} {}\n{} {}\n", line(0).0, line(1).1, line(1).0, line(0).1);
    let wrong = isobar.spec("wrong_hosts", &swapped);
    let spec = isobar.spec("wrong.yaml", &text.replace(known, &wrong));
    isobar.run(["run", &spec]).expect(4).says("n1").says("host key");
}
