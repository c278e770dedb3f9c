//! The program.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use isobar::commands::lab::{self, LabArgs};
use isobar::lab::init::{self, InitArgs};

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Lab(LabArgs),
    #[command(hide = true)]
    LabNodeInit(InitArgs),
}

fn main() -> ExitCode {
    let result = match &Cli::parse().command {
        Command::Lab(args) => lab::run(args),
        Command::LabNodeInit(args) => init::run(args).map(|never| match never {}),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            #[allow(clippy::print_stderr)]
            {
                eprintln!("error: {error}");
            }
            ExitCode::from(if error.is_usage() { 2 } else { 4 })
        }
    }
}
