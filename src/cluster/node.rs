//! A cluster: named nodes, each with a way to run commands on it.

use std::net::IpAddr;
use std::sync::Arc;

use crate::cluster::{Remote, RemoteError};
use crate::spec::Roles;

/// A machine (or a process acting as one) of the cluster under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The name used in specifications, histories and reports: `n1`.
    pub name: String,
    /// Position in the cluster, from 0.
    pub index: usize,
    /// Where the other nodes and the clients reach it.
    pub ip: IpAddr,
    /// What it is there for, where the specification says so: `db`.
    pub role: Option<String>,
}

/// A node and the way to it.
#[derive(Clone)]
pub struct Member {
    pub node: Node,
    pub remote: Arc<dyn Remote>,
}

/// All nodes of a test, in the order of the specification.
#[derive(Clone)]
pub struct Cluster {
    pub members: Vec<Member>,
    /// The controller's address as the nodes see it: no fault may cut it off.
    /// `None` where there is no network between them (`local`).
    pub controller: Option<IpAddr>,
}

impl Cluster {
    pub fn nodes(&self) -> Vec<Node> {
        self.members.iter().map(|member| member.node.clone()).collect()
    }

    /// With each node's role.
    #[must_use]
    pub fn with_roles(mut self, roles: &Roles) -> Self {
        for Member { node, .. } in &mut self.members {
            node.role = roles.of(&node.name).map(str::to_owned);
        }
        self
    }

    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.node.name == name)
    }

    /// Runs `work` for every member at once, on one thread each; results in the members' order.
    pub fn on_all<T: Send>(
        &self,
        work: impl Fn(&Member) -> Result<T, RemoteError> + Sync,
    ) -> Vec<Result<T, RemoteError>> {
        on_each(&self.members.iter().collect::<Vec<_>>(), work)
    }
}

/// Runs `work` for each of `members` at once, on one thread each; results in the given order.
pub fn on_each<T: Send, E: Send>(
    members: &[&Member],
    work: impl Fn(&Member) -> Result<T, E> + Sync,
) -> Vec<Result<T, E>> {
    std::thread::scope(|scope| {
        let handles: Vec<_> = members.iter().map(|m| scope.spawn(|| work(m))).collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// Tells this machine's kernel from others; empty where it does not say.
pub fn boot_id() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.unwrap_or_default().trim().to_owned()
}
