//! Reads the logs of Jepsen's etcd test, as Porcupine keeps them: one register, no times.
//!
//! ```text
//! INFO  jepsen.util - 4   :invoke :cas    [3 1]
//! INFO  jepsen.util - 4   :info   :cas    :timed-out
//! INFO  jepsen.util - 1   :ok     :read   nil
//! ```
//!
//! Lines of other loggers and of the nemesis are skipped.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::pairing::Stamp;
use super::source::Source;
use super::{Event, EventType, History, HistoryBuilder, Nanos, Process, ReadError};

const MARK: &str = "jepsen.util - ";

/// Reads a whole history; `name` is what errors call it.
///
/// # Errors
/// [`ReadError`] with file, line and column, and what was expected there; also when no line at all
/// is of this format.
pub fn read(name: &str, reader: impl BufRead) -> Result<History, ReadError> {
    let mut source = Source::new(name, reader);
    let mut builder = HistoryBuilder::new();
    let mut found = false;
    while let Some(line) = source.line()? {
        let text = String::from_utf8_lossy(line.text());
        let Some(start) = text.find(MARK).map(|place| place + MARK.len()) else { continue };
        let event = event(&text[start..]).map_err(|problem| {
            let (file, line) = (name.to_owned(), line.number);
            ReadError::Syntax { file, line, column: start + 1, problem }
        })?;
        if let Some(event) = event {
            found = true;
            let stamp = Stamp { index: None, time: None, kind: event.kind };
            builder.event(stamp, event).map_err(ReadError::at(name, line.number))?;
        }
    }
    if !found {
        let problem = format!("no operation found; expected lines such as `{MARK}0 :ok :read nil`");
        return Err(ReadError::Empty { file: name.to_owned(), problem });
    }
    Ok(builder.finish())
}

/// One event, or `None` for the nemesis.
fn event(text: &str) -> Result<Option<Event>, String> {
    let mut words = text.split_whitespace();
    let mut word = |what: &str| words.next().ok_or_else(|| format!("expected {what} next"));
    let process = word("a process number")?;
    if process == ":nemesis" {
        return Ok(None);
    }
    let process = process
        .parse()
        .map_err(|_| format!("`{process}` is no process; expected a number or :nemesis"))?;
    let kind = match word("a type")? {
        ":invoke" => EventType::Invoke,
        ":ok" => EventType::Ok,
        ":fail" => EventType::Fail,
        ":info" => EventType::Info,
        other => return Err(format!("`{other}`: expected :invoke, :ok, :fail or :info")),
    };
    let f = match word("a function")? {
        name @ (":read" | ":write" | ":cas") => name[1..].to_owned(),
        other => return Err(format!("`{other}`: expected :read, :write or :cas")),
    };
    let rest: Vec<&str> = words.collect();
    let (value, error) = value(&rest.join(" "))?;
    Ok(Some(Event {
        index: 0,
        time: Nanos(0),
        process: Process::Client(process),
        kind,
        f,
        key: None,
        value,
        node: None,
        error,
        extra: Map::new(),
    }))
}

/// `nil`, a number, `[old new]`, or a keyword: an error such as `:timed-out`.
fn value(text: &str) -> Result<(Value, Option<String>), String> {
    let bad = |_| format!("`{text}`: expected nil, a number, [old new] or a keyword");
    if let Some(keyword) = text.strip_prefix(':') {
        return Ok((Value::Null, Some(keyword.to_owned())));
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        let parts: Result<Vec<Value>, _> =
            inner.split_whitespace().map(|part| part.parse::<i64>().map(Value::from)).collect();
        return parts.map(|parts| (Value::Array(parts), None)).map_err(bad);
    }
    match text {
        "nil" => Ok((Value::Null, None)),
        _ => text.parse::<i64>().map(|number| (number.into(), None)).map_err(bad),
    }
}
