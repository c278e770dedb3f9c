//! Files that are not as they were written.

use super::{Targets, fault_spec};

fault_spec! {
    /// The system is killed, a file of its data is damaged, and it is started at the end.
    pub struct DamageSpec {
        #[serde(default)]
        pub targets: Targets,
        /// A pattern for names of files under the system's data directory, as `*.wal`; of several
        /// files the one written last. By default any file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub file: Option<String>,
        /// How many bytes a truncation takes away.
        #[serde(default = "some_bytes")]
        pub bytes: u64,
    }
}

fn some_bytes() -> u64 {
    64
}
