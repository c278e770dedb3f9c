//! Reads isobar's own `history.jsonl`: one event per line.

use std::io::BufRead;

use super::read::{self, Lines};
use super::{Event, History, ReadError};

/// Reads a whole history; `name` is what errors call it.
///
/// A last line which has no newline and makes no sense was torn when its writer was killed: it is
/// left out and told in `remarks`. Empty lines are skipped.
///
/// # Errors
/// [`ReadError`] with file, line and column, and what was expected there.
pub fn read(name: &str, reader: impl BufRead) -> Result<History, ReadError> {
    let mut lines = Lines::new(name, reader);
    let mut events: Vec<Event> = Vec::new();
    let mut numbers = Vec::new();
    let mut torn = None;
    while let Some(line) = lines.next()? {
        if line.text.is_empty() {
            continue;
        }
        match serde_json::from_slice(line.text) {
            Ok(event) => {
                events.push(event);
                numbers.push(line.number);
            }
            Err(_) if !line.ended => torn = Some(line.number),
            Err(error) => {
                return Err(ReadError::Syntax {
                    file: name.to_owned(),
                    line: line.number,
                    column: error.column(),
                    problem: without_place(&error),
                });
            }
        }
    }
    let mut history = read::history(name, events, &numbers)?;
    if let Some(line) = torn {
        history.remarks.push(format!("line {line}, the last, is torn: left out"));
    }
    Ok(history)
}

/// serde_json ends its messages with a place in the line: we have told it already.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
