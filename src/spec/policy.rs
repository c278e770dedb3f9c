//! Which faults may be in force together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What faults may take from the cluster, those in force and the next one together. The voters are
/// the members as the system knows them then; those that do not answer are lost already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Quorum {
    /// Whatever the faults say: a majority may be gone for a while.
    #[default]
    Any,
    /// A fault waits, and is skipped in the end, while it would leave no majority.
    Keep,
    /// A fault waits, and is skipped in the end, while it would leave a majority.
    Lose,
}

impl Quorum {
    pub fn is_any(&self) -> bool {
        *self == Self::Any
    }
}
