//! `faults:` what goes wrong, where and when.

mod clock;
mod damage;
mod disk;
mod limit;
mod membership;
mod mix;
mod packet;
mod partition;
mod process;
mod schedule;
mod targets;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

pub use clock::{ClockBumpSpec, ClockDriftSpec, ClockStrobeSpec, ProcessClockSpec, Way};
pub use damage::DamageSpec;
pub use disk::{DiskFaultSpec, DiskFillSpec, DiskSlowSpec};
pub use limit::{CpuLimitSpec, FileLimitSpec, MemoryLimitSpec};
pub use membership::{MemberChange, MembershipSpec};
pub(super) use mix::faults;
pub use mix::{MixSpec, Preset, PresetSpec};
pub use packet::{
    DelaySpec, Distribution, Links, LossSpec, NoiseSpec, RateSpec, ReorderSpec, SilentCorruptSpec,
};
pub use partition::{Direction, PartitionSpec, Split};
pub use process::{CrashLoopSpec, ProcessFaultSpec, RollingSpec};
pub use schedule::Schedule;
pub use targets::Targets;

/// One track of faults. Tracks run side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultSpec {
    Partition(PartitionSpec),
    /// Packets take longer.
    Delay(DelaySpec),
    /// Packets get lost.
    Loss(LossSpec),
    /// Packets arrive twice.
    Duplicate(NoiseSpec),
    /// Packets arrive with a wrong bit, and are thrown away by the receiver's checksum.
    Corrupt(NoiseSpec),
    /// Packets arrive with a wrong bit in their data, and the receiver's checksum says nothing.
    SilentCorrupt(SilentCorruptSpec),
    /// Packets overtake others.
    Reorder(ReorderSpec),
    /// Links carry less.
    Rate(RateSpec),
    /// SIGKILL; started again at the end.
    Kill(ProcessFaultSpec),
    /// SIGTERM, and SIGKILL if that does not help within 5 s; started again at the end.
    Term(ProcessFaultSpec),
    /// SIGSTOP; SIGCONT at the end.
    Pause(ProcessFaultSpec),
    /// As a pause, but by the kernel's freezer: the process cannot know.
    Freeze(ProcessFaultSpec),
    /// Stop and start at once; `for` has no meaning here.
    Restart(ProcessFaultSpec),
    /// Ends the connections of a database's clients; `for` has no meaning here.
    Disconnect(ProcessFaultSpec),
    /// Restarts the targets one after another.
    RollingRestart(RollingSpec),
    /// SIGKILL, and all data removed; started again, empty, at the end.
    Wipe(ProcessFaultSpec),
    /// The whole node, switched off; switched on again at the end.
    Power(ProcessFaultSpec),
    /// Killed and started again and again.
    CrashLoop(CrashLoopSpec),
    /// Members leave the cluster, join it, or are replaced.
    Membership(MembershipSpec),
    /// The newest file of the stopped system loses its end; for good.
    Truncate(DamageSpec),
    /// One bit of the stopped system's newest file is wrong; for good.
    BitFlip(DamageSpec),
    /// The file system of the data is full.
    DiskFill(DiskFillSpec),
    /// The file system of the data cannot be written any more.
    DiskReadOnly(DiskFaultSpec),
    /// Reads and writes of the disk take longer.
    DiskSlow(DiskSlowSpec),
    /// Reads and writes of the disk fail.
    DiskError(DiskFaultSpec),
    /// SIGKILL, and what was not synchronised to the disk is gone; started again at the end.
    LostWrites(DiskFaultSpec),
    /// The process may open so many files and sockets.
    FileLimit(FileLimitSpec),
    /// The processes get so much of one core.
    CpuLimit(CpuLimitSpec),
    /// The processes may take so much more memory.
    MemoryLimit(MemoryLimitSpec),
    /// The clock is wrong by so much.
    ClockBump(ClockBumpSpec),
    /// The clock jumps to and fro.
    ClockStrobe(ClockStrobeSpec),
    /// The clock runs too fast, or too slow.
    ClockDrift(ClockDriftSpec),
    /// The clock of the system's process is wrong, not the machine's.
    ProcessClock(ProcessClockSpec),
    /// Each time one of several, drawn by the seed.
    Random(MixSpec),
    /// Several in turn.
    Sequence(MixSpec),
}

/// A fault's settings, with those that all faults have: when, and what to do where it cannot be.
macro_rules! fault_spec {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $($(#[$field_about:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq)]
        #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_about])* pub $field: $type,)*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub every: Option<$crate::spec::Span>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub r#for: Option<$crate::spec::Span>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub at: Option<$crate::spec::Span>,
            /// Where a node cannot do it.
            #[serde(default)]
            pub on_unavailable: $crate::spec::OnUnavailable,
        }

        impl $name {
            pub(super) fn schedule(&self) -> $crate::spec::Schedule {
                $crate::spec::Schedule::new(self.every, self.r#for, self.at)
            }
        }
    };
}
use fault_spec;

/// What to do about a fault which a node cannot have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnUnavailable {
    /// Nothing is started.
    #[default]
    Fail,
    /// The run goes on without it, and says so.
    Skip,
}

/// Calls a method of the settings, whatever the fault is.
macro_rules! of_any {
    ($fault:expr, $settings:ident => $what:expr) => {
        match $fault {
            FaultSpec::Partition($settings) => $what,
            FaultSpec::Delay($settings) => $what,
            FaultSpec::Loss($settings) => $what,
            FaultSpec::Duplicate($settings) | FaultSpec::Corrupt($settings) => $what,
            FaultSpec::Reorder($settings) => $what,
            FaultSpec::SilentCorrupt($settings) => $what,
            FaultSpec::Rate($settings) => $what,
            FaultSpec::Kill($settings)
            | FaultSpec::Term($settings)
            | FaultSpec::Pause($settings)
            | FaultSpec::Freeze($settings)
            | FaultSpec::Restart($settings)
            | FaultSpec::Disconnect($settings)
            | FaultSpec::Wipe($settings)
            | FaultSpec::Power($settings) => $what,
            FaultSpec::RollingRestart($settings) => $what,
            FaultSpec::CrashLoop($settings) => $what,
            FaultSpec::Membership($settings) => $what,
            FaultSpec::Truncate($settings) | FaultSpec::BitFlip($settings) => $what,
            FaultSpec::DiskFill($settings) => $what,
            FaultSpec::DiskReadOnly($settings)
            | FaultSpec::DiskError($settings)
            | FaultSpec::LostWrites($settings) => $what,
            FaultSpec::DiskSlow($settings) => $what,
            FaultSpec::FileLimit($settings) => $what,
            FaultSpec::CpuLimit($settings) => $what,
            FaultSpec::MemoryLimit($settings) => $what,
            FaultSpec::ClockBump($settings) => $what,
            FaultSpec::ClockStrobe($settings) => $what,
            FaultSpec::ClockDrift($settings) => $what,
            FaultSpec::ProcessClock($settings) => $what,
            FaultSpec::Random($settings) | FaultSpec::Sequence($settings) => $what,
        }
    };
}

impl FaultSpec {
    /// The fault's name in specifications, histories and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Partition(_) => "partition",
            Self::Delay(_) => "delay",
            Self::Loss(_) => "loss",
            Self::Duplicate(_) => "duplicate",
            Self::Corrupt(_) => "corrupt",
            Self::Reorder(_) => "reorder",
            Self::SilentCorrupt(_) => "silent-corrupt",
            Self::Rate(_) => "rate",
            Self::Kill(_) => "kill",
            Self::Term(_) => "term",
            Self::Pause(_) => "pause",
            Self::Freeze(_) => "freeze",
            Self::Restart(_) => "restart",
            Self::Disconnect(_) => "disconnect",
            Self::RollingRestart(_) => "rolling-restart",
            Self::Wipe(_) => "wipe",
            Self::Power(_) => "power",
            Self::CrashLoop(_) => "crash-loop",
            Self::Membership(_) => "membership",
            Self::Truncate(_) => "truncate",
            Self::BitFlip(_) => "bit-flip",
            Self::DiskFill(_) => "disk-fill",
            Self::DiskReadOnly(_) => "disk-read-only",
            Self::DiskSlow(_) => "disk-slow",
            Self::DiskError(_) => "disk-error",
            Self::LostWrites(_) => "lost-writes",
            Self::FileLimit(_) => "file-limit",
            Self::CpuLimit(_) => "cpu-limit",
            Self::MemoryLimit(_) => "memory-limit",
            Self::ClockBump(_) => "clock-bump",
            Self::ClockStrobe(_) => "clock-strobe",
            Self::ClockDrift(_) => "clock-drift",
            Self::ProcessClock(_) => "process-clock",
            Self::Random(_) => "random",
            Self::Sequence(_) => "sequence",
        }
    }

    pub fn schedule(&self) -> Schedule {
        of_any!(self, settings => settings.schedule())
    }

    /// Its track begins at another time.
    pub fn begin_at(&mut self, at: Span) {
        of_any!(self, settings => settings.at = Some(at));
    }

    pub fn on_unavailable(&self) -> OnUnavailable {
        of_any!(self, settings => settings.on_unavailable)
    }

    /// The faults of a mix, down to the last one; else the fault itself.
    pub fn leaves(&self) -> Vec<&Self> {
        match self {
            Self::Random(mix) | Self::Sequence(mix) => {
                mix.of.iter().flat_map(Self::leaves).collect()
            }
            _ => vec![self],
        }
    }

    /// How long it lasts, if it says so itself.
    pub fn lasts(&self) -> Option<Span> {
        of_any!(self, settings => settings.r#for)
    }

    /// The nodes that it hits; `None` for a partition, which divides all, and for a mix.
    pub fn targets(&self) -> Option<&Targets> {
        match self {
            Self::Partition(_) | Self::Random(_) | Self::Sequence(_) => None,
            Self::Delay(delay) => Some(&delay.targets),
            Self::Loss(loss) => Some(&loss.targets),
            Self::Duplicate(noise) | Self::Corrupt(noise) => Some(&noise.targets),
            Self::Reorder(reorder) => Some(&reorder.targets),
            Self::SilentCorrupt(noise) => Some(&noise.targets),
            Self::Rate(rate) => Some(&rate.targets),
            Self::Kill(process)
            | Self::Term(process)
            | Self::Pause(process)
            | Self::Freeze(process)
            | Self::Restart(process)
            | Self::Disconnect(process)
            | Self::Wipe(process)
            | Self::Power(process) => Some(&process.targets),
            Self::RollingRestart(rolling) => Some(&rolling.targets),
            Self::CrashLoop(crash) => Some(&crash.targets),
            Self::Membership(membership) => Some(&membership.targets),
            Self::Truncate(damage) | Self::BitFlip(damage) => Some(&damage.targets),
            Self::DiskFill(fill) => Some(&fill.targets),
            Self::DiskReadOnly(disk) | Self::DiskError(disk) | Self::LostWrites(disk) => {
                Some(&disk.targets)
            }
            Self::DiskSlow(slow) => Some(&slow.targets),
            Self::FileLimit(limit) => Some(&limit.targets),
            Self::CpuLimit(limit) => Some(&limit.targets),
            Self::MemoryLimit(limit) => Some(&limit.targets),
            Self::ClockBump(clock) => Some(&clock.targets),
            Self::ClockStrobe(clock) => Some(&clock.targets),
            Self::ClockDrift(clock) => Some(&clock.targets),
            Self::ProcessClock(clock) => Some(&clock.targets),
        }
    }

    /// For a fault of packets, which links and port of the targets it is on.
    pub fn links(&self) -> Option<Links<'_>> {
        let (to, port) = match self {
            Self::Delay(delay) => (&delay.to, delay.port),
            Self::Loss(loss) => (&loss.to, loss.port),
            Self::Duplicate(noise) | Self::Corrupt(noise) => (&noise.to, noise.port),
            Self::Reorder(reorder) => (&reorder.to, reorder.port),
            Self::SilentCorrupt(noise) => (&noise.to, noise.port),
            Self::Rate(rate) => (&rate.to, rate.port),
            _ => return None,
        };
        Some(Links { to, port })
    }
}
