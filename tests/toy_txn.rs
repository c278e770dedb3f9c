//! The toy system's transactions: strictly serializable without a bug; with one of isolation, the
//! anomaly that its name says, and nothing stronger.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use support::Isobar;
use support::lists::{Lists, Order, Rule};

/// What is known of the toy system with a bug.
struct Bug {
    name: &'static str,
    /// A model that it breaks, with the anomaly that shows it; none without a bug.
    breaks: Option<(&'static str, &'static str)>,
    /// The strongest model that it keeps whatever happens, or one of them; empty for none.
    keeps: &'static str,
}

fn specification(bug: &str, workload: &str, load: &str, faults: &str, check: &str) -> String {
    format!(
        "version: 1\nname: toy-{bug}\ncluster:\n  local: {{ nodes: 3 }}\n\
         system:\n  toy: {{ bug: {bug} }}\nworkload:\n  {workload}\n\
         load: {{ {load}, timeout: 1s }}\n{faults}checks:\n  - {check}\n"
    )
}

/// Runs the toy system under transactions. The verdicts of the checker must be as told; what it
/// judged is returned for a second opinion.
fn run(bug: &Bug, workload: &str, load: &str, faults: &str) -> Lists {
    let isobar = Isobar::new();
    let Bug { name, breaks, keeps } = bug;
    let claim = breaks.map_or(*keeps, |(model, _)| model);
    let workload = format!("append: {{ {workload} }}");
    let check = format!("list-append: {{ consistency: {claim} }}");
    let text = specification(name, &workload, &format!("{load}, recovery: 1s"), faults, &check);
    let spec = isobar.spec("toy.yaml", &text);
    let ended = isobar.run(["run", &spec, "--seed", "1"]);
    let history = isobar.latest(&format!("toy-{name}")).join("history.jsonl");
    let lists = Lists::read(&history);
    println!("{name}: {}", lists.figures());
    assert!(lists.count("ok") > 100, "{name}: only {} ok", lists.count("ok"));
    match breaks {
        Some((_, anomaly)) => ended.expect(1).says(anomaly),
        None => ended.expect(0),
    };
    let history = history.to_str().unwrap();
    if !keeps.is_empty() {
        isobar.run(["check", "-m", "list-append", "-c", keeps, history]).expect(0).says("valid");
    }
    lists
}

const NONE: Bug = Bug { name: "none", breaks: None, keeps: "strict-serializable" };
const WRITE_SKEW: Bug = Bug {
    name: "write-skew",
    breaks: Some(("serializable", "G2-item")),
    keeps: "strong-snapshot-isolation",
};
const LOST_UPDATE: Bug = Bug {
    name: "lost-update",
    breaks: Some(("cursor-stability", "lost-update")),
    keeps: "read-committed",
};
const FRACTURED_READ: Bug = Bug {
    name: "fractured-read",
    breaks: Some(("consistent-view", "G-single")),
    keeps: "cursor-stability",
};
const LONG_FORK: Bug = Bug {
    name: "long-fork",
    breaks: Some(("snapshot-isolation", "G-nonadjacent")),
    keeps: "parallel-snapshot-isolation",
};
const ABORTED_READ: Bug = Bug {
    name: "aborted-read",
    breaks: Some(("read-committed", "G1a")),
    keeps: "read-uncommitted",
};
const DIRTY_READ: Bug =
    Bug { name: "dirty-read", breaks: Some(("read-committed", "G1b")), keeps: "" };
const STALE_READ: Bug = Bug {
    name: "stale-read",
    breaks: Some(("strict-serializable", "G-single-realtime")),
    keeps: "serializable",
};

const PARTITIONS: &str = "faults:\n  - partition: { split: leader, every: 4s, for: 2s, at: 1s }\n";
const LOAD: &str = "concurrency: 5n, rate: 400/s, time: 6s";

/// What most bugs leave: nothing is made up or reordered, and reads are of what committed.
fn assert_read_committed(lists: &Lists) {
    assert_eq!(lists.incompatible(), 0);
    assert_eq!((lists.aborted_reads(), lists.intermediate_reads()), (0, 0));
}

#[test]
fn without_a_bug_transactions_are_strictly_serializable_through_all_faults() {
    let faults = "faults:\n  - partition: { split: one, every: 5s, for: 2s, at: 1s }\n  \
                  - kill: { targets: one, every: 5s, for: 1s, at: 4s }\n  \
                  - pause: { targets: leader, at: 8s, for: 1s }\n";
    let load = "concurrency: 5n, rate: 600/s, time: 12s";
    let lists = run(&NONE, "keys: 5, max-writes-per-key: 64", load, faults);
    assert_read_committed(&lists);
    assert!(!lists.cyclic(Rule::Any, Order::Realtime));
    assert_eq!(lists.fractured_reads() + lists.lost_updates() + lists.session_violations(), 0);
    assert_eq!(lists.lost(), 0);
}

#[test]
fn write_skew_is_found_under_snapshot_isolation() {
    let lists = run(&WRITE_SKEW, "keys: 4, max-writes-per-key: 64", LOAD, "");
    assert_read_committed(&lists);
    assert_eq!(lists.lost(), 0);
    assert!(lists.cyclic(Rule::Any, Order::None), "no write skew");
    assert!(!lists.cyclic(Rule::NoAdjacentRw, Order::Realtime), "not even snapshot isolation");
    assert_eq!(lists.fractured_reads() + lists.lost_updates(), 0);
}

#[test]
fn lost_updates_are_found() {
    let lists = run(&LOST_UPDATE, "keys: 3, max-writes-per-key: 64", LOAD, "");
    assert_read_committed(&lists);
    assert_eq!(lists.lost(), 0);
    assert!(lists.lost_updates() > 0, "no lost update");
}

#[test]
fn fractured_reads_are_found() {
    let lists = run(&FRACTURED_READ, "keys: 3, max-writes-per-key: 64", LOAD, "");
    assert_read_committed(&lists);
    assert_eq!(lists.lost(), 0);
    assert!(lists.fractured_reads() > 0, "no fractured read");
    assert_eq!(lists.lost_updates(), 0);
}

#[test]
fn long_forks_are_found_under_parallel_snapshot_isolation() {
    let lists = run(&LONG_FORK, "keys: 4, max-writes-per-key: 64", LOAD, "");
    assert_read_committed(&lists);
    assert!(lists.cyclic(Rule::NoAdjacentRw, Order::None), "no long fork");
    assert!(!lists.cyclic(Rule::OneRwAtMost, Order::None), "not even parallel SI");
    // The last writes may not have come to the nodes that read at the end.
    assert!(lists.lost() < 20, "{} lost", lists.lost());
    let others = lists.fractured_reads() + lists.lost_updates() + lists.session_violations();
    assert_eq!(others, 0);
}

#[test]
fn aborted_reads_are_found() {
    let lists = run(&ABORTED_READ, "keys: 5, max-writes-per-key: 64", LOAD, "");
    assert!(lists.aborted_reads() > 0, "no aborted read");
    assert_eq!((lists.incompatible(), lists.lost(), lists.intermediate_reads()), (0, 0, 0));
    assert!(!lists.cyclic(Rule::Any, Order::Realtime), "more than aborted reads");
}

#[test]
fn dirty_reads_are_found() {
    let lists = run(&DIRTY_READ, "keys: 3, max-writes-per-key: 64", LOAD, "");
    assert!(lists.intermediate_reads() > 0, "no dirty read");
    assert_eq!(lists.lost(), 0);
    // Unless a leader fell, and what it had shown with it.
    if lists.count("info") == 0 {
        assert_eq!((lists.incompatible(), lists.aborted_reads()), (0, 0));
    }
}

#[test]
fn stale_reads_are_found_while_a_node_is_cut_off_and_break_nothing_but_real_time() {
    let load = "concurrency: 5n, rate: 300/s, time: 12s";
    let faults = "faults:\n  - partition: { split: one, every: 4s, for: 2s, at: 1s }\n";
    let lists = run(&STALE_READ, "keys: 5, max-writes-per-key: 64", load, faults);
    assert_read_committed(&lists);
    assert!(lists.cyclic(Rule::Any, Order::Realtime), "no stale read");
    assert!(!lists.cyclic(Rule::Any, Order::None), "not even serializable");
}

#[test]
fn bugs_of_isolation_keep_to_their_names_when_leaders_fall() {
    let load = "concurrency: 5n, rate: 300/s, time: 10s";
    let lists = run(&WRITE_SKEW, "keys: 4, max-writes-per-key: 64", load, PARTITIONS);
    assert_read_committed(&lists);
    assert!(!lists.cyclic(Rule::NoAdjacentRw, Order::Realtime), "not even snapshot isolation");
    let lists = run(&LONG_FORK, "keys: 4, max-writes-per-key: 64", load, PARTITIONS);
    assert_read_committed(&lists);
    assert!(!lists.cyclic(Rule::OneRwAtMost, Order::None), "not even parallel SI");
}

#[test]
fn the_example_shows_its_write_skew_as_it_is() {
    let isobar = Isobar::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/toy-write-skew.yaml");
    isobar.run(["run", example, "--seed", "1"]).expect(1).says("G2-item");
    let run = isobar.latest("toy-write-skew");
    let weaker = ["check", run.to_str().unwrap(), "-m", "list-append", "-c", "snapshot-isolation"];
    isobar.run(weaker).expect(0).says("valid");
    let unclear = isobar.run(["check", "-1", "-c", "snapshot-isolation"]).expect(2);
    unclear.says("by -m what its operations are");
}

#[test]
fn transactions_on_registers_are_judged_too() {
    let isobar = Isobar::new();
    let run = |bug: &str, check: &str| {
        let workload = "wr: { keys: 4, max-writes-per-key: 64 }";
        let check = format!("rw-register: {{ consistency: {check} }}");
        let text = specification(bug, workload, LOAD, PARTITIONS, &check);
        let spec = isobar.spec(&format!("{bug}.yaml"), &text);
        isobar.run(["run", &spec, "--seed", "1"])
    };
    run("none", "strict-serializable, linearizable-keys: true").expect(0).says("valid");
    run("lost-update", "snapshot-isolation").expect(1).says("lost-update");
}
