//! Which nodes a fault hits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::spec::ROLE_PREFIX;

/// Which nodes a fault hits; drawn anew for every injection.
///
/// In YAML a word (`one`, `all`, `minority`, `majority`, `minority-third`, `leader`, `followers`),
/// `role:db` for all nodes of a role, `one of role:app` (or another word) for some of them, or a
/// list of nodes and roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Targets {
    #[default]
    One,
    All,
    Minority,
    Majority,
    MinorityThird,
    /// Asked of the system at the time of the injection.
    Leader,
    /// All but the leader.
    Followers,
    /// Those of a role's nodes that a word picks.
    Role(Box<Targets>, String),
    /// Names of nodes, and `role:NAME` for those of a role.
    Nodes(Vec<String>),
}

const WORDS: [(&str, Targets); 7] = [
    ("one", Targets::One),
    ("all", Targets::All),
    ("minority", Targets::Minority),
    ("majority", Targets::Majority),
    ("minority-third", Targets::MinorityThird),
    ("leader", Targets::Leader),
    ("followers", Targets::Followers),
];

/// Between a word and the role that it picks from.
const OF: &str = " of ";

/// The text stands for no targets.
#[derive(Debug, PartialEq, Eq)]
pub struct NoTargets;

impl FromStr for Targets {
    type Err = NoTargets;

    fn from_str(text: &str) -> Result<Self, NoTargets> {
        let word = |text: &str| {
            let known = WORDS.into_iter().find(|(known, _)| *known == text);
            known.map(|(_, targets)| targets).ok_or(NoTargets)
        };
        let (which, group) = match text.split_once(OF) {
            Some((which, group)) => (word(which.trim())?, group.trim()),
            None if text.starts_with(ROLE_PREFIX) => (Self::All, text),
            None => return word(text),
        };
        let role = group.strip_prefix(ROLE_PREFIX).filter(|role| !role.is_empty());
        role.map(|role| Self::Role(Box::new(which), role.to_owned())).ok_or(NoTargets)
    }
}

impl fmt::Display for Targets {
    /// As in a specification; nodes separated by spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(nodes) => f.write_str(&nodes.join(" ")),
            Self::Role(which, role) if **which == Self::All => write!(f, "{ROLE_PREFIX}{role}"),
            Self::Role(which, role) => write!(f, "{which}{OF}{ROLE_PREFIX}{role}"),
            word => {
                let known = WORDS.iter().find(|(_, targets)| targets == word);
                f.write_str(known.map_or("one", |(word, _)| word))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Targets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Targets;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
                let words = words.join(", ");
                write!(f, "one of {words}, role:NAME, `one of role:NAME`, ")?;
                f.write_str("or a list of nodes as [n1, n2]")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Targets, E> {
                let unknown = |_| E::invalid_value(de::Unexpected::Str(text), &self);
                text.parse().map_err(unknown)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Targets, A::Error> {
                let mut nodes = Vec::new();
                while let Some(node) = seq.next_element()? {
                    nodes.push(node);
                }
                Ok(Targets::Nodes(nodes))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for Targets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nodes(nodes) => nodes.serialize(serializer),
            words => serializer.collect_str(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_written_as_they_are_read() {
        for text in ["one", "followers", "role:db", "one of role:app", "majority of role:app"] {
            assert_eq!(text.parse::<Targets>().map(|targets| targets.to_string()), Ok(text.into()));
        }
        assert_eq!("all of role:db".parse(), "role:db".parse::<Targets>());
        for text in ["n1", "role:", "two of role:app", "one of n1", "role:a of role:b", ""] {
            assert_eq!(text.parse::<Targets>(), Err(NoTargets), "{text}");
        }
    }
}
