//! `--output text|json|ndjson`: what a command came to, for people or for programs.

use clap::ValueEnum;
use serde::Serialize;

use super::Failure;
use crate::exit::Exit;
use crate::terminal;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    #[default]
    Text,
    /// One object of JSON
    Json,
    /// An object of JSON per line, each as soon as it is known
    Ndjson,
}

impl Output {
    pub fn is_text(self) -> bool {
        self == Self::Text
    }

    /// Prints `text`, or `value` as one line of JSON.
    pub fn print(
        self,
        text: impl FnOnce() -> String,
        value: &impl Serialize,
    ) -> Result<(), Failure> {
        match self {
            Self::Text => terminal::result(&text()),
            Self::Json | Self::Ndjson => {
                let line = serde_json::to_string(value);
                terminal::result(&line.map_err(|error| Failure::new(Exit::Internal, error))?);
            }
        }
        Ok(())
    }
}
