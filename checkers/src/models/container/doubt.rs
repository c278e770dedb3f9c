//! Removes in doubt: which of them took which of the values that nobody else removed?
//!
//! A value left over that is in nobody's way needs no remove. So begin without any. Whenever a
//! plan fails, its conflict, made small, tells something that holds whatever the rest does:
//!
//! * No value left over is part of it: a contradiction.
//! * One is: it must be taken, and by a remove in doubt invoked early enough for this conflict; so
//!   it has a *deadline*. If not even the first remove in doubt is early enough: a contradiction.
//! * Several are: if they are in conflict even when the first remove in doubt takes every one of
//!   them, a contradiction. Otherwise taking any one of them might do: the general search decides.
//!
//! Every value with a deadline needs its own remove, and those that are early enough for one
//! deadline are early enough for a later one. So the earliest deadline gets the first remove, and
//! so on: if that fails, more values have a deadline than there are removes before it, which is a
//! contradiction (Hall). Each turn sets a deadline, or an earlier one, so this ends.
//!
//! To have most deadlines at once, it is asked first for each value left over which one other
//! value, or empty answer, it makes impossible if it stays: a conflict of just these two.
//!
//! **The order.** A plan that succeeds is a linearization in which values with a deadline leave at
//! some moment after the remove in doubt that took them was invoked. The model takes them when
//! they are in the way; so it is enough to put those removes as far ahead as real time allows:
//! behind all that completed before they were invoked.

use super::deeds::Deeds;
use super::discipline::Discipline;
use super::order::{Conflict, Plan};
use super::tree::MinTree;
use super::values::{Life, NONE, Values};
use crate::linearizability::{Contradiction, Decision, Reason, shrink};

/// Attempts to make a conflict smaller.
const TRIES: usize = 500;
/// Lives visited in all plans together, about.
const WORK: usize = 30_000_000;

/// A value which a remove in doubt must have taken.
struct Demand {
    life: u32,
    /// The last remove in doubt that is early enough.
    latest: usize,
    conflict: Conflict,
}

/// Decides, or `None` when a value is inserted twice, or removes in doubt make it too hard.
pub(super) fn decide<D: Discipline>(discipline: &D, deeds: &Deeds) -> Option<Decision> {
    let mut values = match Values::new(deeds)? {
        Ok(values) => values,
        Err(conflict) => return Some(Decision::Violated(refused(deeds, conflict))),
    };
    let mut demands: Vec<Demand> = Vec::new();
    let mut conflicts = pairs(discipline, &values);
    for turn in 1.. {
        for conflict in conflicts.drain(..) {
            let left = left_over(&values, &conflict);
            let latest = latest(discipline, &values, &conflict, &left);
            match (latest, left.as_slice()) {
                (Some(latest), &[life]) => add(&mut demands, Demand { life, latest, conflict }),
                (Some(_), _) => return None,
                (None, _) => return Some(violated(&values, deeds, conflict, left.is_empty())),
            }
        }
        demands.sort_by_key(|demand| demand.latest);
        if let Some(late) = (0..).zip(&demands).find(|(place, d)| *place > d.latest) {
            let conflict = of_all(&demands[..=late.0], late.1.conflict.clone());
            return Some(violated(&values, deeds, conflict, false));
        }
        match_up(&mut values, &demands);
        match discipline.plan(&values) {
            Ok(Plan(order)) => {
                let order = with_doubtful(&values, deeds, order, demands.len());
                return Some(Decision::Valid(order));
            }
            Err(conflict) => conflicts.push(minimal(discipline, &values, conflict)),
        }
        if turn * values.lives.len() > WORK {
            return None;
        }
    }
    None
}

/// A value keeps its earliest deadline.
fn add(demands: &mut Vec<Demand>, demand: Demand) {
    let earlier = |other: &Demand| other.life == demand.life && other.latest < demand.latest;
    if !demands.iter().any(earlier) {
        demands.retain(|other| other.life != demand.life);
        demands.push(demand);
    }
}

/// Values of a conflict that nobody removed for certain.
fn left_over(values: &Values, conflict: &Conflict) -> Vec<u32> {
    let is_left = |life: &u32| !values.lives[*life as usize].is_removed();
    conflict.lives.iter().copied().filter(is_left).collect()
}

/// For each value left over, what it makes impossible first if it stays; none where no remove in
/// doubt could take it: the whole shows what is wrong then.
fn pairs<D: Discipline>(discipline: &D, values: &Values) -> Vec<Conflict> {
    let lives = &values.lives;
    let numbers = 0..lives.len() as u32;
    let (mut removed, left): (Vec<u32>, Vec<u32>) =
        numbers.partition(|&life| lives[life as usize].is_removed());
    if left.is_empty() || values.doubtful.is_empty() {
        return Vec::new();
    }
    removed.sort_unstable_by_key(|&life| lives[life as usize].b2);
    let keys = MinTree::new(removed.iter().map(|&life| discipline.key(&lives[life as usize])));
    let blocked = |left: &Life| -> Option<u32> {
        // What is gone before a value was surely put in is blocked by it in no discipline.
        let gone = removed.partition_point(|&other| lives[other as usize].b2 <= left.a2);
        let next = |from: u32| keys.first(from, discipline.bound(left));
        std::iter::successors(next(gone as u32), |&place| next(place + 1))
            .map(|place| removed[place as usize])
            .find(|&other| left.a2 < lives[other as usize].b1)
    };
    let mut conflicts = Vec::new();
    for life in left {
        let times = &lives[life as usize];
        let pair = blocked(times).map(|other| (vec![life, other], Vec::new()));
        let after = values.empties.iter().filter(|window| times.a2 < window.from);
        let empty = after.min_by_key(|window| window.to);
        let empty = empty.map(|window| (vec![life], vec![window.call]));
        for (lives, calls) in pair.into_iter().chain(empty) {
            if let Err(Conflict { rule, call, .. }) = discipline.plan(&values.among(&lives, &calls))
            {
                conflicts.push(Conflict { rule, call, lives, calls });
            }
        }
    }
    conflicts
}

/// Gives the first removes in doubt to the values with the earliest deadlines.
fn match_up(values: &mut Values, demands: &[Demand]) {
    let end = values.end;
    for life in values.lives.iter_mut().filter(|life| !life.is_removed()) {
        life.b1 = end;
    }
    for (demand, &(invoked, _)) in demands.iter().zip(&values.doubtful) {
        let life = &mut values.lives[demand.life as usize];
        life.b1 = invoked.max(life.a1);
    }
}

/// The last remove in doubt which, if it takes all of `left`, resolves the conflict.
fn latest<D: Discipline>(
    discipline: &D,
    values: &Values,
    conflict: &Conflict,
    left: &[u32],
) -> Option<usize> {
    if left.is_empty() {
        return None;
    }
    let mut core = values.among(&conflict.lives, &conflict.calls);
    let inserts: Vec<u32> = left.iter().map(|&life| values.lives[life as usize].insert).collect();
    let mut resolves = |doubtful: usize| {
        let invoked = core.doubtful[doubtful].0;
        for life in core.lives.iter_mut().filter(|life| inserts.contains(&life.insert)) {
            life.b1 = invoked.max(life.a1);
        }
        discipline.plan(&core).is_ok()
    };
    // An earlier remove resolves what a later one does.
    let (mut known, mut beyond) = (0, values.doubtful.len());
    while known < beyond {
        let middle = known.midpoint(beyond);
        if resolves(middle) {
            known = middle + 1;
        } else {
            beyond = middle;
        }
    }
    known.checked_sub(1)
}

/// As few of the values as are in conflict by themselves.
fn minimal<D: Discipline>(discipline: &D, values: &Values, conflict: Conflict) -> Conflict {
    if conflict.lives.len() < 2 {
        return conflict;
    }
    let pick = |places: &[u32]| -> Vec<u32> {
        places.iter().map(|&place| conflict.lives[place as usize]).collect()
    };
    let kept = shrink::minimise(
        conflict.lives.len(),
        TRIES,
        |_| {},
        |places| {
            let core = values.among(&pick(places), &conflict.calls);
            discipline.plan(&core).is_err()
        },
    );
    let lives = pick(&kept);
    // What is left may show another rule broken.
    match discipline.plan(&values.among(&lives, &conflict.calls)) {
        Err(Conflict { rule, call, .. }) => Conflict { rule, call, lives, ..conflict },
        Ok(_) => conflict,
    }
}

/// The conflicts of several demands as one.
fn of_all(demands: &[Demand], mut all: Conflict) -> Conflict {
    for demand in demands {
        all.lives.extend(&demand.conflict.lives);
        all.calls.extend(&demand.conflict.calls);
    }
    all.lives.sort_unstable();
    all.lives.dedup();
    all
}

/// A conflict that no remove in doubt resolves. They are part of it unless it is `settled`.
fn violated(values: &Values, deeds: &Deeds, conflict: Conflict, settled: bool) -> Decision {
    let lives = conflict.lives.iter().map(|&life| &values.lives[life as usize]);
    let of_lives = lives.flat_map(|life| [life.insert, life.remove]);
    let mut calls: Vec<u32> =
        of_lives.filter(|&call| call != NONE).chain(conflict.calls.iter().copied()).collect();
    let completed = |&call: &u32| deeds.all[call as usize].completed;
    let is_closed = |call: &&u32| !deeds.all[**call as usize].is_open();
    let last = calls.iter().filter(is_closed).map(completed).max().unwrap_or(0);
    if !settled {
        let doubtful = values.doubtful.iter().map(|&(_, call)| call);
        calls.extend(doubtful.filter(|&call| deeds.all[call as usize].invoked < last));
    }
    Decision::Violated(refused(deeds, Conflict { calls, ..conflict }))
}

fn refused(deeds: &Deeds, conflict: Conflict) -> Contradiction {
    let mut calls = conflict.calls;
    calls.sort_unstable();
    calls.dedup();
    let call = match conflict.call {
        // A value that nobody removed cannot show it; the last call can.
        NONE => {
            let invoked = |&call: &u32| deeds.all[call as usize].invoked;
            calls.iter().copied().max_by_key(invoked).unwrap_or(0)
        }
        call => call,
    };
    let reason = Reason::Rule { call, rule: conflict.rule };
    Contradiction { calls, effective: Vec::new(), reason }
}

/// Puts the first `count` removes in doubt behind what completed before they were invoked.
fn with_doubtful(values: &Values, deeds: &Deeds, order: Vec<u32>, count: usize) -> Vec<u32> {
    // The least completion from each place on.
    let mut least = vec![u32::MAX; order.len() + 1];
    for place in (0..order.len()).rev() {
        least[place] = least[place + 1].min(deeds.all[order[place] as usize].completed);
    }
    let mut doubtful = values.doubtful[..count].iter().map(|&(_, call)| call).peekable();
    let mut all = Vec::with_capacity(order.len() + count);
    for (place, &least) in least.iter().enumerate() {
        let is_through = |call: &u32| deeds.all[*call as usize].invoked < least;
        while let Some(call) = doubtful.next_if(is_through) {
            all.push(call);
        }
        all.extend(order.get(place));
    }
    all
}
