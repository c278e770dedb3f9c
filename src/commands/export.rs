//! `isobar export RUN|FILE`

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use isobar_checkers::history::{History, text};

use super::check::{self, InputFormat};
use super::{Failure, Global};
use crate::exit::Exit;
use crate::store::RunDirectory;
use crate::terminal;

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// A run, or a history in any format that `check` reads; `-` for standard input
    #[arg(value_name = "RUN|FILE", default_value = "-1", allow_hyphen_values = true)]
    input: String,
    /// What to write
    #[arg(long, value_enum, default_value = "edn")]
    to: ExportFormat,
    /// The format of FILE, where it is not found out
    #[arg(long, value_enum)]
    format: Option<InputFormat>,
    /// Where to write it, instead of to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ExportFormat {
    /// An operation per line, as Jepsen, Knossos and elle-cli read them
    Edn,
    /// An event per line, as JSON: isobar's own
    Jsonl,
}

/// Writes a history in another format. Faults are not part of either.
pub fn export(args: &ExportArgs, global: &Global) -> Result<Exit, Failure> {
    let path = match check::as_file(&args.input) {
        true => args.input.clone(),
        false => {
            let run = RunDirectory::find(&global.store, &args.input).map_err(Failure::usage)?;
            run.file("history.jsonl").to_string_lossy().into_owned()
        }
    };
    let history = check::read(&path, args.format)?;
    match &args.output {
        None => match write(args.to, &history, io::stdout().lock()) {
            // Whoever reads has enough, as `head` has.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Valid),
            written => written.map(|()| Exit::Valid).map_err(Failure::set_up),
        },
        Some(file) => {
            let told = |error| Failure::set_up(format!("cannot write {}: {error}", file.display()));
            write(args.to, &history, File::create(file).map_err(told)?).map_err(|error| {
                // Half a history would be taken for one.
                let _ = fs::remove_file(file);
                told(error)
            })?;
            terminal::note(&format!("{}: {} operations", file.display(), history.len()));
            Ok(Exit::Valid)
        }
    }
}

fn write(format: ExportFormat, history: &History, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    match format {
        ExportFormat::Edn => text::edn(history, &mut out)?,
        ExportFormat::Jsonl => text::jsonl(history, &mut out)?,
    }
    out.flush()
}
