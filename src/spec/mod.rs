//! The specification of a test: YAML in, typed and validated values out.
//!
//! Externally tagged enums (single-key maps) throughout, no `flatten` and no `untagged`, so that
//! an error points at the right place.

mod check;
mod client;
mod cluster;
mod custom;
mod diagnostic;
mod environment;
mod fault;
mod load;
mod overlay;
mod parse;
mod policy;
mod roles;
mod schema;
mod strapi;
mod threshold;
mod txn;
mod units;
mod unknown_system;
mod validate;
mod workload;

pub use check::{
    AvailabilitySpec, BankCheckSpec, CheckSpec, ConvergenceSpec, LinearizableSpec, ProfileSpec,
    SessionsSpec, SetFullSpec, StalenessSpec,
};
pub use client::{ClientSpec, HttpSpec, OperationSpec, ProcessSpec};
pub use cluster::{
    ClusterSpec, LabKind, LabSpec, LocalSpec, NodeOverride, Reach, RootlessSpec, SshSpec,
};
pub use custom::{CustomSpec, NoneSpec};
pub use diagnostic::{Diagnostic, SpecErrors};
pub use environment::with_environment;
pub use fault::{
    ClockBumpSpec, ClockDriftSpec, ClockStrobeSpec, CpuLimitSpec, CrashLoopSpec, DamageSpec,
    DelaySpec, Direction, DiskFaultSpec, DiskFillSpec, DiskSlowSpec, Distribution, FaultSpec,
    FileLimitSpec, Links, LossSpec, MemberChange, MembershipSpec, MemoryLimitSpec, MixSpec,
    NoiseSpec, OnUnavailable, PartitionSpec, Preset, PresetSpec, ProcessClockSpec,
    ProcessFaultSpec, RateSpec, ReorderSpec, RollingSpec, Schedule, SilentCorruptSpec, Split,
    Targets, Way,
};
pub use load::{Concurrency, EtcdSpec, LoadSpec, SystemSpec, ToyBug, ToySpec};
pub use overlay::{OverlayError, Setting, overlay};
pub use parse::{parse, parse_fault, to_yaml};
pub use policy::Quorum;
pub use roles::{ROLE_PREFIX, Roles};
pub use schema::schema;
pub use strapi::{RelationKind, StrapiSpec, Transfers, Uniqueness};
pub use threshold::{During, LatencySpec, VolumeSpec};
pub use txn::{
    Consistency, KeyDistributionSpec, ListAppendSpec, RwRegisterSpec, TxnLength, TxnSpec,
};
pub use units::{Bandwidth, Rate, Share, Size, Span};
pub use workload::{
    BankSpec, CounterSpec, DeleteSpec, PublishSpec, RegisterSpec, RelationSpec, SetSpec,
    UniqueSpec, WorkloadSpec,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A whole test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Spec {
    /// Of this format; 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// Names the run directory: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Everything random derives from it; drawn and printed when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    pub cluster: ClusterSpec,
    pub system: SystemSpec,
    /// How clients talk to a `custom` system, or to one that runs already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientSpec>,
    pub workload: WorkloadSpec,
    pub load: LoadSpec,
    /// In YAML a list, or `{ preset: NAME }`.
    #[serde(default, deserialize_with = "fault::faults")]
    #[schemars(schema_with = "schema::faults")]
    pub faults: Vec<FaultSpec>,
    /// Whether faults may take the majority of the nodes.
    #[serde(default, skip_serializing_if = "Quorum::is_any")]
    pub quorum: Quorum,
    /// A fault begins only when the nodes that no fault harms agree on a leader. This is waited for
    /// so long, and so long after each heal too: then the fault is skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_gate: Option<Span>,
    /// Without a word from the controller for so long, a node undoes its faults by itself.
    #[serde(default = "lease_default")]
    pub lease: Span,
    pub checks: Vec<CheckSpec>,
    /// Where an operation is looked up in your own tracing system, for the report:
    /// `https://jaeger.example/trace/{{trace}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_url: Option<String>,
}

fn lease_default() -> Span {
    Span(std::time::Duration::from_secs(30))
}
