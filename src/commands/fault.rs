//! `isobar fault SPEC FAULT`

use std::path::PathBuf;

use clap::Args;

use super::run::fresh_seed;
use super::{Failure, Global, read_spec};
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::run::{Options, Progress, outage};
use crate::spec::{Span, parse_fault};
use crate::terminal;

#[derive(Debug, Args)]
pub struct FaultArgs {
    /// The specification that describes the cluster and the system on it; both have to be up
    #[arg(value_name = "SPEC")]
    spec: PathBuf,
    /// A fault as in a specification: kill, 'partition: { split: leader }'
    #[arg(value_name = "FAULT")]
    fault: String,
    /// How long it lasts; Ctrl-C ends it sooner
    #[arg(long = "for", value_name = "TIME", default_value = "30s")]
    lasts: Span,
    /// Draw everything random from this number
    #[arg(long)]
    seed: Option<u64>,
}

/// Injects one fault, waits, undoes it.
pub fn fault(args: &FaultArgs, global: &Global) -> Result<Exit, Failure> {
    let spec = read_spec(&args.spec)?;
    let fault = parse_fault(&args.fault, &spec).map_err(Failure::usage)?;
    let seed = args.seed.unwrap_or_else(fresh_seed);
    let interrupt = Interrupt::catch().map_err(|error| Failure::new(Exit::Internal, error))?;
    let progress = Progress::new(global.verbosity());
    let words = ["isobar", "fault", &args.spec.to_string_lossy(), &args.fault]
        .into_iter()
        .chain(["--for", &args.lasts.to_string(), "--seed", &seed.to_string()])
        .map(str::to_owned)
        .collect::<Vec<_>>();
    let reproduce = crate::cluster::quote(words);
    let options = Options {
        store: &global.store,
        seed,
        reproduce,
        schedule: None,
        interrupt,
        progress: &progress,
    };
    let ended = outage(&spec, &fault, args.lasts.0, &options);
    progress.finish();
    let ended = ended.map_err(|failure| Failure::new(failure.exit(), failure))?;
    ended.healed.remarks.iter().for_each(|remark| terminal::note(remark));
    if !ended.healed.dirty.is_empty() {
        let path = ended.directory.path.display();
        let dirty: Vec<String> = ended
            .healed
            .dirty
            .iter()
            .map(|(node, why)| format!("{node} is left dirty: {why}; `isobar heal {path}`"))
            .collect();
        return Err(Failure::new(Exit::Dirty, dirty.join("\n")));
    }
    if let Some(why) = ended.skipped {
        return Err(Failure::set_up(format!("{} was not injected: {why}", fault.name())));
    }
    terminal::result(&format!("{} injected and undone; all nodes are clean", fault.name()));
    Ok(Exit::Valid)
}
