//! The bytes of one object of JSON, for a scanner that gives up at anything unusual.

use super::super::eight::{Eight, Short, power_of_ten};
use super::super::values::{Interner, ValueId};

/// Members of an event, a bit each.
pub(super) mod member {
    pub const INDEX: u16 = 1;
    pub const TIME: u16 = 2;
    pub const PROCESS: u16 = 4;
    pub const TYPE: u16 = 8;
    pub const F: u16 = 16;
    pub const KEY: u16 = 32;
    pub const VALUE: u16 = 64;
    pub const NODE: u16 = 128;
    pub const ERROR: u16 = 256;
    pub const SCHEDULED: u16 = 512;
    pub const NEEDED: u16 = PROCESS | TYPE | F;
}

/// The bit of a member with a short name.
#[inline]
fn short_member(name: Short) -> Option<u16> {
    const INDEX: Short = Short::literal(b"index");
    const TIME: Short = Short::literal(b"time");
    const PROCESS: Short = Short::literal(b"process");
    const TYPE: Short = Short::literal(b"type");
    const F: Short = Short::literal(b"f");
    const KEY: Short = Short::literal(b"key");
    const VALUE: Short = Short::literal(b"value");
    const NODE: Short = Short::literal(b"node");
    const ERROR: Short = Short::literal(b"error");
    Some(match name {
        INDEX => member::INDEX,
        TIME => member::TIME,
        PROCESS => member::PROCESS,
        TYPE => member::TYPE,
        F => member::F,
        KEY => member::KEY,
        VALUE => member::VALUE,
        NODE => member::NODE,
        ERROR => member::ERROR,
        _ => return None,
    })
}

/// Whether a byte ends a string without escapes: the quote, or what makes it unusual.
const ENDS_PLAIN: [bool; 256] = {
    let mut ends = [false; 256];
    let mut control = 0;
    while control < b' ' {
        ends[control as usize] = true;
        control += 1;
    }
    ends[b'"' as usize] = true;
    ends[b'\\' as usize] = true;
    ends
};

/// A string without escapes.
#[derive(Clone, Copy)]
pub(super) enum Plain<'a> {
    Short(Short),
    Long(&'a [u8]),
}

impl Plain<'_> {
    /// Its name, if it is a text.
    #[inline]
    pub(super) fn name(self, names: &mut Interner) -> Option<ValueId> {
        match self {
            Self::Short(short) => names.short(short),
            Self::Long(bytes) => names.word(bytes),
        }
    }

    #[inline]
    pub(super) fn short(self) -> Option<Short> {
        match self {
            Self::Short(short) => Some(short),
            Self::Long(_) => None,
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    /// The object.
    text: &'a [u8],
    /// The same and what is behind it.
    ahead: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the begin of the first `length` bytes.
    pub(super) fn new(ahead: &'a [u8], length: usize) -> Self {
        Self { text: &ahead[..length], ahead, at: 0 }
    }

    /// Whether only blanks are left.
    pub(super) fn is_done(&self) -> bool {
        self.text.get(self.at..).is_some_and(|rest| rest.trim_ascii().is_empty())
    }

    /// What is left of the object.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Passes so many bytes, whatever they are.
    #[inline]
    pub(super) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// The next byte, whatever it is.
    #[inline]
    pub(super) fn first(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Passes the next byte that is no blank.
    #[inline]
    pub(super) fn token(&mut self) -> Option<u8> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    /// The next byte that is no blank.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let first = self.first()?;
            if !matches!(first, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(first);
            }
            self.at += 1;
        }
    }

    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        (self.token()? == byte).then_some(())
    }

    /// The rest of a word, as `ull` of `null`.
    #[inline]
    pub(super) fn word(&mut self, rest: &[u8]) -> Option<()> {
        let found = self.text.get(self.at..)?.starts_with(rest);
        self.at += rest.len();
        found.then_some(())
    }

    /// The rest of a string without escapes, from behind its first quote.
    #[inline]
    pub(super) fn plain(&mut self) -> Option<Plain<'a>> {
        match Eight::at(self.ahead, self.at).before_quote() {
            Some(short) => {
                self.at += short.len() + 1;
                Some(Plain::Short(short))
            }
            None => self.long(),
        }
    }

    /// As [`plain`](Self::plain), byte by byte.
    fn long(&mut self) -> Option<Plain<'a>> {
        let rest = self.text.get(self.at..)?;
        let end = rest.iter().position(|&byte| ENDS_PLAIN[byte as usize])?;
        self.at += end + 1;
        let plain = &rest[..end];
        (rest[end] == b'"').then(|| Short::of(plain).map_or(Plain::Long(plain), Plain::Short))
    }

    /// The bit of a member, its name read from behind the quote, and the colon passed.
    #[inline]
    pub(super) fn member(&mut self) -> Option<u16> {
        let bit = match self.plain()? {
            Plain::Short(name) => short_member(name)?,
            Plain::Long(b"scheduled") => member::SCHEDULED,
            Plain::Long(_) => return None,
        };
        self.expect(b':')?;
        Some(bit)
    }

    /// A string, with or without the colon of a keyword.
    #[inline]
    pub(super) fn keyword(&mut self) -> Option<Plain<'a>> {
        self.expect(b'"')?;
        self.at += usize::from(self.first() == Some(b':'));
        self.plain()
    }

    #[inline]
    pub(super) fn text_or_null(&mut self, names: &mut Interner) -> Option<ValueId> {
        match self.token()? {
            b'"' => self.plain()?.name(names),
            b'n' => self.word(b"ull").map(|()| ValueId::NULL),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn unsigned(&mut self) -> Option<u64> {
        self.peek()?;
        self.digits()
    }

    /// An integer without a sign.
    #[inline]
    pub(super) fn digits(&mut self) -> Option<u64> {
        let number = self.number()?;
        let more = matches!(self.first(), Some(b'.' | b'e' | b'E'));
        (!more).then_some(number)
    }

    /// Up to 16 digits: all that are there, and none too many in front.
    #[inline]
    pub(super) fn number(&mut self) -> Option<u64> {
        let eight = Eight::at(self.ahead, self.at);
        let (count, mut number) = eight.digits();
        self.at += count;
        if count == 8 {
            let (count, low) = Eight::at(self.ahead, self.at).digits();
            number = number * power_of_ten(count) + low;
            self.at += count;
            if self.first().is_some_and(|next| next.is_ascii_digit()) {
                return None;
            }
        }
        let usual = count == 1 || count > 1 && !eight.begins_with_nought();
        usual.then_some(number)
    }

    /// A small integer of an array with what is right behind it, and whether that ends the array;
    /// or nothing is passed.
    #[inline]
    pub(super) fn element(&mut self) -> Option<(i64, bool)> {
        let eight = Eight::at(self.ahead, self.at);
        let (count, number) = eight.digits();
        let usual = count == 1 || count > 1 && !eight.begins_with_nought();
        let last = match eight.byte(count) {
            Some(b',') => false,
            Some(b']') => true,
            _ => return None,
        };
        if !usual {
            return None;
        }
        self.at += count + 1;
        Some((number as i64, last))
    }

    /// Passes what is next, if it is this.
    #[inline]
    pub(super) fn pass<const N: usize>(&mut self, literal: &[u8; N]) -> Option<()> {
        let next: &[u8; N] = self.text.get(self.at..)?.first_chunk()?;
        if next != literal {
            return None;
        }
        self.at += N;
        Some(())
    }
}
