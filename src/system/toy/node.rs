//! A node process, from start to end.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::Pid;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::engine::Engine;
use super::links::Links;
use super::peers::Peer;
use super::raft::Raft;
use super::serve::{Service, serve};
use super::store::{Store, StoreError};
use super::{log, owner};
use crate::spec::ToyBug;

/// A process that was killed a moment ago may still hold the port.
const BIND_TRIES: u32 = 40;
const BIND_AGAIN: Duration = Duration::from_millis(50);

/// A member's name and where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberAddress {
    pub name: String,
    pub address: SocketAddr,
}

/// How a node is run.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    pub name: String,
    /// All members, this node included; in the same order on all.
    pub members: Vec<MemberAddress>,
    pub data: PathBuf,
    /// The file of the nodes that are not heard.
    pub links: PathBuf,
    pub bug: ToyBug,
    /// The node ends when this process has been gone for `lease`.
    pub owner: Option<Pid>,
    pub lease: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error("`{name}` is not among the members {members}")]
    NotAMember { name: String, members: String },
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot read {path}: {source}")]
    Links { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot start: {0}")]
    Runtime(io::Error),
}

/// Runs a node until its owner is gone or its disk fails; a signal ends it at any time without
/// loss of what it has acknowledged.
pub fn run(options: &NodeOptions) -> Result<(), NodeError> {
    let Some(id) = options.members.iter().position(|member| member.name == options.name) else {
        let names: Vec<&str> = options.members.iter().map(|member| member.name.as_str()).collect();
        return Err(NodeError::NotAMember {
            name: options.name.clone(),
            members: names.join(", "),
        });
    };
    // The core has a thread of its own; what is left is little, and three nodes share a machine.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(NodeError::Runtime)?;
    runtime.block_on(live(id, options))
}

async fn live(id: usize, options: &NodeOptions) -> Result<(), NodeError> {
    let NodeOptions { members, name, .. } = options;
    let listener = listen(members[id].address).await?;
    let names: Vec<String> = members.iter().map(|member| member.name.clone()).collect();
    let links = Links::load(options.links.clone(), names.clone())
        .map_err(|source| NodeError::Links { path: options.links.clone(), source })?;
    let (store, records) = Store::open(&options.data)?;
    let mut rng = ChaCha8Rng::seed_from_u64(entropy());
    let place = (id, members.len());
    let raft = Raft::new(place, options.bug, rng.random(), records, Duration::ZERO);
    let peers = members.iter().enumerate().map(|(other, member)| {
        (other != id).then(|| Peer::spawn(name, member.address.to_string()))
    });
    let members = names.iter().cloned().zip(peers).collect();
    let engine = Engine::new(raft, store, options.bug, members, rng.random());
    let (inputs, received) = channel();
    let (end, ended) = oneshot::channel();
    std::thread::spawn(move || {
        // Nobody waits for it any more when the node has ended for another reason.
        let _ = end.send(engine.run(&received));
    });
    log(&format!("{name} listens on {}", listener.local_addr().map_err(NodeError::Runtime)?));
    let service = Arc::new(Service { name: name.clone(), names, links, inputs });
    tokio::select! {
        () = serve(service, listener) => Ok(()),
        () = orphaned(options) => {
            log("ends: its owner is gone");
            Ok(())
        }
        result = ended => match result {
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(())) | Err(_) => Ok(()),
        },
    }
}

async fn orphaned(options: &NodeOptions) {
    match options.owner {
        Some(process) => owner::gone(process, options.lease).await,
        None => std::future::pending().await,
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, NodeError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match TcpListener::bind(address).await {
            Err(_) if tries < BIND_TRIES => tokio::time::sleep(BIND_AGAIN).await,
            result => return result.map_err(|source| NodeError::Listen { address, source }),
        }
    }
}

/// A number that no other start of a node has. Elections only have to differ, not to repeat.
fn entropy() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}
