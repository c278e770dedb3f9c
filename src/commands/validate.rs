//! `isobar validate SPEC…`

use std::path::PathBuf;

use clap::Args;

use super::{Failure, read_spec};
use crate::exit::Exit;
use crate::terminal;

#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Specifications to read
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<PathBuf>,
}

/// Prints `FILE: ok` for each good file; the mistakes of all others are one failure.
pub fn validate(args: &ValidateArgs) -> Result<Exit, Failure> {
    let mut wrong = Vec::new();
    for path in &args.specs {
        match read_spec(path) {
            Ok(_) => terminal::result(&format!("{}: ok", path.display())),
            Err(failure) => wrong.push(failure.message),
        }
    }
    if wrong.is_empty() { Ok(Exit::Valid) } else { Err(Failure::usage(wrong.join("\n\n"))) }
}
