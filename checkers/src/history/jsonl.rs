//! Reads isobar's own `history.jsonl`, and others' JSON with an event per line.
//!
//! The file is cut into pieces of whole lines. While the events of some pieces are paired, in
//! their order, the next pieces are scanned on every core, each with names of its own for values.

use std::io::BufRead;

use super::pairing::{Record, Stamp};
use super::pieces::Pieces;
use super::renaming::Provisional;
use super::scan::Scanner;
use super::{History, HistoryBuilder, HistoryError, Problem, ReadError, decode};

/// Pieces that are scanned at a time, per thread: enough that threads seldom wait for each other.
const PIECES: usize = 4;

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
    let [mut following, mut unscanned, mut scanned] = [const { Vec::<Piece>::new() }; 3];
    loop {
        let (mut cut, mut paired) = (Ok(()), Ok(()));
        // The thread of the caller is none of those that compute.
        rayon::in_place_scope(|scope| {
            scope.spawn(|_| paired = scanned.iter_mut().try_for_each(|piece| pairing.take(piece)));
            for piece in &mut unscanned {
                scope.spawn(|_| piece.scan());
            }
            cut = cut_some(&mut file, &mut following);
        });
        paired?;
        cut?;
        if following.is_empty() && unscanned.is_empty() {
            return Ok(pairing.builder.finish());
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
    /// All that are not empty, up to the first that is wrong.
    lines: Vec<Line>,
    /// How many there are in all.
    count: usize,
}

/// A line that is not empty.
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

impl From<Result<Box<decode::Members>, serde_json::Error>> for Scanned {
    fn from(members: Result<Box<decode::Members>, serde_json::Error>) -> Self {
        members.map_or_else(Self::Wrong, Self::Unusual)
    }
}

impl Piece {
    /// Scans the lines, whatever was scanned before.
    fn scan(&mut self) {
        self.provisional.begin_again();
        let names = &mut self.provisional.names;
        self.lines.clear();
        self.count = 0;
        let mut start = 0;
        while start < self.bytes.len() {
            let ahead = &self.bytes[start..];
            let newline = memchr::memchr(b'\n', ahead);
            let length = newline.unwrap_or(ahead.len());
            start += length + 1;
            self.count += 1;
            let length = ahead[..length].trim_ascii_end().len();
            if length == 0 {
                continue;
            }
            let event = match self.scanner.record(ahead, length, names) {
                Some(record) => Scanned::Usual(record),
                None => serde_json::from_slice(&ahead[..length]).into(),
            };
            let event = match names.is_full() {
                true => Scanned::Wrong(serde::de::Error::custom(Problem::TooManyValues)),
                false => event,
            };
            let wrong = matches!(event, Scanned::Wrong(_));
            self.lines.push(Line { number: self.count, event });
            if wrong {
                return;
            }
        }
    }

    /// Whether the file may have been cut off in the last line.
    fn is_open(&self) -> bool {
        !self.bytes.ends_with(b"\n")
    }
}

/// Pairs the events of pieces.
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

    fn take(&mut self, piece: &mut Piece) -> Result<(), ReadError> {
        let is_open = piece.is_open();
        for line in piece.lines.drain(..) {
            let number = self.before + line.number;
            let paired = match line.event {
                Scanned::Usual(record) => {
                    let record = piece.provisional.rename(&record, &mut self.builder.names);
                    self.builder.record(record)
                }
                Scanned::Unusual(members) => push(*members, &mut self.builder),
                Scanned::Wrong(_) if is_open && line.number == piece.count => {
                    let remark = format!("line {number}, the last, is torn: left out");
                    self.builder.remarks.push(remark);
                    Ok(())
                }
                Scanned::Wrong(error) => {
                    return Err(ReadError::Syntax {
                        file: self.name.to_owned(),
                        line: number,
                        column: error.column(),
                        problem: without_place(&error),
                    });
                }
            };
            paired.map_err(ReadError::at(self.name, number))?;
        }
        self.before += piece.count;
        Ok(())
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
