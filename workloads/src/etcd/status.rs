//! What a node says of itself and of its cluster.

use std::future::Future;
use std::time::Duration;

use super::channel;
use super::error;
use super::generated::etcdserverpb::cluster_client::ClusterClient;
use super::generated::etcdserverpb::maintenance_client::MaintenanceClient;
use super::generated::etcdserverpb::{self, MemberListRequest, StatusRequest};

/// For connecting and asking together.
const DEADLINE: Duration = Duration::from_secs(1);

/// A node's own view; nodes may disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    pub member_id: u64,
    /// The member which this node believes to lead; 0 while it knows none.
    pub leader_id: u64,
    /// Of raft.
    pub term: u64,
    /// Of the server, e.g. `3.4.23`.
    pub version: String,
    /// Of the node's copy of the store.
    pub revision: i64,
}

/// One line of the list of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: u64,
    /// Empty until the member has started.
    pub name: String,
    /// It has no vote yet.
    pub learns: bool,
}

/// Asks the node at `address` (`host:port`) for its status, within one second.
///
/// # Errors
/// The address, and why there is no answer.
pub async fn status(address: &str) -> Result<NodeStatus, String> {
    let answer = ask(address, async {
        let mut client = MaintenanceClient::new(channel::open(address).await?);
        client.status(StatusRequest {}).await.map_err(|status| error::describe(&status))
    })
    .await?
    .into_inner();
    let header = answer.header.unwrap_or_default();
    Ok(NodeStatus {
        member_id: header.member_id,
        leader_id: answer.leader,
        term: answer.raft_term,
        version: answer.version,
        revision: header.revision,
    })
}

/// The cluster's members, as the node at `address` (`host:port`) knows them, within one second.
///
/// # Errors
/// The address, and why there is no answer.
pub async fn member_list(address: &str) -> Result<Vec<Member>, String> {
    let answer = ask(address, async {
        let mut client = ClusterClient::new(channel::open(address).await?);
        client.member_list(MemberListRequest {}).await.map_err(|status| error::describe(&status))
    })
    .await?
    .into_inner();
    let member = |member: etcdserverpb::Member| Member {
        id: member.id,
        name: member.name,
        learns: member.is_learner,
    };
    Ok(answer.members.into_iter().map(member).collect())
}

async fn ask<T>(
    address: &str,
    question: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    tokio::time::timeout(DEADLINE, question)
        .await
        .unwrap_or_else(|_| Err("no answer within 1 s".to_owned()))
        .map_err(|reason| format!("etcd at {address}: {reason}"))
}
