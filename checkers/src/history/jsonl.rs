//! Reads isobar's own `history.jsonl`, and others' JSON with an event per line.

use std::io::BufRead;

use super::pairing::Stamp;
use super::scan::Scanner;
use super::source::Source;
use super::{History, HistoryBuilder, HistoryError, ReadError, decode};

/// Reads a whole history; `name` is what errors call it.
///
/// A last line which has no newline and makes no sense was torn when its writer was killed: it is
/// left out and told in `remarks`. Empty lines are skipped.
///
/// # Errors
/// [`ReadError`] with file, line and column, and what was expected there.
pub fn read(name: &str, reader: impl BufRead) -> Result<History, ReadError> {
    let mut source = Source::new(name, reader);
    let mut builder = HistoryBuilder::new();
    builder.keying.look_for_tuples();
    let mut scanner = Scanner::default();
    let mut torn = None;
    while let Some(line) = source.line()? {
        let text = line.text();
        if text.is_empty() {
            continue;
        }
        let pushed = match scanner.record(line.ahead, line.length, &mut builder.names) {
            Some(record) => builder.record(record),
            None => match serde_json::from_slice(text) {
                Ok(members) => push(members, &mut builder),
                Err(_) if !line.ended => {
                    torn = Some(line.number);
                    continue;
                }
                Err(error) => {
                    return Err(ReadError::Syntax {
                        file: name.to_owned(),
                        line: line.number,
                        column: error.column(),
                        problem: without_place(&error),
                    });
                }
            },
        };
        pushed.map_err(ReadError::at(name, line.number))?;
    }
    if let Some(line) = torn {
        builder.remarks.push(format!("line {line}, the last, is torn: left out"));
    }
    Ok(builder.finish())
}

/// Adds an event that was decoded the slow way.
pub(super) fn push(
    members: decode::Members,
    builder: &mut HistoryBuilder,
) -> Result<(), HistoryError> {
    let (index, time) = (members.index, members.time.map(|time| time.0));
    let event = members.into_event();
    builder.event(Stamp { index, time, kind: event.kind }, event)
}

/// serde_json ends its messages with a place in the line: we have told it already.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
