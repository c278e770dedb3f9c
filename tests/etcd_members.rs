//! Members of a real etcd that leave, are replaced, and join, in a real lab.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use support::{Isobar, LabGuard, lab_available, traces, wait_for};

const HEAD: &str = "version: 1
name: etcd-members
cluster:
  lab: { nodes: 3 }
system:
  etcd: {}
workload:
  register: { keys: 5, ops-per-key: 200 }
checks:
  - linearizable: {}
";

/// What `etcdctl` tells of the members, asked from here at one node: name by number, `learner` for
/// one without a vote, nothing for one that has not started.
fn members(address: &str) -> BTreeMap<String, String> {
    let endpoint = format!("--endpoints=http://{address}:2379");
    let list = ["--command-timeout=2s", "member", "list"];
    let mut etcdctl = Command::new("etcdctl");
    let output = etcdctl.env("ETCDCTL_API", "3").arg(endpoint).args(list).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let member = |line: &str| -> Option<(String, String)> {
        let fields: Vec<&str> = line.split(", ").collect();
        let [id, _, name, .., learns] = fields[..] else { return None };
        let name = if learns == "true" { "learner" } else { name };
        Some((id.to_owned(), name.to_owned()))
    };
    text.lines().filter_map(member).collect()
}

fn names(members: &BTreeMap<String, String>) -> Vec<&str> {
    let mut names: Vec<&str> = members.values().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// By node, from what a run in progress has written of itself.
fn addresses(run: &Path) -> BTreeMap<String, String> {
    let meta: Value =
        serde_json::from_str(&fs::read_to_string(run.join("run.json")).unwrap()).unwrap();
    let nodes = meta["nodes"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    nodes.iter().map(|node| (text(&node["name"]), text(&node["address"]))).collect()
}

fn journal(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("faults.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Where the journal has such an entry of this fault.
fn place(journal: &[Value], event: &str, id: u64) -> Option<usize> {
    journal.iter().position(|entry| entry["event"] == event && entry["id"] == id)
}

#[test]
fn members_leave_are_replaced_and_join_and_etcd_stays_linearizable() {
    if !lab_available("members of etcd") {
        return;
    }
    let isobar = Isobar::new();
    let head = HEAD.replace("nodes: 3", "nodes: 3, name: tmember");
    let spec = isobar.spec(
        "members.yaml",
        &format!(
            "{head}load: {{ concurrency: 2n, rate: 100/s, time: 65s }}
quorum: keep
faults:
  - membership: {{ change: remove, targets: [n1], at: 6s, for: 6s }}
  - kill: {{ targets: [n2], at: 8s, every: 44s, for: 1s }}
  - membership: {{ change: replace, targets: [n2], at: 26s }}
  - membership: {{ change: add, targets: [n3], at: 40s, for: 5s }}
"
        ),
    );
    let mut controller = isobar.command(["run", &spec, "--seed", "1"]).spawn().unwrap();
    let latest = isobar.store.path().join("etcd-members/latest");
    let happened = |event: &str, id: u64| place(&journal(&latest), event, id).is_some();
    let minutes = Duration::from_secs(120);

    wait_for("n1 is removed", minutes, || happened("installed", 0));
    let n2 = &addresses(&latest)["n2"];
    assert_eq!(names(&members(n2)), ["n2", "n3"]);
    wait_for("n1 is a member", minutes, || happened("healed", 0));
    let before = members(n2);
    assert_eq!(names(&before), ["n1", "n2", "n3"]);
    wait_for("n2 is replaced", minutes, || happened("installed", 2));
    let after = members(n2);
    assert_eq!(names(&after), ["n1", "n2", "n3"]);
    assert_eq!(before.keys().filter(|id| !after.contains_key(*id)).count(), 1);
    wait_for("n3 has a guest", minutes, || happened("installed", 3));
    assert_eq!(names(&members(n2)), ["n1", "n2", "n3", "n3-guest"]);
    assert_eq!(controller.wait().unwrap().code(), Some(0));

    // n2 was not killed while n1 was none of the members: one of two would have been left.
    let run = isobar.latest("etcd-members");
    let journal = journal(&run);
    let healed = place(&journal, "healed", 0).unwrap();
    assert!(place(&journal, "open", 1).is_none_or(|open| open > healed), "{journal:?}");
    let entry = |id: u64| &journal[place(&journal, "installed", id).unwrap()]["evidence"];
    let tells = |id: u64, node: &str, from: &str, to: &str| {
        let told = entry(id)[node].as_str().unwrap();
        let (was, is) = told.split_once(", then ").unwrap();
        let sorted = |text: &str| {
            let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            words.sort_unstable();
            words.join(" ")
        };
        let is = is.split(" (").next().unwrap();
        let was = was.split(" (").next().unwrap();
        assert_eq!((sorted(was).as_str(), sorted(is).as_str()), (from, to), "{told}");
    };
    tells(0, "n1", "members n1 n2 n3", "members n2 n3");
    tells(2, "n2", "members n1 n2 n3", "members n1 n2 n3");
    tells(3, "n3", "members n1 n2 n3", "members n1 n2 n3 n3-guest");
    assert_eq!(traces("tmember"), [""; 0]);
}

#[test]
fn a_cluster_has_all_its_members_again_when_the_controller_dies() {
    if !lab_available("members of etcd without a controller") {
        return;
    }
    let isobar = Isobar::new();
    let _lab = LabGuard(&isobar, "tmdies");
    let text = format!(
        "{HEAD}load: {{ concurrency: 1n, rate: 20/s, time: 300s }}
lease: 8s
faults:
  - membership: {{ change: remove, targets: [n1], at: 6s }}
  - membership: {{ change: add, targets: [n3], at: 6s }}
"
    );
    let spec = isobar.spec("dies.yaml", &isobar.over_ssh("tmdies", 3, &text));
    let mut controller = isobar.command(["run", &spec, "--seed", "1"]).spawn().unwrap();
    let latest = isobar.store.path().join("etcd-members/latest");
    let installed = |id: u64| place(&journal(&latest), "installed", id).is_some();
    wait_for("n1 is out, a guest in", Duration::from_secs(120), || installed(0) && installed(1));
    controller.kill().unwrap();
    controller.wait().unwrap();
    let n2 = &addresses(&latest)["n2"];
    assert_eq!(names(&members(n2)), ["n2", "n3", "n3-guest"]);
    let whole = || names(&members(n2)) == ["n1", "n2", "n3"];
    wait_for("all are members again", Duration::from_secs(120), whole);
    let on = |node: &str, script: &str| {
        isobar.run(["lab", "exec", node, "--name", "tmdies", "--", "sh", "-c", script]).stdout
    };
    let clean = || ["n1", "n3"].iter().all(|node| on(node, "ls /run/isobar 2>&1").contains("No"));
    wait_for("no watchdog is left", Duration::from_secs(60), clean);
    assert_eq!(on("n1", "ls /var/lib/isobar").trim(), "etcd");
    assert_eq!(on("n3", "ls /var/lib/isobar").trim(), "etcd");
    isobar.run(["heal", latest.to_str().unwrap()]).expect(0);
    assert!(whole());
}
