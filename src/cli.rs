//! The command line. It is parsed here and resolved by each command; nothing deeper sees a flag.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands;
use crate::run::Verbosity;
use crate::terminal::Color;

/// Breaks a cluster on purpose, and decides whether it kept its promises.
#[derive(Debug, Parser)]
#[command(name = "isobar", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub struct Global {
    /// Where runs are kept
    #[arg(long, global = true, value_name = "DIR", default_value = "runs", env = "ISOBAR_STORE")]
    pub store: PathBuf,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Say nothing but the result
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more about what is done
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

impl Global {
    pub fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show in 20 seconds what isobar does, on a small cluster inside this program
    Demo(commands::demo::DemoArgs),
    /// Run a test: bring the system up, load it, break things, decide, report
    Run(commands::run::RunArgs),
    /// Judge histories, or a recorded run again
    #[command(allow_negative_numbers = true)]
    Check(commands::check::CheckArgs),
    /// Explain every finding of a run or a history in full, or a word of the field
    #[command(allow_negative_numbers = true)]
    Explain(commands::explain::ExplainArgs),
    /// Say what is wrong with a specification
    Validate(commands::validate::ValidateArgs),
    /// Show which faults a run would inject, when, and by which commands
    Plan(commands::plan::PlanArgs),
    /// Say whether the nodes can do what a specification wants
    Doctor(commands::doctor::DoctorArgs),
    /// Undo every fault that a run left behind
    #[command(allow_negative_numbers = true)]
    Heal(commands::heal::HealArgs),
    /// A cluster of network namespaces on this machine
    Lab(commands::lab::LabArgs),
    /// List recorded runs
    Ls(commands::ls::LsArgs),
    /// Draw the report of a recorded run again
    #[command(allow_negative_numbers = true)]
    Report(commands::report::ReportArgs),
    /// A node of the demonstration system
    #[command(hide = true)]
    ToyNode(crate::system::toy::ToyNodeArgs),
    /// The first process of a lab node
    #[command(hide = true)]
    LabNodeInit(crate::lab::init::InitArgs),
}
