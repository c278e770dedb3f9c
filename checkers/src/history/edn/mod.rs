//! Reads histories as Jepsen writes them: an operation per line or one vector, maps or records.
//!
//! ```text
//! {:process 0, :type :invoke, :f :write, :value 3, :index 0, :time 1203}
//! #jepsen.history.Op{:index 1, :time 1999, :type :ok, :process 0, :f :write, :value 3}
//! {:process :nemesis, :type :info, :f :start, :value nil}
//! ```
//!
//! Porcupine's logs of its key-value store are of the same form, with a `:key`. Members that we
//! do not know are skipped.

mod atom;
mod form;

use std::io::BufRead;

use form::{Cursor, Trouble};
use serde_json::{Map, Value};

use super::eight::Short;
use super::keying::Given;
use super::pairing::{Record, Stamp};
use super::source::Source;
use super::values::Interner;
use super::{
    Event, EventType, History, HistoryBuilder, Nanos, Process, ReadError, ValueId, Values,
};

/// Reads a whole history; `name` is what errors call it.
///
/// An operation that the end of the file cuts off is left out and told in `remarks`.
///
/// # Errors
/// [`ReadError`] with file, line and column, and what was expected there.
pub fn read(name: &str, reader: impl BufRead) -> Result<History, ReadError> {
    let mut source = Source::new(name, reader);
    let mut builder = HistoryBuilder::new();
    builder.keying.look_for_tuples();
    let mut reader = Events::default();
    loop {
        let mut cursor = Cursor { bytes: source.ahead(), at: 0 };
        let outcome = reader.next(&mut cursor, &mut builder);
        let at = cursor.at;
        match outcome {
            Ok(Some(told)) => {
                if let Err(error) = builder.add(told.draft) {
                    return Err(ReadError::at(name, source.locate(told.start).0)(error));
                }
                source.consume(at);
            }
            Ok(None) => source.consume(at),
            Err(Trouble::Bad(offset, problem)) => {
                let (line, column) = source.locate(offset);
                return Err(ReadError::Syntax { file: name.to_owned(), line, column, problem });
            }
            Err(Trouble::Incomplete) => {
                if !source.more()? {
                    break;
                }
            }
        }
    }
    let (line, torn) = end(&source);
    if torn {
        builder.remarks.push(format!("line {line}, the last, is torn: left out"));
    } else if reader.closing.is_some() {
        builder.remarks.push("the file ends before its vector does".to_owned());
    }
    Ok(builder.finish())
}

/// The place where the last form begins, and whether there is more than a comment in it.
fn end<R: std::io::Read>(source: &Source<R>) -> (usize, bool) {
    let rest = source.ahead();
    let mut start = 0;
    loop {
        match rest[start..].iter().position(|byte| !byte.is_ascii_whitespace() && *byte != b',') {
            None => return (source.locate(rest.len()).0, false),
            Some(blanks) => start += blanks,
        }
        if rest[start] != b';' {
            return (source.locate(start).0, true);
        }
        match memchr::memchr(b'\n', &rest[start..]) {
            None => return (source.locate(start).0, false),
            Some(newline) => start += newline,
        }
    }
}

/// Events out of a sequence of forms.
#[derive(Default)]
struct Events {
    items: Vec<ValueId>,
    /// What closes the vector around the events.
    closing: Option<u8>,
    /// Whether a vector was closed: nothing may follow.
    closed: bool,
}

/// An event and the byte where it begins.
struct Told {
    draft: Draft,
    start: usize,
}

/// The members of an event so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    index: Option<u64>,
    time: Option<u64>,
    process: Option<Process>,
    kind: Option<EventType>,
    f: ValueId,
    key: Option<ValueId>,
    value: Given,
    node: ValueId,
    error: ValueId,
}

impl Events {
    /// The next event, or `None` for a step that is none.
    fn next(
        &mut self,
        cursor: &mut Cursor<'_>,
        builder: &mut HistoryBuilder,
    ) -> Result<Option<Told>, Trouble> {
        let first = cursor.peek()?;
        let start = cursor.at;
        if self.closed {
            return cursor.bad("expected nothing after the end of the vector");
        }
        match first {
            b'[' | b'(' if self.closing.is_none() => {
                self.closing = Some(if first == b'[' { b']' } else { b')' });
                cursor.at += 1;
                return Ok(None);
            }
            close if Some(close) == self.closing => {
                (self.closing, self.closed) = (None, true);
                cursor.at += 1;
                return Ok(None);
            }
            b'#' if cursor.bytes.get(cursor.at + 1) != Some(&b'{') => {
                // A record: its name tells nothing that its members do not.
                cursor.token()?;
                if cursor.peek()? != b'{' {
                    return cursor.bad("expected a map after the name of a record");
                }
            }
            b'{' => {}
            _ => return cursor.bad("expected an operation, as {:process 0, :type :invoke, …}"),
        }
        let mut draft = self.members(cursor, builder)?;
        if draft.f.is_null() && draft.may_be_transaction(builder.names.values()) {
            draft.f = builder.names.text("txn");
        }
        draft.check().map_err(|problem| Trouble::Bad(start, problem))?;
        Ok(Some(Told { draft, start }))
    }

    fn members(
        &mut self,
        cursor: &mut Cursor<'_>,
        builder: &mut HistoryBuilder,
    ) -> Result<Draft, Trouble> {
        let mut draft = Draft {
            index: None,
            time: None,
            process: None,
            kind: None,
            f: ValueId::NULL,
            key: None,
            value: Given::Whole(ValueId::NULL),
            node: ValueId::NULL,
            error: ValueId::NULL,
        };
        cursor.at += 1;
        while cursor.peek()? != b'}' {
            let name_at = cursor.at;
            let string;
            let name = match cursor.bytes[cursor.at] {
                b':' => &cursor.token_bytes()?[1..],
                b'"' => {
                    string = cursor.string()?;
                    string.as_bytes()
                }
                _ => return cursor.bad("expected a member's name, as :process"),
            };
            let shown = || String::from_utf8_lossy(name);
            let at = match cursor.peek()? {
                b'}' => return Err(Trouble::Bad(name_at, format!("`{}` has no value", shown()))),
                _ => cursor.at,
            };
            let problem = match name {
                b"index" | b"time" | b"process" => draft.set_number(name, cursor, builder)?,
                b"type" => match kind(cursor)? {
                    Some(kind) => {
                        draft.kind = Some(kind);
                        None
                    }
                    None => Some("expected :invoke, :ok, :fail or :info"),
                },
                b"value" => {
                    if is_tuple(cursor) {
                        builder.keying.tagged();
                        cursor.token()?;
                    }
                    draft.value = cursor.given(&mut builder.names, &mut self.items)?;
                    None
                }
                b"f" | b"key" | b"node" | b"error" => {
                    let id = cursor.value(&mut builder.names, &mut self.items)?;
                    draft.set(name, id, &mut builder.names)
                }
                _ => {
                    cursor.skip()?;
                    None
                }
            };
            if let Some(problem) = problem {
                return Err(Trouble::Bad(at, format!("`:{}`: {problem}", shown())));
            }
        }
        cursor.at += 1;
        Ok(draft)
    }
}

/// Whether a form is a tuple of `jepsen.independent` that says so.
fn is_tuple(cursor: &Cursor<'_>) -> bool {
    let rest = &cursor.bytes[cursor.at..];
    rest.starts_with(b"#jepsen.independent.Tuple") || rest.starts_with(b"#jepsen.independent/tuple")
}

/// A type, if it is one: a keyword or a string.
fn kind(cursor: &mut Cursor<'_>) -> Result<Option<EventType>, Trouble> {
    let string;
    let name = match cursor.bytes[cursor.at] {
        b'"' => {
            string = cursor.string()?;
            string.as_bytes()
        }
        _ => cursor.token_bytes()?,
    };
    let name = name.strip_prefix(b":").unwrap_or(name);
    Ok(Short::of(name).and_then(EventType::named))
}

/// Others' errors are structured; ours are text.
fn text(id: ValueId, names: &mut Interner) -> ValueId {
    if id.is_null() || names.values().text(id).is_some() {
        return id;
    }
    let text = names.values().get(id).to_string();
    names.text(&text)
}

impl Draft {
    /// What is wrong, if something is.
    fn set_number(
        &mut self,
        name: &[u8],
        cursor: &mut Cursor<'_>,
        builder: &mut HistoryBuilder,
    ) -> Result<Option<&'static str>, Trouble> {
        if let Some(number) = cursor.unsigned() {
            match name {
                b"index" => self.index = Some(number),
                b"time" => self.time = Some(number),
                _ => match u32::try_from(number) {
                    Ok(number) => self.process = Some(Process::Client(number)),
                    Err(_) => return Ok(Some("expected a number below 2^32, or :nemesis")),
                },
            }
            return Ok(None);
        }
        let id = cursor.value(&mut builder.names, &mut Vec::new())?;
        let values = builder.names.values();
        match (name, values.integer(id)) {
            // Jepsen's -1: none.
            (b"index", Some(_)) => {}
            (b"process", None) if values.text(id).is_some() => {
                self.process = Some(Process::Nemesis);
            }
            (b"process", _) => return Ok(Some("expected a number from 0, or :nemesis")),
            _ if id.is_null() => {}
            (b"index", _) => return Ok(Some("expected a number")),
            _ => return Ok(Some("expected nanoseconds, from 0")),
        }
        Ok(None)
    }

    /// What is wrong, if something is.
    fn set(&mut self, name: &[u8], id: ValueId, names: &mut Interner) -> Option<&'static str> {
        match name {
            b"f" if names.values().text(id).is_none() && !id.is_null() => {
                return Some("expected a keyword, as :read");
            }
            b"f" => self.f = id,
            b"key" => self.key = (!id.is_null()).then_some(id),
            b"node" => self.node = text(id, names),
            _ => self.error = text(id, names),
        }
        None
    }

    /// Whether an event without `:f`, as Elle's histories have them, is that of a transaction: its
    /// value is a list of micro-operations, or that of its invocation may have been.
    fn may_be_transaction(&self, values: &Values) -> bool {
        let Given::Whole(value) = self.value else { return false };
        if self.process == Some(Process::Nemesis) {
            return false;
        }
        match values.elements(value) {
            Some(items) => items.iter().all(|&item| values.elements(item).is_some()),
            None => value.is_null() && self.kind != Some(EventType::Invoke),
        }
    }

    fn check(&self) -> Result<(), String> {
        let missing = |name: &str| {
            let needed = "an operation needs :process, :type and :f";
            Err(format!("`:{name}` is missing: {needed}"))
        };
        match self {
            Self { kind: None, .. } => missing("type"),
            // Jepsen's nemesis may have none.
            Self { process: Some(Process::Nemesis), .. } => Ok(()),
            Self { f, .. } if f.is_null() => missing("f"),
            _ => Ok(()),
        }
    }
}

impl HistoryBuilder {
    fn add(&mut self, draft: Draft) -> Result<(), super::HistoryError> {
        let Draft { index, time, process, kind, f, key, value, node, error } = draft;
        let kind = kind.unwrap_or(EventType::Info);
        let stamp = Stamp { index, time, kind };
        let (f_id, scheduled) = (f, None);
        let process = match process {
            Some(process) => process,
            None => self.nameless(stamp)?,
        };
        if let Process::Client(process) = process {
            let f = f_id;
            return self.record(Record { stamp, process, f, key, value, node, error, scheduled });
        }
        let value = value.whole(&mut self.names);
        let values = self.names.values();
        self.event(
            stamp,
            Event {
                index: 0,
                time: Nanos(0),
                process: Process::Nemesis,
                kind,
                f: values.text(f_id).unwrap_or_default().to_owned(),
                key: key.map(|key| values.get(key)),
                value: values.get(value),
                node: None,
                error: None::<String>,
                extra: Map::<String, Value>::new(),
            },
        )
    }
}
