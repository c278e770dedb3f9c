//! A fault as scripts: per node, how to apply it, undo it and see it. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::evidence::Expectation;
use super::partition::{self, Sender};
use super::plan::Effect;
use super::process;
use super::topology::Grudge;
use crate::cluster::Node;
use crate::system::{Links, System};

/// One fault, ready for the nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Per node on which something is done.
    pub nodes: BTreeMap<String, NodeAction>,
}

/// Scripts for a POSIX shell on one node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeAction {
    pub apply: String,
    /// Idempotent; status 0 when the fault is not there (any more).
    pub undo: String,
    /// Prints what [`Expectation`] reads.
    pub evidence: String,
    pub expectation: Expectation,
}

/// Why a fault cannot be injected into this cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    #[error("no node named {name} in this cluster; name one of its nodes")]
    UnknownNode { name: String },
    #[error("{node} has the controller's address {address}: cutting it off would cut us off")]
    CutsController { node: String, address: IpAddr },
    #[error("{receiver} and {sender} share the address {address}: no firewall can part them")]
    SharedAddress { receiver: String, sender: String, address: IpAddr },
    #[error("a cluster of {nodes} has no link that this split would cut; use more nodes")]
    NothingToCut { nodes: usize },
    #[error("a cluster of {nodes} has no such group of nodes; use more nodes or other targets")]
    NobodyToHit { nodes: usize },
    #[error("{system} cuts its links as a whole; leave out `port`")]
    PortOfLinks { system: &'static str },
}

/// Whether scripts need root on the nodes: a firewall does; a system that cuts its links itself
/// is run by the user who runs us.
pub fn privileged(nodes: &[Node], system: &dyn System) -> bool {
    nodes.iter().any(|node| system.links(node) == Links::Iptables)
}

impl Action {
    /// The scripts that have `effect`.
    pub fn of(
        effect: &Effect,
        nodes: &[Node],
        system: &dyn System,
        controller: Option<IpAddr>,
    ) -> Result<Self, ActionError> {
        let find = |name: &String| {
            let node = nodes.iter().find(|node| node.name == *name);
            node.ok_or_else(|| ActionError::UnknownNode { name: name.clone() })
        };
        let mut actions = BTreeMap::new();
        match effect {
            Effect::Partition { grudge, port } => {
                if grudge.is_empty() {
                    return Err(ActionError::NothingToCut { nodes: nodes.len() });
                }
                for (receiver, senders) in &grudge.0 {
                    let receiver = find(receiver)?;
                    let senders = senders.iter().map(find).collect::<Result<Vec<_>, _>>()?;
                    let action = cut(receiver, &senders, *port, system, controller)?;
                    actions.insert(receiver.name.clone(), action);
                }
            }
            Effect::Process { nodes: targets, act } => {
                if targets.is_empty() {
                    return Err(ActionError::NobodyToHit { nodes: nodes.len() });
                }
                for target in targets {
                    let scripts = system.scripts(find(target)?);
                    actions.insert(target.clone(), process::action(*act, &scripts));
                }
            }
        }
        Ok(Self { nodes: actions })
    }
}

fn cut(
    receiver: &Node,
    senders: &[&Node],
    port: Option<u16>,
    system: &dyn System,
    controller: Option<IpAddr>,
) -> Result<NodeAction, ActionError> {
    if let Links::Commands(commands) = system.links(receiver) {
        if port.is_some() {
            return Err(ActionError::PortOfLinks { system: system.name() });
        }
        let names = senders.iter().map(|node| node.name.clone()).collect();
        return Ok(partition::by_commands(&commands, names));
    }
    let mut cut = Vec::new();
    for sender in senders {
        let (node, address) = (sender.name.clone(), sender.ip);
        if Some(address) == controller {
            return Err(ActionError::CutsController { node, address });
        }
        if address == receiver.ip {
            let receiver = receiver.name.clone();
            return Err(ActionError::SharedAddress { receiver, sender: node, address });
        }
        cut.push(Sender { node, address });
    }
    Ok(partition::by_firewall(&cut, port, controller))
}

impl Effect {
    /// The nodes whose process is touched; two such faults must not share one.
    pub fn processes(&self) -> Vec<String> {
        match self {
            Self::Partition { .. } => Vec::new(),
            Self::Process { nodes, .. } => nodes.clone(),
        }
    }

    /// Who drops whom; nobody in a fault of processes.
    pub fn grudge(&self) -> Option<&Grudge> {
        match self {
            Self::Partition { grudge, .. } => Some(grudge),
            Self::Process { .. } => None,
        }
    }

    /// Nodes that cannot be expected to agree with the others while this lasts.
    pub fn harmed(&self) -> Vec<String> {
        match self {
            Self::Partition { grudge, .. } => grudge.mentioned().into_iter().collect(),
            Self::Process { nodes, .. } => nodes.clone(),
        }
    }
}

#[cfg(test)]
#[path = "action_tests.rs"]
mod tests;
