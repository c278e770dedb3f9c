//! Whether the nodes agree on a leader, asked of themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::targets::majority;
use crate::cluster::Node;
use crate::system::{Status, System, Voter};

/// What each node says of itself; a node that does not answer is not in it.
pub type Answers = BTreeMap<String, Status>;

/// Asks all nodes at once; takes no longer than `limit` and a little.
pub fn ask(
    system: &Arc<dyn System>,
    runtime: &tokio::runtime::Handle,
    nodes: &[Node],
    limit: Duration,
) -> Answers {
    let (sender, receiver) = channel();
    for node in nodes {
        let (system, node, sender) = (Arc::clone(system), node.clone(), sender.clone());
        runtime.spawn(async move {
            if let Ok(Ok(status)) = tokio::time::timeout(limit, system.status(&node)).await {
                // Nobody listens any more when the limit is over.
                let _ = sender.send((node.name, status));
            }
        });
    }
    drop(sender);
    let last = std::time::Instant::now() + limit + Duration::from_millis(200);
    let mut answers = Answers::new();
    loop {
        let rest = last.saturating_duration_since(std::time::Instant::now());
        let Ok((node, status)) = receiver.recv_timeout(rest) else { return answers };
        answers.insert(node, status);
    }
}

/// The members that vote, as the leader knows them, or else whoever answers first in the order of
/// the nodes; `None` where the system has no list of its own.
pub fn voters(
    system: &Arc<dyn System>,
    runtime: &tokio::runtime::Handle,
    nodes: &[Node],
    answers: &Answers,
) -> Option<BTreeSet<Voter>> {
    let leader = leader(answers);
    let answering = nodes.iter().filter(|node| answers.contains_key(&node.name));
    let mut asked: Vec<&Node> = answering.collect();
    asked.sort_by_key(|node| Some(&node.name) != leader.as_ref());
    asked.into_iter().find_map(|node| runtime.block_on(system.voters(node)).ok()).flatten()
}

/// The leader of the latest term that any node knows of.
pub fn leader(answers: &Answers) -> Option<String> {
    let known = answers.values().filter(|status| status.leader.is_some());
    known.max_by_key(|status| status.term).and_then(|status| status.leader.clone())
}

/// Whether every node that is not `harmed` answers.
pub fn answering(nodes: &[Node], harmed: &BTreeSet<String>, answers: &Answers) -> bool {
    let mut unharmed = nodes.iter().filter(|node| !harmed.contains(&node.name));
    unharmed.all(|node| answers.contains_key(&node.name))
}

/// Whether a majority of `nodes` and every node that is not `harmed` name the same leader of the
/// same term.
pub fn agreed(nodes: &[Node], harmed: &BTreeSet<String>, answers: &Answers) -> bool {
    let Some(leader) = leader(answers) else { return false };
    let term = answers.values().map(|status| status.term).max();
    let agrees = |node: &&Node| {
        answers.get(&node.name).is_some_and(|status| {
            status.leader.as_deref() == Some(&leader) && Some(status.term) == term
        })
    };
    let unharmed = nodes.iter().filter(|node| !harmed.contains(&node.name));
    nodes.iter().filter(agrees).count() >= majority(nodes.len())
        && unharmed.clone().all(|n| agrees(&n))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn nodes() -> Vec<Node> {
        let node = |index| Node {
            name: format!("n{}", index + 1),
            index,
            ip: Ipv4Addr::LOCALHOST.into(),
            role: None,
        };
        (0..3).map(node).collect()
    }

    fn answers(said: &[(&str, &str, u64)]) -> Answers {
        let status = |leader: &str, term| Status {
            leader: (!leader.is_empty()).then(|| leader.to_owned()),
            term,
        };
        said.iter()
            .map(|(node, leader, term)| ((*node).to_owned(), status(leader, *term)))
            .collect()
    }

    #[test]
    fn the_latest_term_tells_the_leader() {
        let said = answers(&[("n1", "n1", 4), ("n2", "n3", 5), ("n3", "", 9)]);
        assert_eq!(leader(&said).as_deref(), Some("n3"));
        assert_eq!(leader(&answers(&[("n1", "", 3)])), None);
    }

    #[test]
    fn all_unharmed_nodes_and_a_majority_have_to_agree() {
        let nobody = BTreeSet::new();
        let all = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        let whole = answers(&[("n1", "n2", 5), ("n2", "n2", 5), ("n3", "n2", 5)]);
        let behind = answers(&[("n1", "n1", 4), ("n2", "n2", 5), ("n3", "n2", 5)]);
        let silent = answers(&[("n2", "n2", 5), ("n3", "n2", 5)]);
        let alone = answers(&[("n2", "n2", 5)]);
        assert!(agreed(&nodes(), &nobody, &whole));
        assert!(!agreed(&nodes(), &nobody, &behind));
        assert!(agreed(&nodes(), &all(&["n1"]), &behind));
        assert!(!agreed(&nodes(), &nobody, &silent));
        assert!(agreed(&nodes(), &all(&["n1"]), &silent));
        assert!(!agreed(&nodes(), &all(&["n1", "n2", "n3"]), &alone));
        assert!(agreed(&nodes(), &all(&["n1", "n2", "n3"]), &silent));
        assert!(!agreed(&nodes(), &nobody, &answers(&[])));
        let leaderless = answers(&[("n2", "", 0), ("n3", "", 0)]);
        assert!(!answering(&nodes(), &nobody, &leaderless));
        assert!(answering(&nodes(), &all(&["n1"]), &leaderless));
    }
}
