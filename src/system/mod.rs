//! Systems under test: how to install, start, kill, pause and wipe them.

mod custom;
mod etcd;
pub mod postgres;
mod process;
pub mod strapi;
pub mod toy;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use isobar_workloads::Connect;

use crate::cluster::{Node, Remote, RemoteError};

pub use custom::{Clients, Custom, FIELDS, NodeFields, Root, have_files};
pub use etcd::Etcd;
pub use process::{Daemon, MemberScripts, OwnWays, ProcessScripts, ProcessState};
pub use strapi::Strapi;

/// A member that votes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Voter {
    /// As the system lists it.
    pub name: String,
    /// The node on which it runs; its own name where no node of ours is known to have it.
    pub host: String,
}

impl Voter {
    /// The member of a node, of the same name.
    pub fn alone(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { host: name.clone(), name }
    }
}

/// A system under test. Everything that is done to a node is a script, so that it can be shown
/// by `plan`, written to the node's undo file, and run by hand.
#[async_trait]
pub trait System: Send + Sync {
    /// As in the specification: `etcd`.
    fn name(&self) -> &'static str;

    /// As in a sentence.
    fn title(&self) -> &'static str {
        self.name()
    }

    /// The version that a node has, changing nothing; `None` where it would be installed.
    ///
    /// # Errors
    /// When the node has none and the specification does not say to install it.
    fn probe(&self, node: &Node, remote: &dyn Remote) -> Result<Option<String>, SystemError>;

    /// Makes a node able to run the system, installing it where the specification says so; the
    /// version.
    fn prepare(&self, node: &Node, remote: &dyn Remote) -> Result<String, SystemError> {
        Ok(self.probe(node, remote)?.unwrap_or_default())
    }

    /// How to handle the system's process on `node`.
    fn scripts(&self, node: &Node) -> ProcessScripts;

    /// Whether isobar starts a process on this node, and stops it.
    fn starts(&self, _node: &Node) -> bool {
        true
    }

    /// Removes what is left of it on a node when its data are gone; after `stop` and `wipe`.
    fn remains(&self, _node: &Node) -> Option<String> {
        None
    }

    /// The order in which nodes are started: each group once the one before it is ready.
    fn start_order(&self, nodes: &[Node]) -> Vec<Vec<Node>> {
        vec![nodes.to_vec()]
    }

    /// Whether its nodes have a leader. Without one a node is ready when it tells its status, and
    /// faults of the leader hit a node that was drawn.
    fn has_leader(&self) -> bool {
        true
    }

    /// Whether clients talk to this node.
    fn serves(&self, _node: &Node) -> bool {
        true
    }

    /// How long its nodes may take from their start until they serve.
    fn start_limit(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// Whether a process that ended, though nobody ended it, is told of and started again.
    fn is_supervised(&self) -> bool {
        false
    }

    /// A script which ends with status 0 once a node has nothing under way that could still change
    /// what is read; `None` where there is nothing to wait for.
    fn quiet(&self, _node: &Node) -> Option<String> {
        None
    }

    /// How its clients are opened ([`Connect::connect`]): `host:port`, or the node's name.
    fn client_address(&self, node: &Node) -> String;

    /// Where `node` listens once it serves; `None` where that is not known.
    fn port(&self, _node: &Node) -> Option<u16> {
        None
    }

    /// The other nodes' ports on `node` that carry replication, for partitions by port.
    fn peer_port(&self, node: &Node) -> u16;

    /// Opens clients for the workload.
    fn connect(&self) -> Arc<dyn Connect>;

    /// Whether its clients tell it which operation of which run a request is, as a trace.
    fn traces(&self) -> bool {
        true
    }

    /// What a node says of itself, asked from the controller.
    async fn status(&self, node: &Node) -> Result<Status, String>;

    /// The members that vote, as `node` knows them; `None` where they are the nodes of the
    /// specification, always.
    async fn voters(&self, _node: &Node) -> Result<Option<BTreeSet<Voter>>, String> {
        Ok(None)
    }

    /// How links between nodes are cut.
    fn links(&self, _node: &Node) -> Links {
        Links::Iptables
    }
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The leader's name in the specification, if the node knows one.
    pub leader: Option<String>,
    /// The term or epoch of that leader.
    pub term: u64,
}

/// How the links between nodes are cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Links {
    /// Packets are dropped by the receiver's firewall, in chains of our own.
    Iptables,
    /// The system drops them itself when told to by a command: nodes that share one address
    /// cannot be told apart by a firewall, and this machine's firewall is not ours to change.
    Commands(LinkCommands),
}

/// Programs with arguments, run on the node which drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkCommands {
    /// The names of the nodes not to hear any more are appended.
    pub drop: Vec<String>,
    /// Hears everybody again.
    pub heal: Vec<String>,
    /// Prints a line per dropped node: its name and the number of messages dropped so far.
    pub show: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    #[error("node {node}: {what}; {remedy}")]
    Missing { node: String, what: String, remedy: String },
    #[error("{system} is not ready after {waited_s} s: {reason}")]
    NotReady { system: String, waited_s: u64, reason: String },
    #[error("node {node}: {system} ended while it was starting; {log}")]
    Ended { node: String, system: String, log: String },
    /// Something is missing on this machine, or clients cannot do their work.
    #[error("{0}")]
    Local(String),
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    Packages(#[from] strapi::CacheError),
}
