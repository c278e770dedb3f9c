//! `isobar completions SHELL` and `isobar man [COMMAND]`: drawn from the command line itself.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Failure;
use crate::cli::Cli;
use crate::exit::Exit;
use crate::terminal;

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// For which shell
    shell: Shell,
}

/// Prints a script that completes commands and options: `isobar completions bash > FILE`.
pub fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "isobar", &mut script);
    terminal::result(&String::from_utf8_lossy(&script));
    Ok(Exit::Valid)
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// The page of one command; without it, that of isobar
    command: Option<String>,
}

/// Prints a page for `man`: `isobar man run | man -l -`.
pub fn man(args: &ManArgs) -> Result<Exit, Failure> {
    let mut cli = Cli::command();
    cli.build();
    let command = match &args.command {
        None => cli,
        Some(name) => match cli.find_subcommand(name).filter(|found| !found.is_hide_set()) {
            Some(found) => found.clone(),
            None => return Err(Failure::usage(unknown(name, &cli))),
        },
    };
    let mut page = Vec::new();
    let drawn = clap_mangen::Man::new(command).render(&mut page);
    drawn.map_err(|error| Failure::new(Exit::Internal, error))?;
    terminal::result(&String::from_utf8_lossy(&page));
    Ok(Exit::Valid)
}

fn unknown(name: &str, cli: &clap::Command) -> String {
    let shown = cli.get_subcommands().filter(|command| !command.is_hide_set());
    let names: Vec<&str> = shown.map(clap::Command::get_name).collect();
    format!("there is no command `{name}`: there are {}", names.join(", "))
}
