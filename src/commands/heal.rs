//! `isobar heal RUN`

use clap::Args;

use super::{Failure, Global};
use crate::exit::Exit;
use crate::fault::heal_from_journal;
use crate::lab::{Lab, LabError};
use crate::run;
use crate::spec::Roles;
use crate::store::RunDirectory;
use crate::terminal;

#[derive(Debug, Args)]
pub struct HealArgs {
    /// A run directory, a name, or -1 for the latest
    #[arg(value_name = "RUN", default_value = "-1", allow_hyphen_values = true)]
    run: String,
}

/// Undoes what the journal of a run says is open, on every node of that run. Idempotent.
pub fn heal(args: &HealArgs, global: &Global) -> Result<Exit, Failure> {
    let directory = RunDirectory::find(&global.store, &args.run).map_err(Failure::usage)?;
    let meta = directory.meta().map_err(Failure::usage)?;
    let journal = directory.file("faults.jsonl");
    if !journal.is_file() {
        terminal::result("this run ended before any fault: nothing to undo");
        return Ok(Exit::Valid);
    }
    if let Some(lab) = &meta.lab
        && matches!(Lab::find(Some(lab)), Err(LabError::Unknown { .. }))
    {
        terminal::result(&format!("lab {lab} of this run is down: nothing to undo"));
        return Ok(Exit::Valid);
    }
    let cluster = run::connect(&meta.reach, &Roles::default()).map_err(Failure::set_up)?;
    let report = heal_from_journal(&cluster, &journal).map_err(Failure::set_up)?;
    for remark in &report.remarks {
        terminal::note(remark);
    }
    let nodes = meta.nodes.len();
    if report.dirty.is_empty() {
        terminal::result(&format!("{} faults undone; all {nodes} nodes are clean", report.healed));
        if let Some(lab) = &meta.lab {
            terminal::note(&format!("lab {lab} is still up: `isobar lab down {lab}`"));
        }
        return Ok(Exit::Valid);
    }
    let dirty: Vec<String> =
        report.dirty.iter().map(|(node, why)| format!("{node} may be dirty: {why}")).collect();
    Err(Failure::new(Exit::Dirty, dirty.join("\n")))
}
