//! A file in pieces of whole lines, which can be read side by side.

use std::io::Read;

use super::ReadError;
use super::source::MARK;

/// Bytes of a piece, unless a line is longer. Unit tests have many pieces.
const PIECE: usize = if cfg!(test) { 200 } else { 64 * 1024 };

/// Cuts a file.
pub(super) struct Pieces<R> {
    file: String,
    reader: R,
    /// Read, but not yet given away: the begin of a line.
    rest: Vec<u8>,
    begun: bool,
    exhausted: bool,
}

impl<R: Read> Pieces<R> {
    pub(super) fn new(file: &str, reader: R) -> Self {
        let file = file.to_owned();
        Self { file, reader, rest: Vec::new(), begun: false, exhausted: false }
    }

    /// Puts the next lines into `piece`, instead of what is there; none at the end of the file.
    ///
    /// # Errors
    /// [`ReadError::Io`].
    pub(super) fn next(&mut self, piece: &mut Vec<u8>) -> Result<(), ReadError> {
        piece.clear();
        piece.append(&mut self.rest);
        let mut searched = 0;
        while !self.exhausted {
            self.more(piece)?;
            if let Some(newline) = memchr::memrchr(b'\n', &piece[searched..]) {
                self.rest.extend_from_slice(&piece[searched + newline + 1..]);
                piece.truncate(searched + newline + 1);
                break;
            }
            searched = piece.len();
        }
        // A mark of byte order, as some editors leave it.
        if !std::mem::replace(&mut self.begun, true) && piece.starts_with(MARK) {
            piece.drain(..MARK.len());
        }
        Ok(())
    }

    fn more(&mut self, piece: &mut Vec<u8>) -> Result<(), ReadError> {
        let wanted = PIECE.max(piece.len());
        piece.reserve(wanted);
        let read = self.reader.by_ref().take(wanted as u64).read_to_end(piece);
        let count = read.map_err(|source| ReadError::Io { file: self.file.clone(), source })?;
        self.exhausted = count < wanted;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pieces(text: &str) -> Vec<String> {
        let mut pieces = Pieces::new("f", text.as_bytes());
        let mut seen = Vec::new();
        loop {
            let mut piece = b"what was there".to_vec();
            pieces.next(&mut piece).unwrap();
            if piece.is_empty() {
                return seen;
            }
            seen.push(String::from_utf8(piece).unwrap());
        }
    }

    #[test]
    fn lines_are_never_cut_but_for_the_last() {
        let long = "x".repeat(7 * PIECE);
        let short = "short\n\n".repeat(PIECE);
        for text in [
            String::new(),
            "one".to_owned(),
            format!("{short}torn"),
            format!("{short}{long}\nlast\n"),
            format!("{long}\n{short}{long}"),
        ] {
            let seen = pieces(&text);
            assert_eq!(seen.concat(), text);
            let whole = seen.iter().rev().skip(1).all(|piece| piece.ends_with('\n'));
            assert!(whole, "{seen:?}");
            assert!(seen.iter().all(|piece| piece.len() < 9 * PIECE));
        }
        assert!(pieces(&short).len() > 5);
    }

    #[test]
    fn a_mark_of_byte_order_is_no_part_of_the_first_line() {
        assert_eq!(pieces("\u{feff}a\n\u{feff}b"), ["a\n", "\u{feff}b"]);
    }
}
