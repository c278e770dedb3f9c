//! What the benches share: generators.

pub mod register_calls;

use isobar_checkers::{Event, EventType, History, Nanos, Process};
use serde_json::{Map, Value, json};

use register_calls::{Drawn, F};

/// The calls as a history; every call has its own process.
#[allow(clippy::expect_used)]
pub fn register_history(drawn: &[Drawn]) -> History {
    let value = |value: u32| if value == 0 { Value::Null } else { json!(value) };
    let mut events = Vec::with_capacity(drawn.len() * 2);
    for (call, process) in drawn.iter().zip(0..) {
        let (f, argument, result) = match call.f {
            F::Read(found) => ("read", Value::Null, value(found)),
            F::Write(new) => ("write", value(new), value(new)),
            F::Cas(old, new) => {
                let pair = json!([value(old), value(new)]);
                ("cas", pair.clone(), pair)
            }
        };
        let event = |time: u32, kind, value| Event {
            index: 0,
            time: Nanos(time.into()),
            process: Process::Client(process),
            kind,
            f: f.to_owned(),
            key: None,
            value,
            node: None,
            error: None,
            extra: Map::new(),
        };
        events.push(event(call.from, EventType::Invoke, argument));
        events.extend(call.to.map(|to| event(to, EventType::Ok, result)));
    }
    events.sort_by_key(|event| event.time);
    for (event, index) in events.iter_mut().zip(0..) {
        event.index = index;
    }
    History::from_events(events).expect("every call has its own process")
}
