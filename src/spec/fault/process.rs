//! Processes that end, stand still, or begin again.

use std::time::Duration;

use super::{Targets, fault_spec};
use crate::spec::Span;

fault_spec! {
    /// What is done to the system's process on these nodes.
    pub struct ProcessFaultSpec {
        #[serde(default)]
        pub targets: Targets,
    }
}

fault_spec! {
    /// One node after another; the next when all agree again, and not before `gap` is over.
    pub struct RollingSpec {
        #[serde(default = "all")]
        pub targets: Targets,
        #[serde(default = "five_seconds")]
        pub gap: Span,
    }
}

fault_spec! {
    /// Killed; started `down` later; killed again `up` after that.
    pub struct CrashLoopSpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "two_seconds")]
        pub up: Span,
        #[serde(default = "one_second")]
        pub down: Span,
    }
}

fn all() -> Targets {
    Targets::All
}

fn one_second() -> Span {
    Span(Duration::from_secs(1))
}

fn two_seconds() -> Span {
    Span(Duration::from_secs(2))
}

fn five_seconds() -> Span {
    Span(Duration::from_secs(5))
}
