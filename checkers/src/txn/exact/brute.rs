//! All executions of a small history, tried one after the other.

use std::collections::HashSet;

use super::input::Rules;
use crate::history::{Completion, ValueId};
use crate::txn::transactions::{Function, Transactions};

struct World<'a> {
    txns: &'a Transactions<'a>,
    there: Vec<usize>,
    rules: Rules,
    tried: HashSet<(u32, u32, Vec<ValueId>)>,
}

impl World<'_> {
    /// Whether the reads of a transaction that sees `store` are right.
    fn run(&self, txn: usize, store: &[ValueId]) -> bool {
        let mut local = store.to_vec();
        let known = self.txns.completion(txn) == Completion::Ok;
        self.txns.micros(txn).iter().all(|micro| {
            let value = &mut local[micro.key() as usize];
            if micro.f() == Function::Write {
                *value = micro.value;
                return true;
            }
            !known || *value == micro.value
        })
    }

    fn writes(&self, txn: usize) -> Vec<(usize, ValueId)> {
        let writes = self.txns.micros(txn).iter().filter(|micro| micro.f() == Function::Write);
        writes.map(|micro| (micro.key() as usize, micro.value)).collect()
    }

    /// Whether `a` must have committed before `b` begins.
    fn precedes(&self, a: usize, b: usize) -> bool {
        let (first, second) = (self.txns.operation(a), self.txns.operation(b));
        let over = first.completion() == Completion::Ok
            && first.completed_rank().is_some_and(|end| end < second.invoked_rank());
        over && (self.rules.real_time || self.rules.sessions && first.process() == second.process())
    }

    fn may_begin(&self, at: usize, committed: u32) -> bool {
        (0..self.there.len()).all(|other| {
            committed >> other & 1 == 1 || !self.precedes(self.there[other], self.there[at])
        })
    }

    /// `spoilt`: those that have begun and not committed, and a key of theirs was written since.
    fn go(&mut self, begun: u32, committed: u32, spoilt: u32, store: Vec<ValueId>) -> bool {
        let all = (1_u32 << self.there.len()) - 1;
        if committed == all {
            return true;
        }
        let key = (begun, committed | spoilt << 16, store.clone());
        if !self.tried.insert(key) {
            return false;
        }
        for at in 0..self.there.len() {
            let (bit, txn) = (1 << at, self.there[at]);
            if begun & bit == 0 {
                let fits = self.may_begin(at, committed) && self.run(txn, &store);
                if !fits {
                    continue;
                }
                if self.rules.snapshots {
                    if self.go(begun | bit, committed, spoilt, store.clone()) {
                        return true;
                    }
                } else if self.commit(at, begun | bit, committed, spoilt, &store) {
                    return true;
                }
            } else if committed & bit == 0
                && spoilt & bit == 0
                && self.commit(at, begun, committed, spoilt, &store)
            {
                return true;
            }
        }
        false
    }

    fn commit(
        &mut self,
        at: usize,
        begun: u32,
        committed: u32,
        spoilt: u32,
        store: &[ValueId],
    ) -> bool {
        let mut store = store.to_vec();
        let writes = self.writes(self.there[at]);
        writes.iter().for_each(|&(key, value)| store[key] = value);
        let shares = |other: &usize| {
            let open = begun >> other & 1 == 1 && committed >> other & 1 == 0 && *other != at;
            let others = self.writes(self.there[*other]);
            open && others.iter().any(|(key, _)| writes.iter().any(|write| write.0 == *key))
        };
        let spoilt =
            (0..self.there.len()).filter(shares).fold(spoilt, |spoilt, other| spoilt | 1 << other);
        self.go(begun, committed | 1 << at, spoilt, store)
    }
}

/// Whether some choice of crashed transactions has an execution.
pub(super) fn holds(txns: &Transactions<'_>, rules: Rules) -> bool {
    let of = |completion| {
        (0..txns.len()).filter(|&txn| txns.completion(txn) == completion).collect::<Vec<_>>()
    };
    let (ok, info) = (of(Completion::Ok), of(Completion::Info));
    (0..1_u32 << info.len()).any(|chosen| {
        let mut there = ok.clone();
        there.extend((0..info.len()).filter(|at| chosen >> at & 1 == 1).map(|at| info[at]));
        let store = vec![ValueId::NULL; txns.keys().len()];
        World { txns, there, rules, tried: HashSet::new() }.go(0, 0, 0, store)
    })
}
