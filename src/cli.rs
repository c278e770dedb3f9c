//! The command line. It is parsed here and resolved by each command; nothing deeper sees a flag.

use std::convert::Infallible;

use clap::{Parser, Subcommand};

use crate::commands::{self, Failure, Global};
use crate::exit::Exit;
use crate::lab::{LabError, namespace, rootless, vm};
use crate::system::toy::toy_node;

/// Breaks a cluster on purpose, and decides whether it kept its promises.
#[derive(Debug, Parser)]
#[command(name = "isobar", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show in 20 seconds what isobar does, on a small cluster inside this program
    Demo(commands::demo::DemoArgs),
    /// Run a test: bring the system up, load it, break things, decide, report
    Run(commands::run::RunArgs),
    /// Run a recorded test again: the same operations and faults at the same times
    #[command(allow_negative_numbers = true)]
    Replay(commands::replay::ReplayArgs),
    /// Find the fewest faults and operations that still show what a run found
    #[command(allow_negative_numbers = true)]
    Shrink(commands::shrink::ShrinkArgs),
    /// Tell which findings of two runs are new, known or gone
    #[command(allow_negative_numbers = true)]
    Diff(commands::diff::DiffArgs),
    /// Judge histories, or a recorded run again
    #[command(allow_negative_numbers = true)]
    Check(commands::check::CheckArgs),
    /// Explain every finding of a run or a history in full, or a word of the field
    #[command(allow_negative_numbers = true)]
    Explain(commands::explain::ExplainArgs),
    /// Write a history in another format, as for Jepsen's tools
    #[command(allow_negative_numbers = true)]
    Export(commands::export::ExportArgs),
    /// Write a specification to begin with
    Init(commands::init::InitArgs),
    /// Print the JSON Schema of specifications, for editors
    Schema(commands::schema::SchemaArgs),
    /// Say what is wrong with a specification
    Validate(commands::validate::ValidateArgs),
    /// Show which faults a run would inject, when, and by which commands
    Plan(commands::plan::PlanArgs),
    /// Say whether the nodes can do what a specification wants
    Doctor(commands::doctor::DoctorArgs),
    /// Inject one fault by hand into a cluster that is up, and undo it
    Fault(commands::fault::FaultArgs),
    /// Undo every fault that a run left behind
    #[command(allow_negative_numbers = true)]
    Heal(commands::heal::HealArgs),
    /// A cluster on this machine: of namespaces, or of virtual machines
    Lab(commands::lab::LabArgs),
    /// Measure this program on this machine
    Bench(commands::bench::BenchArgs),
    /// List recorded runs
    Ls(commands::ls::LsArgs),
    /// Draw the report of a recorded run again
    #[command(allow_negative_numbers = true)]
    Report(commands::report::ReportArgs),
    /// Show all recorded runs in a browser
    Serve(commands::serve::ServeArgs),
    /// Print a script that completes commands in your shell
    Completions(commands::completions::CompletionsArgs),
    /// Print a page for `man`
    Man(commands::completions::ManArgs),
    /// A node of the demonstration system
    #[command(hide = true)]
    ToyNode(crate::system::toy::ToyNodeArgs),
    /// The first process of a lab node
    #[command(hide = true)]
    LabNodeInit(namespace::init::InitArgs),
    /// The kernel of a lab node
    #[command(hide = true)]
    LabGuest(vm::guest::GuestArgs),
    /// The first process of a rootless lab node
    #[command(hide = true)]
    LabRootlessInit(rootless::init::InitArgs),
    /// Keeps a rootless lab
    #[command(hide = true)]
    LabHolder(rootless::holder::HolderArgs),
}

/// Runs the command that was asked for; the program's exit code.
pub fn dispatch(cli: Cli) -> Result<u8, Failure> {
    let global = &cli.global;
    let exit = match cli.command {
        Command::Demo(args) => commands::demo::demo(&args, global),
        Command::Run(args) => commands::run::run(&args, global),
        Command::Replay(args) => commands::replay::replay(&args, global),
        Command::Shrink(args) => commands::shrink::shrink(&args, global),
        Command::Diff(args) => commands::diff::diff(&args, global),
        Command::Check(args) => commands::check::check(&args, global),
        Command::Explain(args) => commands::explain::explain(&args, global),
        Command::Export(args) => commands::export::export(&args, global),
        Command::Init(args) => commands::init::init(&args),
        Command::Schema(args) => commands::schema::schema(&args),
        Command::Validate(args) => commands::validate::validate(&args),
        Command::Plan(args) => commands::plan::plan(&args),
        Command::Doctor(args) => commands::doctor::doctor(&args),
        Command::Fault(args) => commands::fault::fault(&args, global),
        Command::Heal(args) => commands::heal::heal(&args, global),
        // Ends as the command on the node did.
        Command::Lab(args) => return commands::lab::run(&args).map_err(Failure::lab),
        Command::Bench(args) => commands::bench::bench(&args, global),
        Command::Ls(args) => commands::ls::ls(&args, global),
        Command::Report(args) => commands::report::report(&args, global),
        Command::Serve(args) => commands::serve::serve(&args, global),
        Command::Completions(args) => commands::completions::completions(&args),
        Command::Man(args) => commands::completions::man(&args),
        Command::ToyNode(args) => toy_node(args).map(|()| Exit::Valid).map_err(Failure::set_up),
        Command::LabNodeInit(args) => ended(namespace::init::run(&args)),
        Command::LabGuest(args) => ended(vm::guest::run(&args)),
        Command::LabRootlessInit(args) => ended(rootless::init::run(&args)),
        Command::LabHolder(args) => ended(rootless::holder::run(&args)),
    };
    exit.map(Exit::code)
}

/// What became of a process that has no end of its own.
fn ended(result: Result<Infallible, LabError>) -> Result<Exit, Failure> {
    match result {
        Ok(never) => match never {},
        Err(error) => Err(Failure::set_up(error)),
    }
}
