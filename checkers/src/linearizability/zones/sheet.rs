//! Zones straight from the columns of a history: values are compared by id, and no call is made.

use rustc_hash::FxHashMap;

use super::{INITIAL, Move, NONE, decide_moves};
use crate::history::{Completion, History, ValueId, Values};
use crate::linearizability::parts::Parts;
use crate::linearizability::{Call, Decision, register::RegisterOp};

/// The operations of registers that count, part by part; values have the ids of the history.
///
/// Filled in one pass over the history, so that memory is read in order: to gather the columns
/// part by part takes three times as long.
pub(crate) struct Sheet {
    moves: Vec<Move>,
    /// Where the moves of each part begin and end.
    ranges: Vec<(usize, usize)>,
}

#[derive(Clone, Copy)]
enum Function {
    Read,
    Write,
    Cas,
}

/// The functions met so far: few.
#[derive(Default)]
struct Functions(Vec<(ValueId, Function)>);

impl Functions {
    #[inline]
    fn get(&mut self, f: ValueId, values: &Values) -> Option<Function> {
        if let Some(&(_, function)) = self.0.iter().find(|(known, _)| *known == f) {
            return Some(function);
        }
        let function = match values.text(f)? {
            "read" => Function::Read,
            "write" => Function::Write,
            "cas" => Function::Cas,
            _ => return None,
        };
        self.0.push((f, function));
        Some(function)
    }
}

impl Sheet {
    /// `None` when an operation is none of a register: whoever parses them says which.
    pub(crate) fn of(history: &History, parts: &Parts<'_>) -> Option<Self> {
        let (columns, values) = (&history.columns, history.values());
        let none = Move { sees: NONE, sets: NONE, invoked: 0, completed: 0 };
        let mut moves = vec![none; history.len()];
        let mut ranges: Vec<(usize, usize)> = parts.ranges().map(|r| (r.start, r.start)).collect();
        let mut functions = Functions::default();
        for (place, part) in parts.of_operations().enumerate() {
            let completion = columns.completion[place];
            if completion == Completion::Fail {
                continue;
            }
            let known = completion == Completion::Ok;
            let (sees, sets) = match functions.get(columns.f[place], values)? {
                Function::Read if !known => continue,
                Function::Read => (columns.result[place].raw(), NONE),
                Function::Write => (NONE, columns.argument[place].raw()),
                Function::Cas => match values.elements(columns.argument[place])? {
                    &[old, new] => (old.raw(), new.raw()),
                    _ => return None,
                },
            };
            let invoked = columns.invoked[place] + 1;
            let open = Call::<RegisterOp>::OPEN;
            let completed = if known { columns.ended[place] + 1 } else { open };
            let end = &mut ranges[part].1;
            moves[*end] = Move { sees, sets, invoked, completed };
            *end += 1;
        }
        Some(Self { moves, ranges })
    }

    /// Decides about one part, and counts the calls that
    /// [`call::calls`](super::super::call::calls) would make of it: the decision speaks of those.
    /// `None` when zones do not apply.
    pub(crate) fn decide(&self, part: usize) -> Option<(Decision, usize)> {
        let (start, end) = self.ranges[part];
        let moves = numbered(&self.moves[start..end]);
        let decision = decide_moves(&moves)?;
        if let Decision::Valid(order) = &decision
            && let Some(problem) = replay(&moves, order)
        {
            let reason = format!("internal error: in the order found, {problem}");
            return Some((Decision::Unknown(reason), moves.len()));
        }
        Some((decision, moves.len()))
    }
}

/// The moves with their values numbered from 0, which is null.
fn numbered(moves: &[Move]) -> Vec<Move> {
    let mut numbers = FxHashMap::default();
    numbers.reserve(moves.len() / 2 + 1);
    numbers.insert(ValueId::NULL.raw(), INITIAL);
    let mut number = |value| {
        let next = numbers.len() as u32;
        if value == NONE { NONE } else { *numbers.entry(value).or_insert(next) }
    };
    let number = |call: &Move| {
        let (sees, sets) = (number(call.sees), number(call.sets));
        Move { sees, sets, ..*call }
    };
    moves.iter().map(number).collect()
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
