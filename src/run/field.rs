//! Where a test takes place: the nodes, and the system that runs on them.
//!
//! Opening it brings a lab up where one is wanted; dropping it takes everything back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::{RunFailure, clients};
use crate::cluster::doctor::{Diagnosis, Needs, State, doctor};
use crate::cluster::{Cluster, Command, Member, Node, Output, RemoteError, on_each};
use crate::fault::{self, Hold, HoldError, HoldOptions, privileged};
use crate::interrupt::Interrupt;
use crate::lab::{Lab, LabError, LabOptions, Owner};
use crate::spec::{ClusterSpec, FaultSpec, LabSpec, Reach, Roles, Spec, SystemSpec};
use crate::store::RunDirectory;
use crate::system::strapi::{Packages, Strapi};
use crate::system::toy::Toy;
use crate::system::{
    Etcd, ProcessScripts, ProcessState, Root, Status, System, SystemError, have_files,
};
use crate::terminal;

/// How often to look whether a process that is slow to serve is still there.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How long a client's first read may take.
const PROBE_LIMIT: Duration = Duration::from_secs(10);
/// How long a port may take to accept before it counts as closed.
const OPEN_LIMIT: Duration = Duration::from_secs(1);
const POLL_EVERY: Duration = Duration::from_millis(200);
/// Logs and processes get more time than other commands: they may be large, or reluctant.
const SLOW_DEADLINE: Duration = Duration::from_secs(60);
/// The most that is collected of one log file.
const LOG_BYTES_MAX: usize = 64 << 20;

/// The nodes of a test, with the system on them.
pub struct Field {
    pub cluster: Cluster,
    pub system: Arc<dyn System>,
    /// How the nodes are reached: of a lab, the settings that reach it.
    pub reach: Reach,
    runtime: tokio::runtime::Handle,
    /// Where nodes on this machine keep their files.
    scratch: PathBuf,
    /// Whether the system may be on the nodes.
    occupied: AtomicBool,
    /// Dropped last: it takes the nodes away.
    lab: Option<LabGuard>,
}

impl Drop for Field {
    fn drop(&mut self) {
        if self.occupied.load(Ordering::SeqCst) {
            // What cannot be taken down while unwinding has nobody left to be told to.
            let _ = self.tear_down();
        }
    }
}

impl Field {
    /// Reaches the nodes of `spec`, bringing up its lab if it wants one.
    pub fn open(
        spec: &Spec,
        directory: &RunDirectory,
        runtime: &Runtime,
    ) -> Result<Self, RunFailure> {
        if let SystemSpec::Strapi(_) = &spec.system {
            // Before there is a lab: its nodes see what is there when they begin.
            Packages::place().and_then(|all| all.ensure()).map_err(SystemError::from)?;
        }
        if let SystemSpec::Custom(custom) = &spec.system {
            have_files(custom)?;
        }
        let (reach, lab) = match &spec.cluster {
            ClusterSpec::Lab(wanted) => {
                let lab = LabGuard::up(wanted)?;
                (lab.0.reach(), Some(lab))
            }
            ClusterSpec::Ssh(ssh) => (Reach::Ssh(ssh.clone()), None),
            ClusterSpec::Local(local) => (Reach::Local(local.clone()), None),
        };
        let cluster = connect(&reach, spec.cluster.roles())?;
        let scratch = directory.file("scratch");
        let system = system(spec, &cluster.nodes(), &scratch)?;
        let (runtime, occupied) = (runtime.handle().clone(), AtomicBool::new(false));
        Ok(Self { cluster, system, reach, runtime, scratch, occupied, lab })
    }

    pub fn lab_name(&self) -> Option<&str> {
        self.lab.as_ref().map(|lab| lab.0.name())
    }

    /// Checks every node; changes nothing.
    pub fn examine(&self, spec: &Spec) -> Result<(), RunFailure> {
        let diagnoses = examine(spec, &self.cluster, self.system.as_ref(), false);
        let errors: Vec<String> =
            diagnoses.iter().filter(|d| d.state == State::Error).map(complaint).collect();
        if errors.is_empty() { Ok(()) } else { Err(RunFailure::Doctor(errors.join("\n"))) }
    }

    /// Removes what an earlier test left, starts the system everywhere and waits until it serves;
    /// the system's version.
    pub fn set_up(&self, interrupt: &Interrupt) -> Result<String, RunFailure> {
        let prepare = |member: &Member| self.system.prepare(&member.node, &*member.remote);
        self.occupied.store(true, Ordering::SeqCst);
        let versions = all(on_each(&self.members(), prepare))?;
        let remove = |scripts: &ProcessScripts| format!("{}\n{}", scripts.stop, scripts.wipe);
        self.scripts(&self.members(), remove)?;
        for group in self.groups() {
            self.none_serves(&group)?;
            self.scripts(&group, |scripts| scripts.start.clone())?;
            self.await_start(&group, interrupt)?;
        }
        let probed = self.probe_clients();
        // Who answered may be another program, which has the port.
        self.none_ended(&self.members())?;
        probed?;
        Ok(versions.into_iter().next().unwrap_or_default())
    }

    /// Tries a client of each node that serves.
    fn probe_clients(&self) -> Result<(), SystemError> {
        let connect = self.system.connect();
        for Member { node, .. } in self.cluster.members.iter() {
            if !self.system.serves(node) {
                continue;
            }
            let address = self.system.client_address(node);
            let probe = async { tokio::time::timeout(PROBE_LIMIT, connect.probe(&address)).await };
            let wrong = match self.runtime.block_on(probe) {
                Ok(Ok(())) => continue,
                Ok(Err(why)) => why,
                Err(_) => format!("no answer to a first read within {PROBE_LIMIT:?}"),
            };
            return Err(SystemError::Local(format!("node {}: {wrong}", node.name)));
        }
        Ok(())
    }

    /// The members in the order in which they are started.
    fn groups(&self) -> Vec<Vec<&Member>> {
        let member = |node: Node| self.cluster.member(&node.name);
        let order = self.system.start_order(&self.cluster.nodes());
        order.into_iter().map(|group| group.into_iter().filter_map(member).collect()).collect()
    }

    /// Waits for a group to serve, but not for one of which a process has ended already.
    fn await_start(&self, group: &[&Member], interrupt: &Interrupt) -> Result<(), RunFailure> {
        let (start, limit) = (Instant::now(), self.system.start_limit());
        loop {
            let rest = limit.saturating_sub(start.elapsed());
            let Err(reason) = self.poll_ready(group, LOOK_EVERY.min(rest), interrupt) else {
                return Ok(());
            };
            if interrupt.is_set() {
                return Err(RunFailure::Interrupted);
            }
            self.none_ended(group)?;
            if start.elapsed() >= limit {
                let waited_s = limit.as_secs();
                let system = self.system.title().to_owned();
                return Err(SystemError::NotReady { system, waited_s, reason }.into());
            }
        }
    }

    /// Whether nobody answers in the place of nodes that are not started yet: clients would talk to
    /// somebody else, and the system would not start.
    fn none_serves(&self, group: &[&Member]) -> Result<(), SystemError> {
        let starts = |member: &Member| self.system.starts(&member.node);
        if !group.iter().all(|member| starts(member)) {
            return Ok(());
        }
        for (member, status) in group.iter().zip(self.statuses(group)) {
            let node = &member.node;
            let port = self.system.port(node);
            let place = match port {
                Some(port) if self.is_open(node, port) => format!("on port {port}"),
                None if status.is_ok() => "there".to_owned(),
                _ => continue,
            };
            return Err(SystemError::Missing {
                node: node.name.clone(),
                what: format!("something answers {place} before {} starts", self.system.title()),
                remedy: "its port is taken: end that program, or use another port".to_owned(),
            });
        }
        Ok(())
    }

    fn is_open(&self, node: &Node, port: u16) -> bool {
        let connecting = TcpStream::connect((node.ip, port));
        let open = async { tokio::time::timeout(OPEN_LIMIT, connecting).await };
        matches!(self.runtime.block_on(open), Ok(Ok(_)))
    }

    /// Whether all processes of a group are there.
    fn none_ended(&self, group: &[&Member]) -> Result<(), RunFailure> {
        for ended in on_each(group, |member| self.ended(member)) {
            let Some((node, log)) = ended? else { continue };
            let system = self.system.title().to_owned();
            return Err(SystemError::Ended { node, system, log }.into());
        }
        Ok(())
    }

    /// The node and the end of its log, when its process is gone.
    fn ended(&self, member: &Member) -> Result<Option<(String, String)>, RemoteError> {
        let scripts = self.system.scripts(&member.node);
        let state = self.on(member, scripts.state)?.text();
        if ProcessState::parse(&state) != Some(ProcessState::Gone) {
            return Ok(None);
        }
        let logs = crate::cluster::quote(&scripts.logs);
        // Programs in Go tell of all that they were doing after what went wrong.
        let said = format!(
            "tail -qn 9999 {logs} 2>/dev/null | grep -aE '^(panic|fatal error): ' | tail -n 1\n\
             tail -n 3 {logs} 2>/dev/null || :"
        );
        let log = match self.on(member, said)?.text() {
            empty if empty.is_empty() => "it printed nothing".to_owned(),
            said if said.starts_with("panic: ") || said.starts_with("fatal error: ") => {
                format!("its log says: {}", said.lines().next().unwrap_or_default())
            }
            log => format!("its log ends with\n{log}"),
        };
        Ok(Some((member.node.name.clone(), log)))
    }

    /// Waits until all nodes serve: until they name the same leader, where the system has one.
    pub fn await_ready(&self, limit: Duration, interrupt: &Interrupt) -> Result<(), SystemError> {
        let ready = self.poll_ready(&self.members(), limit, interrupt);
        ready.map_err(|mut reason| {
            for (node, log) in on_each(&self.members(), |member| self.ended(member))
                .into_iter()
                .filter_map(|ended| ended.ok().flatten())
            {
                reason = format!("{reason}; {node} has ended by itself, {log}");
            }
            let (system, waited_s) = (self.system.title().to_owned(), limit.as_secs());
            SystemError::NotReady { system, waited_s, reason }
        })
    }

    /// As `await_ready`; the error is what was wrong at last.
    fn poll_ready(
        &self,
        group: &[&Member],
        limit: Duration,
        interrupt: &Interrupt,
    ) -> Result<(), String> {
        let mut reason = "nobody was asked".to_owned();
        let ready = interrupt.wait_until(limit, POLL_EVERY, || match self.serving(group) {
            Ok(()) => true,
            Err(why) => {
                reason = why;
                false
            }
        });
        if ready { Ok(()) } else { Err(reason) }
    }

    /// Waits until no node has anything under way that could still change what is read.
    pub fn await_quiet(&self, limit: Duration, interrupt: &Interrupt) -> Result<(), SystemError> {
        let quiet = |member: &Member| match self.system.quiet(&member.node) {
            Some(script) => self.on(member, script).map(drop).map_err(|error| error.to_string()),
            None => Ok(()),
        };
        let mut reason = String::new();
        let all_quiet = interrupt.wait_until(limit, POLL_EVERY, || {
            let loud = on_each(&self.members(), quiet).into_iter().find_map(Result::err);
            reason = loud.unwrap_or_default();
            reason.is_empty()
        });
        if all_quiet {
            return Ok(());
        }
        let (system, waited_s) = (self.system.title().to_owned(), limit.as_secs());
        Err(SystemError::NotReady { system, waited_s, reason: format!("never quiet: {reason}") })
    }

    /// Whether the nodes of a group answer, and name the same leader where there is one; or who
    /// does not.
    fn serving(&self, group: &[&Member]) -> Result<(), String> {
        let mut leaders = Vec::new();
        for (member, status) in group.iter().zip(self.statuses(group)) {
            let name = &member.node.name;
            match status {
                Ok(Status { leader: Some(leader), .. }) => leaders.push((name, leader)),
                Ok(Status { leader: None, .. }) if self.system.has_leader() => {
                    return Err(format!("{name} knows no leader"));
                }
                Ok(Status { leader: None, .. }) => {}
                Err(error) => return Err(format!("{name}: {error}")),
            }
        }
        let Some((first, leader)) = leaders.first() else { return Ok(()) };
        match leaders.iter().find(|(_, other)| other != leader) {
            None => Ok(()),
            Some((node, other)) => Err(format!("{first} follows {leader}, {node} follows {other}")),
        }
    }

    /// What every node of a group says of itself, asked at once.
    fn statuses(&self, group: &[&Member]) -> Vec<Result<Status, String>> {
        self.runtime.block_on(async {
            let asked: Vec<_> = group
                .iter()
                .map(|member| {
                    let (system, node) = (Arc::clone(&self.system), member.node.clone());
                    tokio::spawn(async move { system.status(&node).await })
                })
                .collect();
            let mut statuses = Vec::new();
            for status in asked {
                statuses.push(status.await.unwrap_or_else(|error| Err(error.to_string())));
            }
            statuses
        })
    }

    /// Copies the system's logs of every node into `nodes/<node>/`; what could not be copied.
    pub fn collect_logs(&self, directory: &RunDirectory) -> Vec<String> {
        let collect = |member: &Member| -> Result<(), String> {
            for log in self.system.scripts(&member.node).logs {
                let script = format!("tail -c {LOG_BYTES_MAX} {}", crate::cluster::quote([&log]));
                let output = self.on(member, script).map_err(|error| error.to_string())?;
                let file = Path::new(&log).file_name().unwrap_or_default().to_string_lossy();
                let path = format!("nodes/{}/{file}", member.node.name);
                directory.write(&path, &output.stdout).map_err(|error| error.to_string())?;
            }
            Ok(())
        };
        failures("logs not collected", on_each(&self.members(), collect))
    }

    /// Stops the system and removes its data; what could not be done. Idempotent.
    pub fn tear_down(&self) -> Vec<String> {
        let stop = |member: &Member| {
            let scripts = self.system.scripts(&member.node);
            let remains = self.system.remains(&member.node).unwrap_or_else(|| ":".to_owned());
            let script = format!("{}\n{}\n{remains}", scripts.stop, scripts.wipe);
            self.on(member, script)
        };
        self.occupied.store(false, Ordering::SeqCst);
        // Who was started last stops first: it would miss the others.
        let stopped = self.groups().into_iter().rev().flat_map(|group| on_each(&group, stop));
        let left = failures("system not removed", stopped.collect());
        if left.is_empty() && self.scratch.exists() {
            // What stays there is of nodes that are gone: it harms nobody.
            let _ = std::fs::remove_dir_all(&self.scratch);
        }
        left
    }

    fn scripts(
        &self,
        members: &[&Member],
        script: impl Fn(&ProcessScripts) -> String + Sync,
    ) -> Result<(), RunFailure> {
        let run = |member: &Member| {
            let script = script(&self.system.scripts(&member.node));
            self.on(member, script)
        };
        all(on_each(members, run))?;
        Ok(())
    }

    /// Runs a script as root where the system needs it.
    fn on(&self, member: &Member, script: String) -> Result<Output, RemoteError> {
        let command = Command::shell(script).deadline(SLOW_DEADLINE);
        let root = privileged(&self.cluster.nodes(), self.system.as_ref());
        member.remote.check(&if root { command.privileged() } else { command })
    }

    fn members(&self) -> Vec<&Member> {
        self.cluster.members.iter().collect()
    }
}

/// A lab that lasts as long as its test.
struct LabGuard(Lab);

impl LabGuard {
    fn up(wanted: &LabSpec) -> Result<Self, LabError> {
        Ok(Self(Lab::up(&LabOptions::new(wanted, Owner::Me))?))
    }
}

impl Drop for LabGuard {
    fn drop(&mut self) {
        if let Err(error) = self.0.down() {
            terminal::note(&error.to_string());
        }
    }
}

/// Opens the nodes which `reach` describes; `roles` says what they are there for.
pub fn connect(reach: &Reach, roles: &Roles) -> Result<Cluster, RunFailure> {
    let cluster = match reach {
        Reach::Ssh(ssh) => Cluster::ssh(ssh)?,
        Reach::Local(local) => Cluster::local(local.nodes),
        Reach::Rootless(rootless) => Lab::find(Some(&rootless.lab))?.cluster()?,
    };
    Ok(cluster.with_roles(roles))
}

/// The system under test of `spec`, on `nodes`.
///
/// `scratch` is where nodes on this machine keep their files.
pub fn system(spec: &Spec, nodes: &[Node], scratch: &Path) -> Result<Arc<dyn System>, SystemError> {
    Ok(match &spec.system {
        SystemSpec::Etcd(etcd) => {
            Arc::new(Etcd::new(etcd.clone(), nodes.to_vec(), spec.workload.linearizable()))
        }
        SystemSpec::Strapi(strapi) => Arc::new(Strapi::new(strapi, spec, nodes)?),
        SystemSpec::Toy(toy) => {
            Arc::new(Toy::new(toy.clone(), nodes, scratch)?.with_lease(spec.lease))
        }
        SystemSpec::Custom(_) | SystemSpec::None(_) => {
            let root = match spec.cluster {
                ClusterSpec::Local(_) => Root::Local(absolute(scratch)),
                ClusterSpec::Lab(_) | ClusterSpec::Ssh(_) => Root::Nodes,
            };
            let logs = scratch.with_file_name("nodes");
            Arc::new(clients::custom(spec, nodes, root, &logs)?)
        }
    })
}

/// Scripts run wherever a node's shell begins.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Takes the nodes for a run.
///
/// # Errors
/// When another run has one of them.
pub fn hold(
    spec: &Spec,
    cluster: &Cluster,
    system: &dyn System,
    directory: &RunDirectory,
) -> Result<Hold, HoldError> {
    let run = directory.path.file_name().unwrap_or_default().to_string_lossy();
    let options = HoldOptions {
        // Another controller may begin a run of this name and seed within this second.
        run: format!("{}-{run}-{}", spec.name, std::process::id()),
        lease: spec.lease.0,
        privileged: privileged(&cluster.nodes(), system),
        journal: directory.file("faults.jsonl"),
    };
    Hold::take(cluster, options)
}

/// What the nodes can and cannot do of what `spec` wants; with `all`, of every fault.
pub fn examine(spec: &Spec, cluster: &Cluster, system: &dyn System, all: bool) -> Vec<Diagnosis> {
    let root = privileged(&cluster.nodes(), system);
    let cuts = |fault: &FaultSpec| matches!(fault, FaultSpec::Partition(_) | FaultSpec::Loss(_));
    let firewall = root && spec.faults.iter().flat_map(FaultSpec::leaves).any(cuts);
    let ipv6 = cluster.nodes().iter().any(|node| node.ip.is_ipv6());
    let probes =
        if root { fault::probes(&spec.faults, &cluster.nodes(), system, all) } else { Vec::new() };
    let data = cluster.nodes().iter().map(|n| (n.name.clone(), system.scripts(n).data)).collect();
    doctor(cluster, &Needs { root, firewall, ipv6, probes, data })
}

/// A diagnosis as an error message.
pub fn complaint(diagnosis: &Diagnosis) -> String {
    let Diagnosis { node, item, message, remedy, .. } = diagnosis;
    let remedy = remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
    format!("node {node}: {item}: {message}{remedy}")
}

/// All results, or the first error.
fn all<T, E>(results: Vec<Result<T, E>>) -> Result<Vec<T>, E> {
    results.into_iter().collect()
}

/// A remark for each error.
fn failures<T, E: std::fmt::Display>(what: &str, results: Vec<Result<T, E>>) -> Vec<String> {
    results.into_iter().filter_map(|r| r.err().map(|error| format!("{what}: {error}"))).collect()
}
