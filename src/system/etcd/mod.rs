//! etcd, one member per node, on its default ports, with data of its own.

mod member;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use isobar_workloads::Connect;
use isobar_workloads::etcd::{self, EtcdConnect};

use self::member::Seat;
use super::{Daemon, ProcessScripts, Status, System, SystemError, Voter};
use crate::cluster::{Command, Node, Remote};
use crate::spec::EtcdSpec;

const CLIENT_PORT: u16 = 2379;
const PEER_PORT: u16 = 2380;
/// Of a second member that joins on a node for a time.
const GUEST_CLIENT_PORT: u16 = 2479;
const GUEST_PEER_PORT: u16 = 2480;
const INSTALL_DEADLINE: Duration = Duration::from_secs(300);

/// A member runs from PATH; everything it writes is in three places: its data under [`LIB`], and
/// by the same name a log and a pid file. No name begins with another: processes are known by it.
const MEMBER: &str = "etcd";
const GUEST: &str = "guest-etcd";
const LIB: &str = "/var/lib/isobar";

/// Prints the version, or nothing where there is no etcd.
const VERSION: &str = "etcd --version 2>/dev/null | sed -n 's/^etcd Version: //p'";
const INSTALL_IT: &str = "install `etcd-server` (for a lab: `sudo isobar lab install`), or \
                          write `system: { etcd: { install: true } }`";
/// The package would start an etcd of its own: not where scripts are told of run level 1.
const INSTALL: &str = "export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1; \
                       apt-get update -qq && \
                       apt-get install -y -qq etcd-server etcd-client >/dev/null";

/// An etcd cluster over all nodes of the test.
pub struct Etcd {
    spec: EtcdSpec,
    nodes: Vec<Node>,
    /// Whether reads go through the leader's quorum, as etcd does by default.
    linearizable: bool,
    /// Members' names by their numbers, learnt when first asked.
    names: Mutex<HashMap<u64, String>>,
}

impl Etcd {
    pub fn new(spec: EtcdSpec, nodes: Vec<Node>, linearizable: bool) -> Self {
        Self { spec, nodes, linearizable, names: Mutex::default() }
    }

    /// A member of the cluster as it is made.
    fn daemon(&self, node: &Node) -> Daemon {
        let named_url = |peer: &Node| format!("{}={}", peer.name, url(peer, PEER_PORT));
        let peers: Vec<String> = self.nodes.iter().map(named_url).collect();
        let mut daemon = joining(&node.name, MEMBER, node, [CLIENT_PORT, PEER_PORT]);
        let cluster = ["--initial-cluster", &peers.join(","), "--initial-cluster-state", "new"];
        daemon.argv.extend(cluster.map(str::to_owned));
        daemon
    }

    /// The member of a node, as one that leaves and joins again.
    fn seat(&self, node: &Node) -> Seat {
        let others = self.nodes.iter().filter(|other| other.name != node.name);
        Seat {
            name: node.name.clone(),
            peer_url: url(node, PEER_PORT),
            others: others.map(|other| url(other, CLIENT_PORT)).collect(),
            daemon: joining(&node.name, MEMBER, node, [CLIENT_PORT, PEER_PORT]),
        }
    }

    /// What a second member on a node is called: as no node is, and no other such member.
    fn guest_name(&self, node: &Node) -> String {
        let name = |suffix: &str| format!("{}-guest{suffix}", node.name);
        let mut free = name("");
        for number in 2.. {
            if self.nodes.iter().all(|other| other.name != free) {
                break;
            }
            free = name(&number.to_string());
        }
        free
    }

    /// The member of this name, and on which node it is.
    fn voter(&self, name: String) -> Voter {
        match self.nodes.iter().find(|node| self.guest_name(node) == name) {
            Some(node) => Voter { name, host: node.name.clone() },
            None => Voter::alone(name),
        }
    }

    /// A second member on a node.
    fn guest_seat(&self, node: &Node) -> Seat {
        let name = self.guest_name(node);
        let mut others = self.seat(node).others;
        others.insert(0, url(node, CLIENT_PORT));
        Seat {
            peer_url: url(node, GUEST_PEER_PORT),
            others,
            daemon: joining(&name, GUEST, node, [GUEST_CLIENT_PORT, GUEST_PEER_PORT]),
            name,
        }
    }

    fn known_name(&self, member: u64) -> Option<String> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).get(&member).cloned()
    }

    async fn name_of(&self, address: &str, member: u64) -> Result<Option<String>, String> {
        if let Some(name) = self.known_name(member) {
            return Ok(Some(name));
        }
        let members = etcd::member_list(address).await?;
        // One without a name will have one.
        let named = members.into_iter().filter(|member| !member.name.is_empty());
        let named = named.map(|member| (member.id, member.name));
        self.names.lock().unwrap_or_else(PoisonError::into_inner).extend(named);
        Ok(self.known_name(member))
    }
}

#[async_trait]
impl System for Etcd {
    fn name(&self) -> &'static str {
        "etcd"
    }

    fn probe(&self, node: &Node, remote: &dyn Remote) -> Result<Option<String>, SystemError> {
        let version = remote.check(&Command::shell(VERSION))?.text();
        if version.is_empty() && !self.spec.install {
            return Err(missing(node, "there is no `etcd` on its PATH", INSTALL_IT));
        }
        Ok(Some(version).filter(|version| !version.is_empty()))
    }

    fn prepare(&self, node: &Node, remote: &dyn Remote) -> Result<String, SystemError> {
        if let Some(version) = self.probe(node, remote)? {
            return Ok(version);
        }
        remote.check(&Command::shell(INSTALL).privileged().deadline(INSTALL_DEADLINE))?;
        let installed = remote.check(&Command::shell(VERSION))?.text();
        if installed.is_empty() {
            let what = "its package `etcd-server` has no `etcd`";
            return Err(missing(node, what, "install etcd by hand"));
        }
        Ok(installed)
    }

    fn scripts(&self, node: &Node) -> ProcessScripts {
        let member = Some(self.seat(node).scripts());
        let guest = Some(self.guest_seat(node).guest_scripts());
        ProcessScripts { member, guest, ..self.daemon(node).scripts() }
    }

    fn remains(&self, node: &Node) -> Option<String> {
        Some(format!("{}\n{}", self.seat(node).remains(), self.guest_seat(node).remains()))
    }

    fn client_address(&self, node: &Node) -> String {
        format!("{}:{CLIENT_PORT}", bracketed(node))
    }

    fn port(&self, _node: &Node) -> Option<u16> {
        Some(CLIENT_PORT)
    }

    fn peer_port(&self, _node: &Node) -> u16 {
        PEER_PORT
    }

    fn connect(&self) -> Arc<dyn Connect> {
        Arc::new(EtcdConnect { linearizable: self.linearizable })
    }

    async fn status(&self, node: &Node) -> Result<Status, String> {
        let address = self.client_address(node);
        let status = etcd::status(&address).await?;
        let leader = match status.leader_id {
            0 => None,
            leader => self.name_of(&address, leader).await?,
        };
        Ok(Status { leader, term: status.term })
    }

    async fn voters(&self, node: &Node) -> Result<Option<BTreeSet<Voter>>, String> {
        let members = etcd::member_list(&self.client_address(node)).await?;
        // A member that has not started yet has no name, and a vote.
        let voter = |member: etcd::Member| match member.name.is_empty() {
            true => Voter::alone(format!("member {:x}", member.id)),
            false => self.voter(member.name),
        };
        Ok(Some(members.into_iter().filter(|member| !member.learns).map(voter).collect()))
    }
}

/// The process of a member that is told by its environment whom it joins.
fn joining(name: &str, files: &str, node: &Node, [client_port, peer_port]: [u16; 2]) -> Daemon {
    let data = format!("{LIB}/{files}");
    let (client_url, peer_url) = (url(node, client_port), url(node, peer_port));
    let options = [
        ("--name", name),
        ("--data-dir", &data),
        ("--listen-peer-urls", &peer_url),
        ("--initial-advertise-peer-urls", &peer_url),
        ("--listen-client-urls", &client_url),
        ("--advertise-client-urls", &client_url),
        ("--initial-cluster-token", "isobar"),
        ("--logger", "zap"),
        ("--log-outputs", "stderr"),
    ];
    let words = options.into_iter().flat_map(|(name, value)| [name, value]);
    Daemon {
        argv: std::iter::once("etcd").chain(words).map(str::to_owned).collect(),
        pid_file: format!("/run/isobar-{files}.pid"),
        log: format!("/var/log/isobar-{files}.log"),
        mark: format!("--data-dir {data}"),
        data,
    }
}

fn url(node: &Node, port: u16) -> String {
    format!("http://{}:{port}", bracketed(node))
}

fn missing(node: &Node, what: &str, remedy: &str) -> SystemError {
    let (what, remedy) = (what.to_owned(), remedy.to_owned());
    SystemError::Missing { node: node.name.clone(), what, remedy }
}

/// The address as it stands in a URL.
fn bracketed(node: &Node) -> String {
    if node.ip.is_ipv6() { format!("[{}]", node.ip) } else { node.ip.to_string() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_member_knows_its_peers_and_nothing_listens_on_other_addresses() {
        let node = |index: usize| Node {
            name: format!("n{}", index + 1),
            index,
            ip: format!("10.0.0.{}", index + 1).parse().unwrap(),
            role: None,
        };
        let nodes = vec![node(0), node(1), Node { ip: "fd00::3".parse().unwrap(), ..node(2) }];
        let etcd = Etcd::new(EtcdSpec { install: false }, nodes.clone(), true);
        insta::assert_snapshot!(etcd.daemon(&nodes[2]).argv.join("\n"));
    }

    #[test]
    fn a_node_that_is_called_as_a_guest_would_be_is_none() {
        let node = |(index, name): (usize, &&str)| Node {
            name: (*name).to_owned(),
            index,
            ip: format!("10.0.0.{}", index + 1).parse().unwrap(),
            role: None,
        };
        let names = ["x", "x-guest", "x-guest2", "y"];
        let nodes: Vec<Node> = names.iter().enumerate().map(node).collect();
        let etcd = Etcd::new(EtcdSpec { install: false }, nodes.clone(), true);
        let guests: Vec<String> = nodes.iter().map(|node| etcd.guest_name(node)).collect();
        assert_eq!(guests, ["x-guest3", "x-guest-guest", "x-guest2-guest", "y-guest"]);
        for name in names {
            assert_eq!(etcd.voter(name.to_owned()), Voter::alone(name));
        }
        for (guest, node) in guests.into_iter().zip(names) {
            assert_eq!(etcd.voter(guest).host, node);
        }
        assert_eq!(etcd.voter("z-guest".to_owned()), Voter::alone("z-guest"));
    }
}
