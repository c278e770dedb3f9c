//! Reads the logs of Jepsen's etcd test, as Porcupine keeps them: one register, no times.
//!
//! ```text
//! INFO  jepsen.util - 4   :invoke :cas    [3 1]
//! INFO  jepsen.util - 4   :info   :cas    :timed-out
//! INFO  jepsen.util - 1   :ok     :read   nil
//! ```
//!
//! Lines of other loggers and of the nemesis are skipped. Events get one millisecond each, so
//! that reports have an axis; a remark says so.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::read::{self, Lines};
use super::{Event, EventType, History, Nanos, Process, ReadError};

const MARK: &str = "jepsen.util - ";
const MILLISECOND: u64 = 1_000_000;

/// Reads a whole history; `name` is what errors call it.
///
/// # Errors
/// [`ReadError`] with file, line and column, and what was expected there; also when no line at all
/// is of this format.
pub fn read(name: &str, reader: impl BufRead) -> Result<History, ReadError> {
    let mut lines = Lines::new(name, reader);
    let mut events = Vec::new();
    let mut numbers = Vec::new();
    while let Some(line) = lines.next()? {
        let text = String::from_utf8_lossy(line.text);
        let Some(start) = text.find(MARK).map(|place| place + MARK.len()) else { continue };
        let index = events.len() as u64;
        match event(&text[start..], index) {
            Ok(Some(event)) => {
                events.push(event);
                numbers.push(line.number);
            }
            Ok(None) => {}
            Err(problem) => {
                let (file, line) = (name.to_owned(), line.number);
                return Err(ReadError::Syntax { file, line, column: start + 1, problem });
            }
        }
    }
    if events.is_empty() {
        let problem = format!("no operation found; expected lines such as `{MARK}0 :ok :read nil`");
        return Err(ReadError::Empty { file: name.to_owned(), problem });
    }
    let mut history = read::history(name, events, &numbers)?;
    history.remarks.push("the format has no times: event n is shown at n ms".to_owned());
    Ok(history)
}

/// One event, or `None` for the nemesis.
fn event(text: &str, index: u64) -> Result<Option<Event>, String> {
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
        index,
        time: Nanos(index * MILLISECOND),
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
