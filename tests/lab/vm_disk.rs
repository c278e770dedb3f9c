//! Faults of disks and of power, on a guest.

use isobar::system::System;
use serde_json::{Value, json};

use crate::support;
use crate::vm::{Broken, Guests, Nothing, status};
use crate::vm_limit::limits;

const DATA: &str = "/var/lib/isobar";

/// All of the disks' state that a fault could leave behind.
const STATE: &str = "grep ' /var' /proc/mounts; dmsetup table; ls -A /var/lib/isobar /run/*.disk";

#[test]
fn disks_processes_and_power_fail_and_work_again() {
    let Some(guests) = Guests::up(1) else { return };
    disks(&guests);
    lost_writes(&guests);
    limits(&guests);
    power_fault(&guests);
    let name = guests.lab.lab.name().to_owned();
    drop(guests);
    assert_eq!(support::traces(&name), [""; 0]);
}

/// Each fault is there, is seen by the node's programs, and is undone without a trace.
fn disks(guests: &Guests) {
    let scripts = Nothing.scripts(&guests.cluster.members[0].node);
    guests.on(1, &scripts.start);
    let state = || guests.on(1, &format!("{STATE} 2>/dev/null || :"));
    let untouched = state();
    let broken = |fault: Value| Broken::by(guests, json!([fault]));
    // A file system that broke in the middle keeps the file.
    let write =
        format!("(echo x >{DATA}/x && sync {DATA}/x && echo written) 2>&1; rm -f {DATA}/x || :");
    let fill = format!("head -c 1000000 /dev/zero 2>&1 >{DATA}/x | tail -n 1; rm -f {DATA}/x");

    let full = broken(json!({"disk-fill": {"targets": ["n1"], "at": "0s"}}));
    assert!(guests.on(1, &fill).contains("No space left"), "{:?}", full.entries());
    full.heal(1);
    assert_eq!((guests.on(1, &fill), state()), (String::new(), untouched.clone()));

    // With a file open for writing, as any system has.
    let holder = format!("setsid sleep 600 3>{DATA}/open >/dev/null 2>&1 </dev/null & echo $!");
    let holder = guests.on(1, &holder);
    let read_only = broken(json!({"disk-read-only": {"targets": ["n1"], "at": "0s"}}));
    assert!(guests.on(1, &write).contains("Read-only"), "{:?}", read_only.entries());
    guests.on(1, &format!("kill {holder}"));
    read_only.heal(1);
    // What was not yet in the journal when it was cut off may be gone already.
    guests.on(1, &format!("rm -f {DATA}/open"));
    assert_eq!((guests.on(1, &write), state()), ("written".to_owned(), untouched.clone()));

    let times =
        format!("read -r a _ </proc/uptime; {write}; read -r b _ </proc/uptime; echo $a $b");
    let took = || {
        let text = guests.on(1, &times);
        let seconds: Vec<f64> = text.split_whitespace().filter_map(|w| w.parse().ok()).collect();
        seconds[1] - seconds[0]
    };
    let running = guests.on(1, &scripts.state);
    let slow = broken(json!({"disk-slow": {"targets": ["n1"], "time": "300ms", "at": "0s"}}));
    let slowly = took();
    slow.heal(1);
    assert!(slowly >= 0.29 && took() < slowly, "{slowly} s");
    assert_eq!((guests.on(1, &scripts.state), state()), (running, untouched.clone()));

    let error = broken(json!({"disk-error": {"targets": ["n1"], "at": "0s"}}));
    assert!(!guests.on(1, &write).contains("written"), "{:?}", error.entries());
    error.heal(1);
    assert_eq!((guests.on(1, &write), state()), ("written".to_owned(), untouched));
}

/// What was synchronised is kept, and only that.
fn lost_writes(guests: &Guests) {
    let scripts = Nothing.scripts(&guests.cluster.members[0].node);
    // Else the kernel synchronises it by itself every 5 s.
    let every = |seconds: u32| format!("mount -o remount,commit={seconds} {DATA}");
    guests.on(1, &every(600));
    guests.on(1, &format!("cd {DATA}; echo a >kept && sync kept && echo b >lost && cat lost"));
    let lost = json!([{"lost-writes": {"targets": ["n1"], "at": "0s"}}]);
    let lost = Broken::by(guests, lost);
    assert_eq!(guests.on(1, &scripts.state), "gone");
    let kept = guests.on(1, &format!("cd {DATA}; cat kept; ls lost 2>/dev/null || echo gone"));
    assert_eq!(kept, "a\ngone");
    guests.on(1, &every(5));
    lost.heal(1);
    assert!(guests.on(1, &scripts.state).starts_with("running "));
    assert_eq!(
        guests.on(1, &format!("ls -A {DATA}; ls /run/*.disk 2>/dev/null; :")),
        "kept\nlost+found"
    );
    guests.on(1, &format!("{}\nrm {DATA}/kept", scripts.stop));
}

/// A node is switched off, and on again, with another boot.
fn power_fault(guests: &Guests) {
    let boot = || guests.on(1, "cat /proc/sys/kernel/random/boot_id");
    let before = boot();
    // Else the kernel synchronises it by itself every 5 s.
    let every = |seconds: u32| format!("mount -o remount,commit={seconds} {DATA}");
    guests.on(1, &every(600));
    guests.on(1, &format!("cd {DATA}; echo a >kept && sync kept && echo b >lost"));
    let broken = Broken::by(guests, json!([{"power": {"targets": ["n1"], "at": "0s"}}]));
    assert_eq!(status(guests).nodes[0].pid, None);
    broken.heal(1);
    assert!(status(guests).nodes[0].pid.is_some());
    assert_ne!(boot(), before);
    assert!(
        guests.on(1, &Nothing.scripts(&guests.cluster.members[0].node).state).contains("running")
    );
    let left = guests.on(1, &format!("cd {DATA}; cat kept; ls lost 2>/dev/null || echo gone"));
    assert_eq!(left, "a\ngone");
}
