//! `checks:`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LatencySpec, ListAppendSpec, RwRegisterSpec, Share, Span, VolumeSpec, WorkloadSpec};

/// What the system promises, or should.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckSpec {
    Linearizable(LinearizableSpec),
    ListAppend(ListAppendSpec),
    RwRegister(RwRegisterSpec),
    Availability(AvailabilitySpec),
    Convergence(ConvergenceSpec),
    Staleness(StalenessSpec),
    Profile(ProfileSpec),
    Sessions(SessionsSpec),
    Latency(LatencySpec),
    Volume(VolumeSpec),
    Set(SetCheckSpec),
    SetFull(SetFullSpec),
    Counter(CounterCheckSpec),
    UniqueIds(UniqueIdsSpec),
    Bank(BankCheckSpec),
    Exclusive(ExclusiveSpec),
    Existence(ExistenceSpec),
    AtomicVisibility(AtomicVisibilitySpec),
}

impl CheckSpec {
    /// As in the specification.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linearizable(_) => "linearizable",
            Self::ListAppend(_) => "list-append",
            Self::RwRegister(_) => "rw-register",
            Self::Availability(_) => "availability",
            Self::Convergence(_) => "convergence",
            Self::Staleness(_) => "staleness",
            Self::Profile(_) => "profile",
            Self::Sessions(_) => "sessions",
            Self::Latency(_) => "latency",
            Self::Volume(_) => "volume",
            Self::Set(_) => "set",
            Self::SetFull(_) => "set-full",
            Self::Counter(_) => "counter",
            Self::UniqueIds(_) => "unique-ids",
            Self::Bank(_) => "bank",
            Self::Exclusive(_) => "exclusive",
            Self::Existence(_) => "existence",
            Self::AtomicVisibility(_) => "atomic-visibility",
        }
    }

    /// Whether it understands what the clients of `workload` do.
    pub fn judges(&self, workload: &WorkloadSpec) -> bool {
        match self {
            Self::Availability(_) | Self::Latency(_) | Self::Volume(_) => true,
            Self::Set(_) | Self::SetFull(_) => {
                matches!(workload, WorkloadSpec::Set(_) | WorkloadSpec::Relation(_))
            }
            Self::Counter(_) => matches!(workload, WorkloadSpec::Counter(_)),
            Self::UniqueIds(_) => matches!(workload, WorkloadSpec::Unique(_)),
            Self::Bank(_) => matches!(workload, WorkloadSpec::Bank(_)),
            Self::Exclusive(_) => matches!(workload, WorkloadSpec::Relation(_)),
            Self::Existence(_) => matches!(workload, WorkloadSpec::Delete(_)),
            Self::AtomicVisibility(_) => matches!(workload, WorkloadSpec::Publish(_)),
            Self::ListAppend(_) => matches!(workload, WorkloadSpec::Append(_)),
            Self::RwRegister(_) => matches!(workload, WorkloadSpec::Wr(_)),
            Self::Linearizable(_)
            | Self::Convergence(_)
            | Self::Staleness(_)
            | Self::Profile(_)
            | Self::Sessions(_) => matches!(workload, WorkloadSpec::Register(_)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LinearizableSpec {
    /// Configurations to search per key before the answer is *unknown*.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_states: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AvailabilitySpec {
    /// The least share of operations that end ok, over the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_ok: Option<Share>,
    /// The longest time from the end of a fault to the next ok operation on every node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Span>,
}

/// After the last heal, every node answers like the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConvergenceSpec {
    /// The longest time it may take; by default, until the end of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
}

/// How old what was read had become.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StalenessSpec {
    /// The oldest that a read may be; without it staleness is only measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<Span>,
}

/// What each side of each partition served, and what that cost in consistency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProfileSpec {}

/// Clients see their own writes, and never go back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SessionsSpec {}

/// What was acknowledged is in the final read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SetCheckSpec {}

/// What became of each element, by all reads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SetFullSpec {
    /// Whether a read that misses an element for a while is a violation too.
    #[serde(default)]
    pub linearizable: bool,
}

/// A read lies between what must and what may have been added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CounterCheckSpec {}

/// Nothing is given twice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct UniqueIdsSpec {}

/// All accounts together have what they had.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BankCheckSpec {
    /// Whether a balance may be below 0.
    #[serde(default)]
    pub negative_allowed: bool,
}

/// Nothing has two holders at a time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExclusiveSpec {}

/// What was deleted stays deleted, and nothing else is gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExistenceSpec {}

/// A write of several parts is seen whole or not at all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AtomicVisibilitySpec {}
