//! A history written as text, an event per line, in order of rank; faults are left out.

use std::io::{self, Write};

use serde_json::Value;

use super::{Completion, History, Operation, ValueId, Values};

/// As isobar writes it; see [`jsonl`](super::jsonl).
///
/// # Errors
/// Those of `out`.
pub fn jsonl(history: &History, out: &mut impl Write) -> io::Result<()> {
    let values = history.values();
    each_event(history, |index, operation, kind, value| {
        let (time, process) = (time(operation, kind), operation.process());
        let f = operation.f();
        write!(out, r#"{{"index":{index},"time":{time},"process":{process},"type":"{kind}","f":"#)?;
        serde_json::to_writer(&mut *out, f)?;
        if let Some(key) = operation.key_id() {
            out.write_all(br#","key":"#)?;
            Json.spell(values, key, out)?;
        }
        out.write_all(br#","value":"#)?;
        Json.spell(values, value, out)?;
        if let Some(node) = operation.node() {
            out.write_all(br#","node":"#)?;
            serde_json::to_writer(&mut *out, node)?;
        }
        if let Some(error) = error(operation, kind) {
            out.write_all(br#","error":"#)?;
            serde_json::to_writer(&mut *out, error)?;
        }
        out.write_all(b"}\n")
    })
}

/// As Jepsen writes it: a value of a key is the tuple of both, and what a micro-operation does is
/// a keyword.
///
/// # Errors
/// Those of `out`.
pub fn edn(history: &History, out: &mut impl Write) -> io::Result<()> {
    let values = history.values();
    each_event(history, |index, operation, kind, value| {
        let (time, process) = (time(operation, kind), operation.process());
        write!(out, "{{:index {index}, :time {time}, :type :{kind}, :process {process}, :f ")?;
        named(operation.f(), out)?;
        out.write_all(b", :value ")?;
        let key = operation.key_id();
        if let Some(key) = key {
            out.write_all(b"[")?;
            Edn.spell(values, key, out)?;
            out.write_all(b" ")?;
        }
        Edn.spell(values, value, out)?;
        if key.is_some() {
            out.write_all(b"]")?;
        }
        if let Some(node) = operation.node() {
            out.write_all(b", :node ")?;
            serde_json::to_writer(&mut *out, node)?;
        }
        if let Some(error) = error(operation, kind) {
            out.write_all(b", :error ")?;
            serde_json::to_writer(&mut *out, error)?;
        }
        out.write_all(b"}\n")
    })
}

/// A name as a keyword, if EDN can write it as one.
fn named(name: &str, out: &mut impl Write) -> io::Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.*+!?".contains(c);
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(plain) {
        return write!(out, ":{name}");
    }
    Ok(serde_json::to_writer(out, name)?)
}

/// What an operation gives as the reason why it is not *ok*, at its end.
fn error<'h>(operation: Operation<'h>, kind: &str) -> Option<&'h str> {
    operation.error().filter(|_| kind != "invoke")
}

/// Index, operation, type and value of every event, in order.
fn each_event<'h>(
    history: &'h History,
    mut event: impl FnMut(u32, Operation<'h>, &str, ValueId) -> io::Result<()>,
) -> io::Result<()> {
    // Ranks are dense: each event stands at its own, as the place and whether it ends something.
    let mut order: Vec<u64> = Vec::with_capacity(history.len() * 2);
    for operation in history.operations() {
        let place = operation.place() as u64;
        order.push(u64::from(operation.invoked_rank()) << 32 | place << 1);
        if let Some(rank) = operation.ended_rank() {
            order.push(u64::from(rank) << 32 | place << 1 | 1);
        }
    }
    order.sort_unstable();
    for (index, entry) in (0..).zip(order) {
        let operation = history.operation((entry as u32 >> 1) as usize);
        let kind = match operation.completion() {
            _ if entry & 1 == 0 => "invoke",
            Completion::Ok => "ok",
            Completion::Fail => "fail",
            Completion::Info => "info",
        };
        let known = kind == "ok" || !operation.result_id().is_null();
        let value = match kind {
            "invoke" => operation.argument_id(),
            _ if known => operation.result_id(),
            _ => operation.argument_id(),
        };
        event(index, operation, kind, value)?;
    }
    Ok(())
}

fn time(operation: Operation<'_>, kind: &str) -> u64 {
    let ended = operation.completed_at().or(operation.gave_up_at());
    if kind == "invoke" { operation.invoked_at().0 } else { ended.unwrap_or_default().0 }
}

/// What micro-operations do.
const MICRO: [&str; 3] = ["append", "r", "w"];

/// A way to write values.
trait Spelling {
    const NULL: &'static [u8];
    const COMMA: &'static [u8];
    const COLON: &'static [u8];

    /// What a micro-operation does.
    fn function(&self, f: &str, out: &mut impl Write) -> io::Result<()>;

    /// Recursive, as values are: readers bound the depth.
    fn spell(&self, values: &Values, id: ValueId, out: &mut impl Write) -> io::Result<()> {
        if let Some(number) = values.integer(id) {
            return write!(out, "{number}");
        }
        if let Some(items) = values.elements(id) {
            out.write_all(b"[")?;
            for (place, &item) in items.iter().enumerate() {
                out.write_all(if place == 0 { b"" } else { Self::COMMA })?;
                match values.text(item) {
                    Some(f) if place == 0 && items.len() == 3 && MICRO.contains(&f) => {
                        self.function(f, out)?;
                    }
                    _ => self.spell(values, item, out)?,
                }
            }
            return out.write_all(b"]");
        }
        if let Some(text) = values.text(id) {
            return Ok(serde_json::to_writer(out, text)?);
        }
        self.spell_value(&values.get(id), out)
    }

    fn spell_value(&self, value: &Value, out: &mut impl Write) -> io::Result<()> {
        match value {
            Value::Null => out.write_all(Self::NULL),
            Value::Array(items) => {
                out.write_all(b"[")?;
                for (place, item) in items.iter().enumerate() {
                    out.write_all(if place == 0 { b"" } else { Self::COMMA })?;
                    self.spell_value(item, out)?;
                }
                out.write_all(b"]")
            }
            Value::Object(members) => {
                out.write_all(b"{")?;
                for (place, (name, member)) in members.iter().enumerate() {
                    out.write_all(if place == 0 { b"" } else { Self::COMMA })?;
                    serde_json::to_writer(&mut *out, name)?;
                    out.write_all(Self::COLON)?;
                    self.spell_value(member, out)?;
                }
                out.write_all(b"}")
            }
            other => Ok(serde_json::to_writer(out, other)?),
        }
    }
}

struct Json;

impl Spelling for Json {
    const NULL: &'static [u8] = b"null";
    const COMMA: &'static [u8] = b",";
    const COLON: &'static [u8] = b":";

    fn function(&self, f: &str, out: &mut impl Write) -> io::Result<()> {
        Ok(serde_json::to_writer(out, f)?)
    }
}

struct Edn;

impl Spelling for Edn {
    const NULL: &'static [u8] = b"nil";
    const COMMA: &'static [u8] = b" ";
    const COLON: &'static [u8] = b" ";

    fn function(&self, f: &str, out: &mut impl Write) -> io::Result<()> {
        named(f, out)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::generate::cases;
    use crate::history::{self, OwnedOperation};

    /// Names and errors that need quoting, in both.
    #[test]
    fn what_needs_quoting_is_quoted() {
        let event = |rest: &str| {
            let (f, node) = (r#"add \"x\""#, r"n\\1");
            format!(r#"{{{rest},"f":"{f}","value":["r",1,null],"node":"{node}"#)
        };
        let begun = event(r#""index":0,"time":1,"process":0,"type":"invoke""#);
        let ended = event(r#""index":1,"time":2,"process":0,"type":"info""#);
        let lines = format!("{begun}\"}}\n{ended}\",\"error\":\"\\n\\\"\"}}\n");
        let history = history::jsonl::read("lines", lines.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        jsonl(&history, &mut bytes).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), lines);
        let mut bytes = Vec::new();
        edn(&history, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(":value [:r 1 nil], :node \"n\\\\1\", :error"), "{text}");
        let again = history::edn::read("lines", text.as_bytes()).unwrap();
        assert_eq!(told(&again), told(&history));
    }

    /// What comes back from `text`; without the value of what is not known to have happened.
    fn told(history: &History) -> Vec<OwnedOperation> {
        history.operations().map(Operation::owned).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for case in cases::all() {
            let history = case.history(1_000);
            let mut bytes = Vec::new();
            jsonl(&history, &mut bytes).unwrap();
            let again = history::jsonl::read(&case.name, &bytes[..]).unwrap();
            let mut expected = told(&history);
            for (operation, again) in expected.iter_mut().zip(told(&again)) {
                if operation.completion != Completion::Ok {
                    operation.result = again.result.clone();
                }
            }
            assert_eq!(told(&again), expected, "{}", case.name);
            bytes.clear();
            edn(&history, &mut bytes).unwrap();
            let again = history::edn::read(&case.name, &bytes[..]).unwrap();
            assert_eq!(case.judge(&again).verdict, case.verdict, "{}", case.name);
        }
    }
}
