//! Members that leave a cluster, join it, or are replaced, by the system's own scripts.

use super::action::{ActionError, NodeAction};
use super::evidence::Expectation;
use super::process::in_turn;
use crate::cluster::{Node, quote};
use crate::spec::MemberChange;
use crate::system::{MemberScripts, ProcessScripts, System};

/// The scripts of one node; `None` where the system has no members. `apply` first lists them.
pub fn action(change: MemberChange, scripts: &ProcessScripts) -> Option<NodeAction> {
    let member = match change {
        MemberChange::Remove | MemberChange::Replace => scripts.member.as_ref()?,
        MemberChange::Add => scripts.guest.as_ref()?,
    };
    let MemberScripts { name, prepare, leave, join, show } = member;
    let (steps, undo): (&[&str], _) = match change {
        MemberChange::Remove => (&[show, prepare, leave], join),
        MemberChange::Replace => (&[show, prepare, leave, join], join),
        MemberChange::Add => (&[show, prepare, join], leave),
    };
    Some(NodeAction {
        apply: in_turn(steps),
        undo: undo.clone(),
        evidence: show.clone(),
        expectation: Expectation::Member { change, name: name.clone() },
    })
}

/// Ends with status 0 where members can be changed.
pub fn probe(nodes: &[Node], system: &dyn System) -> String {
    let scripts = nodes.first().map(|node| system.scripts(node));
    match scripts.is_some_and(|scripts| scripts.member.is_some()) {
        true => "etcdctl=$(command -v etcdctl) ||\n  \
                   { echo 'no etcdctl (install etcd-client)'; exit 1; }\n\
                 ETCDCTL_API=3 \"$etcdctl\" member add --help 2>&1 | grep -q -e --learner ||\n  \
                   { echo 'its etcdctl knows no learners (etcd 3.4 does)'; exit 1; }"
            .to_owned(),
        false => {
            let why = ActionError::NoMembers { system: system.name() };
            format!("echo {}; exit 1", quote([why.to_string()]))
        }
    }
}
