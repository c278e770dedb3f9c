//! Bytes of a file in large pieces, with the number of the line.

use std::io::{ErrorKind, Read};

use super::ReadError;

pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";
const PIECE: usize = 256 * 1024;

/// Reads ahead into one buffer, which grows only for what is longer than a piece.
pub(super) struct Source<R> {
    file: String,
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    begun: bool,
    exhausted: bool,
    /// Up to where newlines were counted: at most `start`. Many events at a time are faster.
    counted: usize,
    /// Newlines before `counted`.
    lines: usize,
    /// Bytes between the last of them and `counted`.
    column: usize,
}

/// One line without its end.
pub(super) struct Line<'a> {
    /// From 1.
    pub number: usize,
    /// From its first byte on, as far as the file was read.
    pub ahead: &'a [u8],
    /// Without blanks at its end.
    pub length: usize,
    /// Whether a newline follows: if not, the file may have been cut off here.
    pub ended: bool,
}

impl<'a> Line<'a> {
    pub(super) fn text(&self) -> &'a [u8] {
        &self.ahead[..self.length]
    }
}

impl<R: Read> Source<R> {
    pub(super) fn new(file: &str, reader: R) -> Self {
        Self {
            file: file.to_owned(),
            reader,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            begun: false,
            exhausted: false,
            counted: 0,
            lines: 0,
            column: 0,
        }
    }

    /// Reads on, at least as much again as there is: whether there was more.
    pub(super) fn more(&mut self) -> Result<bool, ReadError> {
        let (line, column) = self.locate(0);
        (self.lines, self.column, self.counted) = (line - 1, column - 1, 0);
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() - self.end < PIECE / 2 {
            self.buffer.resize((self.end * 2).max(PIECE), 0);
        }
        let before = self.end;
        while !self.exhausted && self.end < self.buffer.len() {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.exhausted = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(ReadError::Io { file: self.file.clone(), source }),
            }
        }
        let added = self.end > before;
        // A mark of byte order, as some editors leave it.
        if !std::mem::replace(&mut self.begun, true) && self.ahead().starts_with(MARK) {
            self.start += MARK.len();
            self.counted = self.start;
        }
        Ok(added)
    }

    /// What was read and not yet consumed.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// So many bytes are done with.
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
    }

    /// Line and column, from 1, of the byte at `offset` from here.
    pub(super) fn locate(&self, offset: usize) -> (usize, usize) {
        let passed = &self.buffer[self.counted..(self.start + offset).min(self.end)];
        match memchr::memrchr(b'\n', passed) {
            None => (self.lines + 1, self.column + passed.len() + 1),
            Some(last) => {
                let newlines = memchr::memchr_iter(b'\n', &passed[..=last]).count();
                (self.lines + newlines + 1, passed.len() - last)
            }
        }
    }

    /// The next line; `column` of this source is not kept up.
    pub(super) fn line(&mut self) -> Result<Option<Line<'_>>, ReadError> {
        let mut searched = 0;
        let (length, ended) = loop {
            let ahead = self.ahead();
            if let Some(found) = memchr::memchr(b'\n', &ahead[searched..]) {
                break (searched + found, true);
            }
            searched = ahead.len();
            if !self.more()? {
                break (searched, false);
            }
        };
        if length == 0 && !ended {
            return Ok(None);
        }
        let from = self.start;
        self.start += length + usize::from(ended);
        self.counted = self.start;
        self.lines += 1;
        let ahead = &self.buffer[from..self.end];
        let length = ahead[..length].trim_ascii_end().len();
        Ok(Some(Line { number: self.lines, ahead, length, ended }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Gives a few bytes at a time.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.len().min(3).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn lines_come_whole_whatever_the_pieces() {
        let long = "x".repeat(3 * PIECE);
        let text = format!("one\n\ntwo  \r\n{long}\nlast");
        for reader in [&mut Drip(text.as_bytes()) as &mut dyn Read, &mut text.as_bytes()] {
            let mut source = Source::new("f", reader);
            let mut seen = Vec::new();
            while let Some(line) = source.line().unwrap() {
                seen.push((line.number, line.length, line.ended));
            }
            let expected =
                [(1, 3, true), (2, 0, true), (3, 3, true), (4, long.len(), true), (5, 4, false)];
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn places_are_counted_across_consumed_bytes() {
        let mut source = Source::new("f", b"ab\ncd\nef".as_slice());
        assert!(source.more().unwrap());
        assert_eq!(source.locate(0), (1, 1));
        assert_eq!(source.locate(4), (2, 2));
        source.consume(4);
        assert_eq!(source.locate(0), (2, 2));
        assert_eq!(source.locate(1), (2, 3));
        assert_eq!(source.locate(3), (3, 2));
        assert!(!source.more().unwrap());
    }
}
