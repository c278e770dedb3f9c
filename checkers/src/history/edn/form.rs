//! EDN, the notation of Clojure's data, as far as histories use it.
//!
//! Keywords, symbols and characters become texts; lists and sets become arrays; ratios and
//! integers beyond 64 bits become texts, since a float would make unequal ones equal; a tag is
//! dropped and what it tags stays.

use serde_json::{Map, Value};

use super::atom::{atom, unescaped};
use crate::history::ValueId;
use crate::history::eight::{Eight, power_of_ten};
use crate::history::keying::Given;
use crate::history::values::Interner;

/// Forms in forms beyond this are refused.
const DEPTH_MAX: u32 = 128;

/// Why a form could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The bytes end before the form does.
    Incomplete,
    /// At a byte.
    Bad(usize, String),
}

pub(super) struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

#[inline]
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | 0x0c)
}

/// Whether a token ends before a byte.
const ENDS_TOKEN: [bool; 256] = {
    let mut ends = [false; 256];
    let bytes = b" \n\r\t,\x0c()[]{}\";";
    let mut place = 0;
    while place < bytes.len() {
        ends[bytes[place] as usize] = true;
        place += 1;
    }
    ends
};

impl<'a> Cursor<'a> {
    /// Skips blanks, comments and discarded forms; the next byte.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<u8, Trouble> {
        while let Some(&byte) = self.bytes.get(self.at) {
            if !is_blank(byte) {
                if matches!(byte, b';' | b'#') {
                    break;
                }
                return Ok(byte);
            }
            self.at += 1;
        }
        self.peek_further()
    }

    /// As [`peek`](Self::peek), for what is seldom there.
    #[cold]
    fn peek_further(&mut self) -> Result<u8, Trouble> {
        loop {
            match self.bytes.get(self.at..) {
                Some([blank, ..]) if is_blank(*blank) => self.at += 1,
                Some([b';', rest @ ..]) => {
                    let end = memchr::memchr(b'\n', rest).ok_or(Trouble::Incomplete)?;
                    self.at += end + 2;
                }
                Some([b'#', b'_', ..]) => {
                    self.at += 2;
                    self.skip()?;
                }
                // Perhaps the first half of a discard.
                None | Some([] | [b'#']) => return Err(Trouble::Incomplete),
                Some([byte, ..]) => return Ok(*byte),
            }
        }
    }

    pub(super) fn bad<T>(&self, problem: impl Into<String>) -> Result<T, Trouble> {
        Err(Trouble::Bad(self.at, problem.into()))
    }

    /// A keyword, symbol, number, character or tag: up to what ends it.
    pub(super) fn token(&mut self) -> Result<&'a str, Trouble> {
        let start = self.at;
        let bytes = self.token_bytes()?;
        let problem = |_| Trouble::Bad(start, "this is not UTF-8".to_owned());
        std::str::from_utf8(bytes).map_err(problem)
    }

    /// As [`token`](Self::token), for what is compared and not kept.
    #[inline]
    pub(super) fn token_bytes(&mut self) -> Result<&'a [u8], Trouble> {
        let rest = &self.bytes[self.at..];
        // A character may be any byte: `\(`, `\"`.
        let from = if rest.first() == Some(&b'\\') { 2 } else { 1 };
        let tail = rest.get(from..).ok_or(Trouble::Incomplete)?;
        let length = tail.iter().position(|&byte| ENDS_TOKEN[byte as usize]);
        let length = length.ok_or(Trouble::Incomplete)? + from;
        self.at += length;
        Ok(&rest[..length])
    }

    /// Passes over one form without keeping it, however deep it is.
    pub(super) fn skip(&mut self) -> Result<(), Trouble> {
        let mut open: Vec<u8> = Vec::new();
        // Discards that wait for their form, by depth.
        let mut discards: Vec<usize> = Vec::new();
        loop {
            let rest = self.blanks_skipped()?;
            let whole = match rest {
                // Neither a discarded form nor metadata is the form itself.
                [b'#', b'_', ..] | [b'^', ..] => {
                    self.at += 1 + usize::from(rest[0] == b'#');
                    discards.push(open.len());
                    false
                }
                [b'(' | b'[' | b'{', ..] | [b'#', b'{', ..] => {
                    self.at += 1 + usize::from(rest[0] == b'#');
                    open.push(self.bytes[self.at - 1]);
                    false
                }
                [close @ (b')' | b']' | b'}'), ..] => {
                    let opened = if *close == b')' { b'(' } else { *close - 2 };
                    if open.pop() != Some(opened) || discards.last() > Some(&open.len()) {
                        return self.bad(format!("`{}` closes nothing", *close as char));
                    }
                    self.at += 1;
                    true
                }
                [b'"', ..] => {
                    self.string()?;
                    true
                }
                // A tag or a regular expression; what follows belongs to it.
                [b'#', b'"', ..] => {
                    self.at += 1;
                    false
                }
                [b'#', b'#', ..] => {
                    self.token()?;
                    true
                }
                [b'#'] => return Err(Trouble::Incomplete),
                [first, ..] => {
                    self.token()?;
                    *first != b'#'
                }
                [] => return Err(Trouble::Incomplete),
            };
            if whole {
                if discards.last() == Some(&open.len()) {
                    discards.pop();
                } else if open.is_empty() {
                    return Ok(());
                }
            }
        }
    }

    fn blanks_skipped(&mut self) -> Result<&'a [u8], Trouble> {
        loop {
            match self.bytes.get(self.at..).unwrap_or_default() {
                [blank, ..] if is_blank(*blank) => self.at += 1,
                [b';', rest @ ..] => {
                    self.at += memchr::memchr(b'\n', rest).ok_or(Trouble::Incomplete)? + 2;
                }
                [] => return Err(Trouble::Incomplete),
                rest => return Ok(rest),
            }
        }
    }

    /// A string from its quote on.
    pub(super) fn string(&mut self) -> Result<std::borrow::Cow<'a, str>, Trouble> {
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            let found = memchr::memchr2(b'"', b'\\', self.bytes.get(at..).unwrap_or_default());
            at += found.ok_or(Trouble::Incomplete)?;
            if self.bytes[at] == b'"' {
                break;
            }
            escaped = true;
            at += 2;
        }
        let Ok(text) = std::str::from_utf8(&self.bytes[start..at]) else {
            return self.bad("this string is not UTF-8");
        };
        if !escaped {
            self.at = at + 1;
            return Ok(text.into());
        }
        let Some(text) = unescaped(text) else {
            return self.bad("this string has an escape that EDN does not know");
        };
        self.at = at + 1;
        Ok(text.into())
    }

    /// The name of the next form's value.
    pub(super) fn value(
        &mut self,
        names: &mut Interner,
        items: &mut Vec<ValueId>,
    ) -> Result<ValueId, Trouble> {
        self.form(names, items, 0)
    }

    /// As [`value`](Self::value), for the value of an event.
    pub(super) fn given(
        &mut self,
        names: &mut Interner,
        items: &mut Vec<ValueId>,
    ) -> Result<Given, Trouble> {
        if self.peek()? != b'[' {
            return self.value(names, items).map(Given::Whole);
        }
        let start = items.len();
        let whole = self.elements(names, items, 0, 1);
        let given = whole.map(|()| Given::of_array(&items[start..], names));
        items.truncate(start);
        given
    }

    /// A number of digits alone, if that is what comes next.
    #[inline]
    pub(super) fn unsigned(&mut self) -> Option<u64> {
        let (mut length, mut number) = Eight::at(self.bytes, self.at).digits();
        if length == 8 {
            let (more, low) = Eight::at(self.bytes, self.at + 8).digits();
            (length, number) = (8 + more, number * power_of_ten(more) + low);
        }
        // Sixteen digits may have more behind them.
        let ends = |&byte: &u8| ENDS_TOKEN[byte as usize];
        if length == 0 || !self.bytes.get(self.at + length).is_some_and(ends) {
            return None;
        }
        self.at += length;
        Some(number)
    }

    /// `items`: the elements of the arrays that are open.
    fn form(
        &mut self,
        names: &mut Interner,
        items: &mut Vec<ValueId>,
        depth: u32,
    ) -> Result<ValueId, Trouble> {
        if depth > DEPTH_MAX {
            return self.bad(format!("nested deeper than {DEPTH_MAX}"));
        }
        match self.peek()? {
            b'[' | b'(' => self.sequence(names, items, depth, 1),
            b'{' => self.map(names, items, depth),
            b'"' => self.text(names),
            b'#' => match self.bytes.get(self.at + 1) {
                Some(b'{') => self.sequence(names, items, depth, 2),
                Some(b'"') => {
                    self.at += 1;
                    Ok(names.text(&self.string()?))
                }
                Some(b'#') => Ok(names.text(&self.token()?[2..])),
                _ => {
                    self.token()?;
                    self.form(names, items, depth + 1)
                }
            },
            b'^' => {
                // Metadata, then what it is about.
                self.at += 1;
                self.skip()?;
                self.form(names, items, depth + 1)
            }
            close @ (b')' | b']' | b'}') => {
                self.bad(format!("expected a value before `{}`", close as char))
            }
            _ => self.atom(names),
        }
    }

    /// A string as a value.
    fn text(&mut self, names: &mut Interner) -> Result<ValueId, Trouble> {
        if let Some(short) = Eight::at(self.bytes, self.at + 1).before_quote()
            && let Some(id) = names.short(short)
        {
            self.at += short.len() + 2;
            return Ok(id);
        }
        Ok(names.text(&self.string()?))
    }

    /// A value that is one token.
    fn atom(&mut self, names: &mut Interner) -> Result<ValueId, Trouble> {
        if let Some(number) = self.unsigned().and_then(|number| i64::try_from(number).ok()) {
            return Ok(names.integer(number));
        }
        let start = self.at;
        match self.token_bytes()? {
            b"nil" => return Ok(ValueId::NULL),
            [b':', name @ ..] if !name.is_empty() => {
                if let Some(id) = names.word(name) {
                    return Ok(id);
                }
            }
            _ => {}
        }
        self.at = start;
        let token = self.token()?;
        match atom(token, names) {
            Some(id) => Ok(id),
            None => Err(Trouble::Bad(start, format!("`{token}` is nothing of EDN"))),
        }
    }

    fn sequence(
        &mut self,
        names: &mut Interner,
        items: &mut Vec<ValueId>,
        depth: u32,
        opening: usize,
    ) -> Result<ValueId, Trouble> {
        let start = items.len();
        let whole = self.elements(names, items, depth, opening);
        let id = whole.map(|()| names.array(&items[start..]));
        items.truncate(start);
        id
    }

    /// Leaves the elements of a sequence in `items`.
    fn elements(
        &mut self,
        names: &mut Interner,
        items: &mut Vec<ValueId>,
        depth: u32,
        opening: usize,
    ) -> Result<(), Trouble> {
        let close = match self.bytes[self.at + opening - 1] {
            b'[' => b']',
            b'(' => b')',
            _ => b'}',
        };
        self.at += opening;
        while self.peek()? != close {
            let item = self.form(names, items, depth + 1)?;
            items.push(item);
        }
        self.at += 1;
        Ok(())
    }

    fn map(
        &mut self,
        names: &mut Interner,
        items: &mut Vec<ValueId>,
        depth: u32,
    ) -> Result<ValueId, Trouble> {
        self.at += 1;
        let mut map = Map::new();
        while self.peek()? != b'}' {
            let key = self.form(names, items, depth + 1)?;
            let value = self.form(names, items, depth + 1)?;
            let key = match names.values().get(key) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            map.insert(key, names.values().get(value));
        }
        self.at += 1;
        Ok(names.value(&Value::Object(map)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Result<String, Trouble> {
        let mut names = Interner::default();
        let mut cursor = Cursor { bytes: text.as_bytes(), at: 0 };
        let id = cursor.value(&mut names, &mut Vec::new())?;
        assert_eq!(cursor.at, text.trim_end().len(), "{text}");
        let mut skipped = Cursor { bytes: text.as_bytes(), at: 0 };
        skipped.skip()?;
        assert_eq!(skipped.at, cursor.at, "{text}");
        Ok(names.values().get(id).to_string())
    }

    #[test]
    fn all_that_histories_hold_is_read() {
        for (text, expected) in [
            ("nil ", "null"),
            ("true ", "true"),
            ("-17 ", "-17"),
            ("+5N ", "5"),
            ("123456789012345678901234567890 ", "\"123456789012345678901234567890\""),
            ("18446744073709551615 ", "18446744073709551615"),
            ("3/4 ", "\"3/4\""),
            ("1.5M ", "1.5"),
            ("##NaN ", "\"NaN\""),
            (":timed-out ", "\"timed-out\""),
            ("some.ns/symbol ", "\"some.ns/symbol\""),
            ("\\a ", "\"a\""),
            ("\\newline ", "\"\\n\""),
            ("\\( ", "\"(\""),
            ("\"a\\\"b\\u0041\"", "\"a\\\"bA\""),
            ("[1 [2, (3)] #{4} []]", "[1,[2,[3]],[4],[]]"),
            ("{:a 1, \"b\" [2] 3 {}}", "{\"a\":1,\"b\":[2],\"3\":{}}"),
            ("#inst \"2026\"", "\"2026\""),
            ("#jepsen.history.Op{:a 1}", "{\"a\":1}"),
            ("^{:m 1} [1]", "[1]"),
            ("; note\n [1 #_ [2 3] ; more\n 4]", "[1,4]"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_torn_is_incomplete_and_what_is_wrong_is_bad() {
        for text in ["", "[1", "{:a", "\"abc", "\"abc\\", "#", "12", "; no", "[1 #_", "^{}"] {
            assert_eq!(read(text), Err(Trouble::Incomplete), "{text}");
        }
        for text in ["]", "[1}", "{:a}", "1x2 ", ": ", "\"\\q\""] {
            assert!(matches!(read(text), Err(Trouble::Bad(..))), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(matches!(read(&deep), Err(Trouble::Bad(..))));
    }
}
