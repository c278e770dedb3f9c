//! Faults of a cgroup, on a guest, whose kernel has all of them: a system of two processes is
//! frozen, or gets too little, as a whole.

use isobar::system::System;
use serde_json::{Value, json};

use crate::vm::{Broken, Guests, Nothing};

/// The cgroups and what they control.
const GROUPS: &str = "cd /sys/fs/cgroup && find . -type d && cat cgroup.subtree_control";

pub fn limits(guests: &Guests) {
    let scripts = Nothing.scripts(&guests.cluster.members[0].node);
    guests.on(1, &scripts.start);
    let state = || (guests.on(1, &scripts.state), guests.on(1, GROUPS));
    let untouched = state();
    let broken = |fault: Value| Broken::by(guests, json!([fault]));
    let held =
        |group: &str| guests.on(1, &format!("grep -c . /sys/fs/cgroup/{group}/cgroup.procs"));

    let frozen = broken(json!({"freeze": {"targets": ["n1"], "at": "0s"}}));
    assert_eq!(held("isobar-frozen-n1"), "2", "{:?}", frozen.entries());
    let events = guests.on(1, "cat /sys/fs/cgroup/isobar-frozen-n1/cgroup.events");
    assert!(events.contains("frozen 1"), "{events}");
    frozen.heal(1);
    assert_eq!(state(), untouched);

    // In the cgroup, something that needs more.
    let within = |script: &str| {
        let own = "/sys/fs/cgroup/isobar-limit-n1";
        guests.on(
            1,
            &format!(
                "sh -c 'echo $$ >{own}/cgroup.procs; {script}'; cat {own}/*.events {own}/cpu.stat"
            ),
        )
    };
    let counts = |shown: &str, what: &str| {
        let count = shown.lines().find_map(|line| line.strip_prefix(what)?.trim().parse().ok());
        count.unwrap_or(0_u64)
    };
    let cpu = broken(json!({"cpu-limit": {"targets": ["n1"], "share": "10%", "at": "0s"}}));
    assert_eq!(held("isobar-limit-n1"), "2", "{:?}", cpu.entries());
    // By time and not by work: what a fast machine has done within its share is not held back.
    let shown = within("timeout 2 yes >/dev/null");
    assert!(counts(&shown, "nr_throttled ") > 0, "{shown}");
    cpu.heal(1);
    assert_eq!(state(), untouched);

    let memory = broken(json!({"memory-limit": {"targets": ["n1"], "more": "8MiB", "at": "0s"}}));
    assert_eq!(held("isobar-limit-n1"), "2", "{:?}", memory.entries());
    let shown = within("head -c 64000000 /dev/zero | tail -c 64000000 | wc -c");
    assert!(counts(&shown, "oom_kill ") > 0, "{shown}");
    memory.heal(1);
    assert_eq!(state(), untouched);
}
