//! The nodes of a cluster, and how to reach them.

mod local;
mod node;
mod remote;

pub use local::LocalRemote;
pub use node::{Cluster, Member, Node, on_each};
pub use remote::{Command, Output, Remote, RemoteError, quote};
