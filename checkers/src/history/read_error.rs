//! What the readers share: errors with a place.

use std::io;

use super::HistoryError;

/// A history could not be read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentences of the variants say what their fields are")]
pub enum ReadError {
    /// The operating system gave no more.
    #[error("{file}: cannot read: {source}")]
    Io { file: String, source: io::Error },
    /// Not of the format. `column` counts bytes from 1; 0 when the line as a whole is meant.
    #[error("{file}:{line}:{column}: {problem}")]
    Syntax { file: String, line: usize, column: usize, problem: String },
    /// Events that make no history; the line of the first that does not fit.
    #[error("{file}:{line}: {source}")]
    History { file: String, line: usize, source: HistoryError },
    /// Nothing that could be a history.
    #[error("{file}: {problem}")]
    Empty { file: String, problem: String },
}

impl ReadError {
    /// Puts a place to an event that cannot be paired.
    pub(super) fn at(file: &str, line: usize) -> impl FnOnce(HistoryError) -> Self {
        move |source| Self::History { file: file.to_owned(), line, source }
    }
}
