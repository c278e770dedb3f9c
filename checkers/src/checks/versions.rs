//! The versions of a register with unique values, and what is certain of their order.
//!
//! Ranks are those of the history, from 1; the initial version (null) is at 0. A version *v* was
//! *begun* when its write was invoked and *seen* at the first completion of an operation that
//! wrote or found it. If *u* was begun after *v* was seen, *u* is later than *v*: *v*'s write had
//! taken effect by then, *u*'s had not. Likewise *u* is later when it was written by a
//! compare-and-set which found *v*. Nothing else is assumed, so a read called *stale* is stale:
//! when it began, some version later than the one that it found had been seen.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::parts::{Op, Part, end_rank, is_fail, is_ok, stranger};
use crate::history::Nanos;

/// One version.
#[derive(Clone, Copy)]
pub(super) struct Version<'a> {
    /// `None`: the initial one.
    pub write: Option<Op<'a>>,
    pub begun: u32,
    pub seen: u32,
    pub seen_by: Option<Op<'a>>,
    /// Written by the compare-and-set that found this one.
    next: Option<usize>,
}

/// The versions of one key, and its ok reads in order of invocation.
pub(super) struct Versions<'a> {
    pub all: Vec<Version<'a>>,
    pub reads: Vec<(Op<'a>, usize)>,
    by_value: FxHashMap<&'a Value, usize>,
    /// Versions by `begun`; from each one on, the one that was seen first.
    by_begun: Vec<(u32, usize)>,
}

/// A read of a version that had been replaced.
#[derive(Clone, Copy)]
pub(super) struct Stale<'a> {
    pub read: Op<'a>,
    /// The version that had replaced it, seen by `by`, which completed at `since`.
    pub by: Op<'a>,
    pub since: Nanos,
    /// Versions that were certainly between the one found and the current one, itself included.
    pub behind: u32,
}

impl Stale<'_> {
    /// How long the version had been replaced when the read began; at the least.
    pub(super) fn age(&self) -> Nanos {
        Nanos(self.read.invoked_at.0.saturating_sub(self.since.0))
    }
}

const INITIAL: &Value = &Value::Null;

impl<'a> Versions<'a> {
    /// `None` when some value was written twice: its reads do not tell which version they found.
    ///
    /// # Errors
    /// Names the first operation that is no register's.
    pub(super) fn of(part: &Part<'a>) -> Result<Option<Self>, String> {
        let initial = Version { write: None, begun: 0, seen: 0, seen_by: None, next: None };
        let mut versions = Self {
            all: vec![initial],
            reads: Vec::new(),
            by_value: FxHashMap::from_iter([(INITIAL, 0)]),
            by_begun: Vec::new(),
        };
        let mut unique = true;
        for &op in part.operations.iter().filter(|op| !is_fail(op)) {
            let value = match (op.f, &op.argument) {
                ("read", _) => continue,
                ("write", value) => value,
                ("cas", Value::Array(pair)) if pair.len() == 2 => &pair[1],
                _ => return Err(stranger(op, "read, write or cas [old, new]")),
            };
            let begun = op.invoked_rank.saturating_add(1);
            let version =
                Version { write: Some(op), begun, seen: u32::MAX, seen_by: None, next: None };
            unique &= versions.by_value.insert(value, versions.all.len()).is_none();
            versions.all.push(version);
        }
        if !unique {
            return Ok(None);
        }
        for &op in part.operations.iter().filter(|op| is_ok(op)) {
            versions.observe(op);
        }
        versions.link(part);
        versions.sort();
        Ok(Some(versions))
    }

    /// Takes note of what an ok operation wrote or found.
    fn observe(&mut self, op: Op<'a>) {
        let cas = op.argument.as_array().filter(|_| op.f == "cas");
        let values = match (op.f, cas) {
            ("read", _) => [Some(&op.result), None],
            (_, Some(pair)) => [pair.first(), pair.get(1)],
            _ => [Some(&op.argument), None],
        };
        for value in values.into_iter().flatten() {
            let Some(&number) = self.by_value.get(value) else { continue };
            if op.f == "read" {
                self.reads.push((op, number));
            }
            let version = &mut self.all[number];
            let seen = end_rank(op).saturating_add(1);
            if seen < version.seen {
                (version.seen, version.seen_by) = (seen, Some(op));
            }
        }
    }

    /// A compare-and-set took effect if it was acknowledged or what it wrote was seen.
    fn link(&mut self, part: &Part<'a>) {
        for &op in part.operations.iter().filter(|op| op.f == "cas" && !is_fail(op)) {
            let Some([old, new]) = op.argument.as_array().map(Vec::as_slice) else { continue };
            let (old, new) = (self.by_value.get(old).copied(), self.by_value[new]);
            let by = &self.all[new];
            let effective = by.begun < by.seen && by.seen < u32::MAX;
            if let Some(old) = old.filter(|&old| effective && self.all[old].next.is_none()) {
                self.all[old].next = Some(new);
            }
        }
    }

    fn sort(&mut self) {
        // Spelt before it was begun is another violation: nothing follows from such a version.
        let sound = |(_, version): &(usize, &Version<'a>)| {
            version.begun < version.seen && version.seen < u32::MAX
        };
        let sorted = self.all.iter().enumerate().skip(1).filter(sound);
        self.by_begun = sorted.map(|(number, version)| (version.begun, number)).collect();
        self.by_begun.sort_unstable();
        let mut first = usize::MAX;
        for entry in self.by_begun.iter_mut().rev() {
            if first == usize::MAX || self.all[entry.1].seen < self.all[first].seen {
                first = entry.1;
            }
            entry.1 = first;
        }
    }

    /// Of the versions certainly later than `version`, the one that was seen first.
    fn replaced_by(&self, version: &Version<'a>) -> Option<&Version<'a>> {
        let place = self.by_begun.partition_point(|&(begun, _)| begun <= version.seen);
        let later = self.by_begun.get(place).map(|&(_, number)| number);
        let sound = version.seen >= version.begun;
        let candidates = [later, version.next].into_iter().flatten().filter(|_| sound);
        candidates.map(|number| &self.all[number]).min_by_key(|later| later.seen)
    }

    /// The stale reads, in order of invocation. O(n log n).
    pub(super) fn stale(&self) -> Vec<Stale<'a>> {
        let mut stale = Vec::new();
        let mut questions = Vec::new();
        for &(read, number) in &self.reads {
            let version = &self.all[number];
            let began = read.invoked_rank.saturating_add(1);
            let replaced = self.replaced_by(version).filter(|later| later.seen < began);
            let Some((by, since)) = replaced
                .and_then(|later| later.seen_by)
                .and_then(|by| Some((by, by.completed_at?)))
            else {
                continue;
            };
            questions.push((began, version.seen, stale.len()));
            stale.push(Stale { read, by, since, behind: 0 });
        }
        for (place, behind) in self.count_between(questions) {
            // One version is missed for certain, even if only a compare-and-set tells.
            stale[place].behind = behind.max(1);
        }
        stale
    }

    /// Per question (before, after, place): how many versions were seen before and begun after.
    fn count_between(&self, mut questions: Vec<(u32, u32, usize)>) -> Vec<(usize, u32)> {
        questions.sort_unstable();
        let mut begun: Vec<u32> = self.by_begun.iter().map(|&(begun, _)| begun).collect();
        begun.sort_unstable();
        let mut by_seen: Vec<(u32, u32)> = self
            .all
            .iter()
            .skip(1)
            .filter(|version| version.begun < version.seen && version.seen < u32::MAX)
            .map(|version| (version.seen, version.begun))
            .collect();
        by_seen.sort_unstable();
        let mut seen = by_seen.into_iter().peekable();
        let mut tree = vec![0_u32; begun.len() + 1];
        let mut total = 0;
        let mut counts = Vec::with_capacity(questions.len());
        for (before, after, place) in questions {
            while let Some((_, at)) = seen.next_if(|&(seen, _)| seen < before) {
                total += 1;
                let mut node = begun.partition_point(|&other| other < at) + 1;
                while node < tree.len() {
                    tree[node] += 1;
                    node += node & node.wrapping_neg();
                }
            }
            let mut node = begun.partition_point(|&other| other <= after);
            let mut earlier = 0;
            while node > 0 {
                earlier += tree[node];
                node &= node - 1;
            }
            counts.push((place, total - earlier));
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::super::notation::history;
    use super::super::parts::{Spelt, by_key};
    use super::*;

    fn stale(text: &str) -> Vec<(u32, u64, u32)> {
        let history = history(text);
        let spelt = Spelt::of(&history);
        let parts = by_key(&spelt);
        let versions = Versions::of(&parts[0]).unwrap().unwrap();
        let told =
            |stale: &Stale<'_>| (stale.read.process, stale.age().0 / 1_000_000, stale.behind);
        versions.stale().iter().map(told).collect()
    }

    #[test]
    fn a_read_of_what_was_replaced_is_stale() {
        let text = "0-1 p0 write 1\n 2-3 p0 write 2\n 4-5 p0 write 3\n 9-10 p1 read -> 1\n
                    11-12 p2 read -> 3\n 13-14 p3 read -> null";
        assert_eq!(stale(text), [(1, 6, 2), (3, 12, 3)]);
    }

    #[test]
    fn what_may_be_current_is_not_stale() {
        assert_eq!(stale("0-9 p0 write 1\n 2-3 p1 write 2\n 10-11 p2 read -> 2"), []);
        assert_eq!(stale("0-1 p0 write 1\n 2-? p1 write 2\n 10-11 p2 read -> 1"), []);
        assert_eq!(stale("0-1 p0 write 1\n 2-8 p1 write 2\n 7-9 p2 read -> 1"), []);
    }

    #[test]
    fn a_crashed_write_counts_once_it_was_seen() {
        let text = "0-1 p0 write 1\n 2-? p1 write 2\n 3-4 p2 read -> 2\n 6-7 p3 read -> 1";
        assert_eq!(stale(text), [(3, 2, 1)]);
    }

    #[test]
    fn a_compare_and_set_tells_the_order_of_concurrent_writes() {
        let text = "0-9 p0 write 1\n 0-8 p1 cas [1,2]\n 10-11 p2 read -> 1";
        assert_eq!(stale(text), [(2, 2, 1)]);
    }

    #[test]
    fn values_written_twice_are_not_judged() {
        let history = history("0-1 p0 write 1\n 2-3 p0 write 1");
        assert!(Versions::of(&by_key(&Spelt::of(&history))[0]).unwrap().is_none());
        let null = super::super::notation::history("0-1 p0 write null");
        assert!(Versions::of(&by_key(&Spelt::of(&null))[0]).unwrap().is_none());
    }

    proptest! {
        /// A history with a stale read is not linearizable; and counts are by definition.
        #[test]
        fn stale_reads_are_never_invented(ops in prop::collection::vec(
            (0_u64..30, 1_u64..8, 0_u8..5, 0_u64..6), 1..9)
        ) {
            let mut text = String::new();
            for (process, (start, length, kind, value)) in ops.iter().enumerate() {
                let (start, end) = (start * 2, (start + length) * 2 + 1);
                let value = value % (ops.len() as u64 + 1);
                let read = if value == 0 { "null".to_owned() } else { value.to_string() };
                text.push_str(&match kind {
                    0 => format!("{start}-? p{process} write {}\n", process + 1),
                    1 | 2 => format!("{start}-{end} p{process} write {}\n", process + 1),
                    3 => format!("{start}-{end} p{process} cas [{read},{}]\n", process + 1),
                    _ => format!("{start}-{end} p{process} read -> {read}\n"),
                });
            }
            let history = history(&text);
            let spelt = Spelt::of(&history);
        let parts = by_key(&spelt);
            let versions = Versions::of(&parts[0]).unwrap().unwrap();
            let stale = versions.stale();
            let judged = crate::linearizable(&history, &crate::Register, &crate::Budget::default());
            prop_assert!(stale.is_empty() || judged.verdict == crate::Verdict::Violated);
            for (stale, &(_, number)) in stale.iter().map(|stale| {
                let found = versions.reads.iter().find(|(op, _)| op.index == stale.read.index);
                (stale, found.unwrap())
            }) {
                let between = versions.all.iter().skip(1).filter(|other| {
                    other.begun > versions.all[number].seen
                        && other.begun < other.seen
                        && other.seen < stale.read.invoked_rank + 1
                });
                prop_assert_eq!(stale.behind as usize, between.count().max(1));
            }
        }
    }
}
