//! The operations of a history, key by key.

use std::ops::Range;
use std::sync::OnceLock;

use crate::history::{History, ValueId};

/// Operations that are not worth dividing further.
const GROUP_MIN: usize = 1 << 20;

/// Divides operations by key: one part for each, and one for those without a key.
pub(super) struct Parts<'a> {
    history: &'a History,
    /// In order of first use.
    parts: Vec<Part>,
    /// Part by number of the key.
    numbers: Vec<u32>,
    /// The parts in a few groups of neighbours: what is made of one is gone before the next.
    groups: Vec<Group>,
}

struct Group {
    parts: Range<usize>,
    /// Places in the history, those of one part side by side and in order of invocation.
    places: OnceLock<Vec<u32>>,
}

struct Part {
    key: Option<ValueId>,
    first: u32,
    range: Range<usize>,
}

impl<'a> Parts<'a> {
    /// `divided`: none of several groups has much more than a fifth of a long history's operations.
    pub(super) fn of(history: &'a History, divided: bool) -> Self {
        // Who has no key comes last.
        let keys = history.keys.len();
        let mut counts = vec![0_usize; keys + 1];
        let mut firsts = vec![u32::MAX; keys + 1];
        let mut place = 0;
        history.columns.each_key(0..history.len(), |key| {
            let key = (key as usize).min(keys);
            counts[key] += 1;
            firsts[key] = firsts[key].min(place);
            place += 1;
        });
        let used: Vec<usize> = (0..=keys).filter(|&key| counts[key] > 0).collect();
        let part = |&key: &usize| Part {
            key: history.keys.get(key).copied(),
            first: firsts[key],
            range: 0..counts[key],
        };
        let mut parts: Vec<(usize, Part)> = used.iter().map(|key| (*key, part(key))).collect();
        parts.sort_by_key(|(_, part)| part.first);
        let mut numbers = vec![0; keys + 1];
        let mut start = 0;
        for (number, (key, part)) in (0..).zip(&mut parts) {
            numbers[*key] = number;
            part.range = start..start + part.range.len();
            start = part.range.end;
        }
        let parts: Vec<Part> = parts.into_iter().map(|(_, part)| part).collect();
        let most = if divided { (history.len() / 5).max(GROUP_MIN) } else { history.len() };
        let groups = groups(&parts, most);
        Self { history, parts, numbers, groups }
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    pub(super) fn key(&self, part: usize) -> Option<ValueId> {
        self.parts[part].key
    }

    /// Calls `visit` with the place and the part of each operation at these places, in order of
    /// invocation.
    pub(super) fn each_operation(&self, places: Range<usize>, mut visit: impl FnMut(usize, usize)) {
        let last = self.numbers.len() - 1;
        let mut place = places.start;
        self.history.columns.each_key(places, |key| {
            visit(place, self.numbers[(key as usize).min(last)] as usize);
            place += 1;
        });
    }

    /// Neighbours, together.
    pub(super) fn groups(&self) -> impl Iterator<Item = Range<usize>> {
        self.groups.iter().map(|group| group.parts.clone())
    }

    /// Places of the operations of a part; `None` if it has all.
    pub(super) fn places(&self, part: usize) -> Option<&[u32]> {
        if self.parts.len() == 1 {
            return None;
        }
        let group = &self.groups[self.groups.partition_point(|group| group.parts.end <= part)];
        let start = self.parts[group.parts.start].range.start;
        let range = |part: usize| {
            let Range { start: from, end: to } = self.parts[part].range;
            from - start..to - start
        };
        let places = group.places.get_or_init(|| {
            let mut next: Vec<usize> = group.parts.clone().map(|part| range(part).start).collect();
            let mut places = vec![0; range(group.parts.end - 1).end];
            self.each_operation(0..self.history.len(), |place, part| {
                if group.parts.contains(&part) {
                    let next = &mut next[part - group.parts.start];
                    places[*next] = place as u32;
                    *next += 1;
                }
            });
            places
        });
        Some(&places[range(part)])
    }

    /// Numbers of parts, the largest first: so no large one is left alone at the end.
    pub(super) fn by_size(&self, group: Range<usize>) -> Vec<usize> {
        let mut order: Vec<usize> = group.collect();
        order.sort_by_key(|&part| std::cmp::Reverse(self.parts[part].range.len()));
        order
    }
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
                groups.push(Group { parts: number..number + 1, places: OnceLock::new() });
                size = 0;
            }
        }
        size += operations;
    }
    groups
}
