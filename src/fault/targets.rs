//! Which nodes a fault hits, as a function of one drawn order of the nodes.
//!
//! The draw is a permutation, so that every choice (one node, a half, a majority) is a prefix of
//! it, and can be shown before the run and taken again when the leader is not known.

use rand::Rng;
use rand::seq::SliceRandom;

use crate::spec::{Roles, Targets};

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
    match targets {
        Targets::Leader | Targets::Followers => true,
        Targets::Role(which, _) => asks_leader(which),
        _ => false,
    }
}

/// What a choice of nodes depends on besides the words of the specification.
#[derive(Clone, Copy, Debug)]
pub struct Drawn<'a> {
    /// The nodes in the order that was drawn.
    pub order: &'a [String],
    /// If it is known.
    pub leader: Option<&'a str>,
    pub roles: &'a Roles,
}

impl<'a> Drawn<'a> {
    /// The leader, if it is one of our nodes; otherwise the first of the order stands in for it.
    pub fn leader_or_first(&self) -> Option<&'a String> {
        let named = self.leader.and_then(|name| self.order.iter().find(|node| *node == name));
        named.or_else(|| self.order.first())
    }

    /// The nodes hit. Empty where a cluster is too small to have such a group.
    pub fn pick(&self, targets: &Targets) -> Vec<String> {
        let order = self.order;
        let first = |count: usize| order[..count.min(order.len())].to_vec();
        let lead = self.leader_or_first();
        match targets {
            Targets::One => first(1),
            Targets::All => order.to_vec(),
            Targets::Minority => first(minority(order.len())),
            Targets::Majority => first(majority(order.len())),
            Targets::MinorityThird => first(minority_third(order.len())),
            Targets::Leader => lead.cloned().into_iter().collect(),
            Targets::Followers => {
                order.iter().filter(|node| Some(*node) != lead).cloned().collect()
            }
            Targets::Role(which, role) => {
                let among = self.roles.nodes(role);
                let order: Vec<String> =
                    order.iter().filter(|node| among.contains(node)).cloned().collect();
                Drawn { order: &order, ..*self }.pick(which)
            }
            Targets::Nodes(nodes) => self.roles.expand(nodes),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn pick(targets: &Targets, order: &[String], leader: Option<&str>) -> Vec<String> {
        Drawn { order, leader, roles: &Roles::default() }.pick(targets)
    }

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
    #[test]
    fn a_role_is_chosen_from_as_if_it_were_the_cluster() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let roles = Roles(BTreeMap::from([
            ("app".to_owned(), names(&["n1", "n2", "n3"])),
            ("db".to_owned(), names(&["n4", "n5"])),
        ]));
        let order: Vec<String> = names(&["n4", "n3", "n5", "n1", "n2"]);
        let pick = |text: &str| {
            let targets = text.parse().map_err(|_| text.to_owned());
            let drawn = Drawn { order: &order, leader: Some("n5"), roles: &roles };
            targets.map(|targets: Targets| drawn.pick(&targets))
        };
        assert_eq!(pick("role:db"), Ok(names(&["n4", "n5"])));
        assert_eq!(pick("one of role:app"), Ok(names(&["n3"])));
        assert_eq!(pick("majority of role:app"), Ok(names(&["n3", "n1"])));
        assert_eq!(pick("leader of role:db"), Ok(names(&["n5"])));
        assert_eq!(pick("leader of role:app"), Ok(names(&["n3"])));
        assert_eq!(pick("one of role:lb"), Ok(Vec::new()));
        assert!(asks_leader(&Targets::Role(Box::new(Targets::Leader), "db".to_owned())));
    }
}
