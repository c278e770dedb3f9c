//! `isobar serve` as a program that asks over HTTP sees it. What a person sees is in
//! `tests/browser`.

#![allow(clippy::unwrap_used)]

#[path = "support/served.rs"]
mod served;
mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::Command;

use served::{Served, Written};
use support::Isobar;
use tempfile::TempDir;

/// A violated run and a valid one after it.
fn store() -> (TempDir, Written) {
    let store = tempfile::tempdir().unwrap();
    let bad = Written::new("etcd", "2026-11-27T10:00:00Z", &["stale-read", "stale-read"]);
    let bad = bad.with_fault("partition");
    bad.write(store.path());
    Written::new("demo", "2026-11-28T10:00:00Z", &[]).write(store.path());
    (store, bad)
}

#[test]
fn the_list_tells_every_run_and_what_it_came_to() {
    let (store, bad) = store();
    let broken = store.path().join("etcd/20261129T000000Z-1");
    fs::create_dir_all(&broken).unwrap();
    fs::write(broken.join("run.json"), "{\"schema\":1").unwrap();
    let served = Served::over(store.path());
    let list = served.get("/");
    assert_eq!(list.status, 200);
    let text = list.text();
    assert_eq!(text.matches("<tr data-began").count(), 3, "{text}");
    assert!(text.contains("stale-read</span> × 2") && text.contains(">partition</td>"), "{text}");
    assert!(text.contains("run.json is not what isobar writes"), "{text}");
    // A run that comes later is in the list without a restart.
    Written::new("late", "2026-11-30T10:00:00Z", &[]).write(store.path());
    assert!(served.get("/").text().contains("data-test=\"late\""));
    let run = served.get(&format!("/runs/etcd/{}", bad.folder())).text();
    assert!(run.contains("<h1>Violated</h1>") && run.contains("isobar demo --seed 7"), "{run}");
}

#[test]
fn a_run_that_isobar_made_is_shown_with_its_report_and_all_its_files() {
    let isobar = Isobar::new();
    let spec = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/demo.yaml"));
    let spec = spec.unwrap().replace("time: 12s", "time: 1s");
    let (head, _) = spec.split_once("faults:").unwrap();
    let file = isobar.spec("short.yaml", &format!("{head}checks:\n  - linearizable: {{}}\n"));
    isobar.run(["run", file.as_str()]).expect(0);
    let served = Served::over(isobar.store.path());
    let report = served.get("/runs/demo/latest/report.html");
    assert_eq!(report.status, 200, "{}", report.text());
    assert_eq!(report.body, fs::read(isobar.latest("demo").join("report.html")).unwrap());
    assert!(report.header("content-security-policy").unwrap().starts_with("sandbox"));
    let history = served.get("/runs/demo/latest/history.jsonl");
    assert_eq!(history.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(history.body, fs::read(isobar.latest("demo").join("history.jsonl")).unwrap());
    let archive = served.get("/archives/demo/latest.tar.gz");
    assert!(archive.header("content-disposition").unwrap().contains("demo-2"));
    let whole = unchunked(&archive.body);
    let mut names = Vec::new();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&whole[..]));
    for entry in archive.entries().unwrap() {
        let path = entry.unwrap().path().unwrap().into_owned();
        names.push(path.iter().skip(1).collect::<std::path::PathBuf>().display().to_string());
    }
    for name in ["run.json", "history.jsonl", "report.html", "nodes/n1/log"] {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:?}");
    }
}

#[test]
fn a_test_is_told_over_time_and_two_runs_beside_each_other() {
    let (store, bad) = store();
    let good = Written::new("etcd", "2026-11-28T10:00:00Z", &[]);
    let worse = Written::new("etcd", "2026-11-29T10:00:00Z", &["stale-read", "lost-write"]);
    for run in [&good, &worse] {
        run.write(store.path());
    }
    let served = Served::over(store.path());
    let trend = served.get("/tests/etcd").text();
    assert!(trend.contains("2 of 3 runs were violated (67 %)"), "{trend}");
    assert!(trend.contains("after 4 s of load in the median"), "{trend}");
    assert!(trend.contains("from 2026-11-28 10:00: 0 of 1 violated"), "{trend}");
    assert_eq!(served.get("/tests/none").status, 404);
    let compare = |runs: &[&Written]| {
        let names = runs.iter().map(|run| format!("run={}%2F{}", run.test, run.folder()));
        served.get(&format!("/compare?{}", names.collect::<Vec<_>>().join("&")))
    };
    // Whichever is named first, time goes forward.
    let both = compare(&[&worse, &bad]).text();
    assert!(both.contains("1 finding is new, 1 is known, none is gone."), "{both}");
    let mended = compare(&[&bad, &good]).text();
    assert!(mended.contains("0 findings are new, none is known, 1 is gone."), "{mended}");
    assert_eq!(compare(&[&bad]).status, 400);
    assert_eq!(compare(&[&bad, &good, &worse]).status, 400);
    assert_eq!(served.get("/compare?run=x%2F..&run=etcd%2Flatest").status, 404);
}

/// The content of a body in chunks (RFC 9112 §7.1).
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return out;
        }
        out.extend(&body[end + 2..end + 2 + size]);
        body = &body[end + 2 + size + 2..];
    }
}

#[test]
fn nothing_outside_of_a_run_is_given_away() {
    let (store, bad) = store();
    let run = store.path().join("etcd").join(bad.folder());
    fs::write(store.path().join("secret"), "s3cr3t").unwrap();
    fs::write(store.path().join("etcd/secret"), "s3cr3t").unwrap();
    symlink("../../secret", run.join("out")).unwrap();
    symlink("/etc", run.join("etc")).unwrap();
    symlink("/", store.path().join("root")).unwrap();
    let served = Served::over(store.path());
    let base = format!("/runs/etcd/{}", bad.folder());
    assert_eq!(served.get(&format!("{base}/spec.yaml")).status, 404, "there is none");
    assert_eq!(served.get(&format!("{base}/run.json")).status, 200);
    for path in [
        "/secret",
        "/../secret",
        "/../../secret",
        "/%2e%2e/secret",
        "/..%2f..%2fsecret",
        "/%2e%2e%2f%2e%2e%2fsecret",
        "/%252e%252e/secret",
        "/nodes/../../secret",
        "/out",
        "/etc",
        "/etc/passwd",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/..%5c..%5csecret",
        "/run.json%00.log",
        "/.",
        "/..",
        "/%ff",
    ] {
        let answer = served.get(&format!("{base}{path}"));
        let text = answer.text();
        assert!(matches!(answer.status, 400 | 404), "{path}: {} {text}", answer.status);
        assert!(!text.contains("s3cr3t") && !text.contains("root:"), "{path}: {text}");
    }
    for path in [
        "/runs/root/etc/passwd",
        "/runs/../secret",
        "/runs/%2e%2e/x/run.json",
        "/runs/etcd/..%2fetcd/run.json",
        "/archives/etcd/%2e%2e",
        "/archives/root/etc.tar.gz",
        "/runs/etcd/%2e/run.json",
        "/secret",
        "//secret",
    ] {
        let answer = served.get(path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
    }
}

#[test]
fn nobody_writes_and_no_other_site_leads_here() {
    let (store, _) = store();
    let served = Served::over(store.path());
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let request = format!("{method} / HTTP/1.1\r\nHost: {}\r\n", served.address);
        let answer = served.ask(&request);
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    let head = served.ask(&format!("HEAD / HTTP/1.1\r\nHost: {}\r\n", served.address));
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(served.ask("GET / HTTP/1.1\r\nHost: evil.example\r\n").status, 421);
    let list = served.get("/");
    let policy = list.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "script-src 'sha256-", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(list.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn beyond_this_machine_a_token_is_asked_for() {
    let (store, _) = store();
    let served = Served::with(store.path(), &["--listen", "0.0.0.0:0"]);
    let (_, token) = served.url.split_once("?token=").expect("one is drawn and printed");
    assert_eq!(token.len(), 32);
    let ask = |path: &str, extra: &str| {
        served.ask(&format!("GET {path} HTTP/1.1\r\nHost: somewhere\r\n{extra}"))
    };
    for (path, extra) in [
        ("/", String::new()),
        ("/?token=0123456789abcdef0123456789abcdef", String::new()),
        ("/", "Authorization: Bearer x\r\n".to_owned()),
        ("/runs/etcd/latest/run.json", "Cookie: isobar-1=x\r\n".to_owned()),
    ] {
        let answer = ask(path, &extra);
        assert_eq!(answer.status, 401, "{path} {extra}");
        assert!(!answer.text().contains("stale-read"));
    }
    assert_eq!(ask("/", &format!("Authorization: Bearer {token}\r\n")).status, 200);
    let entered = ask(&format!("//evil.example/x?token={token}&q=1"), "");
    assert_eq!((entered.status, entered.header("location")), (303, Some("/evil.example/x?q=1")));
    let cookie = entered.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    assert_eq!(ask("/", &format!("Cookie: other=1; {pair}\r\n")).status, 200);
}

#[test]
fn what_keeps_it_from_serving_is_one_clear_error() {
    let (store, _) = store();
    let isobar = |args: &[&str]| {
        let head = ["--store", store.path().to_str().unwrap(), "serve"];
        Isobar::new().run(head.iter().chain(args))
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    isobar(&["--listen", &address]).expect(4).says("--listen takes another");
    isobar(&["--token", "short"]).expect(2).says("at least 16 characters");
    let missing = store.path().join("missing");
    Isobar::new()
        .run(["--store", missing.to_str().unwrap(), "serve"])
        .expect(2)
        .says("there is no store at")
        .says("isobar run");
}

#[test]
fn ctrl_c_ends_it_well() {
    let (store, _) = store();
    for sign in ["-INT", "-TERM"] {
        let mut served = Served::over(store.path());
        let id = served.id().to_string();
        assert!(Command::new("kill").args([sign, &id]).status().unwrap().success());
        assert_eq!(served.wait(), Some(0), "{sign}");
    }
}
