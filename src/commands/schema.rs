//! `isobar schema`: what an editor needs to help with specifications.

use clap::Args;

use super::Failure;
use crate::exit::Exit;
use crate::spec;
use crate::terminal;

#[derive(Debug, Args)]
pub struct SchemaArgs {}

/// Prints the JSON Schema of specifications: `isobar schema > isobar.schema.json`.
pub fn schema(_: &SchemaArgs) -> Result<Exit, Failure> {
    terminal::result(&text()?);
    Ok(Exit::Valid)
}

/// The schema as text.
pub(super) fn text() -> Result<String, Failure> {
    serde_json::to_string_pretty(&spec::schema())
        .map_err(|error| Failure::new(Exit::Internal, error))
}
