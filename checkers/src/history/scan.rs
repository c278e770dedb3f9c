//! One line of JSON → [`Record`], for lines as a machine writes them: without escapes, floats,
//! objects in values, members that we do not know, or anything else that is unusual. `None` sends
//! those to [`decode`](super::decode), which decides, slowly, whether they are right at all.

use super::EventType;
use super::keying::Given;
use super::pairing::{Record, Stamp};
use super::values::{Interner, ValueId};

/// Arrays in arrays beyond this are unusual.
const DEPTH_MAX: u32 = 16;

/// Scans lines.
#[derive(Default)]
pub(super) struct Scanner {
    /// Elements of the arrays that are open.
    items: Vec<ValueId>,
}

/// Which member a name is, as a bit.
const INDEX: u16 = 1;
const TIME: u16 = 2;
const PROCESS: u16 = 4;
const TYPE: u16 = 8;
const F: u16 = 16;
const KEY: u16 = 32;
const VALUE: u16 = 64;
const NODE: u16 = 128;
const ERROR: u16 = 256;
const SCHEDULED: u16 = 512;
const NEEDED: u16 = PROCESS | TYPE | F;

impl Scanner {
    /// The event of a client in `line`, if nothing in it is unusual.
    pub(super) fn record(&mut self, line: &[u8], names: &mut Interner) -> Option<Record> {
        let mut record = Record {
            stamp: Stamp { index: None, time: None, kind: EventType::Invoke },
            process: 0,
            f: ValueId::NULL,
            key: None,
            value: Given::Whole(ValueId::NULL),
            node: ValueId::NULL,
            error: ValueId::NULL,
            scheduled: None,
        };
        let mut seen = 0;
        let mut cursor = Cursor { rest: line };
        cursor.expect(b'{')?;
        loop {
            cursor.expect(b'"')?;
            let bit = self.member(&mut cursor, &mut record, names)?;
            if seen & bit != 0 {
                return None;
            }
            seen |= bit;
            match cursor.token()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
        let whole = seen & NEEDED == NEEDED && cursor.rest.trim_ascii().is_empty();
        whole.then_some(record)
    }

    fn member(
        &mut self,
        cursor: &mut Cursor<'_>,
        record: &mut Record,
        names: &mut Interner,
    ) -> Option<u16> {
        let member = cursor.member()?;
        match member {
            INDEX => {
                record.stamp.index = Some(cursor.unsigned()?);
            }
            TIME => {
                record.stamp.time = Some(cursor.unsigned()?);
            }
            PROCESS => {
                record.process = u32::try_from(cursor.unsigned()?).ok()?;
            }
            TYPE => {
                record.stamp.kind = kind(cursor.keyword()?)?;
            }
            F => {
                record.f = names.word(cursor.keyword()?)?;
            }
            KEY => {
                let key = self.value(cursor, names, 0)?;
                record.key = (!key.is_null()).then_some(key);
            }
            VALUE => {
                let transaction = names.values().text(record.f) == Some("txn");
                record.value = match transaction {
                    true => Given::Whole(self.transaction(cursor, names)?),
                    false => self.given(cursor, names)?,
                };
            }
            NODE => {
                record.node = cursor.text_or_null(names)?;
            }
            ERROR => {
                record.error = cursor.text_or_null(names)?;
            }
            SCHEDULED => {
                record.scheduled = Some(cursor.unsigned()?);
            }
            _ => return None,
        }
        Some(member)
    }

    /// As [`value`](Self::value), for the value of the event.
    fn given(&mut self, cursor: &mut Cursor<'_>, names: &mut Interner) -> Option<Given> {
        if cursor.peek()? != b'[' {
            return self.value(cursor, names, 0).map(Given::Whole);
        }
        cursor.token()?;
        let start = self.items.len();
        let whole = self.elements(cursor, names, 0);
        let given = whole.map(|()| Given::of_array(&self.items[start..], names));
        self.items.truncate(start);
        given
    }

    /// The list of micro-operations of a transaction; or any other value.
    fn transaction(&mut self, cursor: &mut Cursor<'_>, names: &mut Interner) -> Option<ValueId> {
        if cursor.peek()? != b'[' {
            return self.value(cursor, names, 0);
        }
        cursor.token()?;
        let start = self.items.len();
        let whole = self.micros(cursor, names);
        let id = whole.map(|()| names.loose_array(&self.items[start..]));
        self.items.truncate(start);
        id
    }

    fn micros(&mut self, cursor: &mut Cursor<'_>, names: &mut Interner) -> Option<()> {
        if cursor.peek()? == b']' {
            return cursor.token().map(drop);
        }
        loop {
            let item = if cursor.peek()? == b'[' {
                cursor.token()?;
                let start = self.items.len();
                let whole = self.elements(cursor, names, 1);
                let id = whole.map(|()| names.loose_array(&self.items[start..]));
                self.items.truncate(start);
                id?
            } else {
                self.value(cursor, names, 1)?
            };
            self.items.push(item);
            match cursor.token()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    fn value(
        &mut self,
        cursor: &mut Cursor<'_>,
        names: &mut Interner,
        depth: u32,
    ) -> Option<ValueId> {
        match cursor.token()? {
            b'"' => match cursor.plain()? {
                // Perhaps a keyword.
                [b':', ..] => None,
                plain => names.word(plain),
            },
            b'[' if depth < DEPTH_MAX => {
                let start = self.items.len();
                let whole = self.elements(cursor, names, depth);
                let id = whole.map(|()| names.array(&self.items[start..]));
                self.items.truncate(start);
                id
            }
            b'n' => cursor.word(b"ull").map(|()| ValueId::NULL),
            b't' => cursor.word(b"rue").map(|()| names.value(&true.into())),
            b'f' => cursor.word(b"alse").map(|()| names.value(&false.into())),
            b'-' => {
                let number = i64::try_from(cursor.unsigned()?).ok()?;
                // JSON's -0 is a float.
                (number != 0).then(|| names.integer(-number))
            }
            digit @ b'0'..=b'9' => {
                let number = cursor.digits(digit)?;
                Some(names.integer(i64::try_from(number).ok()?))
            }
            _ => None,
        }
    }

    fn elements(
        &mut self,
        cursor: &mut Cursor<'_>,
        names: &mut Interner,
        depth: u32,
    ) -> Option<()> {
        if cursor.peek()? == b']' {
            cursor.token()?;
            return Some(());
        }
        loop {
            let item = self.value(cursor, names, depth + 1)?;
            self.items.push(item);
            match cursor.token()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }
}

fn kind(name: &[u8]) -> Option<EventType> {
    Some(match name {
        b"invoke" => EventType::Invoke,
        b"ok" => EventType::Ok,
        b"fail" => EventType::Fail,
        b"info" => EventType::Info,
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

struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// The next byte that is no blank.
    #[inline]
    fn token(&mut self) -> Option<u8> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            self.rest = rest;
            if !matches!(first, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(first);
            }
        }
    }

    fn peek(&mut self) -> Option<u8> {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
        self.rest.first().copied()
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.token()? == byte).then_some(())
    }

    fn word(&mut self, rest: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(rest)?;
        Some(())
    }

    /// The rest of a string without escapes.
    #[inline]
    fn plain(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|&byte| ENDS_PLAIN[byte as usize])?;
        let (plain, rest) = self.rest.split_at(end);
        let (&quote, rest) = rest.split_first()?;
        self.rest = rest;
        (quote == b'"').then_some(plain)
    }

    /// The bit of a member, its name read from behind the quote, and the colon passed.
    #[inline]
    fn member(&mut self) -> Option<u16> {
        // As a machine writes it: no blank before the colon, so the name tells its end.
        let (member, rest) = match self.rest {
            [b'i', b'n', b'd', b'e', b'x', b'"', b':', rest @ ..] => (INDEX, rest),
            [b't', b'i', b'm', b'e', b'"', b':', rest @ ..] => (TIME, rest),
            [b'p', b'r', b'o', b'c', b'e', b's', b's', b'"', b':', rest @ ..] => (PROCESS, rest),
            [b't', b'y', b'p', b'e', b'"', b':', rest @ ..] => (TYPE, rest),
            [b'f', b'"', b':', rest @ ..] => (F, rest),
            [b'k', b'e', b'y', b'"', b':', rest @ ..] => (KEY, rest),
            [b'v', b'a', b'l', b'u', b'e', b'"', b':', rest @ ..] => (VALUE, rest),
            [b'n', b'o', b'd', b'e', b'"', b':', rest @ ..] => (NODE, rest),
            [b'e', b'r', b'r', b'o', b'r', b'"', b':', rest @ ..] => (ERROR, rest),
            [b's', b'c', b'h', b'e', b'd', b'u', b'l', b'e', b'd', b'"', b':', rest @ ..] => {
                (SCHEDULED, rest)
            }
            _ => return self.spaced_member(),
        };
        self.rest = rest;
        Some(member)
    }

    /// As [`member`](Self::member), with blanks before the colon.
    fn spaced_member(&mut self) -> Option<u16> {
        let member = match self.plain()? {
            b"index" => INDEX,
            b"time" => TIME,
            b"process" => PROCESS,
            b"type" => TYPE,
            b"f" => F,
            b"key" => KEY,
            b"value" => VALUE,
            b"node" => NODE,
            b"error" => ERROR,
            b"scheduled" => SCHEDULED,
            _ => return None,
        };
        self.expect(b':')?;
        Some(member)
    }

    /// A string, with or without the colon of a keyword.
    fn keyword(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let plain = self.plain()?;
        Some(plain.strip_prefix(b":").unwrap_or(plain))
    }

    fn text_or_null(&mut self, names: &mut Interner) -> Option<ValueId> {
        match self.token()? {
            b'"' => names.word(self.plain()?),
            b'n' => self.word(b"ull").map(|()| ValueId::NULL),
            _ => None,
        }
    }

    fn unsigned(&mut self) -> Option<u64> {
        let first = self.token()?;
        first.is_ascii_digit().then(|| self.digits(first))?
    }

    /// A number from its first digit on.
    #[inline]
    fn digits(&mut self, first: u8) -> Option<u64> {
        let mut number = u64::from(first - b'0');
        let mut count = 0;
        while let Some(&digit @ b'0'..=b'9') = self.rest.get(count) {
            number = number * 10 + u64::from(digit - b'0');
            count += 1;
            // No overflow up to here.
            if count > 17 {
                return None;
            }
        }
        if first == b'0' && count > 0 {
            return None;
        }
        self.rest = &self.rest[count..];
        let more = matches!(self.rest, [b'.' | b'e' | b'E', ..]);
        (!more).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn scan(line: &str) -> Option<(Record, Interner)> {
        let mut names = Interner::default();
        let record = Scanner::default().record(line.as_bytes(), &mut names)?;
        Some((record, names))
    }

    #[test]
    fn usual_lines_are_scanned() {
        let line = r#"{"index":17, "time":12,"process":3,"type":":invoke","f":"cas","key":"k1",
            "value":[1,[-2,null],true,"é"],"node":"n2","error":null,"scheduled":11} "#
            .replace('\n', "");
        let (record, mut names) = scan(&line).unwrap();
        assert_eq!((record.stamp.index, record.stamp.time), (Some(17), Some(12)));
        assert_eq!((record.process, record.scheduled), (3, Some(11)));
        let value = record.value.whole(&mut names);
        let value = names.values().get(value);
        assert_eq!(value.to_string(), r#"[1,[-2,null],true,"é"]"#);
        assert_eq!(names.values().text(record.node), Some("n2"));
        assert!(record.error.is_null());
    }

    #[test]
    fn what_is_unusual_is_left_to_others() {
        let usual = r#"{"process":3,"type":"ok","f":"read","value":1}"#;
        assert!(scan(usual).is_some());
        for (from, to) in [
            ("3", "\"nemesis\""),
            ("1", "1.5"),
            ("1", "1e5"),
            ("1", "01"),
            ("1", "-0"),
            ("1", "+1"),
            ("1", "{}"),
            ("1", "\"a\\n\""),
            ("1", "\":key\""),
            ("1", "[1,]"),
            ("1", "[1"),
            ("1", "12345678901234567890"),
            ("1", "1,\"other\":2"),
            ("1", "1,\"value\":2"),
            ("1}", "1} 2"),
            ("1}", "1"),
            ("ok", "done"),
            (",\"f\":\"read\"", ""),
        ] {
            let line = usual.replace(from, to);
            assert!(line != usual && scan(&line).is_none(), "{line}");
        }
    }
}
