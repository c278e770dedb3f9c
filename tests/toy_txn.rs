//! The toy system's transactions: strictly serializable without a bug; with one of isolation, the
//! anomaly that its name says, and nothing stronger.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use support::Isobar;
use support::lists::{Lists, Order, Rule};

/// A run of the toy system under transactions, judged by what every run is judged by.
fn run(bug: &str, workload: &str, load: &str, faults: &str) -> Lists {
    let isobar = Isobar::new();
    let text = format!(
        "version: 1\nname: toy-{bug}\ncluster:\n  local: {{ nodes: 3 }}\nsystem:\n  \
         toy: {{ bug: {bug} }}\nworkload:\n  append: {{ {workload} }}\nload: {{ {load}, timeout: 1s, recovery: 1s \
         }}\n{faults}checks:\n  - availability: {{}}\n"
    );
    let spec = isobar.spec("toy.yaml", &text);
    isobar.run(["run", &spec, "--seed", "1"]).expect(0);
    let run = isobar.latest(&format!("toy-{bug}"));
    let lists = Lists::read(&run.join("history.jsonl"));
    println!("{bug}: {}", lists.figures());
    assert!(lists.count("ok") > 100, "{bug}: only {} ok", lists.count("ok"));
    lists
}

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
    let lists = run("none", "keys: 5, max-writes-per-key: 64", load, faults);
    assert_read_committed(&lists);
    assert!(!lists.cyclic(Rule::Any, Order::Realtime));
    assert_eq!(lists.fractured_reads() + lists.lost_updates() + lists.session_violations(), 0);
    assert_eq!(lists.lost(), 0);
}

#[test]
fn write_skew_is_found_under_snapshot_isolation() {
    let lists = run("write-skew", "keys: 4, max-writes-per-key: 64", LOAD, "");
    assert_read_committed(&lists);
    assert_eq!(lists.lost(), 0);
    assert!(lists.cyclic(Rule::Any, Order::None), "no write skew");
    assert!(!lists.cyclic(Rule::NoAdjacentRw, Order::Realtime), "not even snapshot isolation");
    assert_eq!(lists.fractured_reads() + lists.lost_updates(), 0);
}

#[test]
fn lost_updates_are_found() {
    let lists = run("lost-update", "keys: 3, max-writes-per-key: 64", LOAD, "");
    assert_read_committed(&lists);
    assert_eq!(lists.lost(), 0);
    assert!(lists.lost_updates() > 0, "no lost update");
}

#[test]
fn fractured_reads_are_found() {
    let lists = run("fractured-read", "keys: 3, max-writes-per-key: 64", LOAD, "");
    assert_read_committed(&lists);
    assert_eq!(lists.lost(), 0);
    assert!(lists.fractured_reads() > 0, "no fractured read");
    assert_eq!(lists.lost_updates(), 0);
}

#[test]
fn long_forks_are_found_under_parallel_snapshot_isolation() {
    let lists = run("long-fork", "keys: 4, max-writes-per-key: 64", LOAD, "");
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
    let lists = run("aborted-read", "keys: 5, max-writes-per-key: 64", LOAD, "");
    assert!(lists.aborted_reads() > 0, "no aborted read");
    assert_eq!((lists.incompatible(), lists.lost(), lists.intermediate_reads()), (0, 0, 0));
    assert!(!lists.cyclic(Rule::Any, Order::Realtime), "more than aborted reads");
}

#[test]
fn dirty_reads_are_found() {
    let lists = run("dirty-read", "keys: 3, max-writes-per-key: 64", LOAD, "");
    assert!(lists.intermediate_reads() > 0, "no dirty read");
    assert_eq!((lists.incompatible(), lists.lost(), lists.aborted_reads()), (0, 0, 0));
}

#[test]
fn stale_reads_are_found_while_a_node_is_cut_off_and_break_nothing_but_real_time() {
    let load = "concurrency: 5n, rate: 300/s, time: 8s";
    let faults = "faults:\n  - partition: { split: one, every: 4s, for: 2s, at: 1s }\n";
    let lists = run("stale-read", "keys: 5, max-writes-per-key: 64", load, faults);
    assert_read_committed(&lists);
    assert!(lists.cyclic(Rule::Any, Order::Realtime), "no stale read");
    assert!(!lists.cyclic(Rule::Any, Order::None), "not even serializable");
}

#[test]
fn bugs_of_isolation_keep_to_their_names_when_leaders_fall() {
    let load = "concurrency: 5n, rate: 400/s, time: 10s";
    let lists = run("write-skew", "keys: 5, max-writes-per-key: 64", load, PARTITIONS);
    assert_read_committed(&lists);
    assert!(!lists.cyclic(Rule::NoAdjacentRw, Order::Realtime), "not even snapshot isolation");
    let lists = run("long-fork", "keys: 4, max-writes-per-key: 64", load, PARTITIONS);
    assert_read_committed(&lists);
    assert!(!lists.cyclic(Rule::OneRwAtMost, Order::None), "not even parallel SI");
}
