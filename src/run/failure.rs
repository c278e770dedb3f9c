//! Why a test could not be run.

use super::RecorderError;
use crate::cluster::RemoteError;
use crate::exit::Exit;
use crate::fault::HoldError;
use crate::judge::JudgeError;
use crate::lab::LabError;
use crate::store::StoreError;
use crate::system::SystemError;

/// A test that left nothing to judge. The cluster is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RunFailure {
    #[error(transparent)]
    Lab(#[from] LabError),
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    System(#[from] SystemError),
    #[error(transparent)]
    Hold(#[from] HoldError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    #[error(transparent)]
    Judge(#[from] JudgeError),
    #[error("{0}")]
    Doctor(String),
    #[error("nodes of a local cluster live only as long as their run; use `lab:` or `ssh:`")]
    NotByHand,
    #[error("interrupted before the load began: there is nothing to judge")]
    Interrupted,
    #[error("{0}")]
    Internal(String),
}

impl RunFailure {
    pub fn exit(&self) -> Exit {
        match self {
            Self::Interrupted => Exit::Interrupted,
            Self::Internal(_) => Exit::Internal,
            _ => Exit::SetUp,
        }
    }
}
