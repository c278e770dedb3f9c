//! One line of JSON → [`Record`], for lines as a machine writes them: without escapes, floats,
//! objects in values, members that we do not know, or anything else that is unusual. `None` sends
//! those to [`decode`](super::decode), which decides, slowly, whether they are right at all.

mod cursor;
mod lists;
mod micro;
mod own;

use cursor::Cursor;
use cursor::member;
use lists::Lists;

use super::EventType;
use super::eight::Short;
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
    lists: Lists,
    /// Whether the function of the event is known to be `txn`.
    is_transaction: bool,
}

impl Scanner {
    /// Whether the last event was that of a transaction.
    pub(super) fn is_in_transactions(&self) -> bool {
        self.is_transaction
    }

    /// The event of a client in the first `length` bytes of `ahead`, if nothing in it is unusual.
    ///
    /// What is beyond them changes nothing; it lets the last words be read eight bytes at a time.
    pub(super) fn record(
        &mut self,
        ahead: &[u8],
        length: usize,
        names: &mut Interner,
    ) -> Option<Record> {
        let cursor = Cursor::new(ahead, length);
        self.own(cursor, names).or_else(|| self.members(cursor, names))
    }

    /// The event, its members in any order.
    fn members(&mut self, mut cursor: Cursor<'_>, names: &mut Interner) -> Option<Record> {
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
        self.is_transaction = false;
        let mut seen = 0;
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
        (seen & member::NEEDED == member::NEEDED && cursor.is_done()).then_some(record)
    }

    fn member(
        &mut self,
        cursor: &mut Cursor<'_>,
        record: &mut Record,
        names: &mut Interner,
    ) -> Option<u16> {
        let bit = cursor.member()?;
        match bit {
            member::INDEX => {
                record.stamp.index = Some(cursor.unsigned()?);
            }
            member::TIME => {
                record.stamp.time = Some(cursor.unsigned()?);
            }
            member::PROCESS => {
                record.process = u32::try_from(cursor.unsigned()?).ok()?;
            }
            member::TYPE => {
                record.stamp.kind = EventType::named(cursor.keyword()?.short()?)?;
            }
            member::F => {
                let f = cursor.keyword()?;
                self.is_transaction = f.short() == Some(TXN);
                record.f = f.name(names)?;
            }
            member::KEY => {
                let key = self.value(cursor, names, 0)?;
                record.key = (!key.is_null()).then_some(key);
            }
            member::VALUE => {
                record.value = self.event_value(cursor, names)?;
            }
            member::NODE => {
                record.node = cursor.text_or_null(names)?;
            }
            member::ERROR => {
                record.error = cursor.text_or_null(names)?;
            }
            member::SCHEDULED => {
                record.scheduled = Some(cursor.unsigned()?);
            }
            _ => return None,
        }
        Some(bit)
    }

    fn event_value(&mut self, cursor: &mut Cursor<'_>, names: &mut Interner) -> Option<Given> {
        match self.is_transaction {
            true => self.transaction(cursor, names),
            false => self.given(cursor, names),
        }
    }

    /// As [`value`](Self::value), for the value of an event that is no transaction.
    fn given(&mut self, cursor: &mut Cursor<'_>, names: &mut Interner) -> Option<Given> {
        if cursor.peek()? != b'[' {
            return self.value(cursor, names, 0).map(Given::Whole);
        }
        cursor.token()?;
        let elements = |scanner: &mut Self, names: &mut _| scanner.elements(cursor, names, 0);
        self.array(names, elements, |names, items| Given::of_array(items, names))
    }

    /// The list of micro-operations of a transaction; or any other value.
    fn transaction(&mut self, cursor: &mut Cursor<'_>, names: &mut Interner) -> Option<Given> {
        if cursor.peek()? != b'[' {
            return self.value(cursor, names, 0).map(Given::Whole);
        }
        cursor.token()?;
        let micros = |scanner: &mut Self, names: &mut _| scanner.micros(cursor, names);
        self.array(names, micros, Interner::loose_array).map(Given::Micros)
    }

    fn micros(&mut self, cursor: &mut Cursor<'_>, names: &mut Interner) -> Option<()> {
        if cursor.peek()? == b']' {
            return cursor.token().map(drop);
        }
        loop {
            let item = match self.own_micro(cursor, names) {
                Some(micro) => names.loose_array(&micro),
                None => self.micro(cursor, names)?,
            };
            self.items.push(item);
            match cursor.token()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    fn micro(&mut self, cursor: &mut Cursor<'_>, names: &mut Interner) -> Option<ValueId> {
        if cursor.peek()? != b'[' {
            return self.value(cursor, names, 1);
        }
        cursor.token()?;
        let elements = |scanner: &mut Self, names: &mut _| scanner.elements(cursor, names, 1);
        self.array(names, elements, Interner::loose_array)
    }

    fn value(
        &mut self,
        cursor: &mut Cursor<'_>,
        names: &mut Interner,
        depth: u32,
    ) -> Option<ValueId> {
        if cursor.peek()?.is_ascii_digit() {
            let number = cursor.digits()?;
            return Some(names.integer(i64::try_from(number).ok()?));
        }
        match cursor.token()? {
            // With a colon in front it is perhaps a keyword.
            b'"' if cursor.first() != Some(b':') => cursor.plain()?.name(names),
            b'[' if depth < DEPTH_MAX => {
                let elements =
                    |scanner: &mut Self, names: &mut _| scanner.elements(cursor, names, depth);
                self.array(names, elements, Interner::array)
            }
            b'n' => cursor.word(b"ull").map(|()| ValueId::NULL),
            b't' => cursor.word(b"rue").map(|()| names.value(&true.into())),
            b'f' => cursor.word(b"alse").map(|()| names.value(&false.into())),
            b'-' => {
                let number = i64::try_from(cursor.digits()?).ok()?;
                // JSON's -0 is a float.
                (number != 0).then(|| names.integer(-number))
            }
            _ => None,
        }
    }

    /// An array of whatever `elements` pushes, as `name` calls it.
    #[inline]
    fn array<T>(
        &mut self,
        names: &mut Interner,
        elements: impl FnOnce(&mut Self, &mut Interner) -> Option<()>,
        name: impl FnOnce(&mut Interner, &[ValueId]) -> T,
    ) -> Option<T> {
        let start = self.items.len();
        let whole = elements(self, names);
        let named = whole.map(|()| name(names, &self.items[start..]));
        self.items.truncate(start);
        named
    }

    fn elements(
        &mut self,
        cursor: &mut Cursor<'_>,
        names: &mut Interner,
        depth: u32,
    ) -> Option<()> {
        if cursor.peek()? == b']' {
            return cursor.token().map(drop);
        }
        self.more_elements(cursor, names, depth)
    }

    /// Elements up to the end of their array; there is at least one.
    fn more_elements(
        &mut self,
        cursor: &mut Cursor<'_>,
        names: &mut Interner,
        depth: u32,
    ) -> Option<()> {
        loop {
            if let Some((number, last)) = cursor.element() {
                self.items.push(names.integer(number));
                if last {
                    return Some(());
                }
                continue;
            }
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

const TXN: Short = Short::literal(b"txn");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn scan(line: &str) -> Option<(Record, Interner)> {
        let mut names = Interner::default();
        let record = Scanner::default().record(line.as_bytes(), line.len(), &mut names)?;
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

    /// The quick way is taken, and is the same as the other.
    #[test]
    fn lines_as_isobar_writes_them_are_read_in_one_go() {
        let line = r#"{"index":12345678,"time":9876543210,"process":0,"type":"invoke","f":"read","key":"k1","value":null,"node":"n2"}"#;
        for (from, to) in [
            ("invoke", "invoke"),
            ("invoke", "ok"),
            ("invoke", "info"),
            ("invoke", "fail"),
            ("null", "-17"),
            ("null", "[1,[2,null]]"),
            ("null", "1234567890123456"),
            ("null", "\"a long text, longer than a word\""),
            (r#","node":"n2""#, ""),
            (r#","key":"k1""#, ""),
            (r#""k1""#, "17"),
            ("read", "txn"),
        ] {
            let line = line.replace(from, to);
            let mut names = Interner::default();
            let cursor = Cursor::new(line.as_bytes(), line.len());
            let own = Scanner::default().own(cursor, &mut names);
            let members = Scanner::default().members(cursor, &mut names);
            assert!(own.is_some(), "{line}");
            assert_eq!(format!("{own:?}"), format!("{members:?}"), "{line}");
        }
        for (from, to) in [
            ("invoke", "begin"),
            ("12345678,", "01,"),
            ("null", "1.5"),
            ("}", "} 1"),
            ("read", ":read"),
            ("k1", ":k1"),
        ] {
            let line = line.replace(from, to);
            let cursor = Cursor::new(line.as_bytes(), line.len());
            assert!(Scanner::default().own(cursor, &mut Interner::default()).is_none(), "{line}");
        }
    }

    #[test]
    fn a_keyword_loses_its_colon() {
        let line = r#"{"index":3,"time":30,"process":1,"type":"ok","f":":read","value":["k1",1]}"#;
        let (record, names) = scan(line).unwrap();
        assert_eq!(names.values().text(record.f), Some("read"));
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
