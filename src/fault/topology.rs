//! Partitions as data: which node drops whose packets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::targets::{Drawn, majority, minority_third};
use crate::spec::{Direction, Split, Targets};

/// Receiver → the senders whose packets it drops. A receiver that drops nothing is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grudge(pub BTreeMap<String, BTreeSet<String>>);

impl Grudge {
    /// The grudge of a split, given the drawn order of the nodes and the leader if it is known.
    ///
    /// Empty where the cluster is too small for such a split. An explicit grudge is taken as it
    /// is: it says of itself who does not hear whom, so it has no `direction`.
    pub fn of(split: &Split, direction: Direction, drawn: &Drawn<'_>) -> Self {
        let order = drawn.order;
        let count = order.len();
        let apart = |small: usize| Self::two(&order[..small], &order[small..], direction);
        match split {
            Split::Isolate(who) => Self::isolate(&drawn.pick(who), order, direction),
            Split::One => apart(1.min(count)),
            Split::Halves => apart(count / 2),
            Split::Majority => apart(count - majority(count).min(count)),
            Split::MinorityThird => apart(minority_third(count)),
            Split::MajoritiesRing => Self::majorities_ring(order, direction),
            Split::Bridge => Self::bridge(order, direction),
            Split::Leader => {
                let leader: Vec<String> = drawn.leader_or_first().cloned().into_iter().collect();
                Self::isolate(&leader, order, direction)
            }
            Split::Groups(groups) => {
                let groups: Vec<Vec<String>> = groups.iter().map(|who| drawn.pick(who)).collect();
                Self::groups(&groups, direction)
            }
            Split::Grudge(explicit) => {
                let mut grudge = Self::default();
                for (receivers, senders) in explicit {
                    let senders = drawn.roles.expand(senders);
                    for receiver in drawn.roles.expand(std::slice::from_ref(receivers)) {
                        senders.iter().for_each(|sender| grudge.drop(&receiver, sender));
                    }
                }
                grudge
            }
        }
    }

    /// What each of `senders` sends to each of `receivers` but itself.
    pub fn sent(senders: &[String], receivers: &[String]) -> Self {
        let mut links = Self::default();
        for receiver in receivers {
            senders.iter().for_each(|sender| links.drop(receiver, sender));
        }
        links
    }

    /// Who is dropped, or sends.
    pub fn senders(&self) -> BTreeSet<String> {
        self.0.values().flatten().cloned().collect()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every node that drops or is dropped.
    pub fn mentioned(&self) -> BTreeSet<String> {
        self.0.keys().chain(self.0.values().flatten()).cloned().collect()
    }

    fn drop(&mut self, receiver: &str, sender: &str) {
        if receiver != sender {
            self.0.entry(receiver.to_owned()).or_default().insert(sender.to_owned());
        }
    }

    /// Cuts one link; `small` is on the smaller side.
    fn cut(&mut self, small: &str, large: &str, direction: Direction) {
        if direction != Direction::Mute {
            self.drop(small, large);
        }
        if direction != Direction::Deaf {
            self.drop(large, small);
        }
    }

    fn two(small: &[String], large: &[String], direction: Direction) -> Self {
        let mut grudge = Self::default();
        for a in small {
            large.iter().for_each(|b| grudge.cut(a, b, direction));
        }
        grudge
    }

    /// Each of `alone` is its own smaller side, so two of them are cut off both ways.
    fn isolate(alone: &[String], all: &[String], direction: Direction) -> Self {
        let mut grudge = Self::default();
        for a in alone {
            all.iter().for_each(|b| grudge.cut(a, b, direction));
        }
        grudge
    }

    fn groups(groups: &[Vec<String>], direction: Direction) -> Self {
        let mut grudge = Self::default();
        for (i, one) in groups.iter().enumerate() {
            for other in &groups[i + 1..] {
                let (small, large) =
                    if one.len() <= other.len() { (one, other) } else { (other, one) };
                for a in small {
                    large.iter().for_each(|b| grudge.cut(a, b, direction));
                }
            }
        }
        grudge
    }

    /// The first node of the order is the bridge.
    fn bridge(order: &[String], direction: Direction) -> Self {
        let Some((_, rest)) = order.split_first() else { return Self::default() };
        let (small, large) = rest.split_at(rest.len() / 2);
        Self::two(small, large, direction)
    }

    /// The nodes stand in a ring; each sees itself and as many neighbours as make a majority.
    ///
    /// ```text
    /// 5 nodes:  n1 sees n5 n1 n2,  n2 sees n1 n2 n3,  n3 sees n2 n3 n4, …
    /// ```
    /// With an odd number of neighbours to see, an even ring adds the node opposite and an odd
    /// ring one neighbour more; three nodes can only be a line. Fewer than three have no such
    /// split. One way: each node is deaf (or mute) only to those on one side of it.
    fn majorities_ring(order: &[String], direction: Direction) -> Self {
        let count = order.len();
        let mut grudge = Self::default();
        if count < 3 {
            return grudge;
        }
        let others = majority(count) - 1;
        let even_ring = count.is_multiple_of(2);
        let reach = if even_ring { others / 2 } else { others.div_ceil(2) };
        let opposite = even_ring && !others.is_multiple_of(2);
        for (i, node) in order.iter().enumerate() {
            for step in 1..=count / 2 {
                let seen = step <= reach || (opposite && step == count / 2);
                let line_end = count == 3 && i == 2;
                let peer = &order[(i + step) % count];
                if !seen || line_end {
                    grudge.cut(node, peer, direction);
                }
            }
        }
        grudge
    }
}

/// The targets that a split speaks of.
pub fn targets(split: &Split) -> Vec<&Targets> {
    match split {
        Split::Leader => vec![&Targets::Leader],
        Split::Isolate(who) => vec![who],
        Split::Groups(groups) => groups.iter().collect(),
        _ => Vec::new(),
    }
}

/// The split's name, as in the specification.
pub fn split_name(split: &Split) -> String {
    let word = match split {
        Split::Isolate(who) => return format!("isolate {who}"),
        Split::One => "one",
        Split::Halves => "halves",
        Split::Majority => "majority",
        Split::MinorityThird => "minority-third",
        Split::MajoritiesRing => "majorities-ring",
        Split::Bridge => "bridge",
        Split::Leader => "leader",
        Split::Groups(_) => "groups",
        Split::Grudge(_) => "grudge",
    };
    word.to_owned()
}

/// Receivers with the same grudge together: `n1 n2 drop n3 n4 n5; n3 n4 n5 drop n1 n2`.
impl fmt::Display for Grudge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut alike: Vec<(&BTreeSet<String>, Vec<&str>)> = Vec::new();
        for (receiver, senders) in &self.0 {
            match alike.iter_mut().find(|(known, _)| *known == senders) {
                Some((_, receivers)) => receivers.push(receiver),
                None => alike.push((senders, vec![receiver])),
            }
        }
        for (i, (senders, receivers)) in alike.iter().enumerate() {
            let senders: Vec<&str> = senders.iter().map(String::as_str).collect();
            let verb = if receivers.len() == 1 { "drops" } else { "drop" };
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{} {verb} {}", receivers.join(" "), senders.join(" "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "topology_tests.rs"]
mod tests;
