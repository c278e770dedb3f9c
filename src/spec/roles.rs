//! `roles:` what each node is there for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cluster::Node;

/// Before the name of a role, wherever nodes can be named.
pub const ROLE_PREFIX: &str = "role:";

/// The nodes of each role: `{ app: [n1, n2, n3], db: [n4] }`.
///
/// A node runs one process, so it has one role at most. A node without a role is in no list here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Roles(pub BTreeMap<String, Vec<String>>);

impl Roles {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that the nodes have.
    pub fn of_nodes(nodes: &[Node]) -> Self {
        let mut roles = Self::default();
        for Node { name, role, .. } in nodes {
            if let Some(role) = role {
                roles.0.entry(role.clone()).or_default().push(name.clone());
            }
        }
        roles
    }

    /// The role of a node.
    pub fn of(&self, node: &str) -> Option<&str> {
        let has = |nodes: &Vec<String>| nodes.iter().any(|name| name == node);
        self.0.iter().find(|(_, nodes)| has(nodes)).map(|(role, _)| role.as_str())
    }

    /// The nodes of a role, as the specification orders them; none of a role that is not known.
    pub fn nodes(&self, role: &str) -> &[String] {
        self.0.get(role).map(Vec::as_slice).unwrap_or_default()
    }

    /// Names of nodes, with `role:NAME` replaced by the nodes of that role; each node once.
    pub fn expand(&self, names: &[String]) -> Vec<String> {
        let mut nodes: Vec<String> = Vec::new();
        for name in names {
            let all = match name.strip_prefix(ROLE_PREFIX) {
                Some(role) => self.nodes(role),
                None => std::slice::from_ref(name),
            };
            for node in all {
                if !nodes.contains(node) {
                    nodes.push(node.clone());
                }
            }
        }
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_role_stands_for_its_nodes() {
        let roles = Roles(BTreeMap::from([
            ("app".to_owned(), names(&["n2", "n1"])),
            ("db".to_owned(), names(&["n3"])),
        ]));
        assert_eq!(roles.of("n1"), Some("app"));
        assert_eq!(roles.of("n4"), None);
        assert_eq!(roles.expand(&names(&["n1", "role:app", "n4"])), ["n1", "n2", "n4"]);
        assert_eq!(roles.expand(&names(&["role:db", "role:lb"])), ["n3"]);
    }
}
