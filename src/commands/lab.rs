//! `isobar lab`: a cluster on this machine, by hand.

use std::os::unix::process::{CommandExt, ExitStatusExt};

use clap::{Args, Subcommand, ValueEnum};

use crate::lab::{Installation, Lab, LabError, LabOptions, Owner, enter, install, kind_or_default};
use crate::spec::{LabKind, LabSpec, Roles};
use crate::terminal;

/// A cluster on this machine.
#[derive(Clone, Debug, Args)]
pub struct LabArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    /// Brings up a lab and prints how a specification reaches it
    Up {
        /// How many nodes; named n1, n2, …; by default 5, or 3 of kind vm
        #[arg(long, value_name = "N")]
        nodes: Option<u32>,
        /// What the nodes are made of; by default namespaces, without root rootless
        #[arg(long, value_enum)]
        kind: Option<LabKind>,
        /// Up to 8 lower-case letters and digits; by default the first free of lab, lab2, …
        #[arg(long)]
        name: Option<String>,
    },
    /// Takes a lab down, with all that runs in it
    Down {
        /// Which; not needed when there is only one
        #[arg(conflicts_with = "all")]
        name: Option<String>,
        /// All labs of this machine
        #[arg(long)]
        all: bool,
    },
    /// Lists labs, their nodes, and who brought them up
    Status,
    /// Runs a command on a node and ends with its exit status
    Exec {
        #[command(flatten)]
        node: NodeArgs,
        /// The program and its arguments
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<String>,
    },
    /// Opens a shell on a node
    Ssh {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Cuts a node's power, as if its plug were pulled, or switches it on again
    Power {
        state: Power,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Installs what a lab needs, or prints the command for it
    Install {
        /// What the nodes are made of; by default namespaces, without root rootless
        #[arg(long, value_enum)]
        kind: Option<LabKind>,
        /// Also what this system needs
        #[arg(long, value_enum)]
        system: Option<Installable>,
    },
}

/// A system whose programs are not there with every lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Installable {
    /// PostgreSQL, Node.js and the npm packages of the project that is tested
    Strapi,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Power {
    Off,
    On,
}

#[derive(Clone, Debug, Args)]
struct NodeArgs {
    /// A node's name, as n1
    node: String,
    /// Which lab; not needed when there is only one
    #[arg(long)]
    name: Option<String>,
}

/// Runs the command; the exit status of the program.
pub fn run(args: &LabArgs) -> Result<u8, LabError> {
    match &args.verb {
        Verb::Up { nodes, kind, name } => {
            let nodes = nodes.unwrap_or(if *kind == Some(LabKind::Vm) { 3 } else { 5 });
            up(&LabSpec { nodes, name: name.clone(), kind: *kind, roles: Roles::default() })
        }
        Verb::Down { all: true, .. } => down_all(),
        Verb::Down { name, .. } => Lab::find(name.as_deref())?.down().map(|()| 0),
        Verb::Status => status(),
        Verb::Exec { node, command } => inside(node, Some(command)),
        Verb::Ssh { node } => inside(node, None),
        Verb::Power { state, node } => power(*state, node).map(|()| 0),
        Verb::Install { kind, system } => {
            installed(kind_or_default(*kind), *system == Some(Installable::Strapi))
        }
    }
}

fn up(spec: &LabSpec) -> Result<u8, LabError> {
    enter(spec.kind)?;
    let lab = Lab::up(&LabOptions::new(spec, Owner::Nobody))?;
    let name = lab.name();
    let more = match lab.kind() {
        LabKind::Namespace | LabKind::Vm => "a specification reaches it with",
        LabKind::Rootless => "a run brings up one of its own, with",
    };
    terminal::note(&format!(
        "lab {name} is up: `isobar lab ssh n1 --name {name}` enters a node,\n\
         `isobar lab down {name}` takes it down; {more}"
    ));
    terminal::result(&cluster_block(&lab));
    Ok(0)
}

/// YAML for a specification. Names and addresses are plain words, and so are the lab's paths.
fn cluster_block(lab: &Lab) -> String {
    if lab.kind() == LabKind::Rootless {
        let nodes = lab.nodes().count();
        return format!("cluster:\n  lab: {{ nodes: {nodes}, kind: rootless }}\n");
    }
    let spec = lab.ssh_spec();
    let mut lines = format!("cluster:\n  ssh:\n    nodes: [{}]\n", spec.nodes.join(", "));
    let files = [("key", spec.key), ("known-hosts", spec.known_hosts)];
    for (key, path) in files {
        if let Some(path) = path {
            lines.push_str(&format!("    {key}: {}\n", path.display()));
        }
    }
    lines.push_str("    overrides:\n");
    for (node, ip) in lab.nodes() {
        lines.push_str(&format!("      {node}: {{ address: {ip} }}\n"));
    }
    lines
}

/// Takes down as many as possible; the first error is the result.
fn down_all() -> Result<u8, LabError> {
    let downs: Vec<Result<(), LabError>> =
        Lab::list()?.iter().map(|lab| Lab::find(Some(&lab.name))?.down()).collect();
    downs.into_iter().collect::<Result<(), _>>().map(|()| 0)
}

fn status() -> Result<u8, LabError> {
    let labs = Lab::list()?;
    if labs.is_empty() {
        terminal::note("no lab is up");
    }
    for lab in labs {
        let owner = match lab.owner_pid {
            Some(pid) => format!("run {pid}"),
            None => "by hand".to_owned(),
        };
        terminal::result(&format!(
            "{}\t{}\t{}\t{owner}\t{}",
            lab.name,
            lab.kind,
            lab.health,
            lab.directory.display()
        ));
        for node in lab.nodes {
            let process = node.pid.map_or_else(|| "off".to_owned(), |pid| format!("pid {pid}"));
            terminal::result(&format!("  {}\t{}\t{process}", node.name, node.ip));
        }
    }
    Ok(0)
}

fn power(state: Power, node: &NodeArgs) -> Result<(), LabError> {
    let mut lab = Lab::find(node.name.as_deref())?;
    match state {
        Power::Off => lab.power_off(&node.node),
        Power::On => {
            lab.join()?;
            lab.power_on(&node.node)
        }
    }
}

fn inside(node: &NodeArgs, command: Option<&Vec<String>>) -> Result<u8, LabError> {
    let lab = Lab::find(node.name.as_deref())?;
    let mut program = lab.command(&node.node, command.map(Vec::as_slice))?;
    match command {
        // Becomes that program: the terminal is wholly its own.
        None => Err(failed(program.exec())),
        Some(_) => {
            let status = program.status().map_err(failed)?;
            let signal = status.signal().map(|signal| 128 + signal);
            let code = status.code().or(signal).unwrap_or(1);
            Ok(u8::try_from(code).unwrap_or(1))
        }
    }
}

fn failed(source: std::io::Error) -> LabError {
    LabError::Tool { command: "entering the node".to_owned(), stderr: source.to_string() }
}

fn installed(kind: LabKind, strapi: bool) -> Result<u8, LabError> {
    match install(kind, strapi)? {
        Installation::Complete => terminal::note("all that a lab needs is there"),
        Installation::Installed(packages) => {
            terminal::result(&format!("installed {}", packages.join(" ")));
        }
        Installation::ByHand(command) => {
            terminal::note("something is missing, and installing it needs root or another tool:");
            terminal::result(&command);
            return Ok(4);
        }
    }
    Ok(0)
}
