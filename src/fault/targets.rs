//! Which nodes a fault hits, as a function of one drawn order of the nodes.
//!
//! The draw is a permutation, so that every choice (one node, a half, a majority) is a prefix of
//! it, and can be shown before the run and taken again when the leader is not known.

use rand::Rng;
use rand::seq::SliceRandom;

use crate::spec::Targets;

/// The nodes in random order.
pub fn draw(nodes: &[String], rng: &mut impl Rng) -> Vec<String> {
    let mut order = nodes.to_vec();
    order.shuffle(rng);
    order
}

/// The least number of nodes that is more than half of `nodes`.
pub fn majority(nodes: usize) -> usize {
    nodes / 2 + 1
}

/// The greatest number of nodes whose rest is still a majority.
pub fn minority(nodes: usize) -> usize {
    nodes.saturating_sub(majority(nodes))
}

/// The greatest number of nodes that is less than a third of `nodes`.
pub fn minority_third(nodes: usize) -> usize {
    nodes.saturating_sub(1) / 3
}

/// Whether the choice depends on who leads at the time.
pub fn asks_leader(targets: &Targets) -> bool {
    matches!(targets, Targets::Leader | Targets::Followers)
}

/// The leader, if it is one of our nodes; otherwise the first of the order stands in for it.
pub fn leader_or_first<'a>(order: &'a [String], leader: Option<&str>) -> Option<&'a String> {
    leader.and_then(|name| order.iter().find(|node| *node == name)).or_else(|| order.first())
}

/// The nodes hit. Empty where a cluster is too small to have such a group.
pub fn pick(targets: &Targets, order: &[String], leader: Option<&str>) -> Vec<String> {
    let first = |count: usize| order[..count.min(order.len())].to_vec();
    let lead = leader_or_first(order, leader);
    match targets {
        Targets::One => first(1),
        Targets::All => order.to_vec(),
        Targets::Minority => first(minority(order.len())),
        Targets::Majority => first(majority(order.len())),
        Targets::MinorityThird => first(minority_third(order.len())),
        Targets::Leader => lead.cloned().into_iter().collect(),
        Targets::Followers => order.iter().filter(|node| Some(*node) != lead).cloned().collect(),
        Targets::Nodes(nodes) => nodes.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(count: usize) -> Vec<String> {
        (1..=count).map(|i| format!("n{i}")).collect()
    }

    #[test]
    fn groups_have_the_sizes_of_their_names() {
        let sizes = |n: usize| {
            [Targets::Minority, Targets::Majority, Targets::MinorityThird]
                .map(|targets| pick(&targets, &order(n), None).len())
        };
        assert_eq!(sizes(1), [0, 1, 0]);
        assert_eq!(sizes(2), [0, 2, 0]);
        assert_eq!(sizes(3), [1, 2, 0]);
        assert_eq!(sizes(4), [1, 3, 1]);
        assert_eq!(sizes(5), [2, 3, 1]);
        assert_eq!(sizes(7), [3, 4, 2]);
    }

    #[test]
    fn a_leader_that_is_not_ours_or_not_known_is_replaced_by_the_first_of_the_order() {
        let order = order(3);
        assert_eq!(pick(&Targets::Leader, &order, Some("n2")), ["n2"]);
        assert_eq!(pick(&Targets::Leader, &order, Some("other")), ["n1"]);
        assert_eq!(pick(&Targets::Leader, &order, None), ["n1"]);
        assert_eq!(pick(&Targets::Followers, &order, Some("n2")), ["n1", "n3"]);
        assert_eq!(pick(&Targets::Followers, &order, None), ["n2", "n3"]);
    }

    #[test]
    fn no_cluster_has_no_targets() {
        for targets in [Targets::One, Targets::Majority, Targets::Leader, Targets::Followers] {
            assert!(pick(&targets, &[], None).is_empty());
        }
    }
}
