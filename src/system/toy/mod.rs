//! The system inside this binary: a replicated register of a few processes on one machine.
//!
//! It needs no root, no package and no network but the loopback, and is handled like any other
//! system: started, killed and paused by scripts, its links cut by commands, its clients bound to
//! one node each. Without a planted bug it is linearizable (see [`raft`]).
//!
//! ```text
//! client ──▶ node (forwards to the leader) ◀──▶ node ◀──▶ node      root/n1/{data/,links,log,pid}
//! ```

mod args;
mod control;
mod engine;
mod links;
mod node;
mod owner;
mod peers;
mod raft;
mod serve;
mod store;
mod wire;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use isobar_workloads::Connect;
use isobar_workloads::toy::ToyConnect;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use super::{Daemon, LinkCommands, Links, ProcessScripts, Status, System, SystemError};
use crate::cluster::{Command, Node, Remote};
use crate::spec::{Span, ToySpec};
pub use args::{ToyNodeArgs, ToyNodeError, toy_node};

/// Below the ports that systems give to outgoing connections: a node that was killed must find
/// its port free.
const PORTS: std::ops::Range<u16> = 17_000..30_000;

/// The toy system on the nodes of one test.
pub struct Toy {
    spec: ToySpec,
    /// Of this binary.
    program: PathBuf,
    root: PathBuf,
    lease: Span,
    /// In the order of the nodes.
    members: Vec<(String, SocketAddr)>,
}

impl Toy {
    /// On `nodes`, all on this machine, with all files below `data_root`. Chooses ports.
    pub fn new(spec: ToySpec, nodes: &[Node], data_root: &Path) -> Result<Self, SystemError> {
        let missing = |node: &str, what: String, remedy: &str| SystemError::Missing {
            node: node.to_owned(),
            what,
            remedy: remedy.to_owned(),
        };
        let program = std::env::current_exe().map_err(|error| {
            missing("local", format!("this program does not find itself: {error}"), "mount /proc")
        })?;
        let root = std::path::absolute(data_root).map_err(|error| {
            missing("local", format!("{}: {error}", data_root.display()), "give another directory")
        })?;
        let ports = free_ports(nodes.len());
        let mut members = Vec::new();
        for (position, node) in nodes.iter().enumerate() {
            let port = *ports.get(position).ok_or_else(|| {
                let what = format!("no free port in {PORTS:?} on 127.0.0.1");
                missing(&node.name, what, "end some of the programs that listen there")
            })?;
            members.push((node.name.clone(), SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
        }
        let lease = Span(std::time::Duration::from_secs(30));
        Ok(Self { spec, program, root, lease, members })
    }

    /// A node ends by itself when this process has been gone for so long.
    pub fn with_lease(mut self, lease: Span) -> Self {
        self.lease = lease;
        self
    }

    /// Runs nodes with another isobar than the running program, as tests have to.
    pub fn with_program(mut self, program: PathBuf) -> Self {
        self.program = program;
        self
    }

    fn path(&self, node: &Node, file: &str) -> String {
        self.root.join(&node.name).join(file).to_string_lossy().into_owned()
    }

    fn address(&self, node: &Node) -> SocketAddr {
        self.members[node.index].1
    }

    fn command(&self, words: &[&str]) -> Vec<String> {
        let program = self.program.to_string_lossy();
        [program.as_ref(), "toy-node"].iter().chain(words).map(|word| (*word).to_owned()).collect()
    }

    fn daemon(&self, node: &Node) -> Daemon {
        let members: Vec<String> =
            self.members.iter().map(|(name, address)| format!("{name}={address}")).collect();
        let bug = serde_json::to_value(self.spec.bug).unwrap_or_default();
        let data = self.path(node, "data");
        Daemon {
            argv: self.command(&[
                "run",
                "--name",
                &node.name,
                "--members",
                &members.join(","),
                "--data",
                &data,
                "--links",
                &self.path(node, "links"),
                "--bug",
                bug.as_str().unwrap_or("none"),
                "--owner-pid",
                &std::process::id().to_string(),
                "--lease",
                &self.lease.to_string(),
            ]),
            pid_file: self.path(node, "pid"),
            log: self.path(node, "log"),
            mark: format!("--data {data} "),
            data,
        }
    }
}

#[async_trait]
impl System for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    /// It is part of this program.
    fn probe(&self, _node: &Node, _remote: &dyn Remote) -> Result<Option<String>, SystemError> {
        Ok(Some(env!("CARGO_PKG_VERSION").to_owned()))
    }

    fn prepare(&self, node: &Node, remote: &dyn Remote) -> Result<String, SystemError> {
        let directory = self.path(node, "");
        let script = Command::argv(["mkdir", "-p", "--", &directory]);
        remote.check(&script)?;
        Ok(env!("CARGO_PKG_VERSION").to_owned())
    }

    fn scripts(&self, node: &Node) -> ProcessScripts {
        self.daemon(node).scripts()
    }

    fn client_address(&self, node: &Node) -> String {
        self.address(node).to_string()
    }

    fn port(&self, node: &Node) -> Option<u16> {
        Some(self.address(node).port())
    }

    /// The same port as for clients; a firewall could not tell nodes apart by it.
    fn peer_port(&self, node: &Node) -> u16 {
        self.address(node).port()
    }

    fn connect(&self) -> Arc<dyn Connect> {
        Arc::new(ToyConnect)
    }

    fn traces(&self) -> bool {
        false
    }

    async fn status(&self, node: &Node) -> Result<Status, String> {
        let status =
            control::status(self.address(node)).await.map_err(|error| error.to_string())?;
        let leader = status.get("leader").and_then(Value::as_str).map(str::to_owned);
        let term = status.get("term").and_then(Value::as_u64).unwrap_or(0);
        Ok(Status { leader, term })
    }

    fn links(&self, node: &Node) -> Links {
        let (file, address) = (self.path(node, "links"), self.address(node).to_string());
        let order = |word: &str| self.command(&[word, "--links", &file, &address]);
        Links::Commands(LinkCommands {
            drop: order("drop"),
            heal: order("heal"),
            show: order("show"),
        })
    }
}

/// Up to `count` ports of 127.0.0.1 on which nobody listens now.
fn free_ports(count: usize) -> Vec<u16> {
    let seed = u64::from(std::process::id()) ^ jiff::Timestamp::now().as_nanosecond() as u64;
    let start = rand_chacha::ChaCha8Rng::seed_from_u64(seed).random_range(PORTS);
    let candidates = (start..PORTS.end).chain(PORTS.start..start);
    // Held until all are found, so that no port is found twice.
    let listeners: Vec<TcpListener> = candidates
        .filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
        .take(count)
        .collect();
    listeners.iter().filter_map(|l| l.local_addr().ok()).map(|address| address.port()).collect()
}

/// A line of a node's log, which is its standard error. A log that cannot be written is no reason
/// to fail.
fn log(text: &str) {
    let _ = writeln!(std::io::stderr(), "{:.3} {text}", jiff::Timestamp::now());
}
