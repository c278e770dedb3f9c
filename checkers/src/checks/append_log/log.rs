//! What was sent to and polled from each key.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::super::evidence::shown;
use super::super::parts::{Op, Spelt, is_ok, operations, stranger};

/// A message at a place of a log, as one operation knows it.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub offset: u64,
    pub value: &'a Value,
    pub op: Op<'a>,
}

/// The log of one key.
pub(super) struct Log<'a> {
    pub key: &'a Value,
    /// Sends that were ok and told the offset.
    pub acknowledged: Vec<Entry<'a>>,
    pub polled: Vec<Entry<'a>>,
    /// All operations that sent a value, however they ended.
    pub sends: FxHashMap<&'a Value, Vec<Op<'a>>>,
    /// The first to be known at each offset, and of each value.
    pub at: BTreeMap<u64, Entry<'a>>,
    pub of_value: FxHashMap<&'a Value, Entry<'a>>,
}

/// What an ok operation did to one key, in its order.
#[derive(Default)]
pub(super) struct Deeds {
    pub sent: Vec<u64>,
    pub polled: Vec<u64>,
}

/// One step of a process.
pub(super) enum Step<'a> {
    /// By the text of the key.
    Did(Op<'a>, BTreeMap<String, Deeds>),
    /// A position of its own choice: what it polls next follows from nothing.
    Assigned(Op<'a>),
    /// From now on others decide what it polls.
    Subscribed(Op<'a>),
    /// Nobody knows how far it got.
    Unsure(Op<'a>),
}

#[derive(Default)]
pub(super) struct Logs<'a> {
    /// By the text of the key: a poll has keys of an object, which are strings.
    pub by_key: BTreeMap<String, Log<'a>>,
    pub steps: Vec<Step<'a>>,
}

/// The text by which keys are compared.
fn text(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

const EMPTY: &Value = &Value::Null;

impl<'a> Logs<'a> {
    /// # Errors
    /// Names the first operation that is none of this type's.
    pub(super) fn of(history: &'a Spelt<'_>) -> Result<Self, String> {
        let mut logs = Self::default();
        for op in operations(history) {
            match op.f {
                "send" | "poll" | "txn" => logs.deeds(op)?,
                "assign" => logs.steps.push(Step::Assigned(op)),
                "subscribe" => logs.steps.push(Step::Subscribed(op)),
                "crash" => logs.steps.push(Step::Unsure(op)),
                "debug-topic-partitions" => {}
                _ => return Err(stranger(op, "send, poll, txn, assign or subscribe")),
            }
        }
        Ok(logs)
    }

    fn log(&mut self, key: &'a Value, name: String) -> &mut Log<'a> {
        let log = self.by_key.entry(name).or_insert_with(|| Log {
            key,
            acknowledged: Vec::new(),
            polled: Vec::new(),
            sends: FxHashMap::default(),
            at: BTreeMap::new(),
            of_value: FxHashMap::default(),
        });
        if log.key.is_null() {
            log.key = key;
        }
        log
    }

    fn deeds(&mut self, op: Op<'a>) -> Result<(), String> {
        let ok = is_ok(op);
        let told = if ok && !op.result.is_null() { &op.result } else { &op.argument };
        let problem = |what: &Value| {
            let expected = r#"expected ["send", key, …] and ["poll", {key: [[offset, value]]}]"#;
            format!("op {}: {}; {expected}", op.index.0, shown(what))
        };
        let mut deeds: BTreeMap<String, Deeds> = BTreeMap::new();
        for step in told.as_array().ok_or_else(|| problem(told))? {
            let words = step.as_array().map_or(&[][..], Vec::as_slice);
            match words {
                [f, key, message] if f == "send" => {
                    let name = text(key);
                    let log = self.log(key, name.clone());
                    let pair = message.as_array().map(Vec::as_slice).filter(|_| ok);
                    let (offset, value) = match pair {
                        Some([offset, value]) => (offset.as_u64(), value),
                        _ => (None, message),
                    };
                    log.sends.entry(value).or_default().push(op);
                    if let Some(offset) = offset {
                        log.know(Entry { offset, value, op });
                        log.acknowledged.push(Entry { offset, value, op });
                        deeds.entry(name).or_default().sent.push(offset);
                    }
                }
                [f, rest @ ..] if f == "poll" && rest.len() < 2 => {
                    let Value::Object(polled) = rest.first().filter(|_| ok).unwrap_or(EMPTY) else {
                        continue;
                    };
                    for (name, messages) in polled {
                        let messages = messages.as_array().ok_or_else(|| problem(step))?;
                        for message in messages {
                            let pair = message.as_array().map(Vec::as_slice);
                            let Some([offset, value]) = pair else { return Err(problem(step)) };
                            let Some(offset) = offset.as_u64() else { return Err(problem(step)) };
                            self.polled(name, Entry { offset, value, op });
                            deeds.entry(name.clone()).or_default().polled.push(offset);
                        }
                    }
                }
                _ => return Err(problem(step)),
            }
        }
        self.steps.push(if ok { Step::Did(op, deeds) } else { Step::Unsure(op) });
        Ok(())
    }

    fn polled(&mut self, name: &str, entry: Entry<'a>) {
        // A key that was only polled has no value of its own to show: findings go without.
        let log = self.log(EMPTY, name.to_owned());
        log.know(entry);
        log.polled.push(entry);
    }
}

impl<'a> Log<'a> {
    fn know(&mut self, entry: Entry<'a>) {
        self.at.entry(entry.offset).or_insert(entry);
        self.of_value.entry(entry.value).or_insert(entry);
    }
}
