//! A process that does nothing but keep the user namespace of a lab, its network and its files
//! while no controller is there.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::lab::LabError;
use crate::lab::state::record_first_process;

/// The hidden subcommand which calls [`run`].
pub const SUBCOMMAND: &str = "lab-holder";

const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, clap::Args)]
pub struct HolderArgs {
    /// The lab's.
    #[arg(long)]
    directory: PathBuf,
}

/// Waits to be killed, or for the lab to be gone.
pub fn run(args: &HolderArgs) -> Result<Infallible, LabError> {
    record_first_process(&args.directory)?;
    while args.directory.exists() {
        thread::sleep(LOOK_EVERY);
    }
    Err(LabError::io(&args.directory, ErrorKind::NotFound.into()))
}
