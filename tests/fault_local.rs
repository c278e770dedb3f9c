//! Faults without privileges, on this machine: a system that cuts its links itself.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use isobar::cluster::{Cluster, Command, Member, Node, Output, Remote, RemoteError};
use isobar::fault::{
    Ground, Hold, HoldOptions, Injector, JournalState, Plan, Watchdog, heal_from_journal,
};
use isobar::run::{Clock, Recorder};
use isobar::spec::FaultSpec;
use isobar::system::{Daemon, LinkCommands, Links, ProcessScripts, Status, System, SystemError};
use isobar_workloads::Connect;
use serde_json::{Value, json};

/// A node whose links are a file with a name per line.
struct Files(PathBuf);

#[async_trait]
impl System for Files {
    fn name(&self) -> &'static str {
        "files"
    }
    fn probe(&self, _: &Node, _: &dyn Remote) -> Result<Option<String>, SystemError> {
        Ok(None)
    }
    fn scripts(&self, node: &Node) -> ProcessScripts {
        let file = |kind: &str| format!("{}/{}.{kind}", self.0.display(), node.name);
        let argv = vec!["sleep".into(), "80000".into()];
        let (pid_file, log, data) = (file("pid"), file("log"), file("data"));
        Daemon { argv, pid_file, log, data, mark: "sleep 80000".into() }.scripts()
    }
    fn client_address(&self, _: &Node) -> String {
        "127.0.0.1:1".to_owned()
    }
    fn peer_port(&self, _: &Node) -> u16 {
        1
    }
    fn connect(&self) -> Arc<dyn Connect> {
        unreachable!("this test has no clients")
    }
    async fn status(&self, _: &Node) -> Result<Status, String> {
        Err("nobody leads".to_owned())
    }
    fn links(&self, node: &Node) -> Links {
        let file = self.0.join(format!("{}.links", node.name)).display().to_string();
        let sh = |script: &str| ["sh", "-c", script, &file].map(str::to_owned).to_vec();
        Links::Commands(LinkCommands {
            drop: sh("printf '%s 7\\n' \"$@\" >\"$0\""),
            heal: sh(": >\"$0\""),
            show: sh("cat \"$0\""),
        })
    }
}

struct Shell(String);

impl Remote for Shell {
    fn run(&self, command: &Command) -> Result<Output, RemoteError> {
        assert!(!command.privileged, "nothing here needs root");
        let mut child = std::process::Command::new("sh")
            .args(["-c", &command.script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A script that does not read its input closes it.
        let _ = child.stdin.take().unwrap().write_all(&command.stdin);
        let output = child.wait_with_output().unwrap();
        let status = output.status.code().unwrap_or(-1);
        Ok(Output { status, stdout: output.stdout, stderr: output.stderr })
    }
    fn name(&self) -> &str {
        &self.0
    }
}

fn cluster() -> Cluster {
    let member = |index: usize| {
        let name = format!("n{}", index + 1);
        let remote: Arc<dyn Remote> = Arc::new(Shell(name.clone()));
        Member { node: Node { name, index, ip: [127, 0, 0, 1].into(), role: None }, remote }
    };
    Cluster { members: (0..3).map(member).collect(), controller: None }
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(15), "not within 15 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn directories(run: &str) -> usize {
    let bases = [format!("/run/isobar/{run}"), format!("/tmp/isobar-{run}")];
    bases.iter().filter(|base| Path::new(base).exists()).count()
}

#[test]
fn a_system_that_cuts_its_links_itself_needs_no_privileges() {
    let directory = tempfile::tempdir().unwrap();
    let run = format!("test-links-{}", std::process::id());
    let links = |node: &str| {
        let file = directory.path().join(format!("{node}.links"));
        std::fs::read_to_string(file).unwrap_or_default()
    };
    let faults: Vec<FaultSpec> =
        serde_json::from_value(json!([{"partition": {"split": {"isolate": ["n1"]}, "at": "0s"}}]))
            .unwrap();
    let cluster = cluster();
    let plan = Plan::draw(&faults, &cluster.nodes(), 1, Duration::from_secs(60));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (journal, history) =
        (directory.path().join("faults.jsonl"), directory.path().join("history.jsonl"));
    let options = HoldOptions {
        run: run.clone(),
        lease: Duration::from_secs(30),
        privileged: false,
        journal: journal.clone(),
    };
    let hold = Arc::new(Hold::take(&cluster, options).unwrap());
    let recorder = Arc::new(Recorder::create(&history, Clock::start()).unwrap());
    let ground = Ground {
        hold: Arc::clone(&hold),
        system: Arc::new(Files(directory.path().to_owned())),
        recorder: Arc::clone(&recorder),
        runtime: runtime.handle().clone(),
    };
    let mut injector = Injector::prepare(ground, plan);
    injector.begin();
    wait_for("the partition is installed", || {
        std::fs::read_to_string(&journal).unwrap().contains("installed")
    });
    assert_eq!((links("n1").as_str(), links("n2").as_str()), ("n2 7\nn3 7\n", "n1 7\n"));
    assert_eq!(directories(&run), 1);
    let report = injector.heal_all(Duration::from_secs(5));
    assert_eq!((report.healed, report.dirty.len(), report.remarks.len()), (1, 0, 0));
    assert_eq!(hold.release(&BTreeSet::new()), [""; 0]);
    assert_eq!((links("n1"), links("n2"), directories(&run)), (String::new(), String::new(), 0));
    drop(injector);
    let recorder = Arc::into_inner(recorder).expect("nobody else records");
    recorder.finish().unwrap();
    let text = std::fs::read_to_string(&history).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["value"]["evidence"]["n1"], "2 links, 14 messages dropped");
    assert!(JournalState::read(&journal).unwrap().open.is_empty());
    assert_eq!(heal_from_journal(&cluster, &journal).unwrap().healed, 0);
}

#[test]
fn a_watchdog_is_installed_once_renewed_and_removed_any_number_of_times() {
    let cluster = cluster();
    let run = format!("test-watchdog-{}", std::process::id());
    let watchdog = Watchdog::new(&run, Duration::from_secs(1), false);
    let (n1, n2) = (&cluster.members[0], &cluster.members[1]);
    assert!(!watchdog.renew(n1).unwrap(), "there is none yet");
    watchdog.install(n1).unwrap();
    watchdog.install(n1).unwrap();
    watchdog.install(n2).unwrap();
    assert!(watchdog.renew(n1).unwrap());
    watchdog.remove(n1).unwrap();
    assert!(!watchdog.renew(n1).unwrap());
    watchdog.remove(n1).unwrap();
    // Nobody renews the other one's lease.
    wait_for("the watchdog of n2 is gone", || directories(&run) == 0);
    assert!(!watchdog.renew(n2).unwrap());
}
