//! A line as isobar writes it: members in one order, and no blanks. Everything is compared by
//! eight bytes at a time, which takes a third of the time of looking for members one by one.

use super::cursor::Cursor;
use super::{Scanner, TXN};
use crate::history::EventType;
use crate::history::keying::Given;
use crate::history::pairing::{Record, Stamp};
use crate::history::values::{Interner, ValueId};

impl Scanner {
    /// The event, if the line is such a one; if not, [`record`](Self::record) finds out what it is.
    pub(super) fn own(&mut self, mut cursor: Cursor<'_>, names: &mut Interner) -> Option<Record> {
        cursor.pass(b"{\"index\":")?;
        let index = cursor.number()?;
        cursor.pass(b",\"time\":")?;
        let time = cursor.number()?;
        cursor.pass(b",\"process\":")?;
        let process = u32::try_from(cursor.number()?).ok()?;
        cursor.pass(b",\"type\":\"")?;
        let kind = EventType::named(cursor.plain()?.short()?)?;
        cursor.pass(b",\"f\":\"")?;
        if cursor.first() == Some(b':') {
            // A keyword, whose colon is no part of it.
            return None;
        }
        let function = cursor.plain()?;
        self.is_transaction = function.short() == Some(TXN);
        let f = function.name(names)?;
        let mut key = None;
        if cursor.pass(b",\"key\":").is_some() {
            let id = self.value(&mut cursor, names, 0)?;
            key = (!id.is_null()).then_some(id);
        }
        cursor.pass(b",\"value\":")?;
        let value = self.own_value(&mut cursor, names)?;
        let mut node = ValueId::NULL;
        if cursor.pass(b",\"node\":\"").is_some() {
            node = cursor.plain()?.name(names)?;
        }
        cursor.pass(b"}")?;
        let stamp = Stamp { index: Some(index), time: Some(time), kind };
        let error = ValueId::NULL;
        let record = Record { stamp, process, f, key, value, node, error, scheduled: None };
        cursor.is_done().then_some(record)
    }

    fn own_value(&mut self, cursor: &mut Cursor<'_>, names: &mut Interner) -> Option<Given> {
        if cursor.pass(b"null").is_some() {
            return Some(Given::Whole(ValueId::NULL));
        }
        self.event_value(cursor, names)
    }
}
