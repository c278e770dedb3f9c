//! A service of one's own, tested without Rust: the examples of docs/your-own-system.md.

#![allow(clippy::unwrap_used)]

mod support;

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use support::{Ended, Isobar, processes, requirement};

const START: &str = "exec python3 {{dir}}/service.py {{node.ip}} {{port}}";

/// Whether there is the Python that the examples need.
#[track_caller]
fn python() -> bool {
    let found = Command::new("python3").arg("--version").output().is_ok_and(|o| o.status.success());
    requirement::met((!found).then(|| "python3 is missing here; install it".to_owned()))
}

/// A port that was free a moment ago, another one each time; below those that outgoing connections
/// get.
fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let start = 10_000 + (std::process::id() % 1000) as u16 * 10;
    let next = || start + GIVEN.fetch_add(1, Ordering::Relaxed);
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    std::iter::repeat_with(next).find(free).unwrap()
}

/// Runs an example with some of its text replaced, on a port of its own.
fn run(isobar: &Isobar, example: &str, port: u16, replaced: &[(&str, &str)]) -> Ended {
    let path = format!("{}/examples/{example}", env!("CARGO_MANIFEST_DIR"));
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in [("1808{{node.number}}", port.to_string().as_str())].iter().chain(replaced) {
        assert!(text.contains(from), "{from} is in {example}");
        text = text.replace(from, to);
    }
    let spec = isobar.spec("spec.yaml", &text);
    // Runs that begin in the same second are told apart by their seeds.
    let ended = isobar.run(["run", &spec, "--seed", &port.to_string()]);
    let left = processes(&format!("service.py 127.0.0.1 {port}"));
    assert!(left.is_empty(), "{left:?}");
    ended
}

#[test]
fn a_lost_update_is_found_through_http_and_the_fixed_service_is_valid() {
    if !python() {
        return;
    }
    let isobar = Isobar::new();
    run(&isobar, "own-http.yaml", free_port(), &[]).expect(1).says("lost update on key");
    let run_of = isobar.latest("own-http");
    let history = std::fs::read_to_string(run_of.join("history.jsonl")).unwrap();
    assert!(history.contains("POST /kv/k0/cas {"), "{}", &history[..2000]);
    assert!(!run_of.join("scratch").exists());

    let fixed = format!("{START} --fixed");
    run(&isobar, "own-http.yaml", free_port(), &[(START, &fixed)]).expect(0);
}

#[test]
fn a_service_that_ends_by_itself_is_reported_and_started_again() {
    if !python() {
        return;
    }
    let crash = format!("(sleep 3; kill -SEGV $$) & {START} --fixed");
    let isobar = Isobar::new();
    let ended = run(&isobar, "own-http.yaml", free_port(), &[(START, &crash)]);
    ended.expect(1).says("violated  process-crash");
}

#[test]
fn what_a_service_kept_in_memory_is_gone_when_it_is_killed() {
    if !python() {
        return;
    }
    let ended = run(&Isobar::new(), "own-custom.yaml", free_port(), &[]).expect(1);
    ended.says("stale read on key").says("valid     process-crash").says("2 installed");
}

#[test]
fn what_is_wrong_is_said_once_before_the_load() {
    if !python() {
        return;
    }
    let read = "result: /value, status: { 404: absent }";
    let cases: [(&str, &str, &[&str]); 5] = [
        ("own-system/service.py", "own-system/servce.py", &["cannot read", "servce.py"]),
        ("exec python3", "exec isobar-no-python", &["ended while it was starting", "not found"]),
        (START, "exec false", &["ended while it was starting; it printed nothing"]),
        (read, "result: /value", &["GET /kv/isobar-probe → 404", "status: { 404: absent }"]),
        ("http:\n", "http:\n    headers: { x: \"${ISOBAR_NO}\" }\n", &["ISOBAR_NO is not set"]),
    ];
    for (from, to, expected) in cases {
        let isobar = Isobar::new();
        let mut ended = run(&isobar, "own-http.yaml", free_port(), &[(from, to)]).expect(4);
        for text in expected {
            ended = ended.says(text);
        }
        assert_eq!(ended.stderr.matches("error: ").count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    if !python() {
        return;
    }
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, free_port())).unwrap();
    let port = taken.local_addr().unwrap().port();
    let ended = run(&Isobar::new(), "own-http.yaml", port, &[]);
    ended.expect(4).says("before the service starts; its port is taken");
}

/// A secret is sent as a header, and echoed by a server that refuses it.
#[test]
fn a_secret_of_the_environment_reaches_the_service_and_not_the_run() {
    if !python() {
        return;
    }
    let isobar = Isobar::new();
    let headers = ("http:\n", "http:\n    headers: { x-token: \"Token ${PATH}\" }\n");
    let short = ("time: 5s", "time: 1s");
    let ended = run(&isobar, "own-http.yaml", free_port(), &[headers, short]);
    assert!([0, 1].contains(&ended.code), "{ended:?}");
    let secret = std::env::var("PATH").unwrap();
    let run_of = isobar.latest("own-http");
    for entry in std::fs::read_dir(&run_of).unwrap().flatten().filter(|e| e.path().is_file()) {
        let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
        assert!(!text.contains(&secret), "{}", entry.path().display());
    }
    assert!(std::fs::read_to_string(run_of.join("spec.yaml")).unwrap().contains("${PATH}"));
}

#[test]
fn a_lost_update_is_found_by_a_client_in_python_and_none_by_one_in_a_shell() {
    if !python() {
        return;
    }
    let isobar = Isobar::new();
    run(&isobar, "own-process.yaml", free_port(), &[]).expect(1).says("lost update on key");
    let left = processes("own-system/client.py");
    assert!(left.is_empty(), "{left:?}");

    let curl = Command::new("curl").arg("--version").output().is_ok();
    if !requirement::met((!curl).then(|| "curl is missing here; install it".to_owned())) {
        return;
    }
    // Without compare-and-sets the service is right.
    let shell = [
        ("exec python3 examples/own-system/client.py", "exec sh examples/own-system/client.sh"),
        ("ops-per-key: 100", "ops-per-key: 100, cas: false"),
        ("200/s, time: 5s", "40/s, time: 2s"),
    ];
    run(&isobar, "own-process.yaml", free_port(), &shell).expect(0);
}

#[test]
fn a_client_that_is_missing_or_does_not_speak_the_protocol_is_named() {
    if !python() {
        return;
    }
    let client = "exec python3 examples/own-system/client.py";
    let cases: [(&str, &[&str]); 4] = [
        ("exec isobar-no-client", &["ended without an answer (exit status: 127)", "not found"]),
        ("exec python3 examples/own-system/clint.py", &["ended without an answer", "clint.py"]),
        ("echo ready; exec cat", &["not an answer in JSON: `ready`"]),
        ("exec env ISOBAR_PORT=1 python3 examples/own-system/client.py", &["cannot connect"]),
    ];
    for (to, expected) in cases {
        let isobar = Isobar::new();
        let mut ended = run(&isobar, "own-process.yaml", free_port(), &[(client, to)]).expect(4);
        for text in expected {
            ended = ended.says(text);
        }
    }
}
