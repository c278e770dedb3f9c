//! Reads isobar's own `history.jsonl`, and others' JSON with an event per line.
//!
//! The file is cut into pieces of whole lines. Where these are transactions, the next pieces are
//! scanned on every core, each with names of its own for values, while the events of others are
//! paired, in their order. Lines of one value each are read on one core: there is so little to do
//! for each that handing them on takes as long.

use std::io::BufRead;

use super::pairing::{Record, Stamp};
use super::pieces::Pieces;
use super::renaming::Provisional;
use super::scan::Scanner;
use super::{History, HistoryBuilder, HistoryError, Problem, ReadError, decode};

/// Pieces that are scanned at a time, per thread: enough that threads seldom wait for each other.
const PIECES: usize = 8;

/// Reads a whole history; `name` is what errors call it.
///
/// A last line which has no newline and makes no sense was torn when its writer was killed: it is
/// left out and told in `remarks`. Empty lines are skipped.
///
/// # Errors
/// [`ReadError`] with file, line and column, and what was expected there.
pub fn read(name: &str, reader: impl BufRead) -> Result<History, ReadError> {
    let mut file = Pieces::new(name, reader);
    let mut pairing = Pairing::new(name);
    let (mut bytes, mut scanner) = (Vec::new(), Scanner::default());
    while !scanner.is_in_transactions() {
        file.next(&mut bytes)?;
        if bytes.is_empty() {
            return Ok(pairing.builder.finish());
        }
        pairing.read(&bytes, &mut scanner)?;
    }
    side_by_side(&mut file, &mut pairing)?;
    Ok(pairing.builder.finish())
}

/// Reads the rest of a file on every core.
fn side_by_side<R: BufRead>(
    file: &mut Pieces<R>,
    pairing: &mut Pairing<'_>,
) -> Result<(), ReadError> {
    let [mut following, mut unscanned, mut scanned] = [const { Vec::<Piece>::new() }; 3];
    loop {
        let (mut cut, mut paired) = (Ok(()), Ok(()));
        // The thread of the caller is none of those that compute.
        rayon::in_place_scope(|scope| {
            scope.spawn(|_| paired = scanned.iter_mut().try_for_each(|piece| pairing.take(piece)));
            for piece in &mut unscanned {
                scope.spawn(|_| piece.scan());
            }
            cut = cut_some(file, &mut following);
        });
        paired?;
        cut?;
        if following.is_empty() && unscanned.is_empty() {
            return Ok(());
        }
        // What was paired is room for what follows next.
        std::mem::swap(&mut scanned, &mut unscanned);
        std::mem::swap(&mut unscanned, &mut following);
    }
}

/// The next pieces of a file, in the room of others; none at its end.
fn cut_some<R: BufRead>(file: &mut Pieces<R>, pieces: &mut Vec<Piece>) -> Result<(), ReadError> {
    pieces.resize_with(PIECES * rayon::current_num_threads(), Piece::default);
    for piece in pieces.iter_mut() {
        file.next(&mut piece.bytes)?;
    }
    pieces.retain(|piece| !piece.bytes.is_empty());
    Ok(())
}

/// Some lines, and their events.
#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    scanner: Scanner,
    /// Of the values of `lines`.
    provisional: Provisional,
    /// Up to the first that is wrong.
    lines: Vec<Line>,
}

/// The event of a line that is not empty.
struct Line {
    /// In its piece, from 1.
    number: usize,
    event: Scanned,
}

enum Scanned {
    Usual(Record),
    Unusual(Box<decode::Members>),
    Wrong(serde_json::Error),
}

/// The lines that are not empty: the number of each, from 1, and its length in what lies ahead of
/// its begin.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8], usize)> {
    let (mut start, mut number) = (0, 0);
    std::iter::from_fn(move || {
        while start < bytes.len() {
            let ahead = &bytes[start..];
            let length = memchr::memchr(b'\n', ahead).unwrap_or(ahead.len());
            start += length + 1;
            number += 1;
            let length = ahead[..length].trim_ascii_end().len();
            if length > 0 {
                return Some((number, ahead, length));
            }
        }
        None
    })
}

impl Piece {
    /// Scans the lines, whatever was scanned before.
    fn scan(&mut self) {
        self.provisional.begin_again();
        self.lines.clear();
        let names = &mut self.provisional.names;
        for (number, ahead, length) in lines(&self.bytes) {
            let event = match self.scanner.record(ahead, length, names) {
                Some(record) => Scanned::Usual(record),
                None => match serde_json::from_slice(&ahead[..length]) {
                    Ok(members) => Scanned::Unusual(members),
                    Err(error) => Scanned::Wrong(error),
                },
            };
            let wrong = matches!(event, Scanned::Wrong(_));
            self.lines.push(Line { number, event });
            if wrong {
                return;
            }
        }
    }
}

/// Pairs the events of a file.
struct Pairing<'a> {
    /// The name of the file.
    name: &'a str,
    builder: HistoryBuilder,
    /// Lines before the next piece.
    before: usize,
}

impl<'a> Pairing<'a> {
    fn new(name: &'a str) -> Self {
        let mut builder = HistoryBuilder::new();
        builder.keying.look_for_tuples();
        Self { name, builder, before: 0 }
    }

    /// Scans the lines of a piece, and pairs their events.
    fn read(&mut self, bytes: &[u8], scanner: &mut Scanner) -> Result<(), ReadError> {
        for (number, ahead, length) in lines(bytes) {
            let builder = &mut self.builder;
            let paired = match scanner.record(ahead, length, &mut builder.names) {
                Some(record) => builder.record(record),
                None => match serde_json::from_slice(&ahead[..length]) {
                    Ok(members) => push(members, builder),
                    Err(error) => return self.wrong(number, &error, bytes),
                },
            };
            paired.map_err(ReadError::at(self.name, self.before + number))?;
        }
        self.pass(bytes);
        Ok(())
    }

    /// Pairs the events of a piece that was scanned.
    fn take(&mut self, piece: &mut Piece) -> Result<(), ReadError> {
        if piece.provisional.names.is_full() {
            let (line, problem) = (self.before + 1, Problem::TooManyValues.to_string());
            return Err(ReadError::Syntax { file: self.name.to_owned(), line, column: 0, problem });
        }
        for Line { number, event } in piece.lines.drain(..) {
            let builder = &mut self.builder;
            let paired = match event {
                Scanned::Usual(record) => {
                    let record = piece.provisional.rename(&record, &mut builder.names);
                    builder.record(record)
                }
                Scanned::Unusual(members) => push(*members, builder),
                Scanned::Wrong(error) => return self.wrong(number, &error, &piece.bytes),
            };
            paired.map_err(ReadError::at(self.name, self.before + number))?;
        }
        self.pass(&piece.bytes);
        Ok(())
    }

    /// The lines of a piece are done with.
    fn pass(&mut self, bytes: &[u8]) {
        self.before += memchr::memchr_iter(b'\n', bytes).count();
    }

    /// A line makes no sense: an error, unless the file was cut off there.
    fn wrong(
        &mut self,
        number: usize,
        error: &serde_json::Error,
        bytes: &[u8],
    ) -> Result<(), ReadError> {
        let line = self.before + number;
        if number > memchr::memchr_iter(b'\n', bytes).count() {
            self.builder.remarks.push(format!("line {line}, the last, is torn: left out"));
            return Ok(());
        }
        Err(ReadError::Syntax {
            file: self.name.to_owned(),
            line,
            column: error.column(),
            problem: without_place(error),
        })
    }
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
