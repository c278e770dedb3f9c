//! A fault as scripts: per node, how to apply it, undo it and see it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::effect::Effect;
use super::evidence::Expectation;
use super::firewall::Sender;
use super::packet::{self, Disturbance, Means};
use super::topology::Grudge;
use super::{
    cgroup, clock, damage, disk, helper, membership, partition, power, process, process_clock,
};
use crate::cluster::Node;
use crate::spec::MemberChange;
use crate::system::{Links, ProcessScripts, System};

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
    #[error("{system} has no members that isobar could change")]
    NoMembers { system: &'static str },
    #[error("all members at once: nobody would be left to let them in again; use fewer targets")]
    NobodyLeft,
    #[error("packets of {system} cannot be disturbed: its nodes share this machine's network")]
    NoPackets { system: &'static str },
    #[error("{system} cuts its links as a whole; leave out `port`")]
    PortOfLinks { system: &'static str },
}

/// Whether scripts need root on the nodes: a firewall does; a system that cuts its links itself
/// is run by the user who runs us.
pub fn privileged(nodes: &[Node], system: &dyn System) -> bool {
    nodes.iter().any(|node| system.links(node) == Links::Iptables)
}

impl Action {
    /// The scripts that have `effect`; packets are disturbed by these `means` where both can.
    pub fn of(
        effect: &Effect,
        nodes: &[Node],
        system: &dyn System,
        controller: Option<IpAddr>,
        means: Means,
    ) -> Result<Self, ActionError> {
        let all = Nodes { nodes, system, controller, means };
        let actions = match effect {
            Effect::Partition { grudge, port } => all.cut(grudge, *port)?,
            Effect::Packets { disturbance, links, port } => {
                all.disturb(disturbance, links, *port)?
            }
            Effect::Process { act, nodes: targets } => {
                all.each(targets, |_, scripts| process::action(*act, scripts))?
            }
            Effect::Membership { change, nodes: targets } => all.change(*change, targets)?,
            Effect::Damage { damage, nodes: targets } => {
                all.each(targets, |_, scripts| damage::of_file(damage, scripts))?
            }
            Effect::Clock { skew, nodes: targets } => {
                all.each(targets, |_, _| clock::action(skew))?
            }
            Effect::ProcessClock { by_ms, nodes: targets } => {
                all.each(targets, |_, scripts| process_clock::action(*by_ms, scripts))?
            }
            Effect::Limit { limit, nodes: targets } => {
                all.each(targets, |_, scripts| cgroup::limit(*limit, scripts))?
            }
            Effect::Disk { trouble, nodes: targets } => {
                all.each(targets, |_, scripts| disk::action(*trouble, scripts))?
            }
            Effect::Power { nodes: targets } => all.each(targets, power::action)?,
            Effect::FileLimit { files, nodes: targets } => {
                all.each(targets, |_, scripts| damage::file_limit(*files, scripts))?
            }
        };
        Ok(Self { nodes: actions })
    }
}

/// Where an effect is to be had.
struct Nodes<'a> {
    nodes: &'a [Node],
    system: &'a dyn System,
    controller: Option<IpAddr>,
    means: Means,
}

type Actions = Result<BTreeMap<String, NodeAction>, ActionError>;

impl Nodes<'_> {
    fn find(&self, name: &String) -> Result<&Node, ActionError> {
        let node = self.nodes.iter().find(|node| node.name == *name);
        node.ok_or_else(|| ActionError::UnknownNode { name: name.clone() })
    }

    fn each(
        &self,
        targets: &[String],
        act: impl Fn(&str, &ProcessScripts) -> NodeAction,
    ) -> Actions {
        if targets.is_empty() {
            return Err(ActionError::NobodyToHit { nodes: self.nodes.len() });
        }
        let action = |name: &String| {
            let scripts = self.system.scripts(self.find(name)?);
            Ok((name.clone(), act(name, &scripts)))
        };
        targets.iter().map(action).collect()
    }

    fn change(&self, change: MemberChange, targets: &[String]) -> Actions {
        if change != MemberChange::Add && targets.len() >= self.nodes.len() {
            return Err(ActionError::NobodyLeft);
        }
        if targets.is_empty() {
            return Err(ActionError::NobodyToHit { nodes: self.nodes.len() });
        }
        let action = |name: &String| {
            let scripts = self.system.scripts(self.find(name)?);
            let system = self.system.name();
            let action = membership::action(change, &scripts);
            Ok((name.clone(), action.ok_or(ActionError::NoMembers { system })?))
        };
        targets.iter().map(action).collect()
    }

    fn cut(&self, grudge: &Grudge, port: Option<u16>) -> Actions {
        if grudge.is_empty() {
            return Err(ActionError::NothingToCut { nodes: self.nodes.len() });
        }
        let cut = |(name, senders): (&String, &BTreeSet<String>)| {
            let receiver = self.find(name)?;
            if let Links::Commands(commands) = self.system.links(receiver) {
                if port.is_some() {
                    return Err(ActionError::PortOfLinks { system: self.system.name() });
                }
                let action = partition::by_commands(&commands, senders.iter().cloned().collect());
                return Ok((name.clone(), action));
            }
            let senders = self.senders(receiver, senders)?;
            Ok((name.clone(), partition::by_firewall(&senders, port, self.controller)))
        };
        grudge.0.iter().map(cut).collect()
    }

    fn disturb(&self, how: &Disturbance, links: &Grudge, port: Option<u16>) -> Actions {
        if links.is_empty() {
            return Err(ActionError::NobodyToHit { nodes: self.nodes.len() });
        }
        if self.nodes.iter().any(|node| self.system.links(node) != Links::Iptables) {
            return Err(ActionError::NoPackets { system: self.system.name() });
        }
        if let Disturbance::Loss { share, correlation: None } = how {
            let lose = |(name, senders): (&String, &BTreeSet<String>)| {
                let senders = self.senders(self.find(name)?, senders)?;
                Ok((name.clone(), packet::by_firewall(&senders, *share, port, self.controller)))
            };
            return links.0.iter().map(lose).collect();
        }
        if how.is_helped(self.means) {
            let help = |(name, senders): (&String, &BTreeSet<String>)| {
                let first = senders.first().map(|first| self.find(first)).transpose()?;
                let index = first.map_or(0, |node| node.index);
                let senders = self.senders(self.find(name)?, senders)?;
                let action = helper::disturbing(how, &senders, index, port, self.controller);
                Ok(action.map(|action| (name.clone(), action)))
            };
            return links.0.iter().map(help).filter_map(Result::transpose).collect();
        }
        let disturb = |name: String| {
            let receivers = links.0.iter().filter(|(_, senders)| senders.contains(&name));
            let addresses: Result<Vec<IpAddr>, ActionError> =
                receivers.map(|(receiver, _)| Ok(self.find(receiver)?.ip)).collect();
            self.find(&name)?;
            let action = packet::by_queue(how, &addresses?, port);
            Ok((name, action))
        };
        links.senders().into_iter().map(disturb).collect()
    }

    /// Those whose packets `receiver` can tell apart, and may drop.
    fn senders(
        &self,
        receiver: &Node,
        senders: &BTreeSet<String>,
    ) -> Result<Vec<Sender>, ActionError> {
        let sender = |name: &String| {
            let (node, address) = (name.clone(), self.find(name)?.ip);
            if Some(address) == self.controller {
                return Err(ActionError::CutsController { node, address });
            }
            if address == receiver.ip {
                let receiver = receiver.name.clone();
                return Err(ActionError::SharedAddress { receiver, sender: node, address });
            }
            Ok(Sender { node, address })
        };
        senders.iter().map(sender).collect()
    }
}

#[cfg(test)]
#[path = "action_tests.rs"]
mod tests;
