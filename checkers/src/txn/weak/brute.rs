//! The levels by their definitions, for small histories: all orders are tried.

use std::collections::BTreeMap;

use super::super::transactions::{Function, Transactions};
use super::Level;
use crate::history::{Completion, ValueId};

const INITIAL: usize = usize::MAX;

/// The transactions that are there, numbered anew, in order of invocation.
struct World {
    /// Keys written, with their last values.
    writes: Vec<BTreeMap<u32, ValueId>>,
    /// Key and writer, in order.
    reads: Vec<Vec<(u32, usize)>>,
    /// Earlier in the same session.
    session: Vec<Vec<bool>>,
    /// Whether its end is unknown.
    info: Vec<bool>,
    /// Whether it follows its session, and others of the session do not follow it.
    fork: Vec<bool>,
    process: Vec<u32>,
    /// Reads of their own writes that found something else.
    internal: bool,
    /// A read that found what no present transaction wrote last.
    unexplained: bool,
}

fn world(txns: &Transactions<'_>, there: &[usize]) -> World {
    let writes: Vec<BTreeMap<u32, ValueId>> = there
        .iter()
        .map(|&txn| {
            let writes = txns.micros(txn).iter().filter(|micro| micro.f() == Function::Write);
            writes.map(|micro| (micro.key(), micro.value)).collect()
        })
        .collect();
    let mut world = World {
        reads: vec![Vec::new(); there.len()],
        session: Vec::new(),
        info: there.iter().map(|&txn| txns.completion(txn) == Completion::Info).collect(),
        fork: Vec::new(),
        process: there.iter().map(|&txn| txns.operation(txn).process()).collect(),
        internal: false,
        unexplained: false,
        writes,
    };
    for (reader, &txn) in there.iter().enumerate() {
        if txns.completion(txn) != Completion::Ok {
            continue;
        }
        let mut own = BTreeMap::new();
        for micro in txns.micros(txn) {
            match (micro.f(), own.get(&micro.key())) {
                (Function::Write, _) => {
                    own.insert(micro.key(), micro.value);
                }
                (_, Some(&value)) => world.internal |= value != micro.value,
                (_, None) if micro.value.is_null() => {
                    world.reads[reader].push((micro.key(), INITIAL));
                }
                (_, None) => {
                    let wrote = |writer: &usize| {
                        *writer != reader
                            && world.writes[*writer].get(&micro.key()) == Some(&micro.value)
                    };
                    match (0..there.len()).find(wrote) {
                        Some(writer) => world.reads[reader].push((micro.key(), writer)),
                        None => world.unexplained = true,
                    }
                }
            }
        }
    }
    let is_info = |at: usize| world.info[at];
    // Who crashed may still be under way.
    let precedes =
        |a: usize, b: usize| a < b && world.process[a] == world.process[b] && !is_info(a);
    let row = |a: usize| (0..there.len()).map(|b| precedes(a, b)).collect();
    world.session = (0..there.len()).map(row).collect();
    // Of those that certainly happened.
    let found = |at: usize| world.reads.iter().flatten().any(|read| read.1 == at);
    let fork = |at: usize| {
        let mut later = (at + 1..there.len()).filter(|&b| !is_info(b) || found(b));
        is_info(at) && later.any(|b| world.process[b] == world.process[at])
    };
    world.fork = (0..there.len()).map(fork).collect();
    world
}

type Relation = Vec<Vec<bool>>;

fn relation(len: usize, holds: impl Fn(usize, usize) -> bool) -> Relation {
    (0..len).map(|a| (0..len).map(|b| holds(a, b)).collect()).collect()
}

fn closed(mut relation: Relation) -> Relation {
    for via in 0..relation.len() {
        for a in 0..relation.len() {
            for b in 0..relation.len() {
                relation[a][b] |= relation[a][via] && relation[via][b];
            }
        }
    }
    relation
}

/// Whether `fits` holds for some order (place by transaction) that keeps `before`.
fn some_order(before: &Relation, fits: &dyn Fn(&[usize]) -> bool) -> bool {
    fn go(
        before: &Relation,
        place: &mut Vec<usize>,
        next: usize,
        fits: &dyn Fn(&[usize]) -> bool,
    ) -> bool {
        if next == place.len() {
            return fits(place);
        }
        for txn in 0..place.len() {
            let free = place[txn] == usize::MAX;
            let ready = || (0..place.len()).all(|a| !before[a][txn] || place[a] < next);
            if free && ready() {
                place[txn] = next;
                if go(before, place, next + 1, fits) {
                    return true;
                }
                place[txn] = usize::MAX;
            }
        }
        false
    }
    go(before, &mut vec![usize::MAX; before.len()], 0, fits)
}

impl World {
    fn len(&self) -> usize {
        self.reads.len()
    }

    fn reads_from(&self, writer: usize, reader: usize) -> bool {
        self.reads[reader].iter().any(|read| read.1 == writer)
    }

    /// Whether all reads of `reader` find the last of what `known(reader, place of read, writer)`
    /// says it knows.
    fn fits(
        &self,
        order: &[usize],
        reader: usize,
        known: &dyn Fn(usize, usize, usize) -> bool,
    ) -> bool {
        self.reads[reader].iter().enumerate().all(|(at, &(key, newer))| {
            (0..self.len()).all(|older| {
                older == newer
                    || !self.writes[older].contains_key(&key)
                    || !known(reader, at, older)
                    || newer != INITIAL && order[older] < order[newer]
            })
        })
    }

    fn holds(&self, level: Level) -> bool {
        let len = self.len();
        let happened = relation(len, |a, b| self.session[a][b] || self.reads_from(a, b));
        let past = closed(happened.clone());
        let all = |known: &dyn Fn(usize, usize, usize) -> bool| {
            let fits = |order: &[usize]| (0..len).all(|reader| self.fits(order, reader, known));
            some_order(&happened, &fits)
        };
        let broken = self.unexplained || self.internal;
        match level {
            Level::ReadCommitted => {
                !broken
                    && all(&|reader, at, older| {
                        self.reads[reader][..at].iter().any(|read| read.1 == older)
                    })
            }
            Level::ReadAtomic => !broken && all(&|reader, _, older| happened[older][reader]),
            Level::Causal => !broken && all(&|reader, _, older| past[older][reader]),
            Level::Pram => !broken && self.pram(),
            Level::ReadYourWrites => !self.internal && self.read_your_writes(),
            Level::MonotonicReads => self.monotonic_reads(),
            Level::MonotonicWrites => self.monotonic_writes(),
            Level::WritesFollowReads => self.writes_follow_reads(),
        }
    }

    fn pram(&self) -> bool {
        let len = self.len();
        // What a reader saw: itself or one before it read from a transaction.
        let saw = |reader: usize, writer: usize| {
            (0..len).any(|r| (r == reader || self.session[r][reader]) && self.reads_from(writer, r))
        };
        let known = |reader: usize, _: usize, older: usize| {
            self.session[older][reader]
                || (0..len).any(|writer| {
                    (older == writer || self.session[older][writer]) && saw(reader, writer)
                })
        };
        self.members().all(|member| {
            let of = |r: usize| self.is_of(r, member);
            let before = relation(len, |a, b| self.session[a][b] || of(b) && self.reads_from(a, b));
            let fits = |order: &[usize]| {
                (0..len).filter(|&r| of(r)).all(|reader| self.fits(order, reader, &known))
            };
            some_order(&before, &fits)
        })
    }

    /// Those whose session asks something: who crashed found nothing.
    fn members(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.len()).filter(|&member| !self.info[member])
    }

    /// Whether a transaction is of the session of `member`, and no fork.
    fn is_of(&self, txn: usize, member: usize) -> bool {
        let same = self.session[member][txn] || self.session[txn][member];
        txn == member || same && !self.fork[txn]
    }

    /// The reads of a key by the session of `member`, in order: reader and writer.
    fn session_reads(&self, member: usize, key: u32) -> Vec<(usize, usize)> {
        let of = |r: usize| self.is_of(r, member);
        let readers = (0..self.len()).filter(|&r| of(r));
        let reads = readers.flat_map(|r| self.reads[r].iter().map(move |read| (r, read)));
        reads.filter(|(_, read)| read.0 == key).map(|(r, read)| (r, read.1)).collect()
    }

    fn keys(&self) -> Vec<u32> {
        let mut keys: Vec<u32> = self.reads.iter().flatten().map(|read| read.0).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn monotonic_reads(&self) -> bool {
        let place = |order: &[usize], writer: usize| {
            if writer == INITIAL { 0 } else { order[writer] + 1 }
        };
        self.members().all(|member| {
            self.keys().into_iter().all(|key| {
                let reads = self.session_reads(member, key);
                let of = |r: usize| self.is_of(r, member);
                let before = relation(self.len(), |a, b| of(a) && of(b) && self.session[a][b]);
                some_order(&before, &|order| {
                    reads.is_sorted_by_key(|&(_, writer)| place(order, writer))
                })
            })
        })
    }

    fn read_your_writes(&self) -> bool {
        let len = self.len();
        self.members().all(|member| {
            self.keys().into_iter().all(|key| {
                let reads = self.session_reads(member, key);
                let of = |r: usize| self.is_of(r, member);
                let own = |w: usize| of(w) && self.writes[w].contains_key(&key);
                let before = relation(len, |a, b| {
                    let seen = |&(r, writer): &(usize, usize)| {
                        writer == a && (r == b || self.session[r][b])
                    };
                    own(b)
                        && a != b
                        && (own(a) && self.session[a][b] || !of(a) && reads.iter().any(seen))
                });
                let fits = |order: &[usize]| {
                    reads.iter().all(|&(r, writer)| {
                        (0..len).all(|w| {
                            !own(w)
                                || !self.session[w][r]
                                || writer != INITIAL && order[w] <= order[writer]
                        })
                    })
                };
                some_order(&before, &fits)
            })
        })
    }

    fn monotonic_writes(&self) -> bool {
        let len = self.len();
        let known = |reader: usize, _: usize, older: usize| {
            (0..len).any(|w| self.reads_from(w, reader) && self.session[older][w])
        };
        (0..len).all(|reader| some_order(&self.session, &|order| self.fits(order, reader, &known)))
    }

    /// With all that a transaction depends on, and all that those depend on.
    fn writes_follow_reads(&self) -> bool {
        let len = self.len();
        let depends = relation(len, |a, b| {
            (0..len).any(|r| (r == b || self.session[r][b]) && self.reads_from(a, r))
        });
        let before = closed(depends);
        let known = |reader: usize, _: usize, older: usize| {
            (0..len).any(|w| self.reads_from(w, reader) && before[older][w])
        };
        (0..len).all(|reader| some_order(&before, &|order| self.fits(order, reader, &known)))
    }
}

/// Whether some choice of crashed transactions and some order explain the history.
pub(super) fn holds(txns: &Transactions<'_>, level: Level) -> bool {
    let of = |completion| {
        (0..txns.len()).filter(|&txn| txns.completion(txn) == completion).collect::<Vec<_>>()
    };
    let (ok, info) = (of(Completion::Ok), of(Completion::Info));
    // A guarantee of sessions does not mind what nobody wrote: what was found did happen.
    let all = (1_u32 << info.len()) - 1;
    let least = if level.is_ordered() || level == Level::Pram { 0 } else { all };
    (least..=all).any(|chosen| {
        let mut there = ok.clone();
        there.extend((0..info.len()).filter(|at| chosen >> at & 1 == 1).map(|at| info[at]));
        there.sort_unstable();
        world(txns, &there).holds(level)
    })
}
