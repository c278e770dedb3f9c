//! Keys, values and transactions in sentences.

use super::Transactions;
use crate::history::ValueId;

/// Characters of a value in a sentence.
const VALUE_CHARS: usize = 120;

/// `op 840`
pub(crate) fn op(txns: &Transactions<'_>, txn: u32) -> String {
    format!("op {}", txns.operation(txn as usize).index().0)
}

/// A key by its number.
pub(crate) fn key(txns: &Transactions<'_>, key: u32) -> String {
    value(txns, txns.keys()[key as usize])
}

/// A value on one line, shortened.
pub(crate) fn value(txns: &Transactions<'_>, id: ValueId) -> String {
    match txns.values().elements(id) {
        Some(items) => list(txns, items),
        None => cut(txns.values().get(id).to_string()),
    }
}

/// A list on one line, its middle left out if it is long.
pub(crate) fn list(txns: &Transactions<'_>, items: &[ValueId]) -> String {
    const ENDS: usize = 8;
    let join = |items: &[ValueId]| {
        let items: Vec<String> = items.iter().map(|&item| value_in(txns, item)).collect();
        items.join(", ")
    };
    if items.len() <= 2 * ENDS + 1 {
        return cut(format!("[{}]", join(items)));
    }
    let (first, last) = (join(&items[..ENDS]), join(&items[items.len() - ENDS..]));
    cut(format!("[{first}, … {} more …, {last}]", items.len() - 2 * ENDS))
}

fn value_in(txns: &Transactions<'_>, id: ValueId) -> String {
    cut(txns.values().get(id).to_string())
}

fn cut(text: String) -> String {
    match text.char_indices().nth(VALUE_CHARS) {
        None => text,
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
    }
}
