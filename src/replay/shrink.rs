//! Fewer faults and fewer operations that still show what was found, by running again.
//!
//! First a leap: what was in force and what was asked around the finding, instead of everything.
//! Then delta debugging over the faults, then over the operations. What a run finds narrows the
//! next leap. The search decides; the caller runs. Each part needs to show the finding once only,
//! so the least may have done so by luck: [`steadiest`](super::steadiest) asks it again.

use std::collections::BTreeSet;

use isobar_checkers::Nanos;

use super::Schedule;
use super::minimise::minimise;
use super::schedule::PlannedOperation;

/// Kept before the first and after the last thing that matters: elections, agreement.
const MARGIN: u64 = 300_000_000;

/// What an attempt to run a part of a schedule found.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt<R> {
    /// The schedule that was run.
    pub schedule: Schedule,
    /// What came of it.
    pub run: R,
    /// Of the finding: where it lies in the run, from the beginning of the load.
    pub from: Nanos,
    pub to: Nanos,
    /// Ids of the faults in force meanwhile.
    pub faults: Vec<u32>,
    /// The objects it is about.
    pub keys: BTreeSet<String>,
}

/// The least that was found to show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shrunk<R> {
    pub attempt: Attempt<R>,
    /// Every part that showed it, the least last.
    pub parts: Vec<Schedule>,
    /// Whether nothing more can be left out; otherwise time ran out.
    pub finished: bool,
}

/// Shrinks what `found` says. `run` tries a schedule: `Ok(Some)` when it shows the finding again,
/// `Ok(None)` when it does not.
///
/// # Errors
/// What `run` says instead, such as that a cluster is gone. What was reached until then is lost.
pub fn shrink<R, E>(
    found: Attempt<R>,
    mut run: impl FnMut(&Schedule) -> Result<Option<Attempt<R>>, E>,
    mut in_time: impl FnMut() -> bool,
) -> Result<Shrunk<R>, E> {
    let (mut best, mut parts) = (found, Vec::new());
    let mut finished = true;
    let mut trouble = None;
    let mut tries = |schedule: &Schedule, best: &mut Attempt<R>| -> Option<bool> {
        if trouble.is_some() || !in_time() {
            finished = false;
            return None;
        }
        match run(schedule) {
            Ok(Some(attempt)) => {
                parts.push(attempt.schedule.clone());
                *best = attempt;
                Some(true)
            }
            Ok(None) => Some(false),
            Err(error) => {
                trouble = Some(error);
                None
            }
        }
    };
    // Every leap that succeeds shows where the next one may go.
    while leaps(&best).iter().any(|smaller| tries(smaller, &mut best) == Some(true)) {}
    let ids: Vec<u32> = best.schedule.plan.injections.iter().map(|i| i.id).collect();
    minimise(ids, |ids| {
        let part = best.schedule.part(ids, best.schedule.operations.clone());
        tries(&part, &mut best)
    });
    let operations = best.schedule.operations.clone();
    minimise(operations, |operations: &[PlannedOperation]| {
        if operations.is_empty() {
            return Some(false);
        }
        let ids: Vec<u32> = best.schedule.plan.injections.iter().map(|i| i.id).collect();
        tries(&best.schedule.part(&ids, operations.to_vec()), &mut best)
    });
    match trouble {
        Some(error) => Err(error),
        None => Ok(Shrunk { attempt: best, parts, finished }),
    }
}

/// Parts that probably show it too, the smallest first; each smaller than what there is.
fn leaps<R>(found: &Attempt<R>) -> Vec<Schedule> {
    let schedule = &found.schedule;
    let in_force = |id: &u32| found.faults.contains(id);
    let injections = schedule.plan.injections.iter();
    let begins = injections.filter(|i| in_force(&i.id)).map(|i| i.at.0.as_nanos() as u64).min();
    let from = begins.map_or(found.from.0, |at| at.min(found.from.0)).saturating_sub(MARGIN);
    let (from, to) = (Nanos(from), Nanos(found.to.0.saturating_add(MARGIN)));
    let around = schedule.between(from, to);
    let ids: Vec<u32> = around.plan.injections.iter().map(|i| i.id).filter(in_force).collect();
    let mut on_keys = around.part(
        &ids,
        around.operations.iter().filter(|op| on(found, &op.request.keys())).cloned().collect(),
    );
    on_keys.final_reads.retain(|read| on(found, &read.keys()));
    let whole = schedule.between(Nanos(0), to);
    [on_keys, around.part(&ids, around.operations.clone()), around, whole]
        .into_iter()
        .filter(|part| size(part) < size(schedule))
        .collect()
}

fn on<R>(found: &Attempt<R>, keys: &BTreeSet<String>) -> bool {
    found.keys.is_empty() || !found.keys.is_disjoint(keys)
}

/// Faults and operations.
fn size(schedule: &Schedule) -> usize {
    schedule.plan.injections.len() + schedule.operations.len()
}

#[cfg(test)]
#[path = "shrink_tests.rs"]
mod tests;
