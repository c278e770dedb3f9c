//! Jepsen's independent keys: `[k v]` for a value v of key k.

use super::Completion;
use super::columns::{Columns, KEYLESS};
use super::values::{ValueId, Values};

/// Whether values may be tuples of a key and a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tuples {
    #[default]
    Never,
    /// If all are, and could not be anything else.
    IfPlain,
    /// The file says so.
    Tagged,
}

/// The parts of a tuple.
fn tuple(values: &Values, id: ValueId) -> Option<(ValueId, ValueId)> {
    match values.elements(id)? {
        &[key, value] => {
            let scalar = values.integer(key).is_some() || values.text(key).is_some();
            scalar.then_some((key, value))
        }
        _ => None,
    }
}

/// Whether every argument, and every result that is there, is a tuple with the key of its
/// operation, and some argument is a tuple of a key and nothing (a read) or a key and an array
/// (a cas, a transaction): no value of an operation without a key looks so.
fn are_tuples(columns: &Columns, values: &Values) -> bool {
    let mut plain = false;
    for place in 0..columns.len() {
        let Some((key, value)) = tuple(values, columns.argument[place]) else { return false };
        plain |= value.is_null() || values.elements(value).is_some();
        let result = columns.result[place];
        let needed = columns.completion[place] == Completion::Ok || !result.is_null();
        if needed && tuple(values, result).is_none_or(|(other, _)| other != key) {
            return false;
        }
    }
    plain
}

/// Takes keys out of values, where they are in there: whether they were.
pub(super) fn split(
    tuples: Tuples,
    columns: &mut Columns,
    values: &Values,
    mut number: impl FnMut(ValueId) -> u32,
) -> bool {
    let keyless = columns.key.iter().all(|&key| key == KEYLESS);
    let apply = match tuples {
        Tuples::Never => false,
        Tuples::IfPlain => keyless && are_tuples(columns, values),
        Tuples::Tagged => keyless,
    };
    for place in 0..if apply { columns.len() } else { 0 } {
        let Some((key, argument)) = tuple(values, columns.argument[place]) else { continue };
        columns.key[place] = number(key);
        columns.argument[place] = argument;
        if let Some((other, result)) = tuple(values, columns.result[place])
            && other == key
        {
            columns.result[place] = result;
        }
    }
    apply
}
