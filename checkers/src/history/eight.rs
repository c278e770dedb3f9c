//! Eight bytes at a time: where a number or a short string ends, without looking at each byte.
//!
//! The first byte is the lowest of the word. The tricks are those of "Hacker's Delight" (section
//! 6-1, find a byte) and of Lemire, "Quickly parsing eight digits" (2018).

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Powers of ten up to 10^8.
const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The same byte eight times.
const fn all(byte: u8) -> u64 {
    ONES * byte as u64
}

/// Up to seven bytes and their number, in one. Never 0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Short(u64);

impl Short {
    /// The name of nothing.
    pub(super) const NONE: Self = Self(0);

    /// Of a literal of up to seven bytes.
    pub(super) const fn literal(bytes: &[u8]) -> Self {
        let mut word = 0;
        let mut at = bytes.len();
        while at > 0 {
            at -= 1;
            word = word << 8 | bytes[at] as u64;
        }
        Self::new(word, bytes.len() as u32)
    }

    /// If they are few enough.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        (bytes.len() < size_of::<u64>()).then(|| Self::literal(bytes))
    }

    const fn new(word: u64, count: u32) -> Self {
        Self(word | (count as u64 + 1) << 56)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn len(self) -> usize {
        (self.0 >> 56) as usize - 1
    }

    /// The bytes, and what is to be cut off behind them.
    pub(super) fn bytes(self) -> ([u8; 8], usize) {
        (self.0.to_le_bytes(), self.len())
    }
}

/// Eight bytes of a file.
#[derive(Clone, Copy)]
pub(super) struct Eight(u64);

impl Eight {
    /// The bytes from `at` on; zeros stand for those beyond the last.
    #[inline]
    pub(super) fn at(bytes: &[u8], at: usize) -> Self {
        let rest = bytes.get(at..).unwrap_or_default();
        match rest.first_chunk() {
            Some(chunk) => Self(u64::from_le_bytes(*chunk)),
            None => Self::last(rest),
        }
    }

    #[cold]
    fn last(rest: &[u8]) -> Self {
        let mut chunk = [0; 8];
        chunk[..rest.len()].copy_from_slice(rest);
        Self(u64::from_le_bytes(chunk))
    }

    /// How many of them are digits before the first that is none, and their number.
    #[inline]
    pub(super) fn digits(self) -> (usize, u64) {
        let digits = self.0 ^ all(b'0');
        let others = (((digits & !HIGHS) + all(0x80 - 10)) | digits) & HIGHS;
        let count = others.trailing_zeros() as usize / 8;
        if count == 0 {
            return (0, 0);
        }
        // What is no digit goes, and noughts come in front.
        let digits = digits << (64 - 8 * count);
        let twos = digits.wrapping_mul(10 << 8 | 1) >> 8 & 0x00FF_00FF_00FF_00FF;
        let fours = twos.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_FFFF_0000_FFFF;
        (count, fours.wrapping_mul(10_000 << 32 | 1) >> 32)
    }

    /// The byte at a place, if it is one of them.
    #[inline]
    pub(super) fn byte(self, place: usize) -> Option<u8> {
        (place < size_of::<u64>()).then(|| (self.0 >> (8 * place)) as u8)
    }

    /// How many bytes are the same before the first that is not.
    #[inline]
    pub(super) fn same(self, other: Self) -> usize {
        (self.0 ^ other.0).trailing_zeros() as usize / 8
    }

    #[inline]
    pub(super) fn begins_with_nought(self) -> bool {
        self.0 as u8 == b'0'
    }

    /// The string that ends in a quote among them, if it has no escapes and control characters.
    #[inline]
    pub(super) fn before_quote(self) -> Option<Short> {
        let controls = self.0.wrapping_sub(all(b' ')) & !self.0;
        let ends = (controls | self.matches(b'"') | self.matches(b'\\')) & HIGHS;
        // The lowest of these bits is right, whatever those above it are.
        let count = ends.trailing_zeros() / 8;
        let found = ends != 0 && (self.0 >> (8 * count)) as u8 == b'"';
        found.then(|| Short::new(self.0 & ((1 << (8 * count)) - 1), count))
    }

    /// The high bits of bytes that are `byte`: right up to the first of them; and other bits.
    #[inline]
    fn matches(self, byte: u8) -> u64 {
        let zeros = self.0 ^ all(byte);
        zeros.wrapping_sub(ONES) & !zeros
    }
}

/// 10^`count`, for up to eight digits.
#[inline]
pub(super) fn power_of_ten(count: usize) -> u64 {
    POWERS[count]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn eight(bytes: &[u8]) -> Eight {
        Eight::at(bytes, 0)
    }

    #[test]
    fn numbers_end_where_digits_do() {
        for (bytes, expected) in [
            (b"12345678", (8, 12_345_678)),
            (b"99999999", (8, 99_999_999)),
            (b"00000001", (8, 1)),
            (b"1,234567", (1, 1)),
            (b"907}\xff\xff12", (3, 907)),
            (b"1234567/", (7, 1_234_567)),
            (b"1234567:", (7, 1_234_567)),
            (b"12\xb112345", (2, 12)),
            (b"\0\x0912345 ", (0, 0)),
            (b":1234567", (0, 0)),
            (b"/1234567", (0, 0)),
        ] {
            assert_eq!(eight(bytes).digits(), expected, "{bytes:?}");
        }
        assert_eq!(Eight::at(b"1234567", 5).digits(), (2, 67));
        assert_eq!(Eight::at(b"1234567", 8).digits(), (0, 0));
    }

    /// Every byte in every place, among bytes that are next to those that count.
    #[test]
    fn each_byte_is_judged_as_one_by_one() {
        for around in *b"0a!\" 9\\\x1f\x80" {
            for at in 0..8 {
                for byte in 0..=u8::MAX {
                    let mut bytes = [around; 8];
                    bytes[at] = byte;
                    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    assert_eq!(eight(&bytes).digits().0, digits, "{bytes:?}");
                    let end = bytes.iter().position(|&byte| matches!(byte, 0..b' ' | b'"' | b'\\'));
                    let plain = end.filter(|&end| bytes[end] == b'"');
                    let expected = plain.and_then(|end| Short::of(&bytes[..end]));
                    assert!(eight(&bytes).before_quote() == expected, "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn short_strings_are_told_apart() {
        let texts: [&[u8]; 6] = [b"", b"\0", b"\0\0", b"a", b"a\0", b"seven77"];
        for (n, text) in texts.iter().enumerate() {
            let short = Short::of(text).unwrap();
            let (bytes, length) = short.bytes();
            assert_eq!(&bytes[..length], *text);
            assert!(texts[..n].iter().all(|other| Short::of(other) != Some(short)));
            assert!(short != Short::NONE);
        }
        assert!(Short::of(b"eight888").is_none());
    }
}
