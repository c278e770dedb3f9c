//! Models below snapshot isolation on lists, by their definitions: all orders of commits are tried.

use super::{Order, Txn};
use crate::history::Completion;

/// What a read found of others, and what it stands for.
struct Read {
    key: usize,
    list: Vec<u64>,
}

/// The reads of a transaction, its own elements taken away; `None` if it contradicts itself.
fn reads(txn: &Txn) -> Option<Vec<Read>> {
    let (mut own, mut found): (Vec<(usize, u64)>, Vec<Read>) = (Vec::new(), Vec::new());
    for (key, what) in &txn.micros {
        match what {
            Ok(element) => own.push((*key, *element)),
            Err(_) if txn.completion != Completion::Ok => {}
            Err(list) => {
                let mine: Vec<u64> =
                    own.iter().filter(|(other, _)| other == key).map(|own| own.1).collect();
                let list = list.strip_suffix(&mine[..])?.to_vec();
                found.push(Read { key: *key, list });
            }
        }
    }
    Some(found)
}

fn appended(txn: &Txn, key: usize) -> Vec<u64> {
    let own = txn.micros.iter().filter(|micro| micro.0 == key);
    own.filter_map(|micro| micro.1.as_ref().ok().copied()).collect()
}

/// Whether the reads of who commits at a place are right.
type Fits<'a> = &'a dyn Fn(usize, &[(usize, usize)]) -> bool;

/// Transactions that happened, in the order of their commits.
struct Run<'a> {
    txns: &'a [Txn],
    order: Vec<usize>,
    /// By transaction, key and rank of the version that each read found: how many of `order`
    /// appended to the key up to and with its writer.
    reads: Vec<Vec<(usize, usize)>>,
}

impl<'a> Run<'a> {
    /// `None` if some read is not of a version, or of one that commits later.
    fn of(txns: &'a [Txn], order: &[usize]) -> Option<Self> {
        let mut found = vec![Vec::new(); txns.len()];
        for (place, &txn) in order.iter().enumerate() {
            for read in reads(&txns[txn])? {
                let (mut list, mut rank) = (Vec::new(), 0);
                for (at, &writer) in order.iter().enumerate() {
                    if list.len() >= read.list.len() {
                        break;
                    }
                    let more = appended(&txns[writer], read.key);
                    if !more.is_empty() {
                        list.extend(more);
                        rank = at + 1;
                    }
                }
                if list != read.list || rank > place {
                    return None;
                }
                found[txn].push((read.key, rank));
            }
        }
        Some(Self { txns, order: order.to_vec(), reads: found })
    }

    /// Whether some read of `reader` misses what the one at `place` of the order appended.
    fn misses(&self, read: (usize, usize), place: usize) -> bool {
        place >= read.1 && !appended(&self.txns[self.order[place]], read.0).is_empty()
    }

    /// Per place the places that come before it by reads, and in `sessions`, transitively.
    fn past(&self, sessions: bool) -> Option<Vec<Vec<bool>>> {
        let len = self.order.len();
        let mut past = vec![vec![false; len]; len];
        for (at, &txn) in self.order.iter().enumerate() {
            self.reads[txn].iter().filter(|read| read.1 > 0).for_each(|r| past[at][r.1 - 1] = true);
            for (other, &before) in self.order.iter().enumerate() {
                let (a, b) = ((before, &self.txns[before]), (txn, &self.txns[txn]));
                past[at][other] |= sessions && other != at && Order::Sessions.forces(a, b);
            }
        }
        for via in 0..len {
            for at in 0..len {
                for other in 0..len {
                    past[at][other] |= past[at][via] && past[via][other];
                }
            }
        }
        // The order of commits keeps it.
        (0..len).all(|at| (at..len).all(|later| !past[at][later])).then_some(past)
    }

    fn is(&self, model: &str) -> bool {
        let repeatable = || {
            self.reads
                .iter()
                .all(|reads| reads.iter().all(|a| reads.iter().all(|b| a.0 != b.0 || a.1 == b.1)))
        };
        let each = |fits: Fits<'_>| {
            let reads = |(at, &txn): (usize, &usize)| fits(at, &self.reads[txn]);
            self.order.iter().enumerate().all(reads)
        };
        match model {
            "monotonic-atomic-view" => each(&|_, reads| {
                (0..reads.len()).all(|j| {
                    let seen = reads[..j].iter().filter(|read| read.1 > 0);
                    seen.into_iter().all(|seen| !self.misses(reads[j], seen.1 - 1))
                })
            }),
            "read-atomic" => {
                let saw = |reads: &[(usize, usize)], read| {
                    let seen = reads.iter().filter(|read| read.1 > 0);
                    seen.into_iter().all(|seen| !self.misses(read, seen.1 - 1))
                };
                repeatable() && each(&|_, reads| reads.iter().all(|&read| saw(reads, read)))
            }
            "causal" | "causal-cerone" => {
                let Some(past) = self.past(model == "causal") else { return false };
                repeatable()
                    && each(&|at, reads| {
                        let known = || (0..past.len()).filter(|&other| past[at][other]);
                        reads.iter().all(|&read| known().all(|other| !self.misses(read, other)))
                    })
            }
            // A moment of each read that is between what it found and what it missed.
            _ => each(&|at, reads| {
                let fits = |read: &(usize, usize), moment: usize| {
                    read.1 <= moment && (0..moment).all(|place| !self.misses(*read, place))
                };
                let mut moment = 0;
                if model == "prefix" {
                    return (0..=at).any(|moment| reads.iter().all(|read| fits(read, moment)));
                }
                reads.iter().all(|read| {
                    let next = (moment..=at).find(|&moment| fits(read, moment));
                    moment = next.unwrap_or(moment);
                    next.is_some()
                })
            }),
        }
    }
}

/// Whether a model says what is to be of transactions that contradict themselves, if there are any.
pub(super) fn is_defined(txns: &[Txn], model: &str) -> bool {
    let minds = !matches!(model, "monotonic-atomic-view" | "monotonic-snapshot-read");
    minds || txns.iter().all(|txn| reads(txn).is_some())
}

/// Whether some order of commits explains the history; crashed transactions may be left out.
pub(super) fn explained(txns: &[Txn], model: &str) -> bool {
    fn go(txns: &[Txn], order: &mut Vec<usize>, model: &str) -> bool {
        let all = (0..txns.len())
            .all(|txn| order.contains(&txn) || txns[txn].completion != Completion::Ok);
        if all && Run::of(txns, order).is_some_and(|run| run.is(model)) {
            return true;
        }
        (0..txns.len()).any(|txn| {
            if order.contains(&txn) || txns[txn].completion == Completion::Fail {
                return false;
            }
            order.push(txn);
            let found = go(txns, order, model);
            order.pop();
            found
        })
    }
    go(txns, &mut Vec::new(), model)
}

/// Those that are decided so.
pub(super) const MODELS: [&str; 6] = [
    "monotonic-atomic-view",
    "read-atomic",
    "causal-cerone",
    "causal",
    "prefix",
    "monotonic-snapshot-read",
];
