//! The session guarantees where the order of versions is known: each asks that what a transaction
//! finds of a key is not older than something that it must know of (Terry et al., PDIS 1994).

use rustc_hash::FxHashMap;

use super::Level;
use super::explain::Explain;
use super::sessions::{NOBODY, Sessions};
use crate::txn::lists::Lists;
use crate::txn::told::{Evidence, capital};

/// A version: its rank, who wrote it, and who of the session did or read it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Known {
    rank: u32,
    writer: u32,
    by: u32,
}

pub(super) fn check(explain: &Explain<'_, '_>, level: Level, evidence: &mut Evidence<'_, '_>) {
    match level {
        Level::MonotonicReads | Level::ReadYourWrites => own(explain, level, evidence),
        _ => others(explain, level, evidence),
    }
}

/// What `node` read of each key, and what it wrote.
fn reads(sessions: &Sessions, node: u32) -> impl Iterator<Item = (u32, Known)> + '_ {
    sessions.reads(node).iter().filter_map(move |read| {
        let rank = sessions.rank(read.writer, read.key)?;
        Some((read.key, Known { rank, writer: read.writer, by: node }))
    })
}

fn writes(sessions: &Sessions, node: u32) -> impl Iterator<Item = (u32, Known)> + '_ {
    sessions.keys_written(node).iter().filter_map(move |&key| {
        let rank = sessions.rank(node, key)?;
        Some((key, Known { rank, writer: node, by: node }))
    })
}

/// A session never finds less than it read before, or wrote in a transaction before.
fn own(explain: &Explain<'_, '_>, level: Level, evidence: &mut Evidence<'_, '_>) {
    let sessions = explain.sessions;
    let mut newest: FxHashMap<u32, Known> = FxHashMap::default();
    for session in 0..sessions.count() {
        newest.clear();
        for node in sessions.nodes(session) {
            for (key, read) in reads(sessions, node) {
                let known = newest.get(&key).copied().filter(|known| known.rank > read.rank);
                if let Some(known) = known {
                    tell(explain, level, key, read, known, NOBODY, evidence);
                } else if level == Level::MonotonicReads {
                    newest.insert(key, read);
                }
            }
            if level == Level::ReadYourWrites {
                for (key, wrote) in writes(sessions, node) {
                    let known = newest.entry(key).or_insert(wrote);
                    *known = wrote.max(*known);
                }
            }
        }
    }
}

/// Per key the nodes that did something with it, and the newest version of the session up to each.
struct Newest {
    nodes: Lists,
    known: Vec<Known>,
    /// Where in `known` the nodes of each key begin.
    starts: Vec<usize>,
}

impl Newest {
    fn of<I: Iterator<Item = (u32, Known)>>(sessions: &Sessions, each: impl Fn(u32) -> I) -> Self {
        let mut all: Vec<(u32, u32, Known)> = Vec::new();
        for node in 0..sessions.len() as u32 {
            all.extend(each(node).map(|(key, known)| (key, node, known)));
        }
        all.sort_unstable();
        for place in 1..all.len() {
            let before = all[place - 1];
            let same = before.0 == all[place].0
                && sessions.of_node(before.1) == sessions.of_node(all[place].1);
            if same {
                all[place].2 = all[place].2.max(before.2);
            }
        }
        let nodes = Lists::of(sessions.keys(), all.iter().map(|&(key, node, _)| (key, node)));
        let mut starts = vec![0; sessions.keys() + 1];
        for key in 0..sessions.keys() {
            starts[key + 1] = starts[key] + nodes.at(key as u32).len();
        }
        Self { nodes, known: all.into_iter().map(|(_, _, known)| known).collect(), starts }
    }

    /// The newest version of `key` in `last`'s session, not after `last`.
    fn up_to(&self, sessions: &Sessions, key: u32, last: u32) -> Option<Known> {
        let nodes = self.nodes.at(key);
        let place = sessions.last_up_to(nodes, last)?;
        Some(self.known[self.starts[key as usize] + place])
    }
}

/// Who reads from a transaction finds nothing older than what its session wrote before (monotonic
/// writes), or had read (writes follow reads).
fn others(explain: &Explain<'_, '_>, level: Level, evidence: &mut Evidence<'_, '_>) {
    let sessions = explain.sessions;
    let newest = match level {
        Level::MonotonicWrites => Newest::of(sessions, |node| writes(sessions, node)),
        _ => Newest::of(sessions, |node| reads(sessions, node)),
    };
    for reader in 0..sessions.len() as u32 {
        let mut seen: Vec<u32> = sessions.read_from(reader).collect();
        seen.sort_unstable();
        seen.dedup();
        for (key, read) in reads(sessions, reader) {
            for &writer in &seen {
                let last = match level {
                    Level::MonotonicWrites => sessions.before(writer),
                    _ => Some(writer),
                };
                let known = last.and_then(|last| newest.up_to(sessions, key, last));
                if let Some(known) = known.filter(|known| known.rank > read.rank) {
                    tell(explain, level, key, read, known, writer, evidence);
                    break;
                }
            }
        }
    }
}

/// `read` is older than `known`, which its reader must know of: through `via`, if anybody.
fn tell(
    explain: &Explain<'_, '_>,
    level: Level,
    key: u32,
    read: Known,
    known: Known,
    via: u32,
    evidence: &mut Evidence<'_, '_>,
) {
    evidence.add(level.name(), || {
        let (by, writer) = (explain.name(known.by), explain.name(known.writer));
        let value = explain.value(known.writer, key);
        let title = format!(
            "{} although {writer} wrote {value} after that",
            explain.reading(read.by, key, read.writer)
        );
        let argument = match level {
            Level::MonotonicReads => {
                format!("{} of the same session had already found {value}.", capital(&by))
            }
            Level::ReadYourWrites => format!("{} is of the same session.", capital(&writer)),
            Level::MonotonicWrites => format!(
                "It read from {}, whose session had done {writer} before.",
                explain.name(via)
            ),
            _ => format!("It read from {}, whose session had found {value} in {by}.", {
                explain.name(via)
            }),
        };
        explain.case(key, title, argument, &[read.writer, read.by, known.writer, known.by, via])
    });
}
