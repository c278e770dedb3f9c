//! Reads the sessions of AWDIT and Plume: transactions of reads and writes, without times.
//!
//! ```text
//! w 0 7      write 7 to key 0
//! r 1 0      read 0 of key 1
//! -----      the next transaction of the session
//! =====      the next session
//! ```
//!
//! A session becomes a process, and a transaction an ok `txn` of `["w", k, v]` and `["r", k, v]`.
//! Only the order within a session is known: the history is [`untimed`](History::untimed). A read
//! of 0 where nobody writes 0 to the key is a read of the initial value, null.

use std::io::BufRead;

use rustc_hash::FxHashSet;

use super::keying::Given;
use super::pairing::{Record, Stamp};
use super::source::Source;
use super::{EventType, History, HistoryBuilder, ReadError, ValueId};

/// One line.
enum Item {
    Operation { writes: bool, key: i64, value: i64 },
    Transaction,
    Session,
}

/// Reads and writes, with their places in the file.
#[derive(Default)]
struct Sessions {
    operations: Vec<(bool, i64, i64)>,
    /// Per transaction its session and the end of its operations, and its last line.
    transactions: Vec<(u32, usize, usize)>,
    session: u32,
}

impl Sessions {
    fn end_transaction(&mut self, line: usize) {
        let start = self.transactions.last().map_or(0, |last| last.1);
        if self.operations.len() > start {
            self.transactions.push((self.session, self.operations.len(), line));
        }
    }
}

/// Reads a whole history; `name` is what errors call it.
///
/// # Errors
/// [`ReadError`] with file, line and column, and what was expected there; also when there is no
/// operation at all.
pub fn read(name: &str, reader: impl BufRead) -> Result<History, ReadError> {
    let mut source = Source::new(name, reader);
    let mut sessions = Sessions::default();
    let mut last = 0;
    let mut torn = None;
    while let Some(line) = source.line()? {
        last = line.number;
        let text = line.text().trim_ascii();
        if text.is_empty() {
            continue;
        }
        match item(text) {
            Ok(Item::Operation { writes, key, value }) => {
                sessions.operations.push((writes, key, value));
            }
            Ok(Item::Transaction) => sessions.end_transaction(last),
            Ok(Item::Session) => {
                sessions.end_transaction(last);
                sessions.session += 1;
            }
            Err(_) if !line.ended => torn = Some(last),
            Err(problem) => {
                let column = 1 + line.text().len() - line.text().trim_ascii_start().len();
                let file = name.to_owned();
                return Err(ReadError::Syntax { file, line: last, column, problem });
            }
        }
    }
    sessions.end_transaction(last);
    if sessions.transactions.is_empty() {
        let problem = "no operation found; expected lines such as `w 0 7` or `r 0 7`".to_owned();
        return Err(ReadError::Empty { file: name.to_owned(), problem });
    }
    let mut history = build(name, &sessions)?;
    history.untimed = true;
    if let Some(line) = torn {
        history.remarks.push(format!("line {line}, the last, is torn: left out"));
    }
    Ok(history)
}

fn item(text: &[u8]) -> Result<Item, String> {
    let shown = || String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
    let rule = |mark: u8| text.len() >= 3 && text.iter().all(|&byte| byte == mark);
    if rule(b'-') {
        return Ok(Item::Transaction);
    }
    if rule(b'=') {
        return Ok(Item::Session);
    }
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let writes = match words.next() {
        Some(b"w") => true,
        Some(b"r") => false,
        _ => return Err(format!("`{}`: expected r, w, ----- or =====", shown())),
    };
    let mut number = |what: &str| {
        let word = words.next().and_then(|word| std::str::from_utf8(word).ok());
        let number = word.and_then(|word| word.parse::<i64>().ok());
        number.ok_or_else(|| format!("`{}`: expected {what} as a number", shown()))
    };
    let (key, value) = (number("a key")?, number("a value")?);
    match words.next() {
        None => Ok(Item::Operation { writes, key, value }),
        Some(_) => Err(format!("`{}`: expected a key and a value, no more", shown())),
    }
}

fn build(name: &str, sessions: &Sessions) -> Result<History, ReadError> {
    let zero = sessions.operations.iter().filter(|(writes, _, value)| *writes && *value == 0);
    let zero_written: FxHashSet<i64> = zero.map(|&(_, key, _)| key).collect();
    let mut builder = HistoryBuilder::new();
    let txn = builder.names.text("txn");
    let (read, write) = (builder.names.text("r"), builder.names.text("w"));
    let mut start = 0;
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    for &(process, end, line) in &sessions.transactions {
        asked.clear();
        answered.clear();
        for &(writes, key, value) in &sessions.operations[start..end] {
            let names = &mut builder.names;
            let initial = !writes && value == 0 && !zero_written.contains(&key);
            let key = names.integer(key);
            let value = if initial { ValueId::NULL } else { names.integer(value) };
            let f = if writes { write } else { read };
            answered.push(names.array(&[f, key, value]));
            let argument = if writes { value } else { ValueId::NULL };
            asked.push(names.array(&[f, key, argument]));
        }
        start = end;
        for (kind, items) in [(EventType::Invoke, &asked), (EventType::Ok, &answered)] {
            let value = builder.names.array(items);
            let record = Record {
                stamp: Stamp { index: None, time: None, kind },
                process,
                f: txn,
                key: None,
                value: Given::Whole(value),
                node: ValueId::NULL,
                error: ValueId::NULL,
                scheduled: None,
            };
            builder.record(record).map_err(ReadError::at(name, line))?;
        }
    }
    Ok(builder.finish())
}
