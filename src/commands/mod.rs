//! One verb per file, each thin: resolve the arguments, call the library, print the result.

pub mod check;
pub mod demo;
pub mod doctor;
pub mod explain;
pub mod heal;
pub mod lab;
pub mod ls;
pub mod plan;
pub mod report;
pub mod run;
pub mod validate;

use std::fs;
use std::path::Path;

use crate::cli::{Cli, Command, Global};
use crate::exit::Exit;
use crate::lab::{LabError, init};
use crate::report::Style;
use crate::spec::{self, Spec};
use crate::system::toy::toy_node;

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
}

impl Failure {
    pub fn new(exit: Exit, message: impl ToString) -> Self {
        Self { exit, message: message.to_string() }
    }

    pub fn usage(message: impl ToString) -> Self {
        Self::new(Exit::Usage, message)
    }

    fn lab(error: LabError) -> Self {
        Self::new(if error.is_usage() { Exit::Usage } else { Exit::SetUp }, error)
    }

    pub fn set_up(message: impl ToString) -> Self {
        Self::new(Exit::SetUp, message)
    }
}

/// Runs the command that was asked for; the program's exit code.
pub fn dispatch(cli: Cli) -> Result<u8, Failure> {
    let global = &cli.global;
    let exit = match cli.command {
        Command::Demo(args) => demo::demo(&args, global),
        Command::Run(args) => run::run(&args, global),
        Command::Check(args) => check::check(&args, global),
        Command::Explain(args) => explain::explain(&args, global),
        Command::Validate(args) => validate::validate(&args),
        Command::Plan(args) => plan::plan(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Heal(args) => heal::heal(&args, global),
        // Ends as the command on the node did.
        Command::Lab(args) => return lab::run(&args).map_err(Failure::lab),
        Command::Ls(args) => ls::ls(&args, global),
        Command::Report(args) => report::report(&args, global),
        Command::ToyNode(args) => toy_node(args).map(|()| Exit::Valid).map_err(Failure::set_up),
        Command::LabNodeInit(args) => match init::run(&args) {
            Ok(never) => match never {},
            Err(error) => Err(Failure::set_up(error)),
        },
    };
    exit.map(Exit::code)
}

/// Reads the specification at `path`; every mistake in it is one error.
fn read_spec(path: &Path) -> Result<Spec, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    spec::parse(&path.display().to_string(), &text).map_err(Failure::usage)
}

/// Colour for results, or none.
fn style(global: &Global) -> Style {
    if global.color.on_stdout() { Style::Ansi } else { Style::Plain }
}
