//! Real Strapi in front of real PostgreSQL, in a real lab.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use isobar::system::strapi::Packages;
use support::{Isobar, lab_available, requirement, traces};

/// What this machine lacks for Strapi; the packages of npm are installed if they are not there.
fn strapi_available(test: &str) -> bool {
    let lacks = || {
        let postgres = Path::new("/usr/lib/postgresql").is_dir();
        let node = Command::new("node").arg("--version").output().is_ok();
        let packages = || Packages::place().and_then(|packages| packages.ensure()).is_ok();
        (!(postgres && node && packages())).then_some(
            "PostgreSQL, Node.js or Strapi's packages are missing here; run `sudo isobar lab \
             install --system strapi`",
        )
    };
    lab_available(test) && requirement::met(lacks().map(|lacks| format!("{test}: {lacks}")))
}

/// An example with a shorter load, in a lab of the name given.
fn example(name: &str, lab: &str, time: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let text = fs::read_to_string(path).unwrap();
    let (head, tail) = text.split_once("time: ").unwrap();
    let (_, tail) = tail.split_once(',').unwrap();
    let text = format!("{head}time: {time},{tail}");
    text.replace("lab: { nodes: 4,", &format!("lab: {{ nodes: 4, name: {lab},"))
}

#[test]
fn names_that_strapi_calls_unique_are_given_twice_and_nothing_is_left() {
    if !strapi_available("Strapi's unique names") {
        return;
    }
    let isobar = Isobar::new();
    let spec = isobar.spec("unique.yaml", &example("strapi-unique.yaml", "tstrapi", "8s"));
    isobar.run(["run", &spec]).expect(1).says("duplicate-id").says("no process of the system");
    let run = isobar.latest("strapi-unique");
    assert!(run.join("nodes/n1/isobar-strapi.log").metadata().unwrap().len() > 0);
    assert!(run.join("nodes/n4/isobar-postgres.log").metadata().unwrap().len() > 0);
    let history = fs::read_to_string(run.join("history.jsonl")).unwrap();
    assert!(history.contains("POST /api/registers → 201, document "), "{history}");
    assert_eq!(traces("tstrapi"), [""; 0]);
}

#[test]
#[ignore = "minutes"]
fn entries_that_were_answered_201_are_lost_when_the_database_is_restarted() {
    if !strapi_available("Strapi's lost entries") {
        return;
    }
    let isobar = Isobar::new();
    let sound = isobar.spec("set.yaml", &example("strapi-set.yaml", "tset", "30s"));
    isobar.run(["run", &sound]).expect(0);
    let spec = isobar.spec("restart.yaml", &example("strapi-db-restart.yaml", "trestart", "60s"));
    let lost = |_| {
        let ended = isobar.run(["run", &spec]);
        ended.code == 1 && ended.stdout.contains("lost-element")
    };
    assert!((0..3).any(lost), "three runs of 60 s lost nothing");
}
