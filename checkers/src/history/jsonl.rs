//! Reads isobar's own `history.jsonl`, and others' JSON with an event per line.
//!
//! The file is cut into pieces of whole lines. Where these are transactions, pieces are scanned on
//! several cores, each with names of its own for values, and their events are paired in order,
//! each piece by the core that has it at hand. Lines of one value each are read on one core: there
//! is so little to do for each that taking turns takes as long.

use std::io::Read;
use std::panic::resume_unwind;
use std::thread::{self, ScopedJoinHandle};

use super::pairing::{Record, Stamp};
use super::pieces::Pieces;
use super::renaming::Provisional;
use super::ring::{Place, ring};
use super::scan::Scanner;
use super::{History, HistoryBuilder, HistoryError, Problem, ReadError, decode};

/// More would wait for each other: half of the work is done by one at a time.
const THREADS_MAX: usize = 3;

/// Reads a whole history; `name` is what errors call it.
///
/// A last line which has no newline and is no whole object was torn when its writer was killed: it
/// is left out and told in `remarks`. Empty lines are skipped.
///
/// # Errors
/// [`ReadError`] with file, line and column, and what was expected there.
pub fn read(name: &str, reader: impl Read + Send) -> Result<History, ReadError> {
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

/// Reads the rest of a file on every core: each thread cuts a piece off when it is its turn, scans
/// it, and pairs its events when those before are paired.
fn side_by_side<R: Read + Send>(
    file: &mut Pieces<R>,
    pairing: &mut Pairing<'_>,
) -> Result<(), ReadError> {
    let places = ring(threads(), file).into_iter().zip(ring(threads(), pairing));
    thread::scope(|scope| {
        let work = |(file, pairing)| scope.spawn(move || read_some(&file, &pairing));
        let running: Vec<_> = places.map(work).collect();
        let end = |thread: ScopedJoinHandle<'_, _>| match thread.join() {
            Ok(outcome) => outcome,
            Err(panic) => resume_unwind(panic),
        };
        running.into_iter().try_for_each(end)
    })
}

/// How many threads read; in tests always some.
fn threads() -> usize {
    if cfg!(test) { 3 } else { rayon::current_num_threads().min(THREADS_MAX) }
}

/// What one of the threads reads. It ends at the end of the file, or when one has met an error.
fn read_some<R: Read>(
    file: &Place<&mut Pieces<R>>,
    pairing: &Place<&mut Pairing<'_>>,
) -> Result<(), ReadError> {
    let mut piece = Piece::default();
    while let Some(rest) = file.take() {
        let cut = rest.next(&mut piece.bytes);
        if cut.is_ok() {
            if piece.bytes.is_empty() {
                break;
            }
            file.hand_on(rest);
        }
        piece.scan();
        let Some(paired) = pairing.take() else { break };
        cut?;
        paired.take(&mut piece)?;
        pairing.hand_on(paired);
    }
    Ok(())
}

/// Some lines, and their events.
#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    scanner: Scanner,
    /// Of the values of `events`.
    provisional: Provisional,
    /// Each with the number of its line, from 1; up to the first that is wrong.
    events: Vec<(usize, Scanned)>,
    /// Lines up to there.
    count: usize,
}

enum Scanned {
    Usual(Record),
    Unusual(Box<decode::Members>),
    Wrong(serde_json::Error),
}

/// The lines of a piece that are not empty.
struct Lines<'a> {
    bytes: &'a [u8],
    /// Where the next begins.
    start: usize,
    /// Lines so far, empty or not.
    count: usize,
}

impl<'a> Lines<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, start: 0, count: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    /// A line's number, from 1, and its length in what lies ahead of its begin.
    type Item = (usize, &'a [u8], usize);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while self.start < self.bytes.len() {
            let ahead = &self.bytes[self.start..];
            let length = memchr::memchr(b'\n', ahead).unwrap_or(ahead.len());
            self.start += length + 1;
            self.count += 1;
            let length = ahead[..length].trim_ascii_end().len();
            if length > 0 {
                return Some((self.count, ahead, length));
            }
        }
        None
    }
}

impl Piece {
    /// Scans the lines, whatever was scanned before.
    fn scan(&mut self) {
        self.provisional.begin_again();
        self.events.clear();
        let names = &mut self.provisional.names;
        let mut lines = Lines::of(&self.bytes);
        for (number, ahead, length) in &mut lines {
            let event = match self.scanner.record(ahead, length, names) {
                Some(record) => Scanned::Usual(record),
                None => match serde_json::from_slice(&ahead[..length]) {
                    Ok(members) => Scanned::Unusual(members),
                    Err(error) => Scanned::Wrong(error),
                },
            };
            let wrong = matches!(event, Scanned::Wrong(_));
            self.events.push((number, event));
            if wrong {
                break;
            }
        }
        self.count = lines.count;
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
        let mut lines = Lines::of(bytes);
        for (number, ahead, length) in &mut lines {
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
        self.before += lines.count;
        Ok(())
    }

    /// Pairs the events of a piece that was scanned.
    fn take(&mut self, piece: &mut Piece) -> Result<(), ReadError> {
        if piece.provisional.names.is_full() {
            let (line, problem) = (self.before + 1, Problem::TooManyValues.to_string());
            return Err(ReadError::Syntax { file: self.name.to_owned(), line, column: 0, problem });
        }
        for (number, event) in piece.events.drain(..) {
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
        self.before += piece.count;
        Ok(())
    }

    /// A line makes no sense: an error, unless the file was cut off there.
    fn wrong(
        &mut self,
        number: usize,
        error: &serde_json::Error,
        bytes: &[u8],
    ) -> Result<(), ReadError> {
        let line = self.before + number;
        let whole = bytes.trim_ascii_end().ends_with(b"}") && !error.is_eof();
        if number > memchr::memchr_iter(b'\n', bytes).count() && !whole {
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
    let stamp = Stamp { index, time, kind: members.kind };
    let process = match members.process {
        Some(process) => process,
        None => builder.nameless(stamp)?,
    };
    builder.event(stamp, members.into_event(process))
}

/// serde_json ends its messages with a place in the line: we have told it already.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
