//! Cutting links: by the receiver's firewall, or by the system itself.

use std::net::IpAddr;

use super::action::NodeAction;
use super::evidence::Expectation;
use super::firewall::{Chain, Sender, Verdict};
use crate::cluster::quote;
use crate::system::LinkCommands;

const CHAIN: &str = "ISOBAR-IN";

/// Drops packets from `senders`; with a port only TCP packets to it or from it.
pub fn by_firewall(
    senders: &[Sender],
    port: Option<u16>,
    controller: Option<IpAddr>,
) -> NodeAction {
    let chain = Chain { name: CHAIN.to_owned(), port, verdict: Verdict::Drop };
    chain.action(senders, controller)
}

/// The system on this node stops hearing `names`.
pub fn by_commands(commands: &LinkCommands, names: Vec<String>) -> NodeAction {
    NodeAction {
        apply: quote(commands.drop.iter().chain(&names)),
        undo: quote(&commands.heal),
        evidence: quote(&commands.show),
        expectation: Expectation::Links(names.into_iter().collect()),
    }
}
