//! Clusters that have other members than before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Targets, fault_spec};

fault_spec! {
    /// Who is a member changes; at the end all are members that were.
    pub struct MembershipSpec {
        #[serde(default)]
        pub change: MemberChange,
        #[serde(default)]
        pub targets: Targets,
    }
}

/// What becomes of the member on a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MemberChange {
    /// It is removed; at the end it joins again, as a new member without data.
    #[default]
    Remove,
    /// It is removed, and a new one without data joins in its place; `for` has no meaning here.
    Replace,
    /// A second one joins on its node, and is removed at the end.
    Add,
}

impl MemberChange {
    /// As in a specification.
    pub fn name(self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Replace => "replace",
            Self::Add => "add",
        }
    }
}
