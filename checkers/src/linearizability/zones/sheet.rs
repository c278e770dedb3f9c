//! Zones straight from the columns of a history: values are compared by id, and no call is made.

use rayon::prelude::*;

use super::{INITIAL, Move, NONE, decide_moves};
use crate::history::{self, Completion, History, ValueId};
use crate::linearizability::numbered::Numbered;
use crate::linearizability::parts::Parts;
use crate::linearizability::{
    Budget, Call, Decision, RegisterOp, Unparsed, decide as decide_calls,
};

/// The operations of a group of registers that count, part by part; values have the ids of the
/// history.
pub(crate) struct Sheet {
    /// In order of time.
    pages: Vec<Page>,
}

/// What is in one stretch of the history.
///
/// Filled in one pass over it, so that memory is read in order: to gather the columns part by part
/// takes three times as long.
struct Page {
    moves: Vec<Move>,
    /// The first part.
    first: usize,
    /// Where the moves of each part begin and end.
    ranges: Vec<(usize, usize)>,
}

#[derive(Clone, Copy)]
enum Function {
    Read,
    Write,
    Cas,
}

/// What each function of a history means, by its number.
struct Functions(Vec<Option<Function>>);

impl Functions {
    fn new(history: &History) -> Self {
        let meaning = |&f: &ValueId| match history.values().text(f)? {
            "read" => Some(Function::Read),
            "write" => Some(Function::Write),
            "cas" => Some(Function::Cas),
            _ => None,
        };
        Self(history.columns.f.names.iter().map(meaning).collect())
    }

    /// The operation at a place, if it counts; `None` if it is none of a register.
    #[inline]
    fn call(&self, history: &History, place: usize) -> Option<Option<Move>> {
        let columns = &history.columns;
        let completion = columns.completion[place];
        if completion == Completion::Fail {
            return Some(None);
        }
        let known = completion == Completion::Ok;
        let (sees, sets) = match self.0[columns.f.number(place) as usize]? {
            Function::Read if !known => return Some(None),
            Function::Read => (columns.result[place].raw(), NONE),
            Function::Write => (NONE, columns.argument[place].raw()),
            Function::Cas => match history.values().elements(columns.argument[place])? {
                &[old, new] => (old.raw(), new.raw()),
                _ => return None,
            },
        };
        let invoked = columns.invoked[place] + 1;
        let open = Call::<()>::OPEN;
        let completed = if known { columns.ended[place] + 1 } else { open };
        Some(Some(Move { sees, sets, invoked, completed }))
    }
}

impl Sheet {
    /// `None` when an operation is none of a register: whoever parses them says which.
    pub(crate) fn of(history: &History, parts: &Parts<'_>, group: usize) -> Option<Self> {
        let pages = (0..parts.stretches()).into_par_iter();
        let pages = pages.map(|stretch| Page::of(history, parts, group, stretch));
        Some(Self { pages: pages.collect::<Option<_>>()? })
    }

    /// Decides about one part, in numbers of the calls that
    /// [`call::calls`](super::super::call::calls) would make of it.
    pub(crate) fn decide(&self, part: usize, budget: &Budget) -> Unparsed {
        let moves = self.pages.iter().flat_map(|page| page.moves(part));
        let moves = numbered(moves.copied().collect());
        let count = moves.len();
        // Words for a contradiction may be about all calls: none is enough by itself.
        let known = |decision, states| Unparsed { decision, count, states, places: Vec::new() };
        match decide_moves(&moves) {
            Some(Decision::Valid(order)) => known(replayed(&moves, order), None),
            Some(decision) => known(decision, None),
            None => {
                let calls = calls(moves);
                let (decision, states) = decide_calls(&Numbered, &calls, budget);
                known(decision, states)
            }
        }
    }
}

impl Page {
    fn of(history: &History, parts: &Parts<'_>, group: usize, stretch: usize) -> Option<Self> {
        let mut size = 0;
        let ranges = parts.of_group(group).map(|part| {
            let start = size;
            size += parts.count(stretch, part);
            (start, start)
        });
        let mut ranges: Vec<(usize, usize)> = ranges.collect();
        let first = parts.of_group(group).start;
        let none = Move { sees: NONE, sets: NONE, invoked: 0, completed: 0 };
        let mut moves = vec![none; size];
        let functions = Functions::new(history);
        let mut known = true;
        parts.each_operation(group, stretch, |place, part| match functions.call(history, place) {
            Some(Some(call)) => {
                let end = &mut ranges[part - first].1;
                moves[*end] = call;
                *end += 1;
            }
            Some(None) => {}
            None => known = false,
        });
        known.then_some(Self { moves, first, ranges })
    }

    fn moves(&self, part: usize) -> &[Move] {
        let (start, end) = self.ranges[part - self.first];
        &self.moves[start..end]
    }
}

/// Moves as calls of a register of numbers.
fn calls(moves: Vec<Move>) -> Vec<Call<RegisterOp<u32>>> {
    let call = |(operation, Move { sees, sets, invoked, completed })| {
        let op = match (sees, sets) {
            (NONE, value) => RegisterOp::Write(value),
            (value, NONE) => RegisterOp::Read(value),
            (old, new) => RegisterOp::Cas { old, new },
        };
        Call { op, invoked, completed, operation }
    };
    (0..).zip(moves).map(call).collect()
}

fn replayed(moves: &[Move], order: Vec<u32>) -> Decision {
    match replay(moves, &order) {
        None => Decision::Valid(order),
        Some(problem) => {
            Decision::Unknown(format!("internal error: in the order found, {problem}"))
        }
    }
}

/// The moves with their values numbered from 0, which is null.
fn numbered(mut moves: Vec<Move>) -> Vec<Move> {
    let mut mentions = Vec::with_capacity(moves.len() * 3 / 2);
    mentions.push(ValueId::NULL);
    for call in &moves {
        mentions.extend((call.sees != NONE).then(|| ValueId::from_raw(call.sees)));
        mentions.extend((call.sets != NONE).then(|| ValueId::from_raw(call.sets)));
    }
    let mut numbers = history::numbered(&mentions).numbers.into_iter().skip(1);
    let mut number = |value| if value == NONE { NONE } else { numbers.next().unwrap_or(NONE) };
    for call in &mut moves {
        (call.sees, call.sets) = (number(call.sees), number(call.sets));
    }
    moves
}

/// What is wrong with an order, re-checked without anything that zones know.
fn replay(moves: &[Move], order: &[u32]) -> Option<String> {
    let mut done = vec![false; moves.len()];
    let (mut value, mut latest) = (INITIAL, 0);
    for &number in order {
        let call = moves[number as usize];
        if std::mem::replace(&mut done[number as usize], true) {
            return Some(format!("call {number} is there twice"));
        }
        if call.completed < latest {
            return Some(format!("call {number} completed before one ahead of it was invoked"));
        }
        latest = latest.max(call.invoked);
        if call.sees != NONE && call.sees != value {
            return Some(format!("call {number} cannot happen in its state"));
        }
        if call.sets != NONE {
            value = call.sets;
        }
    }
    let missing = moves.iter().zip(&done).position(|(call, done)| !done && !call.is_open());
    missing.map(|missing| format!("call {missing} is missing"))
}
