//! Accounts between which money is moved: what all hold together never changes.

use serde_json::{Value, json};

use crate::draw::Draw;
use crate::{Invocation, Outcome, Workload};

/// How to draw the operations of a [`Bank`]. Zeros count as 1 (2 for accounts).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankOptions {
    pub seed: u64,
    pub accounts: u32,
    /// Of each account at first.
    pub balance: u32,
    /// The most that is moved at a time.
    pub amount_max: u32,
    /// Of 100 operations, how many read all accounts.
    pub read_percent: u32,
}

/// `transfer` `{"from": "a0", "to": "a1", "amount": 5}` and `read` → `{"a0": 95, "a1": 105, …}`.
/// Before the load, `open` of each account with its balance.
///
/// From the stream `isobar/bank`, a word for the function, and for a transfer three more: from, to
/// and amount.
#[derive(Debug)]
pub struct Bank {
    options: BankOptions,
    draw: Draw,
}

impl Bank {
    pub fn new(options: BankOptions) -> Self {
        let options = BankOptions { accounts: options.accounts.max(2), ..options };
        Self { draw: Draw::new(options.seed, "isobar/bank"), options }
    }
}

/// The name of an account.
pub fn account(number: u32) -> String {
    format!("a{number}")
}

impl Workload for Bank {
    fn preparation(&mut self) -> Vec<Invocation> {
        let accounts = (0..self.options.accounts).map(|number| json!(account(number)));
        let balance = json!(self.options.balance.max(1));
        accounts.map(|name| Invocation::of("open", Some(name), balance.clone())).collect()
    }

    fn next(&mut self, _worker: u32) -> Option<Invocation> {
        if self.draw.below(100) < self.options.read_percent {
            return Some(Invocation::of("read", None, Value::Null));
        }
        let accounts = self.options.accounts;
        let from = self.draw.below(accounts);
        let to = (from + 1 + self.draw.below(accounts - 1)) % accounts;
        let amount = 1 + self.draw.below(self.options.amount_max.max(1));
        let transfer = json!({"from": account(from), "to": account(to), "amount": amount});
        Some(Invocation::of("transfer", None, transfer))
    }

    fn observe(&mut self, _invocation: &Invocation, _outcome: &Outcome) {}

    fn final_reads(&mut self) -> Vec<Invocation> {
        vec![Invocation::of("read", None, Value::Null)]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn money_moves_between_two_accounts_that_were_opened() {
        let options =
            BankOptions { seed: 3, accounts: 4, balance: 100, amount_max: 5, read_percent: 30 };
        let mut bank = Bank::new(options);
        let opened = bank.preparation();
        let names: Vec<Value> = opened.iter().map(|open| open.key.clone().unwrap()).collect();
        assert_eq!(json!(names), json!(["a0", "a1", "a2", "a3"]));
        assert!(opened.iter().all(|open| open.f == "open" && open.value == 100));
        let (mut reads, mut moved) = (0, 0);
        for n in 0..500 {
            let next = bank.next(n % 3).unwrap();
            if next.f == "read" {
                reads += 1;
                continue;
            }
            moved += 1;
            let (from, to) = (&next.value["from"], &next.value["to"]);
            assert!(from != to && names.contains(from) && names.contains(to), "{next:?}");
            assert!((1..=5).contains(&next.value["amount"].as_u64().unwrap()));
        }
        assert!(reads > 100 && moved > 300, "{reads} reads, {moved} transfers");
    }
}
