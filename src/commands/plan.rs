//! `isobar plan SPEC`

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, read_spec};
use crate::cluster::{Cluster, Node};
use crate::exit::Exit;
use crate::fault::Plan;
use crate::run;
use crate::spec::{ClusterSpec, Spec};
use crate::terminal;

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The specification of the test
    #[arg(value_name = "SPEC")]
    spec: PathBuf,
    /// Draw everything random from this number; by default the specification's, or 0
    #[arg(long)]
    seed: Option<u64>,
    /// Leave out the commands
    #[arg(long)]
    brief: bool,
}

/// Prints the schedule and, per injection and node, the commands to apply, to see and to undo.
/// Touches no node.
pub fn plan(args: &PlanArgs) -> Result<Exit, Failure> {
    let spec = read_spec(&args.spec)?;
    let seed = args.seed.or(spec.seed).unwrap_or(0);
    let (nodes, controller) = paper_nodes(&spec)?;
    let plan = Plan::draw(&spec.faults, &nodes, seed, spec.load.time.0);
    terminal::result(&plan.to_string());
    if args.brief {
        return Ok(Exit::Valid);
    }
    let system = run::system(&spec, &nodes, Path::new("runs")).map_err(Failure::set_up)?;
    for planned in plan.commands(&nodes, system.as_ref(), controller) {
        let action = match planned.action {
            Ok(action) => action,
            Err(error) => {
                terminal::result(&format!("\n#{}: skipped: {error}", planned.id));
                continue;
            }
        };
        for (node, commands) in &action.nodes {
            let parts = [
                ("apply", &commands.apply),
                ("evidence", &commands.evidence),
                ("undo", &commands.undo),
            ];
            for (what, script) in parts {
                let script = script.replace('\n', "\n    ");
                terminal::result(&format!("\n#{} {node} {what}:\n    {script}", planned.id));
            }
        }
    }
    Ok(Exit::Valid)
}

/// The nodes as they would be, and the controller: a lab's get their addresses only when it is
/// brought up, so those of the first lab of a machine stand for them.
fn paper_nodes(spec: &Spec) -> Result<(Vec<Node>, Option<IpAddr>), Failure> {
    let roles = spec.cluster.roles();
    let address = |last: usize| IpAddr::from(Ipv4Addr::new(10, 77, 0, last as u8));
    match &spec.cluster {
        ClusterSpec::Ssh(ssh) => {
            let cluster = Cluster::ssh(ssh).map_err(Failure::set_up)?.with_roles(roles);
            Ok((cluster.nodes(), cluster.controller))
        }
        ClusterSpec::Local(local) => {
            Ok((Cluster::local(local.nodes).with_roles(roles).nodes(), None))
        }
        ClusterSpec::Lab(_) => {
            let names = spec.cluster.node_names().into_iter().enumerate();
            let node = |(index, name): (usize, String)| {
                let role = roles.of(&name).map(str::to_owned);
                Node { name, index, ip: address(index + 1), role }
            };
            Ok((names.map(node).collect(), Some(address(254))))
        }
    }
}
