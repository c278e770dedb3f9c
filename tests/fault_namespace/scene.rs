//! A lab with a system of real processes, a recorder and an injector.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use isobar::cluster::{Node, Remote};
use isobar::fault::{Ground, Hold, HoldOptions, Injector, JournalEntry, JournalState, Plan};
use isobar::run::{Clock, Recorder};
use isobar::spec::FaultSpec;
use isobar::system::{Daemon, ProcessScripts, Status, System, SystemError};
use isobar_workloads::Connect;
use serde_json::Value;

use crate::lab::{Lab, wait_for};

/// On each node a process that writes into a file what time it is; all nodes say that n2 leads,
/// unless there is a file `sick`.
pub struct Sleepers {
    pub directory: PathBuf,
}

const TELL: &str = "while (1) { open my $f, '>', $ARGV[0]; print $f time; close $f; \
                    select undef, undef, undef, 0.1 }";

impl Sleepers {
    /// What time the process of a node says it is, in s; none while it writes.
    pub fn told(directory: &Path, node: &str) -> Option<i64> {
        std::fs::read_to_string(directory.join(format!("{node}.time"))).ok()?.parse().ok()
    }

    /// Starts one on every node, each with a file of data.
    pub fn start(directory: &Path, lab: &Lab) {
        let system = Self { directory: directory.to_owned() };
        for (number, node) in (1..).zip(lab.cluster.nodes()) {
            let scripts = system.scripts(&node);
            std::fs::create_dir_all(&scripts.data).unwrap();
            std::fs::write(format!("{}/0.wal", scripts.data), b"0123456789\0\0\0\0").unwrap();
            lab.on(number, &scripts.start);
        }
    }

    pub fn stop(directory: &Path, lab: &Lab) {
        let system = Self { directory: directory.to_owned() };
        for (number, node) in (1..).zip(lab.cluster.nodes()) {
            lab.on(number, &system.scripts(&node).stop);
        }
    }
}

#[async_trait]
impl System for Sleepers {
    fn name(&self) -> &'static str {
        "sleepers"
    }
    fn probe(&self, _: &Node, _: &dyn Remote) -> Result<Option<String>, SystemError> {
        Ok(None)
    }
    fn scripts(&self, node: &Node) -> ProcessScripts {
        let file = |kind: &str| format!("{}/{}.{kind}", self.directory.display(), node.name);
        let mark = format!("tell-{}", node.index);
        let argv = ["perl", "-e", TELL, &file("time"), &mark];
        Daemon {
            argv: argv.map(str::to_owned).into(),
            pid_file: file("pid"),
            log: file("log"),
            data: file("data"),
            mark,
        }
        .scripts()
    }
    fn client_address(&self, node: &Node) -> String {
        format!("{}:1", node.ip)
    }
    fn peer_port(&self, _: &Node) -> u16 {
        2380
    }
    fn connect(&self) -> Arc<dyn Connect> {
        unreachable!("these tests have no clients")
    }
    async fn status(&self, _: &Node) -> Result<Status, String> {
        if self.directory.join("sick").exists() {
            return Err("sick".to_owned());
        }
        Ok(Status { leader: Some("n2".to_owned()), term: 1 })
    }
}

pub struct Scene {
    pub injector: Injector,
    pub hold: Arc<Hold>,
    pub journal: PathBuf,
    pub run: String,
    _runtime: tokio::runtime::Runtime,
    directory: tempfile::TempDir,
}

impl Scene {
    pub fn new(lab: &Lab, faults: Value) -> Self {
        Self::with_lease(lab, faults, Duration::from_secs(30), tempfile::tempdir().unwrap())
    }

    pub fn with_lease(
        lab: &Lab,
        faults: Value,
        lease: Duration,
        directory: tempfile::TempDir,
    ) -> Self {
        let faults: Vec<FaultSpec> = serde_json::from_value(faults).unwrap();
        let plan = Plan::draw(&faults, &lab.cluster.nodes(), 42, Duration::from_secs(600));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let history = directory.path().join("history.jsonl");
        let journal = directory.path().join("faults.jsonl");
        let options = HoldOptions {
            run: lab.name.clone(),
            lease,
            privileged: true,
            journal: journal.clone(),
        };
        let hold = Arc::new(Hold::take(&lab.cluster, options).unwrap());
        let ground = Ground {
            hold: Arc::clone(&hold),
            system: Arc::new(Sleepers { directory: directory.path().to_owned() }),
            recorder: Arc::new(Recorder::create(&history, Clock::start()).unwrap()),
            runtime: runtime.handle().clone(),
        };
        let injector = Injector::prepare(ground, plan);
        Self { injector, hold, journal, run: lab.name.clone(), _runtime: runtime, directory }
    }

    /// Where the files of its system are.
    pub fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    pub fn wait_installed(&self, id: u32) {
        self.wait_for_entry(
            id,
            |entry| matches!(entry, JournalEntry::Installed { id: other, .. } if *other == id),
        );
    }

    pub fn wait_for_entry(&self, id: u32, wanted: impl Fn(&JournalEntry) -> bool) {
        wait_for(&format!("an entry of fault {id}"), Duration::from_secs(20), || {
            JournalState::read(&self.journal).unwrap().entries.iter().any(&wanted)
        });
    }

    /// The nemesis's events, once the recorder has flushed them.
    pub fn events(&self) -> Vec<Value> {
        let path = self.directory.path().join("history.jsonl");
        let mut text = String::new();
        wait_for("the history is flushed", Duration::from_secs(2), || {
            let now = std::fs::read_to_string(&path).unwrap();
            std::thread::sleep(isobar::run::FLUSH_EVERY * 3);
            text = std::fs::read_to_string(&path).unwrap();
            now == text
        });
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Once the nodes are given back, neither a directory nor a watchdog.
    pub fn assert_nothing_left(&self) {
        assert_eq!(self.hold.release(&BTreeSet::new()), [""; 0]);
        assert_nothing_left(&self.run);
    }
}

pub fn assert_nothing_left(run: &str) {
    assert!(!std::path::Path::new(&format!("/run/isobar/{run}")).exists());
    assert_eq!(watchdogs(run), 0);
}

/// How many watchdogs of this run there are on the machine.
pub fn watchdogs(run: &str) -> usize {
    processes(&format!("/run/isobar/{run}/"), "watchdog.sh")
}

/// How many processes have both in their command line.
pub fn processes(one: &str, other: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| {
            let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.contains(one) && line.contains(other)
        })
        .count()
}
