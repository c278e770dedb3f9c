#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use isobar_workloads::Connect;

use super::*;
use crate::cluster::Remote;
use crate::fault::{Injection, ProcessAct};
use crate::system::{Daemon, LinkCommands, ProcessScripts, Status, SystemError};

/// Only what is asked of a system when faults are planned.
struct Planned {
    links: Links,
}

#[async_trait]
impl System for Planned {
    fn name(&self) -> &'static str {
        "planned"
    }
    fn probe(&self, _: &Node, _: &dyn Remote) -> Result<Option<String>, SystemError> {
        Ok(None)
    }

    fn scripts(&self, node: &Node) -> ProcessScripts {
        let file = |name: &str| format!("/var/lib/db/{}.{name}", node.name);
        Daemon {
            argv: vec!["/usr/bin/db".into(), "--name".into(), node.name.clone()],
            pid_file: file("pid"),
            log: file("log"),
            data: file("data"),
            mark: format!("db --name {}", node.name),
        }
        .scripts()
    }
    fn client_address(&self, node: &Node) -> String {
        format!("{}:1", node.ip)
    }
    fn peer_port(&self, _: &Node) -> u16 {
        2
    }
    fn connect(&self) -> Arc<dyn Connect> {
        unreachable!("planning opens no client")
    }
    async fn status(&self, _: &Node) -> Result<Status, String> {
        Err("planning asks nobody".into())
    }
    fn links(&self, _: &Node) -> Links {
        self.links.clone()
    }
}

fn nodes(addresses: &[&str]) -> Vec<Node> {
    let node = |(index, ip): (usize, &&str)| Node {
        name: format!("n{}", index + 1),
        index,
        ip: ip.parse().unwrap(),
        role: None,
    };
    addresses.iter().enumerate().map(node).collect()
}

fn partition(receiver: &str, senders: &[&str], port: Option<u16>) -> Effect {
    let senders: BTreeSet<String> = senders.iter().map(|n| (*n).to_owned()).collect();
    Effect::Partition { grudge: Grudge(BTreeMap::from([(receiver.to_owned(), senders)])), port }
}

fn shown(action: &Action) -> String {
    let mut text = String::new();
    for (node, NodeAction { apply, undo, evidence, .. }) in &action.nodes {
        text += &format!("{node}\n-- apply\n{apply}\n-- undo\n{undo}\n-- evidence\n{evidence}\n");
    }
    text
}

const IPTABLES: Planned = Planned { links: Links::Iptables };

fn act(effect: &Effect, addresses: &[&str], controller: &str) -> Result<Action, ActionError> {
    Action::of(
        effect,
        &nodes(addresses),
        &IPTABLES,
        Some(controller.parse().unwrap()),
        Means::Netem,
    )
}

#[test]
fn a_partition_by_firewall() {
    let effect = partition("n1", &["n2", "n3"], None);
    let action = act(&effect, &["10.0.0.1", "10.0.0.2", "fd00::3"], "10.0.0.254").unwrap();
    insta::assert_snapshot!(shown(&action));
}

#[test]
fn a_partition_by_port() {
    let effect = partition("n1", &["n2"], Some(2380));
    let action = act(&effect, &["10.0.0.1", "10.0.0.2"], "10.0.0.254").unwrap();
    insta::assert_snapshot!(action.nodes["n1"].apply);
}

fn by_commands() -> Planned {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    Planned {
        links: Links::Commands(LinkCommands {
            drop: words("db links drop"),
            heal: words("db links heal"),
            show: words("db links show"),
        }),
    }
}

#[test]
fn a_partition_by_the_systems_own_commands() {
    let nodes = nodes(&["127.0.0.1", "127.0.0.1", "127.0.0.1"]);
    let effect = partition("n1", &["n2", "n3"], None);
    let action = Action::of(&effect, &nodes, &by_commands(), None, Means::Netem).unwrap();
    let NodeAction { apply, undo, evidence, .. } = &action.nodes["n1"];
    assert_eq!(apply, "db links drop n2 n3");
    assert_eq!(undo, "db links heal");
    assert_eq!(evidence, "db links show");
    assert!(!privileged(&nodes, &by_commands()));
    assert!(privileged(&nodes, &IPTABLES));
}

#[test]
fn processes_are_killed_paused_and_restarted() {
    let script = |act_: ProcessAct| {
        let effect = Effect::Process { act: act_, nodes: vec!["n1".into()] };
        let action = act(&effect, &["10.0.0.1"], "10.0.0.254").unwrap();
        let scripts = IPTABLES.scripts(&nodes(&["10.0.0.1"])[0]);
        (action.nodes["n1"].clone(), scripts)
    };
    let (kill, scripts) = script(ProcessAct::Kill);
    assert_eq!(kill.apply, format!("(\n{}\n) &&\n(\n{}\n)", scripts.state, scripts.kill));
    assert_eq!((kill.undo, kill.expectation), (scripts.start.clone(), Expectation::Gone));
    let (pause, _) = script(ProcessAct::Pause);
    assert_eq!((pause.undo, pause.expectation), (scripts.resume, Expectation::Paused));
    let (restart, _) = script(ProcessAct::Restart);
    assert_eq!((restart.undo, restart.expectation), (scripts.start, Expectation::Restarted));
}

fn packets(fault: serde_json::Value) -> Effect {
    let injection = Injection {
        id: 0,
        track: 0,
        at: crate::spec::Span(std::time::Duration::ZERO),
        lasts: crate::spec::Span(std::time::Duration::ZERO),
        fault: serde_json::from_value(fault).unwrap(),
        order: ["n1", "n2", "n3"].map(str::to_owned).to_vec(),
        roles: crate::spec::Roles::default(),
    };
    injection.effect(None)
}

#[test]
fn packets_are_disturbed_by_the_sender_and_lost_by_the_receivers() {
    let addresses = ["10.0.0.1", "10.0.0.2", "fd00::3"];
    let told = |fault: serde_json::Value| {
        let effect = packets(fault);
        format!("== {effect}\n{}", shown(&act(&effect, &addresses, "10.0.0.254").unwrap()))
    };
    let faults = [
        told(serde_json::json!({"delay": {"distribution": "normal", "port": 2380}})),
        told(serde_json::json!({"loss": {"share": "5%", "to": ["n2"]}})),
    ];
    insta::assert_snapshot!(faults.join("\n"));
    let helped = packets(serde_json::json!({"silent-corrupt": {"to": ["n2"], "port": 80}}));
    insta::assert_snapshot!(shown(&act(&helped, &addresses, "10.0.0.254").unwrap()));
    let told = |fault: serde_json::Value| {
        let effect = packets(fault);
        let Effect::Packets { disturbance, .. } = effect else { panic!("{effect:?}") };
        disturbance.to_string()
    };
    let words = [
        told(serde_json::json!({"delay": {"jitter": "0s"}})),
        told(serde_json::json!({"delay": {}})),
        told(serde_json::json!({"loss": {"correlation": "50%"}})),
        told(serde_json::json!({"duplicate": {}})),
        told(serde_json::json!({"corrupt": {"share": "1%", "correlation": "0%"}})),
        told(serde_json::json!({"reorder": {}})),
        told(serde_json::json!({"rate": {"rate": "512kbit"}})),
        told(serde_json::json!({"silent-corrupt": {}})),
    ];
    insta::assert_snapshot!(words.join("\n"));
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    let refused = |effect: &Effect, addresses: &[&str], controller: &str| {
        act(effect, addresses, controller).unwrap_err().to_string()
    };
    let cut = partition("n1", &["n2"], None);
    let nobody = Effect::Process { act: ProcessAct::Kill, nodes: vec![] };
    let nothing = Effect::Partition { grudge: Grudge::default(), port: None };
    let members = |names: &[&str]| {
        let nodes = names.iter().map(|name| (*name).to_owned()).collect();
        Effect::Membership { change: MemberChange::Remove, nodes }
    };
    let by_port = Action::of(
        &partition("n1", &["n2"], Some(1)),
        &nodes(&["127.0.0.1", "127.0.0.1"]),
        &by_commands(),
        None,
        Means::Netem,
    );
    insta::assert_snapshot!(
        [
            refused(&cut, &["10.0.0.1", "10.0.0.254"], "10.0.0.254"),
            refused(&cut, &["10.0.0.1", "10.0.0.1"], "10.0.0.254"),
            refused(&partition("n1", &["n9"], None), &["10.0.0.1"], "10.0.0.254"),
            refused(&nothing, &["10.0.0.1"], "10.0.0.254"),
            refused(&nobody, &["10.0.0.1", "10.0.0.2"], "10.0.0.254"),
            by_port.unwrap_err().to_string(),
            refused(&members(&["n1"]), &["10.0.0.1", "10.0.0.2"], "10.0.0.254"),
            refused(&members(&["n1", "n2"]), &["10.0.0.1", "10.0.0.2"], "10.0.0.254"),
        ]
        .join("\n")
    );
}

#[test]
fn the_helper_does_what_the_senders_have_no_netem_for() {
    let by = |fault: serde_json::Value| {
        let (effect, nodes) = (packets(fault), nodes(&["10.0.0.1", "10.0.0.2", "10.0.0.3"]));
        let action = Action::of(&effect, &nodes, &IPTABLES, None, Means::Helper).unwrap();
        let of = |(name, action): (&String, &NodeAction)| {
            let told = action.apply.lines().find_map(|line| line.split_once("\" queue "));
            let told = told.and_then(|(_, rest)| rest.split_once("\" "));
            let told = told.map_or("tc", |(_, rest)| rest.split_once(" >").unwrap().0);
            format!("{name}: {told}")
        };
        action.nodes.iter().map(of).collect::<Vec<_>>()
    };
    let json = |text: &str| serde_json::from_str(text).unwrap();
    let delay = json(r#"{"delay": {"targets": ["n1"], "distribution": "normal"}}"#);
    let wanted = "delay 50000 10000 0.25 normal";
    assert_eq!(by(delay), [format!("n2: {wanted}"), format!("n3: {wanted}")]);
    let one = |text: &str| by(json(text)).join(" ");
    let to = r#""targets": ["n1"], "to": ["n2"]"#;
    let reorder = one(&format!("{{\"reorder\": {{{to}}}}}"));
    assert_eq!(reorder, "n2: reorder 0.2 0.75 50000");
    assert_eq!(one(&format!("{{\"corrupt\": {{{to}}}}}")), "n2: corrupt 0.2 0.75");
    assert_eq!(one(&format!("{{\"duplicate\": {{{to}}}}}")), "n2: duplicate 0.2 0.75");
    let bursts = one(&format!("{{\"loss\": {{{to}, \"correlation\": \"50%\"}}}}"));
    assert_eq!(bursts, "n2: loss 0.2 0.5");
    // These are done as ever.
    assert_eq!(one(&format!("{{\"loss\": {{{to}}}}}")), "n2: tc");
    assert_eq!(one(&format!("{{\"rate\": {{{to}}}}}")), "n1: tc");
}
