//! What a session knew at each of its reads: for each key and each session, the last write known.
//! Causal consistency and PRAM differ only in how knowledge spreads.
//!
//! Causal (AWDIT, Møldrup & Pavlogiannis, PLDI 2025, §4): a transaction knows all that the ones it
//! read from, and the ones before it in its session, knew and did. Each node has a clock, a row
//! with, per session, how many of its transactions are known. A session is followed once more with
//! its clocks: what becomes known is entered by key, so that a read compares two short rows, what
//! is known of its key and the clock of the one it read from. An order that the clocks imply is
//! left out. Cost: O(n · sessions).
//!
//! PRAM: a session knows what it read from and what came before that in the writer's session, and
//! forgets nothing.

use rayon::prelude::*;

use super::demand::{Demand, Sink};
use super::sessions::{NOBODY, Sessions};

/// The keys that each session writes: *entries*, by key and then by session. A key that most
/// sessions write has one for every session, so that it can be compared with a clock at once.
pub(super) struct Entries {
    /// Per key its first entry, and the end.
    starts: Vec<u32>,
    sessions: Vec<u32>,
    /// Per write.
    of_write: Vec<u32>,
}

impl Entries {
    pub(super) fn of(sessions: &Sessions) -> Self {
        let mut counts = vec![0; sessions.keys()];
        each_entry(sessions, |_, key, _, is_new| counts[key as usize] += u32::from(is_new));
        let width = sessions.count() as u32;
        let mut starts = vec![0; sessions.keys() + 1];
        for key in 0..sessions.keys() {
            let count = if counts[key] > width / 2 { width } else { counts[key] };
            starts[key + 1] = starts[key] + count;
        }
        // Sessions come in order, so the entries of a key are filled in order.
        let mut next = starts.clone();
        let mut of_session = vec![0; starts[sessions.keys()] as usize];
        let mut of_write = vec![0; sessions.write_count()];
        each_entry(sessions, |write, key, session, is_new| {
            let (next, start) = (&mut next[key as usize], starts[key as usize]);
            if starts[key as usize + 1] - start == width {
                of_write[write] = start + session;
                return;
            }
            if is_new {
                of_session[*next as usize] = session;
                *next += 1;
            }
            of_write[write] = *next - 1;
        });
        for key in 0..sessions.keys() {
            let entries = starts[key] as usize..starts[key + 1] as usize;
            if entries.len() == sessions.count() {
                (0..).zip(&mut of_session[entries]).for_each(|(session, of)| *of = session);
            }
        }
        Self { starts, sessions: of_session, of_write }
    }

    pub(super) fn of_key(&self, key: u32) -> std::ops::Range<usize> {
        self.starts[key as usize] as usize..self.starts[key as usize + 1] as usize
    }
}

/// Calls with write, key, session, and whether the session writes the key for the first time.
fn each_entry(sessions: &Sessions, mut each: impl FnMut(usize, u32, u32, bool)) {
    let mut last = vec![u32::MAX; sessions.keys()];
    for session in 0..sessions.count() as u32 {
        for node in sessions.nodes(session as usize) {
            for write in sessions.writes(node) {
                let key = sessions.key(write);
                let is_new = std::mem::replace(&mut last[key as usize], session) != session;
                each(write, key, session, is_new);
            }
        }
    }
}

/// How many transactions of a session are known. Two bytes where no session has more: clocks are
/// most of the memory, and of the time to look at it.
pub(super) trait Count:
    Copy + Ord + Default + Into<u32> + TryFrom<u32> + Send + Sync
{
    const MAX: Self;

    fn of(count: u32) -> Self {
        Self::try_from(count).unwrap_or(Self::MAX)
    }
}

impl Count for u16 {
    const MAX: Self = Self::MAX;
}

impl Count for u32 {
    const MAX: Self = Self::MAX;
}

/// Per node and session, how many transactions are known, the node itself among them.
pub(super) enum Clocks {
    Narrow(Rows<u16>),
    Wide(Rows<u32>),
}

impl Clocks {
    /// `order` puts every node after those before it in its session and those it read from.
    pub(super) fn of(sessions: &Sessions, order: &[u32]) -> Self {
        match Self::are_narrow(sessions) {
            true => Self::Narrow(Rows::of(sessions, order)),
            false => Self::Wide(Rows::of(sessions, order)),
        }
    }

    fn are_narrow(sessions: &Sessions) -> bool {
        (0..sessions.count()).all(|session| sessions.nodes(session).len() <= NARROW_MAX)
    }

    /// How many bytes they take.
    pub(super) fn bytes(sessions: &Sessions) -> u64 {
        let each = if Self::are_narrow(sessions) { size_of::<u16>() } else { size_of::<u32>() };
        sessions.len() as u64 * sessions.count() as u64 * each as u64
    }
}

/// The longest session of which two bytes count the transactions; short in tests, so that they have
/// both.
const NARROW_MAX: usize = if cfg!(test) { 3 } else { u16::MAX as usize };

pub(super) struct Rows<T> {
    width: usize,
    counts: Vec<T>,
}

impl<T: Count> Rows<T> {
    fn of(sessions: &Sessions, order: &[u32]) -> Self {
        let width = sessions.count();
        let mut rows = vec![T::default(); sessions.len() * width];
        let mut row = vec![T::default(); width];
        for &node in order {
            match sessions.before(node) {
                Some(before) => {
                    let start = before as usize * width;
                    row.copy_from_slice(&rows[start..start + width]);
                }
                None => row.fill(T::default()),
            }
            for writer in sessions.read_from(node) {
                // Who is known is known with all that it knew.
                let of = sessions.of_node(writer);
                if row[of].into() > writer - sessions.start(of) {
                    continue;
                }
                let start = writer as usize * width;
                for (known, &more) in row.iter_mut().zip(&rows[start..start + width]) {
                    *known = (*known).max(more);
                }
            }
            let session = sessions.of_node(node);
            row[session] = T::of(node - sessions.start(session) + 1);
            let start = node as usize * width;
            rows[start..start + width].copy_from_slice(&row);
        }
        Self { width, counts: rows }
    }

    fn row(&self, node: u32) -> &[T] {
        let start = node as usize * self.width;
        &self.counts[start..start + self.width]
    }
}

/// What is known to a session as it goes on.
struct Known<'a, T> {
    sessions: &'a Sessions,
    entries: &'a Entries,
    /// Per session, how many of its transactions are entered.
    counts: Vec<T>,
    /// Per entry, which transaction of its session is the last known to have written the key, from
    /// 1; 0 for none.
    last: Vec<T>,
}

impl<'a, T: Count> Known<'a, T> {
    fn new(sessions: &'a Sessions, entries: &'a Entries) -> Self {
        let last = vec![T::default(); entries.sessions.len()];
        Self { sessions, entries, counts: vec![T::default(); sessions.count()], last }
    }

    /// Enters the transactions of a session up to the `count`th.
    fn learn(&mut self, session: usize, count: T) {
        let start = self.sessions.start(session);
        let known = self.counts[session];
        if count <= known {
            return;
        }
        self.counts[session] = count;
        for node in start + known.into()..start + count.into() {
            for write in self.sessions.writes(node) {
                self.last[self.entries.of_write[write] as usize] = T::of(node - start + 1);
            }
        }
    }

    /// Each last write of `key` known, by session, if it is beyond what `clock` knows of that.
    fn beyond(&self, key: u32, clock: &[T], mut each: impl FnMut(u32)) {
        let range = self.entries.of_key(key);
        let last = &self.last[range.clone()];
        if last.len() == clock.len() {
            // Most often there is none: found out without a branch for each.
            let both = last.iter().zip(clock);
            if !both.fold(false, |any, (last, known)| any | (last > known)) {
                return;
            }
        }
        for (&last, &session) in last.iter().zip(&self.entries.sessions[range]) {
            if last > clock[session as usize] {
                each(self.sessions.start(session as usize) + last.into() - 1);
            }
        }
    }
}

/// The demands of causal consistency, those of one session at a time: the sinks
/// come in the order of sessions.
pub(super) fn causal<S: Sink + Send>(
    sessions: &Sessions,
    clocks: &Clocks,
    entries: &Entries,
    new_sink: impl Fn() -> S + Sync,
) -> Vec<S> {
    match clocks {
        Clocks::Narrow(rows) => of_rows(sessions, rows, entries, new_sink),
        Clocks::Wide(rows) => of_rows(sessions, rows, entries, new_sink),
    }
}

fn of_rows<T: Count, S: Sink + Send>(
    sessions: &Sessions,
    rows: &Rows<T>,
    entries: &Entries,
    new_sink: impl Fn() -> S + Sync,
) -> Vec<S> {
    let nothing = vec![T::default(); sessions.count()];
    let follow = |session: usize| {
        let mut sink = new_sink();
        let mut known = Known::new(sessions, entries);
        for reader in sessions.nodes(session) {
            for (other, &count) in rows.row(reader).iter().enumerate() {
                if count > known.counts[other] {
                    // Not the reader itself.
                    let before = reader - sessions.start(session);
                    known.learn(other, if other == session { T::of(before) } else { count });
                }
            }
            for read in sessions.reads(reader) {
                let newer = read.writer;
                let clock = if newer == NOBODY { &nothing } else { rows.row(newer) };
                known.beyond(read.key, clock, |older| {
                    sink.take(Demand { older, newer, reader, key: read.key });
                });
            }
        }
        sink
    };
    (0..sessions.count()).into_par_iter().map(follow).collect()
}

/// The demands of PRAM on the order that `session` sees.
pub(super) fn pram(sessions: &Sessions, entries: &Entries, session: usize) -> Vec<Demand> {
    let mut demands = Vec::new();
    let nothing = vec![0_u32; sessions.count()];
    let mut known: Known<'_, u32> = Known::new(sessions, entries);
    for reader in sessions.nodes(session) {
        known.learn(session, reader - sessions.start(session));
        for writer in sessions.read_from(reader) {
            let other = sessions.of_node(writer);
            known.learn(other, writer - sessions.start(other) + 1);
            if let Some(stem) = sessions.stem(writer) {
                let of = sessions.of_node(stem);
                known.learn(of, stem - sessions.start(of) + 1);
            }
        }
        for read in sessions.reads(reader) {
            let newer = read.writer;
            known.beyond(read.key, &nothing, |older| {
                if older != newer && (newer == NOBODY || !sessions.precedes(older, newer)) {
                    demands.push(Demand { older, newer, reader, key: read.key });
                }
            });
        }
    }
    demands
}
