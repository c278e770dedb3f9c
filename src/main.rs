use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use isobar::system::toy::{ToyNodeArgs, toy_node};

#[derive(Parser)]
enum Cli {
    #[command(hide = true)]
    ToyNode(ToyNodeArgs),
}

fn main() -> ExitCode {
    let Cli::ToyNode(args) = Cli::parse();
    match toy_node(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "isobar: {error}");
            ExitCode::from(4)
        }
    }
}
