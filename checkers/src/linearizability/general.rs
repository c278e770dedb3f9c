//! Any model: the general search, and its contradictions made small.
//!
//! A violation is monotone in prefixes, and the search tells the shortest violating one by itself:
//! no configuration passes the completion at which all of them got stuck, and some reached it.
//! Calls still running there count as open. What is left is shrunk by whole calls.

use super::search::{Outcome, Partial, search};
use super::{Budget, Call, Contradiction, Decision, Model, Reason, Sources, shrink};

/// Configurations for one attempt to leave something out.
const STATES_PER_TRY: u64 = 50_000;
/// Calls visited in all attempts together, about.
const WORK: usize = 4_000_000;

/// Decides within `budget`, and takes from it what was used.
pub(super) fn decide<M: Model>(model: &M, calls: &[Call<M::Op>], budget: &mut Budget) -> Decision {
    match explore(model, calls, budget) {
        Outcome::Valid(order) => Decision::Valid(order),
        Outcome::Violated(partial) => {
            Decision::Violated(contradiction(model, calls, &partial, budget))
        }
        Outcome::Exhausted(partial) => {
            let completed = calls.iter().filter(|call| !call.is_open()).count();
            let open = calls.len() - completed;
            Decision::Unknown(format!(
                "the budget is used up; an order was found for the first {} of {completed} \
                 completions ({open} operations crashed)",
                partial.passed
            ))
        }
    }
}

/// By the type's own search if that gets to an answer, else by the general one.
fn explore<M: Model>(model: &M, calls: &[Call<M::Op>], budget: &mut Budget) -> Outcome {
    model.search(calls, budget).unwrap_or_else(|| search(model, calls, budget))
}

fn contradiction<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    partial: &Partial,
    budget: &mut Budget,
) -> Contradiction {
    let stuck = partial.stuck.unwrap_or_default();
    let numbers = prefix(model, calls, stuck);
    let cut: Vec<Call<M::Op>> =
        numbers.iter().map(|&number| until(&calls[number as usize], calls, stuck)).collect();
    let sources = model.sources(&cut);
    let mut violated = |places: &[u32]| {
        let among: Vec<Call<M::Op>> = pick(&cut, places);
        let mut attempt = Budget { states: budget.states.min(STATES_PER_TRY), ..*budget };
        let allowed = attempt.states;
        let outcome = explore(model, &among, &mut attempt);
        budget.states -= allowed - attempt.states;
        matches!(outcome, Outcome::Violated(_))
    };
    let about = numbers.partition_point(|&number| number < stuck);
    let suspects = suspects(model, &cut, about, sources.as_ref(), &mut violated);
    let among = pick(&cut, &suspects);
    let sources = sources.map(|sources| renumbered(&sources, &suspects));
    let tries = (WORK / suspects.len().max(1)).clamp(10, 2000);
    let close = |kept: &mut [bool]| close(model, &among, sources.as_ref(), kept);
    let kept =
        shrink::minimise(suspects.len(), tries, close, |places| violated(&pick(&suspects, places)));
    let kept = pick(&suspects, &kept);
    let core = pick(&numbers, &kept);
    let left = pick(&cut, &kept);
    // What is left may be simple enough for an algorithm that can say why.
    if let Some(Decision::Violated(known)) = model.decide(&left) {
        let number = |place: u32| core[place as usize];
        return Contradiction {
            calls: known.calls.into_iter().map(number).collect(),
            effective: known.effective.into_iter().map(number).collect(),
            reason: known.reason.renumbered(number),
        };
    }
    let mut states = Budget { states: STATES_PER_TRY, ..*budget };
    let call = match explore(model, &left, &mut states) {
        Outcome::Violated(Partial { stuck: Some(place), .. }) => core[place as usize],
        _ => stuck,
    };
    Contradiction { calls: core, effective: Vec::new(), reason: Reason::NoOrder { call } }
}

/// A few calls which, with all that they may have observed, are enough, so that the work is by
/// the size of the trouble, not of the history: the call at `stuck`, and in steps of four times
/// as many the last that changed the state before it began whatever that was; then also the last
/// that completed, and the last that are about its value.
fn suspects<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    stuck: usize,
    sources: Option<&Sources>,
    mut violated: impl FnMut(&[u32]) -> bool,
) -> Vec<u32> {
    let Some(at) = calls.get(stuck) else { return (0..).take(calls.len()).collect() };
    let value = |call: &Call<M::Op>| model.observed(&call.op).or_else(|| model.written(&call.op));
    let about = value(at);
    let last = |wanted: &dyn Fn(usize, &Call<M::Op>) -> bool| -> Vec<u32> {
        let places = (0..calls.len()).rev().filter(|&place| wanted(place, &calls[place]));
        places.map(|place| place as u32).collect()
    };
    let blind = |place: usize| sources.is_none_or(|sources| sources.of(place).is_empty());
    let changes = last(&|place, call| {
        call.completed < at.invoked && blind(place) && !model.reads_only(&call.op)
    });
    let mut completed = last(&|_, call| !call.is_open());
    completed.sort_by_key(|&place| std::cmp::Reverse(calls[place as usize].completed));
    let alike = last(&|_, call| about.is_some() && !call.is_open() && value(call) == about);
    let mut size = 1;
    while size < calls.len() {
        let changes = || changes.iter().take(size);
        let near = completed.iter().take(size).chain(alike.iter().take(size));
        for chosen in [changes().collect::<Vec<_>>(), changes().chain(near).collect()] {
            let mut mask = vec![false; calls.len()];
            mask[stuck] = true;
            chosen.into_iter().for_each(|&place| mask[place as usize] = true);
            close(model, calls, sources, &mut mask);
            let places: Vec<u32> = (0..).zip(mask).filter(|(_, kept)| *kept).map(|p| p.0).collect();
            if violated(&places) {
                return places;
            }
        }
        size *= 4;
    }
    (0..).take(calls.len()).collect()
}

/// `sources` among `kept` alone, which is closed under them, in places there.
fn renumbered(sources: &Sources, kept: &[u32]) -> Sources {
    let place = |source: &u32| kept.binary_search(source).ok().map(|place| place as u32);
    let mut among = Sources::with_capacity(kept.len());
    for &call in kept {
        among.push(|numbers| numbers.extend(sources.of(call as usize).iter().filter_map(place)));
    }
    among
}

fn pick<T: Clone>(all: &[T], places: &[u32]) -> Vec<T> {
    places.iter().map(|&place| all[place as usize].clone()).collect()
}

/// The calls that were invoked before `stuck` completed, without reads that had not completed.
fn prefix<M: Model>(model: &M, calls: &[Call<M::Op>], stuck: u32) -> Vec<u32> {
    let end = calls[stuck as usize].completed;
    let counts = |call: &Call<M::Op>| {
        call.invoked < end && (call.completed <= end || !model.reads_only(&call.op))
    };
    (0..).zip(calls).filter(|(_, call)| counts(call)).map(|(number, _)| number).collect()
}

/// A call as it looked when `stuck` completed.
pub(super) fn until<O: Clone>(call: &Call<O>, calls: &[Call<O>], stuck: u32) -> Call<O> {
    let mut call = call.clone();
    if call.completed > calls[stuck as usize].completed {
        call.completed = Call::<O>::OPEN;
    }
    call
}

/// Adds the calls whose effect a kept call may have observed.
fn close<M: Model>(model: &M, calls: &[Call<M::Op>], sources: Option<&Sources>, kept: &mut [bool]) {
    let Some(sources) = sources else {
        for (kept, call) in kept.iter_mut().zip(calls) {
            *kept |= !model.reads_only(&call.op);
        }
        return;
    };
    let mut open: Vec<usize> = (0..kept.len()).filter(|&place| kept[place]).collect();
    while let Some(place) = open.pop() {
        for &source in sources.of(place) {
            if !std::mem::replace(&mut kept[source as usize], true) {
                open.push(source as usize);
            }
        }
    }
}
