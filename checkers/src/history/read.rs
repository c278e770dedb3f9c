//! What the readers share: lines, and errors with a place.

use std::io::{self, BufRead};

use super::{Event, History, HistoryError};

/// A history could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{file}: cannot read: {source}")]
    Io { file: String, source: io::Error },
    /// `column` counts bytes from 1; 0 when the line as a whole is meant.
    #[error("{file}:{line}:{column}: {problem}")]
    Syntax { file: String, line: usize, column: usize, problem: String },
    #[error("{file}:{line}: {source}")]
    History { file: String, line: usize, source: HistoryError },
    #[error("{file}: {problem}")]
    Empty { file: String, problem: String },
}

/// Reads line by line, with numbers from 1, into one buffer.
pub(super) struct Lines<R> {
    file: String,
    reader: R,
    buffer: Vec<u8>,
    number: usize,
}

/// One line without its end.
pub(super) struct Line<'a> {
    pub number: usize,
    pub text: &'a [u8],
    /// Whether a newline follows: if not, the file may have been cut off here.
    pub ended: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(file: &str, reader: R) -> Self {
        Self { file: file.to_owned(), reader, buffer: Vec::new(), number: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>, ReadError> {
        self.buffer.clear();
        let read = self.reader.read_until(b'\n', &mut self.buffer);
        let length = read.map_err(|source| ReadError::Io { file: self.file.clone(), source })?;
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        let ended = self.buffer.last() == Some(&b'\n');
        Ok(Some(Line { number: self.number, text: self.buffer.trim_ascii_end(), ended }))
    }
}

/// Pairs events read from `lines[i]` each; an error names the line.
pub(super) fn history(
    file: &str,
    events: Vec<Event>,
    lines: &[usize],
) -> Result<History, ReadError> {
    History::from_events(events).map_err(|source| ReadError::History {
        file: file.to_owned(),
        line: lines.get(source.position).copied().unwrap_or_default(),
        source,
    })
}
