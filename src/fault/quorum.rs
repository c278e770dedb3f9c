//! Whether the nodes that are left can still agree among themselves. Pure.

use std::collections::BTreeSet;

use super::effect::Effect;
use super::targets::majority;
use crate::system::Voter;

/// What faults in force take from a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Nodes that cannot be counted on.
    pub down: BTreeSet<String>,
    /// Receivers, each with a sender that it does not hear.
    pub deaf: BTreeSet<(String, String)>,
}

impl Losses {
    pub fn of(effect: &Effect) -> Self {
        match effect {
            Effect::Partition { grudge, .. } => {
                let links = grudge.0.iter().flat_map(|(receiver, senders)| {
                    senders.iter().map(|sender| (receiver.clone(), sender.clone()))
                });
                Self { down: BTreeSet::new(), deaf: links.collect() }
            }
            // Late, lost or doubled packets and wrong clocks slow a node down; it is there.
            Effect::Packets { .. } | Effect::Clock { .. } => Self::default(),
            // A member that is about to be removed is lost, and still counted: rather too little
            // is left than too much. Once it is removed, the members are fewer.
            _ => Self { down: effect.harmed().into_iter().collect(), deaf: BTreeSet::new() },
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.down.extend(other.down.iter().cloned());
        self.deaf.extend(other.deaf.iter().cloned());
    }

    /// Whether one of `voters` still exchanges packets with a majority of them, itself included:
    /// then it can lead. A voter fares as the node that it is on.
    pub fn leave_a_majority(&self, voters: &BTreeSet<Voter>) -> bool {
        let hosts = voters.iter().map(|voter| voter.host.as_str());
        let up: Vec<&str> = hosts.filter(|node| !self.down.contains(*node)).collect();
        let hears = |a: &str, b: &str| !self.deaf.contains(&(a.to_owned(), b.to_owned()));
        up.iter().any(|leader| {
            let follows =
                |node: &&&str| node == &leader || (hears(leader, node) && hears(node, leader));
            up.iter().filter(follows).count() >= majority(voters.len())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<Voter> {
        names.iter().map(|name| Voter::alone(*name)).collect()
    }

    fn lost(down: &[&str], deaf: &[(&str, &str)]) -> Losses {
        let pair = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        let down = down.iter().map(|name| (*name).to_owned()).collect();
        Losses { down, deaf: deaf.iter().map(pair).collect() }
    }

    #[test]
    fn a_majority_is_left_when_one_node_can_lead_it() {
        let three = names(&["n1", "n2", "n3"]);
        assert!(lost(&[], &[]).leave_a_majority(&three));
        assert!(lost(&["n1"], &[]).leave_a_majority(&three));
        assert!(!lost(&["n1", "n3"], &[]).leave_a_majority(&three));
        // n1 is alone, heard or not.
        assert!(lost(&[], &[("n2", "n1"), ("n3", "n1")]).leave_a_majority(&three));
        // One dead and one alone are two.
        assert!(!lost(&["n2"], &[("n3", "n1")]).leave_a_majority(&three));
        // A chain: n2 hears both others, and they it.
        assert!(lost(&[], &[("n1", "n3"), ("n3", "n1")]).leave_a_majority(&three));
        // Of two members both are the majority.
        assert!(!lost(&["n1"], &[]).leave_a_majority(&names(&["n1", "n2"])));
        assert!(lost(&["n3"], &[]).leave_a_majority(&names(&["n1", "n2"])));
    }

    #[test]
    fn a_guest_votes_and_fares_as_its_host() {
        let mut four = names(&["n1", "n2", "n3"]);
        four.insert(Voter { name: "n3-guest".to_owned(), host: "n3".to_owned() });
        assert!(lost(&["n1"], &[]).leave_a_majority(&four));
        assert!(!lost(&["n3"], &[]).leave_a_majority(&four));
        // Cut off, n3 and its guest are two of four.
        let cut = [("n1", "n3"), ("n2", "n3"), ("n3", "n1"), ("n3", "n2")];
        assert!(!lost(&[], &cut).leave_a_majority(&four));
        let other = [("n1", "n2"), ("n2", "n1"), ("n3", "n1"), ("n1", "n3")];
        assert!(lost(&[], &other).leave_a_majority(&four));
    }

    #[test]
    fn losses_add_up() {
        let mut all = lost(&["n1"], &[]);
        all.add(&lost(&["n2"], &[("n3", "n4")]));
        let five = names(&["n1", "n2", "n3", "n4", "n5"]);
        assert!(all.leave_a_majority(&five), "n5 hears n3 and n4");
        all.add(&lost(&[], &[("n5", "n4")]));
        assert!(!all.leave_a_majority(&five));
    }
}
