//! Bad input: one clear message with the place and the way out, the right exit code, and nothing
//! left behind.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use support::{Ended, Isobar};

const GOOD: &str = "\
version: 1
name: usage
cluster:
  ssh:
    nodes: [n1, n2]
    port: 1
    password-env: ISOBAR_TEST_PASSWORD
    overrides: { n1: { address: 127.0.0.1 }, n2: { address: 127.0.0.2 } }
system:
  etcd: {}
workload:
  register: {}
load: { time: 8s }
faults:
  - kill: { targets: one }
checks:
  - linearizable: {}
";

#[test]
fn mistakes_in_a_specification_are_shown_at_their_place_and_touch_nothing() {
    let isobar = Isobar::new();
    let wrong = [
        ("targets: one", "targts: one", "did you mean `targets`?"),
        ("time: 8s", "time: 8", "write a number and ms, s, m or h"),
        ("targets: one", "targets: [n3]", "there is no node `n3`"),
    ];
    for (good, bad, message) in wrong {
        let spec = isobar.spec("wrong.yaml", &GOOD.replace(good, bad));
        for command in ["run", "validate", "plan", "doctor"] {
            isobar.run([command, &spec]).expect(2).says(message).says("wrong.yaml:");
        }
    }
    let entries = fs::read_dir(isobar.store.path()).unwrap().count();
    assert_eq!(entries, 1, "only the specification itself is there");
}

#[test]
fn files_that_are_not_there_are_named() {
    let isobar = Isobar::new();
    isobar.run(["run", "no-such.yaml"]).expect(2).says("cannot read no-such.yaml");
    isobar.run(["check", "no-such-run"]).expect(2).says("no-such-run");
    isobar.run(["heal", "-7"]).expect(2).says("-7");
    isobar.run(["frobnicate"]).expect(2).says("unrecognized subcommand");
}

#[test]
fn an_unreachable_node_is_a_set_up_failure_which_names_it() {
    let isobar = Isobar::new();
    let spec = isobar.spec("unreachable.yaml", GOOD);
    for command in ["run", "doctor"] {
        let args = [command, &spec];
        isobar.run(args).expect(4).says("ISOBAR_TEST_PASSWORD");
        let reached = isobar.command(args).env("ISOBAR_TEST_PASSWORD", "secret").output().unwrap();
        Ended::of(&reached).expect(4).says("node n1").says("127.0.0.1:1");
    }
}

#[test]
fn a_store_that_cannot_be_written_is_named() {
    let isobar = Isobar::new();
    let file = isobar.spec("a-file", "");
    let ended = isobar.run(["demo", "--store", &file]).expect(4);
    ended.says("a-file");
}

#[test]
fn broken_histories_name_file_line_and_column() {
    let isobar = Isobar::new();
    let good = r#"{"index":0,"time":1,"process":0,"type":"invoke","f":"read","value":null}"#;
    let broken = isobar.spec("broken.jsonl", &format!("{good}\n{{\"index\": oops}}\n{good}\n"));
    isobar.run(["check", &broken]).expect(2).says("broken.jsonl:2:");
    let alone = good.replace("invoke", "ok");
    let orphan = isobar.spec("orphan.jsonl", &format!("{alone}\n"));
    isobar.run(["check", &orphan]).expect(2).says("orphan.jsonl").says("without");
}

#[test]
fn the_plan_is_the_same_for_the_same_seed_byte_by_byte() {
    let isobar = Isobar::new();
    let spec = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/etcd-register.yaml");
    let plan = |seed: &str| isobar.run(["plan", spec, "--seed", seed]).expect(0).stdout;
    assert_eq!(plan("7"), plan("7"));
    assert_ne!(plan("7"), plan("8"));
    assert!(plan("7").contains("ISOBAR-IN"), "{}", plan("7"));
}

#[test]
fn every_example_is_a_valid_specification() {
    let isobar = Isobar::new();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let paths = std::fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path());
    for path in paths.filter(|path| path.extension().is_some_and(|kind| kind == "yaml")) {
        isobar.run(["validate", path.to_str().unwrap()]).expect(0);
    }
}

#[test]
fn a_word_is_taught_and_one_that_is_misspelt_is_guessed() {
    let isobar = Isobar::new();
    isobar.run(["explain"]).expect(0).says("stale-read").says("total-queue").says("sessions");
    isobar.run(["explain", "lost-update"]).expect(0).says("an example").says("p1 cas [1, 2]");
    isobar.run(["explain", "stale-reed"]).expect(2).says("did you mean the topic `stale-read`?");
    isobar.run(["explain", "flux-compensator"]).expect(2).says("lists the topics");
}

#[test]
fn histories_of_other_types_are_judged_and_explained() {
    let isobar = Isobar::new();
    let event = |index: u32, kind: &str, f: &str, value: &str| {
        format!(
            r#"{{"index":{index},"time":{index},"process":0,"type":"{kind}","f":"{f}","value":{value}}}"#
        )
    };
    let events = [
        event(0, "invoke", "add", "1"),
        event(1, "ok", "add", "1"),
        event(2, "invoke", "read", "null"),
        event(3, "ok", "read", "[]"),
    ];
    let file = isobar.spec("set.jsonl", &(events.join("\n") + "\n"));
    isobar.run(["check", "-m", "set", &file]).expect(1).says("violated").says("which it lacks");
    isobar.run(["check", "-m", "set", "-c", "own", &file]).expect(1).says("is lost");
    let json = isobar.run(["check", "-m", "set", "-c", "own", "--output", "json", &file]).expect(1);
    json.says(r#""anomalies":{"lost-element":1}"#).says(r#""consistency":"own""#);
    isobar
        .run(["explain", "-m", "set", "-c", "own", &file])
        .expect(0)
        .says("lost element")
        .says("Op 0");
    isobar.run(["check", "-m", "bank", "-c", "sessions", &file]).expect(2).says("one of own");
}
