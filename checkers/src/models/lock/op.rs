//! Acquire and release.

use crate::history::Operation;

/// What an operation on a lock did, and who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockOp {
    /// Held from now on.
    Acquire {
        /// Who holds it.
        process: u32,
    },
    /// Given back.
    Release {
        /// Who held it.
        process: u32,
    },
}

impl LockOp {
    /// Values are no part of it.
    pub(super) fn parse(operation: &Operation<'_>, what: &str) -> Result<Self, String> {
        let process = operation.process();
        match operation.f() {
            "acquire" => Ok(Self::Acquire { process }),
            "release" => Ok(Self::Release { process }),
            other => Err(format!("`{other}` is nothing a {what} does; expected acquire, release")),
        }
    }

    pub(super) fn describe(self) -> String {
        match self {
            Self::Acquire { .. } => "acquired the lock".to_owned(),
            Self::Release { .. } => "released the lock".to_owned(),
        }
    }
}

/// What the sweep must know of a lock's operation.
pub(super) trait Holding {
    fn process(&self) -> u32;
    fn acquires(&self) -> bool;
}

impl Holding for LockOp {
    fn process(&self) -> u32 {
        match *self {
            Self::Acquire { process } | Self::Release { process } => process,
        }
    }

    fn acquires(&self) -> bool {
        matches!(self, Self::Acquire { .. })
    }
}
