//! `isobar fault` on a lab that is up.

use std::process::{Command as Program, Output};
use std::time::{Duration, Instant};

use isobar::cluster::{Cluster, Command};

use crate::support::TestLab;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn rules(cluster: &Cluster) -> Vec<String> {
    let command = Command::shell(
        "iptables-save | grep -v '^#' | sed 's/ .[0-9]*:[0-9]*.$//'; tc qdisc show dev eth0",
    );
    let shown = cluster.on_all(|member| member.remote.check(&command));
    shown.into_iter().map(|output| output.unwrap().text()).collect()
}

#[test]
fn one_fault_by_hand_is_seen_and_undone() {
    let Some(lab) = TestLab::up(2) else { return };
    let directory = tempfile::tempdir().unwrap();
    let spec = directory.path().join("spec.yaml");
    let name = lab.lab.name();
    let head =
        format!("version: 1\nname: hand\ncluster: {{ lab: {{ nodes: 2, name: {name} }} }}\n");
    let tail = "system: { etcd: {} }\nworkload: { register: {} }\nload: { time: 1s }\n\
                checks: [linearizable: {}]\n";
    std::fs::write(&spec, head + tail).unwrap();
    let store = directory.path().join("runs");
    let isobar = |words: &[&str]| -> Output {
        let mut program = Program::new(env!("CARGO_BIN_EXE_isobar"));
        program.arg("--store").arg(&store).args(words).output().unwrap()
    };
    let spec = spec.to_str().unwrap();
    let cluster = lab.cluster();
    let foreign = Command::shell("iptables -A INPUT -s 192.0.2.7 -j DROP");
    cluster
        .on_all(|member| member.remote.check(&foreign))
        .into_iter()
        .for_each(|r| drop(r.unwrap()));
    let before = rules(&cluster);

    let began = Instant::now();
    let fault = "partition: { split: { grudge: { n1: [n2] } } }";
    let child = Program::new(env!("CARGO_BIN_EXE_isobar"))
        .arg("--store")
        .arg(&store)
        .args(["fault", spec, fault, "--for", "2s"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut cut = false;
    while !cut && began.elapsed() < Duration::from_secs(20) {
        cut = rules(&cluster)[0].contains("-A ISOBAR-IN");
    }
    assert!(cut, "nothing was cut");
    let ended = child.wait_with_output().unwrap();
    assert!(began.elapsed() >= Duration::from_secs(2));
    let (said, noted) = (text(&ended.stdout), text(&ended.stderr));
    assert!(ended.status.success(), "{said}{noted}");
    assert!(said.contains("partition injected and undone; all nodes are clean"), "{said}");
    assert!(noted.contains("partition #0 installed on n1"), "{noted}");
    assert_eq!(rules(&cluster), before);
    let heal = isobar(&["heal", "-1"]);
    assert!(text(&heal.stdout).contains("0 faults undone"), "{}", text(&heal.stdout));

    let wrong = isobar(&["fault", spec, "partition: { split: { isolate: [n9] } }"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("there is no node `n9`"), "{}", text(&wrong.stderr));
    let impossible = isobar(&["fault", spec, "freeze", "--for", "1s"]);
    assert_eq!(impossible.status.code(), Some(4), "{}", text(&impossible.stdout));
    let said = text(&impossible.stderr);
    assert!(said.contains("freeze: impossible: no cgroups in /sys/fs/cgroup"), "{said}");
    assert_eq!(rules(&cluster), before);
}

/// A node whose disk is full takes no fault, and says so; nothing is left on it.
#[test]
fn a_node_without_room_is_refused_and_left_alone() {
    let Some(lab) = TestLab::up(2) else { return };
    let directory = tempfile::tempdir().unwrap();
    let spec = directory.path().join("spec.yaml");
    let name = lab.lab.name();
    let text = format!(
        "version: 1\nname: full\ncluster: {{ lab: {{ nodes: 2, name: {name} }} }}\n\
         system: {{ etcd: {{}} }}\nworkload: {{ register: {{}} }}\nload: {{ time: 1s }}\n\
         checks: [linearizable: {{}}]\n"
    );
    std::fs::write(&spec, text).unwrap();
    let cluster = lab.cluster();
    let on_n1 = |script: &str| {
        cluster.member("n1").unwrap().remote.check(&Command::shell(script)).unwrap().text()
    };
    on_n1(
        "mkdir -p /run/isobar && mount -t tmpfs -o size=64k tmpfs /run/isobar &&\n\
         { dd if=/dev/zero of=/run/isobar/full bs=1k count=100 2>/dev/null || :; }",
    );
    let fault = "partition: { split: { grudge: { n1: [n2] } } }";
    let refused = Program::new(env!("CARGO_BIN_EXE_isobar"))
        .arg("--store")
        .arg(directory.path().join("runs"))
        .args(["fault", spec.to_str().unwrap(), fault, "--for", "1s"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(4), "{said}");
    assert!(said.contains("node n1") && said.contains("0 KiB are left there"), "{said}");
    on_n1("umount /run/isobar");
    for rules in rules(&cluster) {
        assert!(!rules.contains("ISOBAR"), "{rules}");
    }
    let left = "ls /run/isobar; ls /run/isobar-* 2>/dev/null || :";
    assert_eq!(on_n1(left), "", "of isobar itself nothing");
}

/// As Debian and Ubuntu mount `/run`: no program there can be started.
#[test]
fn a_helper_works_where_no_program_under_run_may_and_leaves_no_trace() {
    let Some(lab) = TestLab::up(2) else { return };
    let directory = tempfile::tempdir().unwrap();
    let spec = directory.path().join("spec.yaml");
    let name = lab.lab.name();
    let spec_text = format!(
        "version: 1\nname: noexec\ncluster: {{ lab: {{ nodes: 2, name: {name} }} }}\n\
         system: {{ etcd: {{}} }}\nworkload: {{ register: {{}} }}\nload: {{ time: 1s }}\n\
         checks: [linearizable: {{}}]\n"
    );
    std::fs::write(&spec, spec_text).unwrap();
    let cluster = lab.cluster();
    let on_n1 = |script: &str| {
        cluster.member("n1").unwrap().remote.check(&Command::shell(script)).unwrap().text()
    };
    on_n1("mount -t tmpfs -o noexec tmpfs /run && mkdir -p /run/netns /run/sshd");
    let network = "ls -A /run; iptables-save; grep -c . /proc/mounts; \
                   ls -l /proc/*/exe 2>/dev/null | grep -c /helper";
    let before = on_n1(&format!("{network} || :"));
    let fault = "silent-corrupt: { targets: [n2], to: [n1], share: 100% }";
    let done = Program::new(env!("CARGO_BIN_EXE_isobar"))
        .arg("--store")
        .arg(directory.path().join("runs"))
        .args(["fault", spec.to_str().unwrap(), fault, "--for", "1s"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(text(&done.stderr).contains("silent-corrupt #0 installed on n1"));
    let journal = directory.path().join("runs/noexec-fault/latest/faults.jsonl");
    let journal = std::fs::read_to_string(journal).unwrap();
    assert!(journal.contains("silent-corrupt 100% by isobar's helper, 1 rule"), "{journal}");
    assert_eq!(on_n1(&format!("{network} || :")), before);
}
