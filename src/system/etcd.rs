//! etcd, one member per node, on its default ports, with data of its own.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use isobar_workloads::Connect;
use isobar_workloads::etcd::{self, EtcdConnect};

use super::{Daemon, ProcessScripts, Status, System, SystemError};
use crate::cluster::{Command, Node, Remote};
use crate::spec::EtcdSpec;

const CLIENT_PORT: u16 = 2379;
const PEER_PORT: u16 = 2380;
const INSTALL_DEADLINE: Duration = Duration::from_secs(300);

/// A member runs from PATH; everything it writes is in the three places below.
const DATA: &str = "/var/lib/isobar/etcd";
const LOG: &str = "/var/log/isobar-etcd.log";
const PID_FILE: &str = "/run/isobar-etcd.pid";

/// Prints the version, or nothing where there is no etcd.
const VERSION: &str = "etcd --version 2>/dev/null | sed -n 's/^etcd Version: //p'";
const INSTALL_IT: &str = "install `etcd-server` (for a lab: `sudo isobar lab install`), or \
                          write `system: { etcd: { install: true } }`";
/// The package would start an etcd of its own: not where scripts are told of run level 1.
const INSTALL: &str = "export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1; \
                       apt-get update -qq && apt-get install -y -qq etcd-server >/dev/null";

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

    fn peer_url(node: &Node) -> String {
        format!("http://{}:{PEER_PORT}", bracketed(node))
    }

    fn daemon(&self, node: &Node) -> Daemon {
        let named_url = |peer: &Node| format!("{}={}", peer.name, Self::peer_url(peer));
        let peers: Vec<String> = self.nodes.iter().map(named_url).collect();
        let client_url = format!("http://{}", self.client_address(node));
        let options = [
            ("--name", node.name.clone()),
            ("--data-dir", DATA.to_owned()),
            ("--listen-peer-urls", Self::peer_url(node)),
            ("--initial-advertise-peer-urls", Self::peer_url(node)),
            ("--listen-client-urls", client_url.clone()),
            ("--advertise-client-urls", client_url),
            ("--initial-cluster", peers.join(",")),
            ("--initial-cluster-token", "isobar".to_owned()),
            ("--initial-cluster-state", "new".to_owned()),
            ("--logger", "zap".to_owned()),
            ("--log-outputs", "stderr".to_owned()),
        ];
        let words = options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
        Daemon {
            argv: std::iter::once("etcd".to_owned()).chain(words).collect(),
            pid_file: PID_FILE.to_owned(),
            log: LOG.to_owned(),
            data: DATA.to_owned(),
            mark: format!("--data-dir {DATA}"),
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
        self.names.lock().unwrap_or_else(PoisonError::into_inner).extend(members);
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
        self.daemon(node).scripts()
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

    async fn voters(&self, node: &Node) -> Result<Option<BTreeSet<String>>, String> {
        let members = etcd::member_list(&self.client_address(node)).await?;
        // A member that has not started yet has no name, and a vote.
        let name = |(id, name): (u64, String)| match name.is_empty() {
            true => format!("member {id:x}"),
            false => name,
        };
        Ok(Some(members.into_iter().map(name).collect()))
    }
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
}
