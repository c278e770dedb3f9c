//! Limits on how the system answers, and on how much has to be asked of it: `latency`, `volume`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// The longest latencies that are allowed; without a limit they are only measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LatencySpec {
    /// Which operations the limits are about.
    #[serde(default)]
    pub during: During,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Span>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum During {
    /// All operations.
    #[default]
    Always,
    /// Those with a fault in force at any moment.
    Faults,
    /// The others.
    NoFaults,
}

/// The least that has to be done for a run to prove something; less is *unknown*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VolumeSpec {
    /// Operations that are ok.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<u64>,
    /// Of these, with a fault in force at some moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub during_faults: Option<u64>,
}
