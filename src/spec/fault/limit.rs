//! Too little of what a process needs.

use super::{Targets, fault_spec};
use crate::spec::{Share, Size};

fault_spec! {
    /// At most so many files and sockets open at a time.
    pub struct FileLimitSpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "few_files")]
        pub files: u32,
    }
}

fault_spec! {
    /// All of the system's processes together get this share of one core.
    pub struct CpuLimitSpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "a_twentieth")]
        pub share: Share,
    }
}

fault_spec! {
    /// All of the system's processes together may take so much more memory; then the kernel kills.
    pub struct MemoryLimitSpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "little_memory")]
        pub more: Size,
    }
}

fn few_files() -> u32 {
    32
}

fn a_twentieth() -> Share {
    Share(0.05)
}

fn little_memory() -> Size {
    Size(16 << 20)
}
