//! Labs of virtual machines: what only a kernel, a clock and a disk of its own can show.

use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use isobar::cluster::{Cluster, Command, Node, Remote};
use isobar::fault::{Ground, Hold, HoldOptions, Injector, JournalEntry, JournalState, Plan};
use isobar::lab::{Lab, LabError, LabStatus};
use isobar::run::{Clock, Recorder};
use isobar::spec::{FaultSpec, LabKind};
use isobar::system::{Daemon, ProcessScripts, Status, System, SystemError};
use isobar_workloads::Connect;
use serde_json::json;

use crate::support::{self, TestLab};
use crate::vm_clock;

/// A lab with one connection to each node: on a busy machine a new one takes seconds.
pub struct Guests {
    pub lab: TestLab,
    pub cluster: Cluster,
    _alone: MutexGuard<'static, ()>,
}

/// Guests keep a core busy each: one lab of them at a time.
static ALONE: Mutex<()> = Mutex::new(());

impl Guests {
    pub fn up(nodes: u32) -> Option<Self> {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let lab = TestLab::of(LabKind::Vm, nodes)?;
        Some(Self { cluster: lab.cluster(), lab, _alone: alone })
    }

    /// Runs a script on node `n`; its output.
    pub fn on(&self, n: usize, script: &str) -> String {
        let command = Command::shell(script).deadline(Duration::from_secs(60));
        self.cluster.members[n - 1].remote.check(&command).unwrap().text()
    }

    fn address(&self, n: u8) -> String {
        self.lab.address(n)
    }
}

pub fn status(guests: &Guests) -> LabStatus {
    Lab::list().unwrap().into_iter().find(|found| found.name == guests.lab.lab.name()).unwrap()
}

/// The shortest of some round trips to node `n`: connecting takes one.
fn round_trip(guests: &Guests, n: u8) -> Duration {
    let address = format!("{}:22", guests.address(n));
    let connect = || {
        let start = Instant::now();
        TcpStream::connect(&address).map(|_| start.elapsed())
    };
    (0..8).map(|_| connect().unwrap()).min().unwrap()
}

#[test]
fn a_guest_has_its_own_network_clock_firewall_and_disk() {
    let rules = support::firewall();
    let Some(mut guests) = Guests::up(2) else { return };
    assert_eq!(status(&guests).kind, LabKind::Vm);
    assert_eq!(guests.on(1, "hostname; id -u"), "n1\n0");

    let before = round_trip(&guests, 1);
    guests.on(1, "tc qdisc add dev eth0 root netem delay 50ms");
    let slow = round_trip(&guests, 1);
    guests.on(1, "tc qdisc del dev eth0 root");
    let delay = Duration::from_millis(50);
    assert!(before < delay && slow >= delay && slow < 3 * delay, "{before:?}, then {slow:?}");

    clock_jumps(&guests);
    partition(&guests);
    delays(&guests);
    vm_clock::clocks(&guests);
    power_cut(&mut guests);

    assert_eq!(support::firewall(), rules);
    let name = guests.lab.lab.name().to_owned();
    drop(guests);
    assert_eq!(support::traces(&name), [""; 0]);
}

/// The guest's clock jumps by an hour; that of the other guest and ours do not.
fn clock_jumps(guests: &Guests) {
    let (wall, steady) = (SystemTime::now(), Instant::now());
    let seconds = |n: usize| guests.on(n, "date +%s").parse::<u64>().unwrap();
    guests.on(1, "date -s @$(($(date +%s) + 3600))");
    let (jumped, other) = (seconds(1), seconds(2));
    assert!(jumped > other + 3500 && jumped < other + 3700, "{jumped} against {other}");
    let ours = wall.elapsed().unwrap().as_secs_f64() - steady.elapsed().as_secs_f64();
    assert!(ours.abs() < 1.0, "this machine's clock moved by {ours} s");
    guests.on(1, "date -s @$(($(date +%s) - 3600))");
}

/// Faults of isobar's own, on the guests.
pub struct Broken {
    injector: Injector,
    journal: PathBuf,
    _runtime: tokio::runtime::Runtime,
    _directory: tempfile::TempDir,
}

impl Broken {
    /// Returns when all faults are installed.
    pub fn by(guests: &Guests, faults: serde_json::Value) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let journal = directory.path().join("faults.jsonl");
        let cluster = guests.cluster.clone();
        let faults: Vec<FaultSpec> = serde_json::from_value(faults).unwrap();
        let plan = Plan::draw(&faults, &cluster.nodes(), 1, Duration::from_secs(600));
        let count = plan.injections.len();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let history = directory.path().join("history.jsonl");
        let options = HoldOptions {
            run: guests.lab.lab.name().to_owned(),
            lease: Duration::from_secs(60),
            privileged: true,
            journal: journal.clone(),
        };
        let hold = Arc::new(Hold::take(&cluster, options).unwrap());
        let ground = Ground {
            hold,
            system: Arc::new(Nothing),
            recorder: Arc::new(Recorder::create(&history, Clock::start()).unwrap()),
            runtime: runtime.handle().clone(),
        };
        let mut injector = Injector::prepare(ground, plan);
        injector.begin();
        let broken = Self { injector, journal, _runtime: runtime, _directory: directory };
        let until = Instant::now() + Duration::from_secs(30);
        let is_installed = |entry: &JournalEntry| matches!(entry, JournalEntry::Installed { .. });
        while broken.entries().iter().filter(|entry| is_installed(entry)).count() < count {
            assert!(Instant::now() < until, "{:?}", broken.entries());
            std::thread::sleep(Duration::from_millis(20));
        }
        broken
    }

    pub fn entries(&self) -> Vec<JournalEntry> {
        JournalState::read(&self.journal).map(|state| state.entries).unwrap_or_default()
    }

    pub fn heal(mut self, count: usize) {
        let report = self.injector.heal_all(Duration::from_secs(30));
        assert_eq!((report.healed, report.dirty.len()), (count, 0), "{report:?}");
    }
}

/// In a kernel that knows legacy tables only.
fn partition(guests: &Guests) {
    let hears =
        format!("timeout 2 bash -c 'exec 3<>/dev/tcp/{}/22' && echo yes", guests.address(2));
    let hears = || guests.on(1, &format!("{hears} || echo no"));
    assert_eq!(hears(), "yes");
    let grudge = json!([{"partition": {"split": {"grudge": {"n1": ["n2"]}}, "at": "0s"}}]);
    let broken = Broken::by(guests, grudge);
    assert_eq!(hears(), "no");
    assert!(guests.on(1, "iptables-legacy-save").contains("-j ISOBAR-IN"));
    broken.heal(1);
    assert_eq!(hears(), "yes");
    assert!(!guests.on(1, "iptables-legacy-save").contains("ISOBAR"));
}

/// Packets to the other guest are late, until it is undone.
fn delays(guests: &Guests) {
    let queues = || guests.on(1, "tc qdisc show dev eth0; tc class show dev eth0");
    let connects = format!(
        "from=$(date +%s%N); bash -c 'exec 3<>/dev/tcp/{}/22'\n\
         echo $((($(date +%s%N) - from) / 1000000))",
        guests.address(2)
    );
    let connects_ms = || guests.on(1, &connects).parse::<u64>().unwrap();
    let untouched = queues();
    let delay = json!({"targets": ["n1"], "time": "400ms", "jitter": "0s", "at": "0s"});
    let broken = Broken::by(guests, json!([{"delay": delay}]));
    assert!(connects_ms() >= 400);
    broken.heal(1);
    assert_eq!(queues(), untouched);
}

/// What was synchronised to the disk is there after a power cut, and what was not is gone.
fn power_cut(guests: &mut Guests) {
    guests.on(1, "echo a >/var/kept && sync /var/kept && echo b >/var/lost && cat /var/lost");
    guests.lab.lab.power_off("n1").unwrap();
    assert!(matches!(
        guests.lab.lab.power_off("n1").unwrap_err(),
        LabError::Power { now: "off", .. }
    ));
    assert_eq!(status(guests).nodes[0].pid, None);
    assert!(
        TcpStream::connect_timeout(
            &format!("{}:22", guests.address(1)).parse().unwrap(),
            Duration::from_millis(300)
        )
        .is_err()
    );
    guests.lab.lab.power_on("n1").unwrap();
    guests.cluster = guests.lab.cluster();
    assert!(matches!(
        guests.lab.lab.power_on("n1").unwrap_err(),
        LabError::Power { now: "on", .. }
    ));
    assert_eq!(guests.on(1, "cat /var/kept; ls /var/lost 2>/dev/null || echo gone"), "a\ngone");
}

#[test]
fn guests_that_do_not_come_up_leave_nothing() {
    if !support::of_kind_possible(LabKind::Vm) {
        return;
    }
    let mut options = support::options(LabKind::Vm, 1);
    options.program = Some("/bin/false".into());
    let error = Lab::up(&options).err().unwrap();
    assert!(matches!(error, LabError::NodeDown { .. }), "{error}");
    assert_eq!(support::traces(options.name.as_deref().unwrap()), [""; 0]);
    options.nodes = 50;
    let error = Lab::up(&options).err().unwrap();
    assert!(error.is_usage() && error.to_string().contains("core"), "{error}");
}

/// Two processes that do nothing, started where a fault needs them, with data on the disk for it.
pub struct Nothing;

#[async_trait]
impl System for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }
    fn probe(&self, _: &Node, _: &dyn Remote) -> Result<Option<String>, SystemError> {
        Ok(None)
    }
    fn scripts(&self, node: &Node) -> ProcessScripts {
        let file = |kind: &str| format!("/run/{}.{kind}", node.name);
        Daemon {
            argv: ["sh", "-c", "sleep 90000 & wait"].map(str::to_owned).into(),
            pid_file: file("pid"),
            log: file("log"),
            data: "/var/lib/isobar/data".into(),
            mark: "sleep 90000".into(),
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
        unreachable!("there are no clients")
    }
    async fn status(&self, _: &Node) -> Result<Status, String> {
        Ok(Status { leader: Some("n1".to_owned()), term: 1 })
    }
}
