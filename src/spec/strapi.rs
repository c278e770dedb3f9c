//! `system: { strapi: … }`: what Strapi does where there are several ways.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Strapi on the nodes of the role `app`, PostgreSQL on that of the role `db`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StrapiSpec {
    /// What keeps names unique, for the workload `unique`.
    #[serde(default)]
    pub unique: Uniqueness,
    /// How money is moved, for the workload `bank`.
    #[serde(default)]
    pub transfers: Transfers,
    /// What the workload `relation` is on.
    #[serde(default)]
    pub relation: RelationKind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Uniqueness {
    /// `unique: true` of a field: Strapi looks before it writes.
    #[default]
    Application,
    /// An index of the database besides.
    Index,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transfers {
    /// Read and written in a transaction.
    #[default]
    Naive,
    /// Both rows are locked first.
    Locked,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RelationKind {
    #[default]
    OneToOne,
    ManyToMany,
}
