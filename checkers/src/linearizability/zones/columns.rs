//! Zones straight from the columns of a history: values are compared by id, and no call is made.

use rustc_hash::FxHashMap;

use super::{INITIAL, Move, NONE, decide_moves};
use crate::history::{Completion, History, ValueId};
use crate::linearizability::{Call, Decision, register::RegisterOp};

/// Decides about the operations at `places`, and counts those judged. `None` when zones do not
/// apply, or an operation is none of a register: whoever makes calls of them says which.
pub(crate) fn decide(history: &History, places: &[u32]) -> Option<(Decision, usize)> {
    let moves = moves(history, places)?;
    let decision = decide_moves(&moves)?;
    if let Decision::Valid(order) = &decision
        && let Some(problem) = replay(&moves, order)
    {
        let reason = format!("internal error: in the order found, {problem}");
        return Some((Decision::Unknown(reason), moves.len()));
    }
    Some((decision, moves.len()))
}

#[derive(Clone, Copy)]
enum Function {
    Read,
    Write,
    Cas,
}

/// What the calls of [`call::calls`](super::super::call::calls) would be, in the same order.
fn moves(history: &History, places: &[u32]) -> Option<Vec<Move>> {
    let columns = &history.columns;
    let mut numbers = FxHashMap::default();
    numbers.reserve(places.len() / 2);
    numbers.insert(ValueId::NULL, INITIAL);
    let mut number = |value| {
        let next = numbers.len() as u32;
        *numbers.entry(value).or_insert(next)
    };
    let mut functions: Vec<(ValueId, Function)> = Vec::new();
    let mut moves = Vec::with_capacity(places.len());
    for place in places.iter().map(|&place| place as usize) {
        let completion = columns.completion[place];
        if completion == Completion::Fail {
            continue;
        }
        let f = columns.f[place];
        let function = match functions.iter().find(|(known, _)| *known == f) {
            Some(&(_, function)) => function,
            None => {
                let function = match history.values().text(f)? {
                    "read" => Function::Read,
                    "write" => Function::Write,
                    "cas" => Function::Cas,
                    _ => return None,
                };
                functions.push((f, function));
                function
            }
        };
        let known = completion == Completion::Ok;
        let (sees, sets) = match function {
            Function::Read if !known => continue,
            Function::Read => (number(columns.result[place]), NONE),
            Function::Write => (NONE, number(columns.argument[place])),
            Function::Cas => match history.values().elements(columns.argument[place])? {
                &[old, new] => (number(old), number(new)),
                _ => return None,
            },
        };
        let invoked = columns.invoked[place] + 1;
        let open = Call::<RegisterOp>::OPEN;
        let completed = if known { columns.ended[place] + 1 } else { open };
        moves.push(Move { sees, sets, invoked, completed });
    }
    Some(moves)
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
