//! The nodes of a cluster, and how to reach them.

pub mod doctor;
mod local;
mod namespace;
mod node;
mod remote;
mod ssh;

pub use local::LocalRemote;
pub use namespace::{NamespaceRemote, enter_namespaces};
pub use node::{Cluster, Member, Node, boot_id, on_each};
pub use remote::{Command, Output, Remote, RemoteError, quote};
pub use ssh::SshRemote;
