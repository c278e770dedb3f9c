//! A cluster on this machine.
//!
//! ```text
//! this machine: isobar-NAME 10.77.x.254 ═ uplink ────────┐
//!                                switch: bridge br-NAME ─┬─ n1 ═ eth0 10.77.x.1, node n1
//!                                                        └─ n2 ═ eth0 10.77.x.2, node n2
//! ```
//!
//! What a node is made of depends on the lab's kind: namespaces with an overlay of `/`
//! ([`namespace`]), a User-Mode Linux guest ([`vm`]), or namespaces of an ordinary user
//! ([`rootless`]). What differs between them is in their modules; the rest is here. The bridge is
//! in a network namespace too: this machine's firewall (Docker drops what it does not know) must
//! not come between the nodes, nor they be seen by it.
//!
//! All state is in a tmpfs at `/run/isobar/lab/NAME`, or in a directory of the ordinary user.
//! Nodes outlive the process that brought them up; its pid is recorded, so that a lab left behind
//! shows as orphaned.

mod error;
mod files;
mod install;
pub mod namespace;
mod network;
mod requirements;
pub mod rootless;
mod start;
mod state;
mod tool;
pub mod vm;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::cluster::{Cluster, RemoteError, quote};
use crate::spec::{LabKind, LabSpec, NodeOverride, Reach, Roles, RootlessSpec, SshSpec};

pub use error::LabError;
pub use install::{Installation, install};
pub use requirements::requirements;
pub use state::{Health, LabStatus, NodeStatus, Owner};

use namespace::cgroup;
use state::{LabState, NodeState, ProcessId};

/// Nodes of one lab at most; their addresses are 10.77.x.1 to 10.77.x.50.
pub const NODES_MAX: u32 = 50;

/// How long nodes may take to answer, and processes to go.
const PATIENCE: Duration = Duration::from_secs(15);

/// What lab to bring up.
#[derive(Clone, Debug)]
pub struct LabOptions {
    pub kind: LabKind,
    /// Named n1 … nN; 1 to [`NODES_MAX`], or fewer by kind.
    pub nodes: u32,
    /// Up to 8 lower-case letters and digits; `None`: the first free of `lab`, `lab2`, ….
    pub name: Option<String>,
    /// Whose death makes it an orphan.
    pub owner: Owner,
    /// The isobar program, whose hidden subcommand is PID 1 of the nodes; by default the running
    /// program.
    pub program: Option<PathBuf>,
}

impl LabOptions {
    /// What a specification asks for.
    pub fn new(spec: &LabSpec, owner: Owner) -> Self {
        Self {
            kind: kind_or_default(spec.kind),
            nodes: spec.nodes,
            name: spec.name.clone(),
            owner,
            program: None,
        }
    }
}

/// The kind of a lab that asks for none: what this user may have.
pub fn kind_or_default(kind: Option<LabKind>) -> LabKind {
    let may_have = || {
        let root = rustix::process::geteuid().is_root() && rootless::inside().is_none();
        if root { LabKind::Namespace } else { LabKind::Rootless }
    };
    kind.unwrap_or_else(may_have)
}

/// To be called before anything else by a program that is to bring up a lab of this kind: where
/// only some namespace allows that, the program starts again inside of it.
pub fn enter(kind: Option<LabKind>) -> Result<(), LabError> {
    match kind_or_default(kind) {
        LabKind::Rootless => rootless::enter(),
        LabKind::Namespace | LabKind::Vm => Ok(()),
    }
}

/// A lab that is up. Dropping it leaves it up: it is taken down with [`Lab::down`].
pub struct Lab {
    state: LabState,
    /// The parents of the nodes' first processes, where we started them: to be waited for.
    children: Vec<Child>,
}

impl Lab {
    /// Brings up a lab. When a part of it fails, all of it is taken down again.
    pub fn up(options: &LabOptions) -> Result<Self, LabError> {
        possible(options.kind, options.nodes)?;
        requirements(options.kind)?;
        if options.kind == LabKind::Rootless && rootless::inside().is_none() {
            return Err(LabError::Outside);
        }
        let mut lab = Self { state: claim(options)?, children: Vec::new() };
        match lab.build() {
            Ok(()) => Ok(lab),
            Err(error) => match lab.down() {
                Ok(()) => Err(error),
                Err(down) => Err(LabError::HalfDown {
                    name: lab.state.name,
                    error: Box::new(error),
                    down: Box::new(down),
                }),
            },
        }
    }

    /// Finds a lab by name, or the only one there is.
    pub fn find(name: Option<&str>) -> Result<Self, LabError> {
        let state = match name {
            Some(name) => LabState::read(&state::valid(name)?)?,
            None => {
                let mut names = state::names()?;
                match (names.pop(), names.is_empty()) {
                    (Some(only), true) => LabState::read(&only)?,
                    (None, _) => return Err(LabError::None),
                    (Some(last), false) => {
                        names.push(last);
                        return Err(LabError::Many { names: names.join(", ") });
                    }
                }
            }
        };
        Ok(Self { state, children: Vec::new() })
    }

    /// All labs of this machine, by name.
    pub fn list() -> Result<Vec<LabStatus>, LabError> {
        let mut states = Vec::new();
        for name in state::names()? {
            match LabState::read(&name) {
                Ok(state) => states.push(state),
                // It was taken down in between.
                Err(LabError::Unknown { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(states.iter().map(LabState::status).collect())
    }

    pub fn name(&self) -> &str {
        &self.state.name
    }

    /// Where its key, known_hosts, ssh_config and the nodes' files are.
    pub fn directory(&self) -> PathBuf {
        self.state.directory()
    }

    pub fn nodes(&self) -> impl Iterator<Item = (&str, Ipv4Addr)> {
        self.state.nodes.iter().map(|node| (node.name.as_str(), node.ip))
    }

    pub fn kind(&self) -> LabKind {
        self.state.kind
    }

    /// How to reach the nodes.
    pub fn reach(&self) -> Reach {
        match self.state.kind {
            LabKind::Namespace | LabKind::Vm => Reach::Ssh(self.ssh_spec()),
            LabKind::Rootless => Reach::Rootless(RootlessSpec { lab: self.state.name.clone() }),
        }
    }

    /// The nodes, ready to be reached.
    pub fn cluster(&self) -> Result<Cluster, RemoteError> {
        match self.state.kind {
            LabKind::Namespace | LabKind::Vm => Cluster::ssh(&self.ssh_spec()),
            LabKind::Rootless => Ok(rootless::cluster(&self.state)),
        }
    }

    /// How nodes with an sshd are reached: with it a run over this lab is a run over SSH.
    pub fn ssh_spec(&self) -> SshSpec {
        let at =
            |ip: Ipv4Addr| NodeOverride { address: Some(ip.to_string()), ..Default::default() };
        SshSpec {
            nodes: self.nodes().map(|(name, _)| name.to_owned()).collect(),
            user: "root".to_owned(),
            port: 22,
            key: Some(self.directory().join(files::KEY)),
            agent: false,
            password_env: None,
            known_hosts: Some(self.directory().join(files::KNOWN_HOSTS)),
            check_host_keys: true,
            overrides: self.nodes().map(|(name, ip)| (name.to_owned(), at(ip))).collect(),
            roles: Roles::default(),
        }
    }

    /// A program on a node, or its shell, at our terminal.
    pub fn command(&self, node: &str, words: Option<&[String]>) -> Result<Command, LabError> {
        let node = self.state.node(node)?;
        if self.state.kind == LabKind::Rootless {
            return rootless::command(&self.state, node, words);
        }
        let mut ssh = Command::new(tool::find("ssh").unwrap_or_else(|| "ssh".into()));
        ssh.arg("-F").arg(self.directory().join(files::SSH_CONFIG)).arg(&node.name);
        ssh.args(words.map(quote));
        Ok(ssh)
    }

    /// Cuts a node's power: all that runs there ends at once. Of its disk a guest keeps what was
    /// synchronised; of a namespace, all stays.
    pub fn power_off(&mut self, node: &str) -> Result<(), LabError> {
        let node = self.state.node(node)?;
        let process = self.state.first_process(node).filter(ProcessId::alive);
        let process = process.ok_or_else(|| self.power_error(node, "off"))?;
        process.kill();
        let until = Instant::now() + PATIENCE;
        wait_for(until, || !process.alive())
            .map_err(|()| LabError::Busy { path: self.directory(), why: "a process stays" })
    }

    /// To be called before anything else by a program that is to switch on a node of this lab:
    /// see [`enter`].
    pub fn join(&self) -> Result<(), LabError> {
        match self.state.kind {
            LabKind::Rootless => rootless::join(&self.state),
            LabKind::Namespace | LabKind::Vm => Ok(()),
        }
    }

    /// Switches a node on again, with the disk that it had, and waits until it answers.
    pub fn power_on(&mut self, node: &str) -> Result<(), LabError> {
        if self.state.kind == LabKind::Rootless && rootless::inside().is_none() {
            return Err(LabError::Outside);
        }
        let node = self.state.node(node)?;
        if self.state.first_process(node).is_some_and(|process| process.alive()) {
            return Err(self.power_error(node, "on"));
        }
        self.children.push(start_node(&self.state, node)?);
        await_answer(&self.state, node)
    }

    fn power_error(&self, node: &NodeState, now: &'static str) -> LabError {
        LabError::Power { lab: self.state.name.clone(), node: node.name.clone(), now }
    }

    /// Takes the lab down: processes, network, cgroups, files. Idempotent; after an error it can
    /// be called again.
    pub fn down(&mut self) -> Result<(), LabError> {
        cgroup::thaw_all(&self.state);
        let pids = self.kill();
        for child in &mut self.children {
            // Where its first process was not yet there to be recorded, this takes it along.
            let _ = child.kill();
            let _ = child.wait();
        }
        self.children.clear();
        let until = Instant::now() + PATIENCE;
        wait_for(until, || !pids.iter().any(ProcessId::alive))
            .map_err(|()| LabError::Busy { path: self.directory(), why: "a process stays" })?;
        if self.state.kind == LabKind::Rootless {
            // The network was that of processes.
            return rootless::remove(&self.state, until, || drop(self.kill()));
        }
        network::remove(&self.state)?;
        cgroup::remove_all(&self.state, until);
        self.unmount(until)
    }

    /// Kills the first process of each node, and with it the node; those that are on record.
    fn kill(&self) -> Vec<ProcessId> {
        let first = |node| self.state.first_process(node);
        let holder = self.state.holder();
        let pids: Vec<ProcessId> =
            self.state.nodes.iter().filter_map(first).chain(holder).collect();
        pids.iter().for_each(ProcessId::kill);
        pids
    }

    /// Removes the mounted state, waiting for the last of the nodes' mounts to let go of it.
    fn unmount(&self, until: Instant) -> Result<(), LabError> {
        let directory = self.directory();
        let gone = || {
            // Where bringing up was killed, a node may go on record only now.
            self.kill();
            // Not mounted (any more), or not there. After a success there may be another below.
            matches!(unmount(&directory, UnmountFlags::empty()), Err(Errno::INVAL | Errno::NOENT))
        };
        wait_for(until, gone).map_err(|()| LabError::Busy {
            path: directory.clone(),
            why: "something has a file or its working directory in it",
        })?;
        match std::fs::remove_dir(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(LabError::io(directory, error))
            }
            _ => Ok(()),
        }
    }

    fn build(&mut self) -> Result<(), LabError> {
        if self.state.kind == LabKind::Rootless {
            self.state.write()?;
            files::hosts(&self.state)?;
            self.children.push(rootless::prepare(&self.state)?);
            return self.build_nodes();
        }
        let directory = self.directory();
        mount("isobar-lab", &directory, "tmpfs", MountFlags::empty(), Some(c"mode=0755")).map_err(
            |error| match error {
                Errno::PERM | Errno::ACCESS => LabError::Denied { what: "mount" },
                error => LabError::io(&directory, error.into()),
            },
        )?;
        self.state.write()?;
        network::switch(&self.state)?;
        files::hosts(&self.state)?;
        files::access(&self.state)?;
        if self.state.kind == LabKind::Vm {
            vm::shared_files(&self.state)?;
        }
        self.build_nodes()?;
        files::known_hosts(&self.state)?;
        self.state.nodes.iter().try_for_each(|node| await_answer(&self.state, node))
    }

    /// All at once.
    fn build_nodes(&mut self) -> Result<(), LabError> {
        let state = &self.state;
        let built: Vec<Result<Child, LabError>> = thread::scope(|scope| {
            let threads: Vec<_> =
                state.nodes.iter().map(|node| scope.spawn(move || new_node(state, node))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|why| std::panic::resume_unwind(why)))
                .collect()
        });
        let mut failed = None;
        for child in built {
            match child {
                Ok(child) => self.children.push(child),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// Whether a lab of this kind can have so many nodes.
fn possible(kind: LabKind, nodes: u32) -> Result<(), LabError> {
    if !(1..=NODES_MAX).contains(&nodes) {
        return Err(LabError::Nodes { nodes });
    }
    let max = vm::nodes_max();
    if kind == LabKind::Vm && nodes > max {
        return Err(LabError::Guests { nodes, max });
    }
    Ok(())
}

/// Waits for a node that was started; rootless ones have answered by then.
fn await_answer(lab: &LabState, node: &NodeState) -> Result<(), LabError> {
    match lab.kind {
        LabKind::Namespace => start::await_sshd(lab, node, PATIENCE),
        LabKind::Vm => start::await_sshd(lab, node, vm::PATIENCE),
        LabKind::Rootless => Ok(()),
    }
}

/// Makes a node's files and starts it; the parent of its first process is returned.
fn new_node(lab: &LabState, node: &NodeState) -> Result<Child, LabError> {
    if lab.kind != LabKind::Rootless {
        files::of_node(lab, node)?;
    }
    if lab.kind == LabKind::Vm {
        vm::prepare(lab, node)?;
    }
    start_node(lab, node)
}

fn start_node(lab: &LabState, node: &NodeState) -> Result<Child, LabError> {
    match lab.kind {
        LabKind::Namespace => namespace::start(lab, node),
        LabKind::Vm => vm::start(lab, node),
        LabKind::Rootless => rootless::start(lab, node),
    }
}

/// Takes the name and the addresses. Two labs coming up at once must not take the same.
fn claim(options: &LabOptions) -> Result<LabState, LabError> {
    let _lock = state::lock()?;
    let taken = state::names()?;
    let name = match &options.name {
        Some(name) => state::valid(name)?,
        None => state::free_name(&taken),
    };
    if taken.contains(&name) {
        return Err(LabError::Taken { name });
    }
    let subnet = network::free_subnet()?;
    let nodes = (1..=options.nodes)
        .map(|number| {
            let node = format!("n{number}");
            let ip = Ipv4Addr::new(10, 77, subnet, u8::try_from(number).unwrap_or(u8::MAX));
            NodeState { cgroups: cgroups(options.kind, &name, &node), name: node, ip }
        })
        .collect();
    let program = match &options.program {
        Some(program) => program.clone(),
        None => {
            std::env::current_exe().map_err(|source| LabError::io("the running program", source))?
        }
    };
    let (kind, owner) = (options.kind, options.owner.record());
    let state = LabState { schema: 1, name, kind, owner, program, subnet, nodes };
    let directory = state.directory();
    std::fs::create_dir_all(&directory).map_err(|source| LabError::io(&directory, source))?;
    network::uplink(&state).inspect_err(|_| {
        let _ = std::fs::remove_dir(&directory);
    })?;
    Ok(state)
}

/// A guest has cgroups of its own, in its own kernel; an ordinary user may make none.
fn cgroups(kind: LabKind, lab: &str, node: &str) -> Vec<PathBuf> {
    match kind {
        LabKind::Namespace => cgroup::paths(lab, node),
        LabKind::Vm | LabKind::Rootless => Vec::new(),
    }
}

/// Whose nodes can be switched off and on, and by which program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    pub lab: String,
    pub program: PathBuf,
}

/// The lab on this machine that has a node with this name and address.
pub fn switch_of(node: &str, address: std::net::IpAddr) -> Option<Switch> {
    let labs = state::names().ok()?;
    let mut states = labs.iter().filter_map(|lab| LabState::read(lab).ok());
    let has = |lab: &LabState| lab.nodes.iter().any(|n| n.name == node && address == n.ip);
    let lab = states.find(has)?;
    Some(Switch { lab: lab.name, program: lab.program })
}

/// Whether `name` can name a lab: its interfaces' names, at most 15 characters, contain it.
pub fn valid_name(name: &str) -> bool {
    state::valid(name).is_ok()
}

/// Polls `condition` until it holds; an error when it does not before `until`.
fn wait_for(until: Instant, mut condition: impl FnMut() -> bool) -> Result<(), ()> {
    while !condition() {
        if Instant::now() >= until {
            return Err(());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
