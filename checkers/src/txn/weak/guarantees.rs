//! The session guarantees, one by one (Terry et al., PDIS 1994). What each asks is said in the
//! header of [`weak`](super).

use rustc_hash::FxHashMap;

use super::Level;
use super::commits::{Step, Why};
use super::demand::Demand;
use super::explain::Explain;
use super::orders::small_cycle;
use super::sessions::{NOBODY, Sessions};
use crate::txn::lists::Lists;
use crate::txn::told::{Case, Evidence, capital};

pub(super) fn check(explain: &Explain<'_, '_>, level: Level, evidence: &mut Evidence<'_, '_>) {
    if explain.sessions.are_ranked() {
        return super::ranked::check(explain, level, evidence);
    }
    match level {
        Level::MonotonicReads => monotonic_reads(explain, evidence),
        Level::ReadYourWrites => read_your_writes(explain, evidence),
        Level::MonotonicWrites => monotonic_writes(explain, evidence),
        _ => writes_follow_reads(explain, evidence),
    }
}

/// What a session saw of a key.
#[derive(Default)]
struct Seen {
    /// The writer read from last, and who read.
    last: Option<(u32, u32)>,
    /// The last of the session's own writes that it read, and who read.
    own: Option<(u32, u32)>,
    /// All others read before `last`, by their last readers.
    past: FxHashMap<u32, u32>,
}

/// A version returns after another; the initial one comes after another; or the session's own
/// come in another order than it wrote them.
fn monotonic_reads(explain: &Explain<'_, '_>, evidence: &mut Evidence<'_, '_>) {
    let &Explain { sessions, .. } = explain;
    let mut seen: FxHashMap<u32, Seen> = FxHashMap::default();
    for session in 0..sessions.count() {
        seen.clear();
        for reader in sessions.nodes(session) {
            for read in sessions.reads(reader) {
                let writer = read.writer;
                let seen = seen.entry(read.key).or_default();
                let before = seen.last.replace((writer, reader));
                let Some(before) = before.filter(|before| before.0 != writer) else { continue };
                seen.past.insert(before.0, before.1);
                if before.0 != NOBODY && sessions.of_node(before.0) == session {
                    seen.own = Some(seen.own.map_or(before, |own| own.max(before)));
                }
                let is_own = writer != NOBODY && sessions.of_node(writer) == session;
                let newer = match seen.own {
                    _ if writer == NOBODY || seen.past.contains_key(&writer) => before,
                    Some(own) if is_own && own.0 > writer => own,
                    _ => continue,
                };
                let accused = |newer: (u32, u32)| {
                    let title = format!(
                        "{} after {} of its session had found {}",
                        explain.reading(reader, read.key, writer),
                        explain.name(newer.1),
                        explain.value(newer.0, read.key)
                    );
                    let argument = match seen.past.get(&writer) {
                        Some(&first) if writer != NOBODY => format!(
                            "{} of the same session had found it before: replaced in between.",
                            capital(&explain.name(first))
                        ),
                        _ if writer == NOBODY => "Nothing is older than the initial value.".into(),
                        _ => "The session itself wrote them in the other order.".to_owned(),
                    };
                    let first = seen.past.get(&writer).copied().unwrap_or(NOBODY);
                    let about = [writer, reader, newer.0, newer.1, first];
                    explain.case(read.key, title, argument, &about)
                };
                evidence.add("monotonic-reads", || accused(newer));
            }
        }
    }
}

/// A session that wrote a key finds what is older: the initial value, an older one of its own, or
/// one that it had read before it wrote.
fn read_your_writes(explain: &Explain<'_, '_>, evidence: &mut Evidence<'_, '_>) {
    let &Explain { sessions, .. } = explain;
    // Per key the session's last write, and per key and writer the reader before any write.
    let mut wrote: FxHashMap<u32, u32> = FxHashMap::default();
    let mut read_at: FxHashMap<(u32, u32), u32> = FxHashMap::default();
    for session in 0..sessions.count() {
        wrote.clear();
        read_at.clear();
        for reader in sessions.nodes(session) {
            for read in sessions.reads(reader) {
                let writer = read.writer;
                let first = *read_at.entry((read.key, writer)).or_insert(reader);
                let Some(&own) = wrote.get(&read.key) else { continue };
                let is_own = writer != NOBODY && sessions.of_node(writer) == session;
                // What a transaction reads comes before what it writes.
                let is_older = if is_own { writer < own } else { writer == NOBODY || first <= own };
                if writer == own || !is_older {
                    continue;
                }
                evidence.add("read-your-writes", || {
                    let title = format!(
                        "{} although its session had replaced it",
                        explain.reading(reader, read.key, writer)
                    );
                    let why = if writer == NOBODY {
                        "nothing is older than the initial value".to_owned()
                    } else if is_own {
                        format!("{} came before it in the session", explain.name(writer))
                    } else {
                        format!("{} of the session had read it before", explain.name(first))
                    };
                    let argument =
                        format!("The session did {}; {why}.", explain.writing(own, read.key));
                    let first = if is_own { NOBODY } else { first };
                    explain.case(read.key, title, argument, &[writer, reader, own, first])
                });
            }
            for &key in sessions.keys_written(reader) {
                wrote.insert(key, reader);
            }
        }
    }
}

/// Nodes by key, in order: those of a session lie side by side.
struct ByKey {
    lists: Lists,
}

impl ByKey {
    fn new(sessions: &Sessions, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        Self { lists: Lists::of(sessions.keys(), pairs) }
    }

    /// The last node of `last`'s session for `key`, not after `last`.
    fn up_to(&self, sessions: &Sessions, key: u32, last: u32) -> Option<u32> {
        let place = sessions.last_up_to(self.lists.at(key), last)?;
        Some(self.lists.at(key)[place])
    }
}

fn writers(sessions: &Sessions) -> ByKey {
    let of = |node| sessions.keys_written(node).iter().map(move |&key| (key, node));
    ByKey::new(sessions, (0..sessions.len() as u32).flat_map(of))
}

/// The transactions that `reader` read from, the last of each session.
fn last_of_sessions(sessions: &Sessions, reader: u32) -> Vec<u32> {
    let mut all: Vec<u32> = sessions.read_from(reader).collect();
    all.sort_unstable();
    let last = all.chunk_by(|&a, &b| sessions.of_node(a) == sessions.of_node(b));
    last.filter_map(|nodes| nodes.last().copied()).collect()
}

/// What came before a transaction read from, in its session, is there as well.
fn monotonic_writes(explain: &Explain<'_, '_>, evidence: &mut Evidence<'_, '_>) {
    let &Explain { sessions, .. } = explain;
    let writers = writers(sessions);
    for reader in 0..sessions.len() as u32 {
        let seen = last_of_sessions(sessions, reader);
        let mut demands = Vec::new();
        for read in sessions.reads(reader) {
            let newer = read.writer;
            for before in seen.iter().filter_map(|&seen| sessions.before(seen)) {
                let older = writers.up_to(sessions, read.key, before);
                let Some(older) = older.filter(|&older| older != newer) else { continue };
                demands.push(Demand { older, newer, reader, key: read.key });
            }
        }
        let Some(cycle) = contradiction(sessions, &demands) else { continue };
        evidence.add("monotonic-writes", || told(explain, &demands, &cycle));
    }
}

/// A cycle, or none and the demand of something older than the initial value first.
fn contradiction(sessions: &Sessions, demands: &[Demand]) -> Option<Vec<Step>> {
    if let Some(demand) = demands.iter().find(|demand| demand.newer == NOBODY) {
        return Some(vec![Step { from: demand.older, to: NOBODY, why: Why::Demand }]);
    }
    let edges: Vec<_> = demands.iter().map(|demand| (demand.older, demand.newer, true)).collect();
    small_cycle(sessions, &edges)
}

fn told(explain: &Explain<'_, '_>, demands: &[Demand], cycle: &[Step]) -> Case {
    let of = |step: &Step| {
        let same = |demand: &&Demand| (demand.older, demand.newer) == (step.from, step.to);
        demands.iter().find(same).filter(|_| step.why == Why::Demand).copied()
    };
    let reasons: Vec<Demand> = cycle.iter().filter_map(of).collect();
    match reasons[..] {
        [demand] => explain.overwritten(&demand, &[], &cycle[1..]),
        _ => explain.cycle(cycle, &reasons),
    }
}

/// What the session of a transaction read from had read itself is there as well.
fn writes_follow_reads(explain: &Explain<'_, '_>, evidence: &mut Evidence<'_, '_>) {
    let &Explain { sessions, .. } = explain;
    let of = |node| {
        let reads = sessions.reads(node).iter();
        reads.map(move |read| (read.key, node))
    };
    let readers = ByKey::new(sessions, (0..sessions.len() as u32).flat_map(of));
    // What `node` found of `key`, last: a version other than the initial one.
    let found = |node: u32, key: u32| {
        let mut reads = sessions.reads(node).iter().rev();
        let last = reads.find(|read| read.key == key)?.writer;
        (last != NOBODY).then_some(last)
    };
    for reader in 0..sessions.len() as u32 {
        let seen: Vec<u32> = sessions.read_from(reader).collect();
        for read in sessions.reads(reader) {
            let newer = read.writer;
            for &writer in &seen {
                let Some(by) = readers.up_to(sessions, read.key, writer) else { continue };
                let Some(older) = found(by, read.key).filter(|&older| older != newer) else {
                    continue;
                };
                // Whether what was read is certainly older: its replacer's session had read it.
                let replacer = readers.up_to(sessions, read.key, older);
                let replaced = newer == NOBODY
                    || replacer.is_some_and(|node| found(node, read.key) == Some(newer));
                if !replaced {
                    continue;
                }
                evidence.add("writes-follow-reads", || {
                    let title = format!(
                        "{} together with a write of {}, whose session knew of a later one",
                        explain.reading(reader, read.key, newer),
                        explain.name(writer)
                    );
                    let argument = format!(
                        "{} had read from {} before {} wrote.",
                        capital(&explain.name(by)),
                        explain.writing(older, read.key),
                        explain.name(writer)
                    );
                    let replacer = replacer.unwrap_or(NOBODY);
                    let about = [reader, newer, writer, by, older, replacer];
                    explain.case(read.key, title, argument, &about)
                });
                break;
            }
        }
    }
}
