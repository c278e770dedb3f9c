//! Which nodes a fault hits.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Which nodes a fault hits; drawn anew for every injection.
///
/// In YAML a word (`one`, `all`, `minority`, `majority`, `minority-third`, `leader`, `followers`)
/// or a list of node names.
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

impl<'de> Deserialize<'de> for Targets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Targets;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
                write!(f, "one of {}, or a list of nodes as [n1, n2]", words.join(", "))
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Targets, E> {
                WORDS
                    .into_iter()
                    .find_map(|(known, targets)| (known == word).then_some(targets))
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(word), &self))
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
        if let Self::Nodes(nodes) = self {
            return nodes.serialize(serializer);
        }
        let word = WORDS.iter().find_map(|(word, targets)| (targets == self).then_some(*word));
        serializer.serialize_str(word.unwrap_or("one"))
    }
}
