//! `isobar ls`

use clap::Args;

use super::{Failure, Global};
use crate::exit::Exit;
use crate::store::RunDirectory;
use crate::terminal;

#[derive(Debug, Args)]
pub struct LsArgs {
    /// Show at most so many runs, the latest first
    #[arg(short = 'n', long, default_value_t = 20)]
    limit: usize,
}

/// Prints a line per run: how to name it, when, verdict, directory.
pub fn ls(args: &LsArgs, global: &Global) -> Result<Exit, Failure> {
    let runs = RunDirectory::list(&global.store).map_err(Failure::set_up)?;
    if runs.is_empty() {
        terminal::note(&format!("no runs in {}", global.store.display()));
    }
    for (position, run) in runs.iter().enumerate().take(args.limit) {
        let line = match run.meta() {
            Ok(meta) => {
                let verdict = match run.results() {
                    Ok(results) => results.verdict.word().to_owned(),
                    Err(_) => "not judged".to_owned(),
                };
                let whole = if meta.complete { "" } else { " (incomplete)" };
                let shown = run.path.display();
                format!(
                    "-{}\t{}\t{}{whole}\t{}\t{shown}",
                    position + 1,
                    meta.started_at,
                    verdict,
                    meta.name
                )
            }
            Err(error) => format!("-{}\t{error}", position + 1),
        };
        terminal::result(&line);
    }
    Ok(Exit::Valid)
}
