//! Reads histories that are one array of JSON, as elle-cli's and Jepsen's are, or objects over
//! several lines: `[{"type": "invoke", "f": "txn", "process": 0, "value": [["append", 1, 2]]}, …]`.

use std::io::BufRead;

use super::jsonl::{push, without_place};
use super::scan::Scanner;
use super::source::Source;
use super::{History, HistoryBuilder, ReadError};

/// Reads a whole history; `name` is what errors call it.
///
/// An event that the end of the file cuts off is left out and told in `remarks`.
///
/// # Errors
/// [`ReadError`] with file, line and column, and what was expected there.
pub fn read(name: &str, reader: impl BufRead) -> Result<History, ReadError> {
    let mut source = Source::new(name, reader);
    let mut builder = HistoryBuilder::new();
    builder.keying.look_for_tuples();
    let mut scanner = Scanner::default();
    let mut array = Array::Unknown;
    loop {
        let ahead = source.ahead();
        let step = step(ahead, &mut array);
        let syntax = |offset: usize, problem: String| {
            let (line, column) = source.locate(offset);
            Err(ReadError::Syntax { file: name.to_owned(), line, column, problem })
        };
        match step {
            Step::Event(start, end) => {
                let text = &ahead[start..end];
                let scanned = scanner.record(&ahead[start..], text.len(), &mut builder.names);
                let pushed = match scanned {
                    Some(record) => builder.record(record),
                    None => match serde_json::from_slice(text) {
                        Ok(members) => push(members, &mut builder),
                        Err(error) => {
                            return syntax(start + offset(text, &error), without_place(&error));
                        }
                    },
                };
                if let Err(error) = pushed {
                    return Err(ReadError::at(name, source.locate(start).0)(error));
                }
                source.consume(end);
            }
            Step::Passed(count) => source.consume(count),
            Step::Wrong(offset, problem) => return syntax(offset, problem.to_owned()),
            Step::Incomplete => {
                if !source.more()? {
                    break;
                }
            }
        }
    }
    let torn = source.ahead().iter().position(|byte| !byte.is_ascii_whitespace());
    if let Some(offset) = torn {
        let line = source.locate(offset).0;
        builder.remarks.push(format!("line {line}, the last, is torn: left out"));
    } else if matches!(array, Array::Open(_)) {
        builder.remarks.push("the file ends before its array does".to_owned());
    }
    Ok(builder.finish())
}

/// Where in the array the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Array {
    Unknown,
    /// Objects, one after the other.
    None,
    /// Whether a comma is due before the next event.
    Open(bool),
    Closed,
}

enum Step {
    /// An object, from one byte to another.
    Event(usize, usize),
    /// So many bytes tell nothing.
    Passed(usize),
    Incomplete,
    Wrong(usize, &'static str),
}

fn step(ahead: &[u8], array: &mut Array) -> Step {
    let Some(start) = ahead.iter().position(|byte| !byte.is_ascii_whitespace()) else {
        return Step::Incomplete;
    };
    let (next, step) = match (*array, ahead[start]) {
        (Array::Closed, _) => {
            return Step::Wrong(start, "expected nothing after the end of the array");
        }
        (Array::Unknown, b'[') => (Array::Open(false), Step::Passed(start + 1)),
        (Array::Open(_), b']') => (Array::Closed, Step::Passed(start + 1)),
        (Array::Open(true), b',') => (Array::Open(false), Step::Passed(start + 1)),
        (Array::Open(true), _) => return Step::Wrong(start, "expected `,` or `]`"),
        (Array::Unknown | Array::None | Array::Open(false), b'{') => {
            match object(&ahead[start..]) {
                None => return Step::Incomplete,
                Some(length) => {
                    let inside = matches!(array, Array::Open(_));
                    let next = if inside { Array::Open(true) } else { Array::None };
                    (next, Step::Event(start, start + length))
                }
            }
        }
        _ => return Step::Wrong(start, "expected an event: an object"),
    };
    *array = next;
    step
}

/// The length of the object that begins here, if its end is there.
fn object(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted, mut at) = (0_usize, false, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => at += 1,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The byte at which serde_json found an error.
fn offset(text: &[u8], error: &serde_json::Error) -> usize {
    let before = error.line().saturating_sub(1);
    let lines = text.split_inclusive(|&byte| byte == b'\n').take(before);
    lines.map(<[u8]>::len).sum::<usize>() + error.column().saturating_sub(1)
}
