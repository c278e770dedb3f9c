//! The files in `examples/ci/`, executed here step by step.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Ended, Isobar};

/// A second of load on the toy system; what the job comes to is for `changes` to say.
fn chaos(changes: &[(&str, &str)]) -> String {
    let spec = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/demo.yaml"));
    let mut spec = spec.unwrap();
    let short = [
        ("time: 12s, timeout: 1s, recovery: 2s", "time: 8s, timeout: 1s, recovery: 1s"),
        ("every: 5s, for: 3s, at: 2s", "every: 5s, for: 2s, at: 500ms"),
    ];
    for (from, to) in short.iter().chain(changes) {
        assert!(spec.contains(from), "`{from}` is not in the demonstration");
        spec = spec.replace(from, to);
    }
    spec
}

const VALID: &[(&str, &str)] = &[("bug: stale-read", "bug: none")];
const VIOLATED: &[(&str, &str)] = &[];
/// Nothing is asked but at the beginning and at the end: nothing while the network is cut.
const UNKNOWN: &[(&str, &str)] = &[("bug: stale-read", "bug: none"), ("200/s", "0.001/s")];
/// Nobody lets us in there.
const SET_UP: &[(&str, &str)] = &[
    ("local: { nodes: 3 }", "ssh: { nodes: [127.0.0.7, 127.0.0.8, 127.0.0.9] }"),
    ("toy: { bug: stale-read }", "etcd: {}"),
];

fn example(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci").join(name);
    serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A checkout with a specification, and isobar on the path.
struct Checkout(Isobar);

impl Checkout {
    fn with(changes: &[(&str, &str)]) -> Self {
        let isobar = Isobar::new();
        isobar.spec("chaos.yaml", &chaos(changes));
        fs::create_dir(isobar.store.path().join("chaos-corpus")).unwrap();
        Self(isobar)
    }

    fn shell(&self, script: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_isobar"));
        let path = std::env::var("PATH").unwrap();
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", script]).current_dir(self.0.store.path());
        shell.env("PATH", format!("{}:{path}", program.parent().unwrap().display()));
        shell
    }

    fn has(&self, pattern: &str) -> bool {
        self.shell(&format!("ls {pattern}")).stdout(Stdio::null()).status().unwrap().success()
    }
}

/// The scripts of the GitHub example, with the first shard's values filled in.
fn github_step(name: &str) -> String {
    let workflow = example("github-actions.yml");
    let steps = workflow["jobs"]["chaos"]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["name"] == name).unwrap();
    step["run"].as_str().unwrap().replace("${{ matrix.shard }}", "1")
}

/// The job, which has to end with `code`; the planted bug shows by chance, and gets five.
fn github_job(checkout: &Checkout, code: i32) -> Ended {
    let chances = if code == 1 { 5 } else { 1 };
    let job = |_| {
        let mut chaos = checkout.shell(&github_step("chaos"));
        chaos.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "summary.md");
        Ended::of(&chaos.output().unwrap())
    };
    let mut ended = (0..chances).map(job).skip_while(|ended| ended.code == 0 && code == 1);
    ended.next().expect("a planted bug did not show in five jobs").expect(code)
}

#[test]
fn github_gets_the_documented_exit_codes_and_artefacts() {
    for (changes, code) in [(VALID, 0), (VIOLATED, 1), (UNKNOWN, 3), (SET_UP, 4)] {
        let checkout = Checkout::with(changes);
        let ended = github_job(&checkout, code);
        assert!(checkout.has("summary.md"), "{ended:?}");
        if code != 4 {
            assert!(checkout.has("runs/demo/*/junit.xml runs/demo/*/report.html"), "{ended:?}");
        }
        if code == 1 {
            let shrink = github_step("shrink what was found").replace("5m", "20s");
            Ended::of(&checkout.shell(&shrink).output().unwrap()).expect(0);
            assert!(checkout.has("chaos-corpus/*.json"), "nothing was kept for the next night");
        }
    }
}

#[test]
fn gitlab_shards_by_its_own_variables() {
    let job = &example("gitlab-ci.yml")["chaos"];
    let checkout = Checkout::with(VALID);
    let mut script = checkout.shell(job["script"][0].as_str().unwrap());
    script.env("CI_NODE_INDEX", "2").env("CI_NODE_TOTAL", "2");
    let ended = Ended::of(&script.output().unwrap()).expect(0);
    assert!(ended.stdout.contains("2 runs: 2 valid"), "{ended:?}");
    let reports = job["artifacts"]["reports"]["junit"].as_str().unwrap();
    assert!(checkout.has(reports), "no {reports}");
}

#[test]
fn kubernetes_shards_by_the_index_of_the_pod_and_knows_every_exit_code() {
    let job = &example("kubernetes.yaml")["spec"];
    let pod = &job["template"]["spec"];
    let container = &pod["containers"][0];
    let checkout = Checkout::with(VALID);
    let word = |arg: &Value| match arg.as_str().unwrap() {
        "/chaos/chaos.yaml" => "chaos.yaml".to_owned(),
        "0.0.0.0:9464" => "127.0.0.1:0".to_owned(),
        word => word.to_owned(),
    };
    let words: Vec<String> = container["args"].as_array().unwrap().iter().map(word).collect();
    let mut run = checkout.shell(&format!("isobar {}", words.join(" ")));
    let ended = Ended::of(&run.env("JOB_COMPLETION_INDEX", "3").output().unwrap()).expect(0);
    assert!(ended.stdout.contains("1 run: 1 valid"), "{ended:?}");

    let rules = job["podFailurePolicy"]["rules"].as_array().unwrap();
    let codes = rules.iter().flat_map(|rule| rule["onExitCodes"]["values"].as_array().unwrap());
    let mut codes: Vec<u64> = codes.map(|code| code.as_u64().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [1, 2, 3, 4, 5, 70, 130]);
    assert_eq!(pod["restartPolicy"], "Never");
}

#[test]
fn a_job_that_is_ended_from_outside_heals_judges_what_there_is_and_is_in_time() {
    let checkout = Checkout::with(&[
        ("bug: stale-read", "bug: none"),
        ("time: 8s", "time: 60s"),
        ("for: 2s, at: 500ms", "for: 4s, at: 500ms"),
    ]);
    // As Kubernetes does: SIGTERM, then SIGKILL when the grace period is over.
    let script = "exec isobar run chaos.yaml --seed 1 2> told.txt > result.txt";
    let mut running = checkout.shell(script).spawn().unwrap();
    let told = checkout.0.store.path().join("told.txt");
    let wait = |what: &str| {
        let end = Instant::now() + Duration::from_secs(60);
        while !fs::read_to_string(&told).unwrap_or_default().contains(what) {
            assert!(Instant::now() < end, "`{what}` was never said");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait("partition #0 installed");
    let begin = Instant::now();
    let signal = |name: &str| {
        let pid = running.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    };
    signal("-TERM");
    wait("interrupted");
    // Whoever presses Ctrl-C again gets an answer, and nothing is left half done.
    signal("-INT");
    wait("still mending");
    let code = running.wait().unwrap().code();
    assert!(begin.elapsed() < Duration::from_secs(25), "{:?}", begin.elapsed());
    let result = fs::read_to_string(checkout.0.store.path().join("result.txt")).unwrap();
    assert_eq!(code, Some(130), "{result}");
    assert!(result.contains("incomplete: the run was cut short"), "{result}");
    assert!(result.contains("linearizable"), "{result}");
    let journal = "runs/demo/*/faults.jsonl";
    assert!(checkout.shell(&format!("grep -q healed {journal}")).status().unwrap().success());
}
