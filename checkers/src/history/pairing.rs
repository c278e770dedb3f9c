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
//!   `f` is another's, and one earlier than its invocation are errors: no guess can mend them.

use rustc_hash::FxHashMap;

use super::fault::Windows;
use super::{Completion, Event, EventType, History, Nanos, OpIndex, Operation, Process};

/// The events make no history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {index}: {problem}")]
pub struct HistoryError {
    /// Place of the event in what was given, from 0.
    pub position: usize,
    /// The event's own index.
    pub index: u64,
    pub problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error(
        "process {process} completes `{f}` without having invoked anything; expected an `invoke` \
         of this process before it"
    )]
    NotInvoked { process: u32, f: String },
    #[error(
        "process {process} invokes `{f}` while its operation {open} is open; expected the \
         completion (ok, fail or info) of that one first"
    )]
    StillOpen { process: u32, f: String, open: u32 },
    #[error(
        "process {process} completes `{f}`, but its open operation {open} is a `{open_f}`; \
         expected the same `f`"
    )]
    OtherFunction { process: u32, f: String, open: u32, open_f: String },
    #[error(
        "completed at {completed} ns, before its invocation (event {open}) at {invoked} ns; \
         expected times of one monotonic clock"
    )]
    BackInTime { open: u32, invoked: u64, completed: u64 },
    #[error("the index is too large; at most 4294967295 events can be judged")]
    TooLarge,
}

impl History {
    /// Pairs events, given in the order of the file.
    ///
    /// # Errors
    /// [`HistoryError`] names the first event which cannot be paired.
    pub fn from_events(events: Vec<Event>) -> Result<Self, HistoryError> {
        let ranking = Ranking::of(&events);
        let mut history = History { remarks: ranking.remarks, ..History::default() };
        history.end = events.iter().map(|event| event.time).max().unwrap_or_default();
        let mut open: FxHashMap<u32, usize> = FxHashMap::default();
        let mut windows = Windows::default();
        for (position, event) in events.into_iter().enumerate() {
            let index = event.index;
            let fault = |problem| HistoryError { position, index, problem };
            let process = match event.process {
                Process::Nemesis => {
                    windows.take(event);
                    continue;
                }
                Process::Client(process) => process,
            };
            let rank = ranking.ranks[position];
            if event.kind == EventType::Invoke {
                let name = u32::try_from(index).map_err(|_| fault(Problem::TooLarge))?;
                if let Some(earlier) = open.insert(process, history.operations.len()) {
                    let open = history.operations[earlier].index.0;
                    return Err(fault(Problem::StillOpen { process, f: event.f, open }));
                }
                history.operations.push(invoked(event, process, OpIndex(name), rank));
                continue;
            }
            let Some(place) = open.remove(&process) else {
                return Err(fault(Problem::NotInvoked { process, f: event.f }));
            };
            complete(&mut history.operations[place], event, rank).map_err(fault)?;
        }
        history.operations.sort_by_key(|operation| operation.invoked_rank);
        windows.finish(&mut history);
        Ok(history)
    }
}

fn invoked(event: Event, process: u32, index: OpIndex, rank: u32) -> Operation {
    Operation {
        index,
        process,
        f: event.f,
        key: event.key,
        argument: event.value,
        completion: Completion::Info,
        result: serde_json::Value::Null,
        invoked_at: event.time,
        scheduled_at: event.extra.get("scheduled").and_then(serde_json::Value::as_u64).map(Nanos),
        completed_at: None,
        gave_up_at: None,
        invoked_rank: rank,
        completed_rank: None,
        node: event.node,
        error: None,
    }
}

fn complete(operation: &mut Operation, event: Event, rank: u32) -> Result<(), Problem> {
    let open = operation.index.0;
    if event.f != operation.f {
        let (process, open_f) = (operation.process, operation.f.clone());
        return Err(Problem::OtherFunction { process, f: event.f, open, open_f });
    }
    if event.time < operation.invoked_at {
        let (invoked, completed) = (operation.invoked_at.0, event.time.0);
        return Err(Problem::BackInTime { open, invoked, completed });
    }
    operation.completion = match event.kind {
        EventType::Ok => Completion::Ok,
        EventType::Fail => Completion::Fail,
        EventType::Info | EventType::Invoke => Completion::Info,
    };
    if operation.completion == Completion::Info {
        operation.gave_up_at = Some(event.time);
    } else {
        operation.completed_at = Some(event.time);
        operation.completed_rank = Some(rank);
    }
    operation.result = event.value;
    operation.error = event.error;
    if operation.node.is_none() {
        operation.node = event.node;
    }
    Ok(())
}

/// The place of each event in the order of the module header.
struct Ranking {
    ranks: Vec<u32>,
    remarks: Vec<String>,
}

impl Ranking {
    fn of(events: &[Event]) -> Self {
        let key = |event: &Event| (event.time, event.kind != EventType::Invoke);
        let mut remarks = Vec::new();
        let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
        let mut order: Vec<u32> = (0..count).collect();
        if !events.is_sorted_by_key(key) {
            order.sort_by_key(|&position| key(&events[position as usize]));
            let back = events.windows(2).filter(|pair| pair[1].time < pair[0].time).count();
            if back > 0 {
                remarks.push(format!(
                    "{back} events are earlier than the event before them: put in order of time"
                ));
            }
            let touching = events
                .windows(2)
                .filter(|pair| pair[1].time == pair[0].time && key(&pair[1]) < key(&pair[0]))
                .count();
            if touching > 0 {
                remarks.push(format!(
                    "{touching} invocations have the time of the completion before them: \
                     taken as concurrent with it"
                ));
            }
        }
        let mut ranks = vec![0; order.len()];
        for (rank, &position) in (0..count).zip(&order) {
            ranks[position as usize] = rank;
        }
        Self { ranks, remarks }
    }
}

impl History {
    /// Ids of the faults that may have been in force at some time in `from..=to`.
    pub fn faults_during(&self, from: Nanos, to: Nanos) -> Vec<u32> {
        let during = |window: &&super::FaultWindow| window.overlaps(from, to);
        self.faults.iter().filter(during).map(|window| window.id).collect()
    }
}
