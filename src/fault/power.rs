//! A whole node switched off, as if its plug were pulled, and on again.
//!
//! Nobody can do that but who has the switch: so the scripts run on this machine, not on the node,
//! and so does the watchdog that switches a node on again should the controller die. It is to be
//! had for nodes of a lab on this machine, which is where their addresses are looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::action::{Action, NodeAction};
use super::effect::Effect;
use super::evidence::Expectation;
use super::plan::Plan;
use super::watchdog::{Renewal, Watchdog};
use crate::cluster::{Cluster, LocalRemote, Member, Node, on_each, quote};
use crate::lab::{Switch, switch_of};
use crate::spec::FaultSpec;
use crate::system::ProcessScripts;

/// The scripts of one node, for this machine; [`wire`] tells them of which lab it is.
pub fn action(node: &str, scripts: &ProcessScripts) -> NodeAction {
    let name = quote([node]);
    let mark = format!(
        "mark() {{\n  \
           timeout \"$1\" \"$isobar\" lab exec {name} --name \"$lab\" -- sh -c \\\n    \
             'echo $(cat /proc/sys/kernel/random/boot_id) $(cut -d\" \" -f22 /proc/1/stat)' \
             2>/dev/null\n\
         }}\n"
    );
    // It says that a node is on already where that is so.
    let undo = format!(
        "said=$(\"$isobar\" lab power on {name} --name \"$lab\" 2>&1) || case $said in\n  \
           *'on already'*) ;;\n  \
           *'no lab'*) exit 0 ;;\n  \
           *) echo \"$said\" >&2; exit 1 ;;\n\
         esac\n\
         \"$isobar\" lab exec {name} --name \"$lab\" -- sh -c {start} </dev/null",
        start = quote([&scripts.start]),
    );
    let evidence = format!(
        "{mark}power=$(\"$isobar\" lab status | awk -F '\\t' -v lab=\"$lab\" -v node={name} '\n  \
           /^[^ ]/ {{ ours = ($1 == lab) }}\n  \
           ours && $1 == \"  \" node {{ print $3 }}')\n\
         case $power in off) limit=2 ;; *) limit=20 ;; esac\n\
         echo \"power $power\"; echo \"before $(cat \"$dir/boot\")\"; echo \"now $(mark $limit)\""
    );
    NodeAction {
        apply: format!(
            "{mark}mark 20 >\"$dir/boot\" || exit 98\n\
             \"$isobar\" lab power off {name} --name \"$lab\""
        ),
        undo,
        evidence,
        expectation: Expectation::Off,
    }
}

/// Completes the scripts of an action that switches nodes.
///
/// # Errors
/// Why nobody can switch one of them.
pub fn wire(effect: &Effect, action: &mut Action, nodes: &[Node]) -> Result<(), String> {
    if !matches!(effect, Effect::Power { .. }) {
        return Ok(());
    }
    for (name, scripts) in &mut action.nodes {
        let node = nodes.iter().find(|node| node.name == *name);
        let Switch { lab, program } =
            node.and_then(|node| switch_of(&node.name, node.ip)).ok_or_else(|| no_switch(name))?;
        let program = quote([program.to_string_lossy()]);
        for script in [&mut scripts.apply, &mut scripts.undo, &mut scripts.evidence] {
            *script = format!("isobar={program}; lab={lab}\n{script}");
        }
    }
    Ok(())
}

fn no_switch(node: &str) -> String {
    format!("{node} is not a node of a lab on this machine: nobody here can switch it")
}

/// Ends with status 0 where all of `nodes` can be switched. It is the same for each of them.
pub fn probe(nodes: &[Node]) -> String {
    let without = nodes.iter().find(|node| switch_of(&node.name, node.ip).is_none());
    match without {
        Some(node) => format!("echo {}; exit 1", quote([no_switch(&node.name)])),
        None => ":".to_owned(),
    }
}

/// Who switches the nodes of a run: for each one, on this machine, with a watchdog.
pub struct Standby {
    watchdog: Watchdog,
    members: Vec<Member>,
    /// `None` once it was released.
    renewal: Mutex<Option<Renewal>>,
}

impl Standby {
    /// Where the plan has it that any node is switched.
    ///
    /// # Errors
    /// In words, when this machine cannot have a watchdog.
    pub fn start(plan: &Plan, cluster: &Cluster, watchdog: &Watchdog) -> Result<Self, String> {
        let wanted = plan.injections.iter().any(|i| matches!(i.fault, FaultSpec::Power(_)));
        let members: Vec<Member> = match wanted {
            true => cluster.members.iter().map(|member| standby(&member.node)).collect(),
            false => Vec::new(),
        };
        let watchdog = watchdog.unprivileged();
        let cluster = Cluster { members, controller: None };
        let renewal = Renewal::start(&watchdog, &cluster).map_err(|error| error.to_string())?;
        Ok(Self { watchdog, members: cluster.members, renewal: Mutex::new(Some(renewal)) })
    }

    /// Who switches `node`, and the watchdog that would.
    pub fn hand(&self, node: &str) -> Option<(&Watchdog, &Member)> {
        let of = |member: &&Member| member.node.name.strip_suffix(STANDBY) == Some(node);
        self.members.iter().find(of).map(|member| (&self.watchdog, member))
    }

    /// Ends the watchdogs, but for those of `dirty` nodes, which go on trying.
    pub fn release(&self, dirty: &BTreeMap<String, String>) -> Vec<String> {
        let renewal = self.renewal.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut renewal) = renewal else { return Vec::new() };
        renewal.stop();
        let dirty: BTreeSet<String> = dirty.keys().map(|node| format!("{node}{STANDBY}")).collect();
        let clean = self.members.iter().filter(|member| !dirty.contains(&member.node.name));
        let removed = on_each(&clean.collect::<Vec<_>>(), |member| self.watchdog.remove(member));
        removed.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect()
    }
}

/// Ends the name of who switches a node.
pub const STANDBY: &str = ".power";

/// Who switches a node.
pub fn standby(node: &Node) -> Member {
    let name = format!("{}{STANDBY}", node.name);
    let remote = Arc::new(LocalRemote::new(&name));
    Member { node: Node { name, ..node.clone() }, remote }
}
