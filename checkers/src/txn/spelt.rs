//! Transactions that are spelt out when they are asked for: large ones take a third of the memory
//! of judging them, and only who tells of them looks at them again.

use std::sync::OnceLock;

use super::transactions::Transactions;
use crate::history::History;

/// The transactions of a history which are known to be some.
pub(crate) struct Spelt<'a> {
    history: &'a History,
    txns: OnceLock<Transactions<'a>>,
}

impl<'a> Spelt<'a> {
    /// Of a history whose operations have been found to be transactions.
    pub(crate) fn later(history: &'a History) -> Self {
        Self { history, txns: OnceLock::new() }
    }

    pub(crate) fn get(&self) -> &Transactions<'a> {
        self.txns.get_or_init(|| {
            // That there are some was found before.
            Transactions::of(self.history).unwrap_or_else(|_| Transactions::none(self.history))
        })
    }
}

impl<'a> From<Transactions<'a>> for Spelt<'a> {
    fn from(txns: Transactions<'a>) -> Self {
        Self { history: txns.history(), txns: OnceLock::from(txns) }
    }
}
