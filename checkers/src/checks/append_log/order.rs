//! Whether processes polled and sent in the order of the logs, and how far polls lagged behind.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use super::super::evidence::{Case, Evidence, who};
use super::super::parts::{Op, end_rank};
use super::log::{Deeds, Log, Logs, Step};
use crate::history::Nanos;

/// Where a process is in one log.
#[derive(Clone, Copy)]
struct Position<'a> {
    offset: u64,
    op: Op<'a>,
}

#[derive(Default)]
struct Cursor<'a> {
    polled: BTreeMap<String, Position<'a>>,
    sent: BTreeMap<String, Position<'a>>,
}

/// Accuses of every step out of order. The greatest lag of a poll, if there was any.
pub(super) fn judge<'a>(logs: &Logs<'a>, evidence: &mut Evidence<'a>) -> Option<Nanos> {
    let mut cursors: FxHashMap<u32, Cursor<'a>> = FxHashMap::default();
    let mut subscribers = FxHashSet::default();
    let pending: BTreeMap<&str, Pending> =
        logs.by_key.iter().map(|(name, log)| (name.as_str(), Pending::of(log))).collect();
    let mut lag = None;
    for step in &logs.steps {
        let (Step::Did(op, _) | Step::Assigned(op) | Step::Subscribed(op) | Step::Unsure(op)) =
            step;
        let cursor = cursors.entry(op.process).or_default();
        match step {
            Step::Did(op, deeds) => {
                let follow = !subscribers.contains(&op.process);
                for (name, deeds) in deeds {
                    let Some(log) = logs.by_key.get(name) else { continue };
                    polls(log, name, op, (deeds, follow), cursor, evidence);
                    sends(log, name, op, deeds, cursor, evidence);
                    if let (Some(&last), Some(pending)) =
                        (deeds.polled.iter().max(), pending.get(name.as_str()))
                    {
                        lag = lag.max(pending.lag(last, op));
                    }
                }
            }
            Step::Assigned(op) => {
                subscribers.remove(&op.process);
                cursor.polled.clear();
            }
            Step::Subscribed(op) => {
                subscribers.insert(op.process);
                cursor.polled.clear();
            }
            Step::Unsure(_) => cursor.polled.clear(),
        }
    }
    lag
}

/// Whether a known message lies strictly between two offsets.
fn skipped(log: &Log<'_>, from: u64, to: u64) -> Option<u64> {
    log.at.range(from.checked_add(1)?..to).next().map(|(&offset, _)| offset)
}

fn polls<'a>(
    log: &Log<'a>,
    name: &str,
    op: Op<'a>,
    (deeds, follow): (&Deeds, bool),
    cursor: &mut Cursor<'a>,
    evidence: &mut Evidence<'a>,
) {
    let inside = deeds.polled.windows(2).map(|pair| (pair[0], pair[1]));
    let names = ["int-nonmonotonic-poll", "int-poll-skip"];
    for (from, to) in inside {
        if step(log, (from, to), names, [op, op], evidence) {
            break;
        }
    }
    let (Some(&first), Some(&last)) = (deeds.polled.first(), deeds.polled.last()) else { return };
    let before = cursor.polled.insert(name.to_owned(), Position { offset: last, op });
    if let Some(before) = before.filter(|_| follow) {
        let names = ["nonmonotonic-poll", "poll-skip"];
        step(log, (before.offset, first), names, [before.op, op], evidence);
    }
}

/// Judges polling `to` right after `from`; whether it was wrong.
fn step<'a>(
    log: &Log<'a>,
    (from, to): (u64, u64),
    [back, skip]: [&'static str; 2],
    about: [Op<'a>; 2],
    evidence: &mut Evidence<'a>,
) -> bool {
    let key = some_key(log);
    if to <= from {
        evidence
            .add(back, || Case {
                key,
                title: format!("{} polled offset {to} after {from}", who(about[1])),
                argument: "A consumer goes forward, and gets each message once.".to_owned(),
                about: about.to_vec(),
            })
            .against("the offset polled next", format!("more than {from}"), to.to_string());
        return true;
    }
    let Some(offset) = skipped(log, from, to) else { return false };
    evidence
        .add(skip, || Case {
            key,
            title: format!("{} skipped offset {offset}", who(about[1])),
            argument: format!(
                "It polled {to} right after {from}, but there is a message at {offset}: {}.",
                super::shown(log.at[&offset].value)
            ),
            about: about.into_iter().chain([log.at[&offset].op]).collect(),
        })
        .against("the offset polled next", offset.to_string(), to.to_string());
    true
}

pub(super) fn some_key<'a>(log: &Log<'a>) -> Option<&'a Value> {
    Some(log.key).filter(|key| !key.is_null())
}

fn sends<'a>(
    log: &Log<'a>,
    name: &str,
    op: Op<'a>,
    deeds: &Deeds,
    cursor: &mut Cursor<'a>,
    evidence: &mut Evidence<'a>,
) {
    let mut accuse = |anomaly, from: u64, to: u64, about: Vec<Op<'a>>| {
        evidence
            .add(anomaly, || Case {
                key: some_key(log),
                title: format!("{} sent to offset {to}, after {from}", who(op)),
                argument: "What a process sends later lies later in the log.".to_owned(),
                about,
            })
            .against("the offset sent to", format!("more than {from}"), to.to_string());
    };
    let inside = deeds.sent.windows(2).map(|pair| (pair[0], pair[1]));
    if let Some((from, to)) = inside.into_iter().find(|(from, to)| to <= from) {
        accuse("int-nonmonotonic-send", from, to, vec![op]);
    }
    let (Some(&first), Some(&last)) = (deeds.sent.first(), deeds.sent.last()) else { return };
    let before = cursor.sent.insert(name.to_owned(), Position { offset: last, op });
    if let Some(before) = before.filter(|before| first <= before.offset) {
        accuse("nonmonotonic-send", before.offset, first, vec![before.op, op]);
    }
}

/// Messages by offset; from each one on, the one that was acknowledged first.
struct Pending(Vec<(u64, u32, Nanos)>);

impl Pending {
    fn of(log: &Log<'_>) -> Self {
        let known = log.acknowledged.iter();
        let mut sorted: Vec<(u64, u32, Nanos)> = known
            .filter_map(|send| Some((send.offset, end_rank(send.op), send.op.completed_at?)))
            .collect();
        sorted.sort_unstable();
        let mut first = (u32::MAX, Nanos(u64::MAX));
        for entry in sorted.iter_mut().rev() {
            first = first.min((entry.1, entry.2));
            (entry.1, entry.2) = first;
        }
        Self(sorted)
    }

    /// When `op` began, how long the oldest message beyond `offset` had been there.
    fn lag(&self, offset: u64, op: Op<'_>) -> Option<Nanos> {
        let place = self.0.partition_point(|entry| entry.0 <= offset);
        let (_, rank, since) = self.0.get(place)?;
        (*rank < op.invoked_rank).then(|| Nanos(op.invoked_at.0.saturating_sub(since.0)))
    }
}
