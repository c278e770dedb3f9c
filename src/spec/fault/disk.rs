//! Disks that are full, slow, broken, or lose what they were given.

use std::time::Duration;

use super::{Targets, fault_spec};
use crate::spec::{Share, Span};

fault_spec! {
    /// The file system of the system's data is full.
    pub struct DiskFillSpec {
        #[serde(default)]
        pub targets: Targets,
        /// How much of its space is taken then.
        #[serde(default = "everything")]
        pub share: Share,
    }
}

fault_spec! {
    /// What is done to the disk of the system's data on these nodes.
    pub struct DiskFaultSpec {
        #[serde(default)]
        pub targets: Targets,
    }
}

fault_spec! {
    /// Each read and each write of the disk takes so much longer.
    pub struct DiskSlowSpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "a_tenth_of_a_second")]
        pub time: Span,
    }
}

fn everything() -> Share {
    Share(1.0)
}

fn a_tenth_of_a_second() -> Span {
    Span(Duration::from_millis(100))
}
