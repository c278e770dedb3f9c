//! One line per history of transactions, for tests:
//! `"0-3 p1 ax1 ry[1,2] | 4-? wx1 | 5-6! rx_"`.
//!
//! Each item is an interval of times, perhaps a process (by default every item has its own), and
//! micro-operations: `a` appends to, `w` writes to, `r` reads the key that is the next letter;
//! then comes the value as JSON without blanks, `_` for null. `?` crashed, `!` failed. Without
//! times an item begins after the one before it has ended.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use crate::history::{Completion, History, Nanos, OpIndex, OwnedOperation};

fn micro(text: &str) -> Value {
    let (f, rest) = text.split_at(1);
    let (key, value) = rest.split_at(1);
    let f = if f == "a" { "append" } else { f };
    let value = if value == "_" { Value::Null } else { serde_json::from_str(value).unwrap() };
    json!([f, key, value])
}

/// The micro-operation as it is asked.
fn asked(micro: &Value) -> Value {
    if micro[0] == "r" { json!([micro[0], micro[1], null]) } else { micro.clone() }
}

pub(crate) fn history(line: &str) -> History {
    let mut operations = Vec::new();
    for (place, item) in (0..).zip(line.split('|')) {
        let mut words = item.split_whitespace().peekable();
        let is_time = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
        let own = format!("{}-{}", 2 * place, 2 * place + 1);
        let times = words.next_if(is_time).map_or(own, str::to_owned);
        let process = words.next_if(|word| word.starts_with('p'));
        let process = process.map_or(place, |word| word[1..].parse().unwrap());
        let micros: Vec<Value> = words.map(micro).collect();
        let (start, end) = times.split_once('-').unwrap();
        let completion = match end {
            "?" => Completion::Info,
            end if end.ends_with('!') => Completion::Fail,
            _ => Completion::Ok,
        };
        let time = |text: &str| text.trim_end_matches('!').parse().ok().map(Nanos);
        let argument: Value = micros.iter().map(asked).collect();
        let result = if completion == Completion::Ok { json!(micros) } else { Value::Null };
        operations.push(OwnedOperation {
            index: OpIndex(place),
            process,
            f: "txn".to_owned(),
            key: None,
            argument,
            completion,
            result,
            invoked_at: time(start).unwrap(),
            scheduled_at: None,
            completed_at: time(end),
            gave_up_at: None,
            node: None,
            error: None,
        });
    }
    History::from_operations(operations)
}
