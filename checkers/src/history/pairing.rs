//! Events → operations: each invocation finds its completion.
//!
//! What could be argued, decided once:
//!
//! * **Order.** An operation takes the closed interval from its invocation to its completion.
//!   Events are ordered by time; at equal times an invocation comes before a completion (two
//!   closed intervals which touch do overlap), then the position in the file decides. The *rank*
//!   of an event is its place in that order, and ranks are all that checkers compare.
//! * **Open at the end** is the same as `info`: the operation may have happened, or may still.
//! * **A process after an info** may go on under its own name. Our runner retires it, others do
//!   not; the operation in doubt stays open for ever either way, so nothing depends on it.
//! * **Two open invocations** of one process, **a completion without an invocation**, one whose
//!   `f` is another's, one earlier than its invocation, and **an index used twice** are errors: no
//!   guess can mend them.
//! * **Indexes of each process**: without times an index may be there for several processes, if
//!   each counts upwards. Then nobody said in which order the events of different processes came:
//!   the history is [`untimed`](History::untimed), and an event is named by its place.
//! * **No index at all**: an event is named by its place among the events. **No time at all**:
//!   the order is that of the file, and event n is shown at n ms. **No process at all**: each
//!   operation is one of a process of its own, and has to be over before the next one begins; no
//!   order of sessions is known. Each of the three is there always or never.

use rustc_hash::FxHashMap;

use super::columns::{Begun, Columns, NEVER};
use super::fault::Windows;
use super::indexes::Indexes;
use super::keying::{Given, Keying};
use super::own_indexes::OwnIndexes;
use super::ranking::Ranking;
use super::values::Interner;
use super::{
    Completion, Event, EventType, History, HistoryError, Nanos, Problem, Process, ValueId,
};

const MILLISECOND: u64 = 1_000_000;

/// Makes a [`History`] of events, given one by one in the order of the file.
#[derive(Default)]
pub struct HistoryBuilder {
    pub(super) names: Interner,
    columns: Columns,
    pub(super) keying: Keying,
    open: Open,
    windows: Windows,
    ranking: Ranking,
    indexes: Indexes,
    own_indexes: OwnIndexes,
    /// Events so far.
    count: u32,
    /// Those of clients, and those of them that did not tell their process.
    of_clients: u32,
    nameless: u32,
    /// Whether events have an index and a time; unknown before the first.
    has_index: Option<bool>,
    has_time: Option<bool>,
    end: u64,
    /// Told with the history.
    pub(super) remarks: Vec<String>,
}

/// What is said of an event beside what happened in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub index: Option<u64>,
    /// In ns.
    pub time: Option<u64>,
    pub kind: EventType,
}

/// An event of a client, its values named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub stamp: Stamp,
    pub process: u32,
    /// A text.
    pub f: ValueId,
    pub key: Option<ValueId>,
    pub value: Given,
    /// A text, or null.
    pub node: ValueId,
    pub error: ValueId,
    /// In ns.
    pub scheduled: Option<u64>,
}

/// Processes below this are looked up in a table.
const NEAR: usize = 1 << 20;
/// No place: histories are not that long.
const NOWHERE: u32 = u32::MAX;

/// Per process the place of its open operation.
#[derive(Default)]
struct Open {
    near: Vec<u32>,
    far: FxHashMap<u32, u32>,
}

impl Open {
    /// The place of the one that was open before.
    #[inline]
    fn insert(&mut self, process: u32, place: u32) -> Option<u32> {
        let number = process as usize;
        if number >= NEAR {
            return self.far.insert(process, place);
        }
        if number >= self.near.len() {
            self.near.resize(number + 1, NOWHERE);
        }
        let before = std::mem::replace(&mut self.near[number], place);
        (before != NOWHERE).then_some(before)
    }

    #[inline]
    fn remove(&mut self, process: u32) -> Option<u32> {
        let number = process as usize;
        if number >= NEAR {
            return self.far.remove(&process);
        }
        let place = std::mem::replace(self.near.get_mut(number)?, NOWHERE);
        (place != NOWHERE).then_some(place)
    }
}

/// An event with its place.
#[derive(Clone, Copy)]
struct Placed {
    index: u64,
    time: u64,
    position: u32,
}

impl HistoryBuilder {
    /// Without events.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next event.
    ///
    /// # Errors
    /// [`HistoryError`] when it cannot be paired; the builder is then of no more use.
    pub fn push(&mut self, event: Event) -> Result<(), HistoryError> {
        let stamp = Stamp { index: Some(event.index), time: Some(event.time.0), kind: event.kind };
        self.event(stamp, event)
    }

    /// Adds an event whose index and time are those of `stamp`.
    pub(super) fn event(&mut self, stamp: Stamp, event: Event) -> Result<(), HistoryError> {
        let Process::Client(process) = event.process else {
            return self.nemesis(stamp, event);
        };
        let text = |names: &mut Interner, text: &Option<String>| {
            text.as_ref().map_or(ValueId::NULL, |text| names.text(text))
        };
        let value = match &event.value {
            serde_json::Value::Array(items) => {
                let items: Vec<ValueId> = items.iter().map(|item| self.names.value(item)).collect();
                Given::of_array(&items, &mut self.names)
            }
            other => Given::Whole(self.names.value(other)),
        };
        let record = Record {
            stamp,
            process,
            f: self.names.text(&event.f),
            key: event.key.as_ref().map(|key| self.names.value(key)),
            value,
            node: text(&mut self.names, &event.node),
            error: text(&mut self.names, &event.error),
            scheduled: event.extra.get("scheduled").and_then(serde_json::Value::as_u64),
        };
        self.record(record)
    }

    fn nemesis(&mut self, stamp: Stamp, mut event: Event) -> Result<(), HistoryError> {
        let placed = self.place(stamp)?;
        // Without times each process may count for itself, the nemesis as well.
        if self.has_time == Some(true) && !self.indexes.insert(placed.index) {
            let Placed { position, index, .. } = placed;
            let (position, problem) = (position as usize, Problem::Duplicate);
            return Err(HistoryError { position, index, problem });
        }
        self.ranking.nemesis(placed.position, placed.time, stamp.kind);
        event.time = Nanos(placed.time);
        self.windows.take(event);
        Ok(())
    }

    /// Adds an event of a client.
    pub(super) fn record(&mut self, record: Record) -> Result<(), HistoryError> {
        let placed = self.place(record.stamp)?;
        let error = |problem| {
            let Placed { position, index, .. } = placed;
            HistoryError { position: position as usize, index, problem }
        };
        self.of_clients += 1;
        if self.nameless > 0 && self.nameless < self.of_clients {
            return Err(error(Problem::Unexpected { member: "process" }));
        }
        if record.stamp.kind == EventType::Invoke {
            self.invoke(&record, placed).map_err(error)?;
        } else {
            self.complete(&record, placed).map_err(error)?;
        }
        if self.names.is_full() {
            return Err(error(Problem::TooManyValues));
        }
        self.unique(placed, &record)
    }

    /// The process of the client's event that comes next, which does not tell it.
    pub(super) fn nameless(&mut self, stamp: Stamp) -> Result<Process, HistoryError> {
        if self.nameless < self.of_clients {
            let position = self.count as usize;
            let index = stamp.index.unwrap_or(position as u64);
            let problem = Problem::Missing { member: "process" };
            return Err(HistoryError { position, index, problem });
        }
        self.nameless += 1;
        let begun = self.columns.len();
        let over = begun == 0 || self.columns.is_over(begun - 1);
        let own = if over && stamp.kind == EventType::Invoke { begun } else { begun.max(1) - 1 };
        Ok(Process::Client(own as u32))
    }

    /// All events are in. A torn end, missing members and the like are told in `remarks`.
    pub fn finish(mut self) -> History {
        let untimed = self.own_indexes.known();
        if untimed {
            self.columns.forget_indexes();
        }
        self.ranking.finish(&mut self.columns, &mut self.remarks);
        self.columns.sort();
        let (keys, split) = self.keying.finish(&mut self.columns, &mut self.names);
        if split {
            self.remarks.push("values are tuples of a key and a value: split".to_owned());
        }
        let mut history = History {
            columns: self.columns,
            keys,
            values: self.names.finish(),
            end: Nanos(self.end),
            untimed,
            remarks: self.remarks,
            ..History::default()
        };
        if untimed {
            let remark = "each process counts its own events, and there are no times: nothing is \
                          known of the order between processes; event n is the nth of the file, \
                          from 0";
            history.remarks.push(remark.to_owned());
        } else if self.has_time == Some(false) {
            let remark = "the format has no times: event n is shown at n ms";
            history.remarks.push(remark.to_owned());
        }
        if self.nameless > 0 {
            let remark = "no event tells its process: each operation is taken as one of a process \
                          of its own";
            history.remarks.push(remark.to_owned());
        }
        self.windows.finish(&mut history);
        history
    }

    fn place(&mut self, stamp: Stamp) -> Result<Placed, HistoryError> {
        let position = self.count;
        let index = stamp.index.unwrap_or_else(|| position.into());
        let error = |problem| HistoryError { position: position as usize, index, problem };
        for (known, there, member) in [
            (&mut self.has_index, stamp.index.is_some(), "index"),
            (&mut self.has_time, stamp.time.is_some(), "time"),
        ] {
            match (*known.get_or_insert(there), there) {
                (true, false) => return Err(error(Problem::Missing { member })),
                (false, true) => return Err(error(Problem::Unexpected { member })),
                _ => {}
            }
        }
        if position >= NEVER - 1 {
            return Err(error(Problem::TooLarge));
        }
        let time = stamp.time.unwrap_or(u64::from(position) * MILLISECOND);
        self.count += 1;
        self.end = self.end.max(time);
        self.ranking.see(time, stamp.kind);
        Ok(Placed { index, time, position })
    }

    fn unique(&mut self, placed: Placed, record: &Record) -> Result<(), HistoryError> {
        let Placed { position, index, .. } = placed;
        if self.has_index == Some(false) || !self.own_indexes.known() && self.indexes.insert(index)
        {
            return Ok(());
        }
        let &Record { stamp, process, .. } = record;
        let invokes = stamp.kind == EventType::Invoke;
        if self.has_time == Some(false)
            && self.own_indexes.goes_on(&self.columns, process, index, invokes)
        {
            return Ok(());
        }
        Err(HistoryError { position: position as usize, index, problem: Problem::Duplicate })
    }

    fn invoke(&mut self, record: &Record, placed: Placed) -> Result<(), Problem> {
        let index = u32::try_from(placed.index).map_err(|_| Problem::TooLarge)?;
        let columns = &mut self.columns;
        let place = columns.len() as u32;
        if let Some(open) = self.open.insert(record.process, place) {
            let (process, open) = (record.process, columns.index(open as usize));
            return Err(Problem::StillOpen { process, f: self.f(record.f), open });
        }
        let (keying, names) = (&mut self.keying, &mut self.names);
        let (key, argument) = keying.argument(record.key, record.value, columns, names);
        columns.begin(Begun {
            f: record.f,
            key,
            argument,
            rank: placed.position,
            index,
            process: record.process,
            node: record.node,
            time: placed.time,
        });
        columns.scheduled.extend(record.scheduled.map(|time| (place, time)));
        Ok(())
    }

    fn complete(&mut self, record: &Record, placed: Placed) -> Result<(), Problem> {
        let process = record.process;
        let Some(open) = self.open.remove(process) else {
            return Err(Problem::NotInvoked { process, f: self.f(record.f) });
        };
        let (columns, place) = (&mut self.columns, open as usize);
        let index = columns.index(place);
        let open_f = columns.f.get(place);
        if record.f != open_f {
            let (f, open_f) = (self.f(record.f), self.f(open_f));
            return Err(Problem::OtherFunction { process, f, open: index, open_f });
        }
        let (invoked, completed) = (columns.invoked_at(place), placed.time);
        if completed < invoked {
            return Err(Problem::BackInTime { open: index, invoked, completed });
        }
        let ok = record.stamp.kind == EventType::Ok;
        let names = &mut self.names;
        let result = self.keying.result(place, record.value, ok, columns, names);
        columns.result[place] = result;
        let completion = match record.stamp.kind {
            EventType::Ok => Completion::Ok,
            EventType::Fail => Completion::Fail,
            EventType::Info | EventType::Invoke => Completion::Info,
        };
        columns.end(place, completion, placed.position, completed);
        if !record.error.is_null() {
            columns.errors.push((open, record.error));
        }
        if !record.node.is_null() && columns.node.get(place).is_null() {
            columns.node.set(place, record.node);
        }
        Ok(())
    }

    fn f(&self, id: ValueId) -> String {
        self.names.values().text(id).unwrap_or_default().to_owned()
    }
}

impl History {
    /// Pairs events, given in the order of the file.
    ///
    /// # Errors
    /// [`HistoryError`] names the first event which cannot be paired.
    pub fn from_events(events: impl IntoIterator<Item = Event>) -> Result<Self, HistoryError> {
        let mut builder = HistoryBuilder::new();
        for event in events {
            builder.push(event)?;
        }
        Ok(builder.finish())
    }
}
