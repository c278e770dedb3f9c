//! From a conflict to the few calls that show it.
//!
//! Any set of calls of a linearizable history is linearizable itself, provided that the writer of
//! each value read is among them, and that a compare-and-set whose writer is not counts as a blind
//! write: leave the rest out of a linearization, and nothing gets between a write and what
//! observed it. So calls may be left out as long as a conflict remains. What remains between two
//! chains is at most four calls and the writers of what they read; inside a chain, also the
//! compare-and-sets that link two values.

use petgraph::algo::kosaraju_scc;
use petgraph::graphmap::DiGraphMap;

use super::super::{Call, Contradiction, Reason, shrink};
use super::{Conflict, INITIAL, Move, NONE, Zones};

/// Attempts to leave something out.
const TRIES: usize = 2000;

pub(super) fn contradiction(zones: &Zones<'_>, conflict: Conflict) -> Contradiction {
    let (reason, mut suspects) = suspects(zones, conflict);
    suspects.sort_unstable();
    suspects.dedup();
    let (reason, calls) = match reason {
        Reason::NeverWritten { .. } => (reason, suspects),
        _ => minimal(zones, reason, &suspects),
    };
    let is_open = |&call: &u32| zones.call(call).is_open();
    let effective = calls.iter().copied().filter(is_open).collect();
    Contradiction { calls, effective, reason }
}

/// Leaves out what is not needed and states the reason anew, for what is left.
fn minimal(zones: &Zones<'_>, reason: Reason, suspects: &[u32]) -> (Reason, Vec<u32>) {
    let position = |call: u32| suspects.binary_search(&call).ok();
    let close = |kept: &mut [bool]| {
        for (place, &call) in suspects.iter().enumerate() {
            let call = zones.call(call);
            if kept[place] && call.is_read() && call.sees != INITIAL {
                let writer = position(zones.writer[call.sees as usize]);
                writer.into_iter().for_each(|writer| kept[writer] = true);
            }
        }
    };
    let numbers = |places: &[u32]| -> Vec<u32> {
        places.iter().map(|&place| suspects[place as usize]).collect()
    };
    let kept = shrink::minimise(suspects.len(), TRIES, close, |places| {
        conflict_among(zones, &numbers(places)).is_some()
    });
    let calls = numbers(&kept);
    match conflict_among(zones, &calls) {
        Some(reason) => (reason.renumbered(|call| calls[call as usize]), calls),
        None => (reason, suspects.to_vec()),
    }
}

/// Why `calls` alone are in conflict, if they are; in places among `calls`.
fn conflict_among(zones: &Zones<'_>, calls: &[u32]) -> Option<Reason> {
    let mut values = vec![NONE];
    values.extend(calls.iter().map(|&call| zones.call(call).sets));
    values.push(INITIAL);
    values.sort_unstable();
    values.dedup();
    // INITIAL sorts first, NONE last: both keep their meaning.
    let number = |value: u32| match values.binary_search(&value) {
        Ok(_) if value == NONE => Some(NONE),
        Ok(place) => Some(place as u32),
        Err(_) => None,
    };
    let moves: Vec<Move> = calls
        .iter()
        .map(|&call| {
            let call = zones.call(call);
            Move {
                sees: number(call.sees).unwrap_or(NONE),
                sets: number(call.sets).unwrap_or(NONE),
                completed: call.completed.min(Call::<()>::END),
                ..call
            }
        })
        .collect();
    let mut zones = Zones::new(&moves)?;
    let conflict = zones.order().err()?;
    Some(suspects(&zones, conflict).0)
}

/// The reason, and calls among which it shows.
fn suspects(zones: &Zones<'_>, conflict: Conflict) -> (Reason, Vec<u32>) {
    match conflict {
        Conflict::NeverWritten(call) => {
            (Reason::NeverWritten { call }, with_witness(zones, vec![call]))
        }
        Conflict::TwoSuccessors(first, second) => {
            let writer = zones.writer[zones.call(first).sees as usize];
            let calls = [first, second, writer].into_iter().filter(|&call| call != NONE);
            (Reason::TwoSuccessors { first, second }, calls.collect())
        }
        Conflict::Circle => (Reason::Circle, circle(zones)),
        Conflict::Inside(head) => inside(zones, head),
        Conflict::Mutual(a, b) => mutual(zones, a, b),
    }
}

/// Adds, for a first call that is open, a call that observed its effect.
fn with_witness(zones: &Zones<'_>, mut calls: Vec<u32>) -> Vec<u32> {
    let call = zones.call(calls[0]);
    if call.is_open() && call.sets != NONE {
        let next = zones.next[call.sets as usize];
        let witness = zones.reads(call.sets).first().copied();
        calls.extend(witness.or((next != NONE).then_some(next)));
    }
    calls
}

/// The smallest circle of compare-and-sets, as strongly connected values.
fn circle(zones: &Zones<'_>) -> Vec<u32> {
    let mut graph: DiGraphMap<u32, u32> = DiGraphMap::new();
    for (number, call) in (0..).zip(zones.moves) {
        if zones.effective[number as usize] && call.sees != NONE {
            graph.add_edge(call.sees, call.sets, number);
        }
    }
    let circles = kosaraju_scc(&graph);
    let turns = |values: &&Vec<u32>| values.len() > 1 || graph.contains_edge(values[0], values[0]);
    let smallest = circles.iter().filter(turns).min_by_key(|values| values.len());
    let writers = smallest.into_iter().flatten().map(|&value| zones.writer[value as usize]);
    writers.collect()
}

/// A call of the chain which completes before one ahead of it is invoked: the nearest such one.
fn inside(zones: &Zones<'_>, head: u32) -> (Reason, Vec<u32>) {
    let members: Vec<(u32, u32)> = zones.members(head).collect();
    let mut latest = 0;
    let late = |&(call, _): &(u32, u32)| {
        let call = zones.call(call);
        let late = call.completed < latest;
        latest = latest.max(call.invoked);
        late
    };
    let after = members.iter().position(late).unwrap_or_default();
    let (y, y_link) = members[after];
    let ahead = members[..after].iter().rev();
    let ahead = ahead.copied().find(|&(x, _)| zones.call(x).invoked > zones.call(y).completed);
    let (x, x_link) = ahead.unwrap_or(members[after]);
    let reason = if zones.call(x).is_read() {
        Reason::Replaced { call: x, by: y }
    } else {
        Reason::BeforeWritten { call: y, writer: x }
    };
    let mut calls = vec![x, y];
    calls.extend(links(zones, &members, x_link, y_link));
    (reason, calls)
}

/// The writers of the values from one link of a chain to another.
fn links(zones: &Zones<'_>, members: &[(u32, u32)], a: u32, b: u32) -> Vec<u32> {
    let between = a.min(b)..=a.max(b);
    let writes =
        |&&(call, link): &&(u32, u32)| between.contains(&link) && !zones.call(call).is_read();
    members.iter().filter(writes).map(|&(call, _)| call).collect()
}

/// Calls of two chains each of which must come before the other.
fn mutual(zones: &Zones<'_>, a: u32, b: u32) -> (Reason, Vec<u32>) {
    // The initial write is no call: its chain can only be the one that comes back.
    let (a, b) = if b == INITIAL { (b, a) } else { (a, b) };
    let of_a: Vec<(u32, u32)> = zones.members(a).collect();
    let of_b: Vec<(u32, u32)> = zones.members(b).collect();
    let completed = |members: &[(u32, u32)]| {
        members.iter().map(|&(call, _)| zones.call(call).completed).min().unwrap_or(NONE)
    };
    let invoked = |members: &[(u32, u32)]| {
        members.iter().map(|&(call, _)| zones.call(call).invoked).max().unwrap_or(0)
    };
    let (b_completed, b_invoked) = (completed(&of_b), invoked(&of_b));
    let from_start = a == INITIAL;
    let late_in_a = |call: Move| call.invoked > b_completed;
    let (early, late) = if from_start {
        // Any late call will do: the one of the least link makes the shortest argument.
        (None, of_a.iter().copied().find(|&(call, _)| late_in_a(zones.call(call))))
    } else {
        let early_in_a = |call: Move| call.completed < b_invoked;
        let (early, late) = closest(zones, &of_a, early_in_a, late_in_a);
        (Some(early), Some(late))
    };
    let late = late.unwrap_or(of_a[0]);
    let bound = zones.call(late.0).invoked;
    let after_early = early.map_or(0, |(call, _)| zones.call(call).completed);
    let (first, last) =
        closest(zones, &of_b, |call| call.completed < bound, |call| call.invoked > after_early);
    let mut calls = vec![late.0, first.0, last.0];
    calls.extend(early.map(|early| early.0));
    let from = early.map_or(0, |early| early.1);
    calls.extend(links(zones, &of_a, from, late.1));
    calls.extend(links(zones, &of_b, first.1, last.1));
    (oriented(zones, early.map(|early| early.0), late.0, first.0, last.0), calls)
}

/// Either of the two chains can be told to come back: better one which a read shows, the later.
fn oriented(zones: &Zones<'_>, early: Option<u32>, late: u32, first: u32, last: u32) -> Reason {
    let rank = |call: u32| (zones.call(call).is_read(), zones.call(call).invoked);
    match early {
        Some(early) if rank(last) > rank(late) => {
            Reason::ComesBack { early: Some(first), late: last, first: early, last: late }
        }
        _ => Reason::ComesBack { early, late, first, last },
    }
}

/// An early and a late call of a chain, as few links apart as can be; an early one that writes and
/// a late one that reads are preferred. Both sets have a member.
fn closest(
    zones: &Zones<'_>,
    members: &[(u32, u32)],
    is_early: impl Fn(Move) -> bool,
    is_late: impl Fn(Move) -> bool,
) -> ((u32, u32), (u32, u32)) {
    let mut best = (u32::MAX, members[0], members[0]);
    let (mut early, mut late) = (None::<(u32, u32)>, None::<(u32, u32)>);
    let reads = |member: (u32, u32)| zones.call(member.0).is_read();
    for &member in members {
        let call = zones.call(member.0);
        if is_early(call) && early.is_none_or(|e| e.1 < member.1 || reads(e)) {
            early = Some(member);
        }
        if is_late(call) && late.is_none_or(|l| l.1 < member.1 || !reads(l)) {
            late = Some(member);
        }
        if let (Some(early), Some(late)) = (early, late) {
            let distance = early.1.abs_diff(late.1).saturating_mul(4);
            let taste = u32::from(reads(early)) + u32::from(!reads(late));
            let cost = if early == late { 0 } else { distance.saturating_add(1 + taste) };
            if cost < best.0 {
                best = (cost, early, late);
            }
        }
    }
    (best.1, best.2)
}
