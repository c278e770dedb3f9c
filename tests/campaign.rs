//! Many tests in one command, and what CI is told of them.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Ended, Isobar};

const DEMO: &str = "examples/demo.yaml";
const SHORT: [&str; 4] = ["--set", "load.time=8s", "--set", "load.recovery=1s"];

fn lines(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_matrix_runs_each_with_each_and_ends_as_its_worst() {
    let isobar = Isobar::new();
    let matrix = ["run", DEMO, "--seed", "1", "--matrix", "workload=register,append"];
    let faults = ["--matrix", "faults=none,partitions", "--set", "system.toy.bug=none"];
    let args = matrix.into_iter().chain(faults).chain(SHORT).chain(["--output", "ndjson"]);
    let ended = isobar.run(args).expect(0);
    let told = lines(&ended);
    assert_eq!(told.len(), 5, "a line per run and one at the end: {}", ended.stdout);
    let names: Vec<&str> =
        told[..4].iter().map(|line| line["run"]["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "demo workload=register faults=none",
            "demo workload=register faults=partitions",
            "demo workload=append faults=none",
            "demo workload=append faults=partitions",
        ]
    );
    assert!(told[..4].iter().all(|line| line["kind"] == "run" && line["schema"] == 1));
    assert_eq!(told[4]["kind"], "campaign");
    assert_eq!(told[4]["exit"], "valid");
    // What is told to be pasted runs the same test alone.
    let reproduce = told[2]["run"]["reproduce"].as_str().unwrap();
    assert!(reproduce.contains("--set workload=append --set faults=none --seed 1"), "{reproduce}");
}

#[test]
fn a_violation_ends_the_campaign_if_it_is_enough() {
    let isobar = Isobar::new();
    // The network is cut in each run; the bug shows in most.
    let args = ["run", DEMO, "--seed", "1", "--repeat", "20", "--until-violation"];
    let ended = isobar.run(args).expect(1);
    assert!(ended.stdout.contains("stale-read against linearizable"), "{}", ended.stdout);
    assert!(ended.stdout.contains("not run"), "{}", ended.stdout);
}

#[test]
fn shards_are_told_by_kubernetes_and_time_that_runs_out_proves_nothing() {
    let isobar = Isobar::new();
    let args = ["run", DEMO, "--seed", "5", "--repeat", "3", "--shard", "3"];
    let quiet = ["--set", "faults=none", "--set", "load.time=1s", "--set", "load.recovery=1ms"];
    let mut command = isobar.command(args.into_iter().chain(quiet).chain(["--output", "json"]));
    let ended = Ended::of(&command.env("JOB_COMPLETION_INDEX", "1").output().unwrap()).expect(0);
    let told = &lines(&ended)[0];
    assert_eq!(told["runs"].as_array().unwrap().len(), 1);
    assert_eq!(told["runs"][0]["seed"], 6);
    isobar.run(args).expect(2).says("JOB_COMPLETION_INDEX");

    let none = ["run", DEMO, "--repeat", "6", "--time-budget", "1ms", "--jobs", "2"];
    let mut command = isobar.command(none.into_iter().chain(quiet));
    let ended = Ended::of(&command.output().unwrap());
    assert!(ended.code == 3 || ended.stdout.contains("not run"), "{ended:?}");
}

/// Their stores are two, so both are called by this second and this seed.
#[test]
fn two_runs_at_once_do_not_get_into_each_others_way() {
    let quiet = ["--set", "system.toy.bug=none", "--set", "load.time=1s"];
    let stores = [Isobar::new(), Isobar::new(), Isobar::new()];
    let running = stores.each_ref().map(|isobar| {
        let args = ["run", DEMO, "--seed", "7", "--set", "faults=none"];
        let mut command = isobar.command(args.into_iter().chain(quiet));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    for run in running {
        Ended::of(&run.wait_with_output().unwrap()).expect(0);
    }
}

#[test]
fn github_is_told_in_the_log_and_on_a_page() {
    let isobar = Isobar::new();
    let page = isobar.store.path().join("summary.md");
    let mut command = isobar.command(["run", DEMO, "--seed", "1"]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &page);
    let ended = Ended::of(&command.output().unwrap()).expect(1);
    assert!(ended.stderr.contains("::error title=stale read"), "{ended:?}");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.starts_with("## demo violated"), "{page}");
    assert!(page.contains("isobar run examples/demo.yaml --seed 1"), "{page}");
}

#[test]
fn a_run_tells_how_it_goes_in_openmetrics() {
    let isobar = Isobar::new();
    let mut command = isobar.command(["run", DEMO, "--seed", "1", "--metrics", "127.0.0.1:0"]);
    let mut running = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = running.stderr.take().unwrap();
    let mut told = String::new();
    let mut byte = [0];
    while !told.ends_with("/metrics\n") {
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "no address in: {told}");
        told.push(char::from(byte[0]));
    }
    let address = told.split("http://").nth(1).unwrap().trim_end().trim_end_matches("/metrics");
    let drain = std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.ends_with("# EOF\n"), "{text}");
        let partitions = "isobar_faults_total{fault=\"partition\",outcome=\"installed\"} 1";
        if text.contains(partitions) && !text.contains("isobar_operations_total{type=\"ok\"} 0") {
            break;
        }
        assert!(Instant::now() < end, "no partition is told of: {text}");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(running.wait().unwrap().code().is_some());
    drain.join().unwrap().unwrap();
}
