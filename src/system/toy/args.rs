//! The hidden subcommand `toy-node`.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use rustix::process::Pid;

use super::control::{self, ControlError};
use super::node::{self, MemberAddress, NodeError, NodeOptions};
use crate::spec::{Span, ToyBug};

/// A node of the toy system, and orders to it.
#[derive(Clone, Debug, Args)]
pub struct ToyNodeArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Run a node.
    Run(RunArgs),
    /// Do not hear some nodes any more.
    Drop {
        #[command(flatten)]
        target: Target,
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Hear all nodes again.
    Heal(Target),
    /// Print a line per node that is not heard: its name and the messages dropped so far.
    Show(Target),
    /// Print what a node says of itself.
    Status { address: SocketAddr },
}

#[derive(Clone, Debug, Args)]
struct RunArgs {
    #[arg(long)]
    name: String,
    /// All members as `n1=127.0.0.1:7001,n2=…`, in the same order on all.
    #[arg(long, value_delimiter = ',', value_parser = parse_member)]
    members: Vec<MemberAddress>,
    #[arg(long)]
    data: PathBuf,
    #[arg(long)]
    links: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    bug: ToyBug,
    /// End when this process has been gone for the lease.
    #[arg(long, value_parser = parse_pid)]
    owner_pid: Option<Pid>,
    #[arg(long, default_value = "30s")]
    lease: Span,
}

#[derive(Clone, Debug, Args)]
struct Target {
    /// The file of the nodes that are not heard.
    #[arg(long)]
    links: PathBuf,
    address: SocketAddr,
}

#[derive(Debug, thiserror::Error)]
pub enum ToyNodeError {
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("cannot write the answer: {0}")]
    Io(#[from] io::Error),
}

/// Does what the subcommand says; `run` returns only when the node ends by itself.
pub fn toy_node(args: ToyNodeArgs) -> Result<(), ToyNodeError> {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    match args.action {
        Action::Run(args) => Ok(node::run(&options(args))?),
        Action::Drop { target, names } => {
            let order = control::drop_peers(target.address, &target.links, &names);
            Ok(runtime()?.block_on(order)?)
        }
        Action::Heal(target) => {
            Ok(runtime()?.block_on(control::heal(target.address, &target.links))?)
        }
        Action::Show(target) => {
            let lines = runtime()?.block_on(control::show(target.address, &target.links))?;
            Ok(write!(io::stdout(), "{lines}")?)
        }
        Action::Status { address } => {
            let status = runtime()?.block_on(control::status(address))?;
            Ok(writeln!(io::stdout(), "{status}")?)
        }
    }
}

fn options(args: RunArgs) -> NodeOptions {
    NodeOptions {
        name: args.name,
        members: args.members,
        data: args.data,
        links: args.links,
        bug: args.bug,
        owner: args.owner_pid,
        lease: Duration::max(args.lease.0, Duration::from_millis(1)),
    }
}

fn parse_member(text: &str) -> Result<MemberAddress, String> {
    let (name, address) =
        text.split_once('=').ok_or_else(|| format!("`{text}` is not name=address:port"))?;
    let address = address.parse().map_err(|_| format!("`{address}` is not address:port"))?;
    Ok(MemberAddress { name: name.to_owned(), address })
}

fn parse_pid(text: &str) -> Result<Pid, String> {
    let pid = text.parse().ok().filter(|pid| *pid > 0).and_then(Pid::from_raw);
    pid.ok_or_else(|| format!("`{text}` is not a process id"))
}
