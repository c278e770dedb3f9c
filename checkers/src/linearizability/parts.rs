//! The operations of a history, key by key.

use std::ops::Range;
use std::sync::OnceLock;

use rayon::prelude::*;

use crate::history::{History, ValueId};

/// Operations that are not worth dividing further.
const GROUP_MIN: usize = 1 << 20;
/// Stretches begin where a word of bits does.
const WORD: usize = u64::BITS as usize;

/// Divides operations by key: one part for each, and one for those without a key.
pub(super) struct Parts<'a> {
    history: &'a History,
    /// In order of first use.
    parts: Vec<Part>,
    /// Part by number of the key; who has no key comes last.
    numbers: Vec<u32>,
    /// The parts in a few groups of neighbours: what is made of one is gone before the next.
    groups: Vec<Group>,
    /// The history in a few pieces, for as many threads.
    stretches: Vec<Stretch>,
}

struct Part {
    /// Its number, as of [`Parts::numbers`].
    number: usize,
    key: Option<ValueId>,
    first: u32,
    range: Range<usize>,
}

struct Group {
    parts: Range<usize>,
    /// A bit per place of the history: whether the operation is in the group. Empty if all are.
    members: Vec<u64>,
    /// Places in the history, those of one part side by side and in order of invocation.
    places: OnceLock<Vec<u32>>,
}

struct Stretch {
    places: Range<usize>,
    /// Operations by number of the key.
    counts: Vec<u32>,
    /// The place of the first of them.
    firsts: Vec<u32>,
}

impl Stretch {
    fn of(history: &History, places: Range<usize>) -> Self {
        let keys = history.keys.len();
        let (mut counts, mut firsts) = (vec![0; keys + 1], vec![u32::MAX; keys + 1]);
        let mut place = places.start as u32;
        history.columns.each_key(places.clone(), |key| {
            let key = (key as usize).min(keys);
            if counts[key] == 0 {
                firsts[key] = place;
            }
            counts[key] += 1;
            place += 1;
        });
        Self { places, counts, firsts }
    }
}

impl<'a> Parts<'a> {
    /// `divided`: none of several groups has much more than a fifth of a long history's operations.
    pub(super) fn of(history: &'a History, divided: bool) -> Self {
        let keys = history.keys.len();
        let places = stretches(history.len(), keys);
        let stretches: Vec<Stretch> =
            places.into_par_iter().map(|places| Stretch::of(history, places)).collect();
        let parts = parts(history, &stretches);
        let mut numbers = vec![0; keys + 1];
        for (number, part) in (0..).zip(&parts) {
            numbers[part.number] = number;
        }
        let most = if divided { (history.len() / 5).max(GROUP_MIN) } else { history.len() };
        let mut groups = groups(&parts, most);
        if groups.len() > 1 {
            find_members(history, &stretches, &numbers, &mut groups);
        }
        Self { history, parts, numbers, groups, stretches }
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    pub(super) fn key(&self, part: usize) -> Option<ValueId> {
        self.parts[part].key
    }

    /// In how many pieces the history is divided.
    pub(super) fn stretches(&self) -> usize {
        self.stretches.len()
    }

    /// How many operations of a part are in a stretch.
    pub(super) fn count(&self, stretch: usize, part: usize) -> usize {
        self.stretches[stretch].counts[self.parts[part].number] as usize
    }

    /// Calls `visit` with the place and the part of each operation of a group in a stretch, in
    /// order of invocation.
    pub(super) fn each_operation(
        &self,
        group: usize,
        stretch: usize,
        mut visit: impl FnMut(usize, usize),
    ) {
        let places = self.stretches[stretch].places.clone();
        let last = self.numbers.len() - 1;
        let part = |key: u32| self.numbers[(key as usize).min(last)] as usize;
        let members = &self.groups[group].members;
        if members.is_empty() {
            let mut place = places.start;
            return self.history.columns.each_key(places, |key| {
                visit(place, part(key));
                place += 1;
            });
        }
        let words = places.start / WORD..places.end.div_ceil(WORD);
        for (number, &word) in words.clone().zip(&members[words]) {
            let mut left = word;
            while left != 0 {
                let place = number * WORD + left.trailing_zeros() as usize;
                left &= left - 1;
                visit(place, part(self.history.columns.key(place)));
            }
        }
    }

    /// How many groups there are.
    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The parts of a group: neighbours.
    pub(super) fn of_group(&self, group: usize) -> Range<usize> {
        self.groups[group].parts.clone()
    }

    /// Places of the operations of a part; `None` if it has all.
    pub(super) fn places(&self, part: usize) -> Option<&[u32]> {
        if self.parts.len() == 1 {
            return None;
        }
        let number = self.groups.partition_point(|group| group.parts.end <= part);
        let group = &self.groups[number];
        let start = self.parts[group.parts.start].range.start;
        let range = |part: usize| {
            let Range { start: from, end: to } = self.parts[part].range;
            from - start..to - start
        };
        let places = group.places.get_or_init(|| {
            let mut next: Vec<usize> = group.parts.clone().map(|part| range(part).start).collect();
            let mut places = vec![0; range(group.parts.end - 1).end];
            for stretch in 0..self.stretches.len() {
                self.each_operation(number, stretch, |place, part| {
                    let next = &mut next[part - group.parts.start];
                    places[*next] = place as u32;
                    *next += 1;
                });
            }
            places
        });
        Some(&places[range(part)])
    }

    /// Numbers of the parts of a group, the largest first: so no large one is left alone at the
    /// end.
    pub(super) fn by_size(&self, group: usize) -> Vec<usize> {
        let mut order: Vec<usize> = self.of_group(group).collect();
        order.sort_by_key(|&part| std::cmp::Reverse(self.parts[part].range.len()));
        order
    }
}

/// One piece per thread, unless there are so many keys that most would have nothing in most.
fn stretches(operations: usize, keys: usize) -> Vec<Range<usize>> {
    let count = rayon::current_num_threads().min(operations / (keys + 1)).max(1);
    let end =
        |stretch: usize| (operations * stretch / count).next_multiple_of(WORD).min(operations);
    (0..count).map(|stretch| end(stretch)..end(stretch + 1)).collect()
}

/// What is used, in order of first use.
fn parts(history: &History, stretches: &[Stretch]) -> Vec<Part> {
    let part = |number: usize| {
        let operations: usize = stretches.iter().map(|of| of.counts[number] as usize).sum();
        let first = stretches.iter().map(|of| of.firsts[number]).min().unwrap_or(u32::MAX);
        let key = history.keys.get(number).copied();
        Part { number, key, first, range: 0..operations }
    };
    let used = (0..=history.keys.len()).map(part).filter(|part| !part.range.is_empty());
    let mut parts: Vec<Part> = used.collect();
    parts.sort_unstable_by_key(|part| part.first);
    let mut start = 0;
    for part in &mut parts {
        part.range = start..start + part.range.len();
        start = part.range.end;
    }
    parts
}

/// Neighbours, none of several with more than `most` operations.
fn groups(parts: &[Part], most: usize) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut size = 0;
    for (number, part) in parts.iter().enumerate() {
        let operations = part.range.len();
        match groups.last_mut() {
            Some(last) if size + operations <= most => last.parts.end = number + 1,
            _ => {
                let parts = number..number + 1;
                groups.push(Group { parts, members: Vec::new(), places: OnceLock::new() });
                size = 0;
            }
        }
        size += operations;
    }
    groups
}

/// Marks the operations of each group.
fn find_members(history: &History, stretches: &[Stretch], numbers: &[u32], groups: &mut [Group]) {
    let mut group_of = vec![0; numbers.len()];
    for (of, &part) in group_of.iter_mut().zip(numbers) {
        *of = groups.partition_point(|group| group.parts.end <= part as usize);
    }
    let last = numbers.len() - 1;
    let marked = stretches.par_iter().map(|stretch| {
        let places = stretch.places.clone();
        let mut members = vec![vec![0_u64; places.len().div_ceil(WORD)]; groups.len()];
        let mut place = 0;
        history.columns.each_key(places, |key| {
            let group = group_of[(key as usize).min(last)];
            members[group][place / WORD] |= 1 << (place % WORD);
            place += 1;
        });
        members
    });
    for members in marked.collect::<Vec<_>>() {
        for (group, members) in groups.iter_mut().zip(members) {
            group.members.extend(members);
        }
    }
}
