//! See the README for what isobar is, and `lib.rs` for how it is built.

use std::process::ExitCode;

use clap::Parser as _;
use isobar::cli::{self, Cli};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let color = cli.global.color;
    match cli::dispatch(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            isobar::terminal::error(&failure.message, color);
            ExitCode::from(failure.exit.code())
        }
    }
}
