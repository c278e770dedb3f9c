//! Lists read again and again: what a transaction reads of a key mostly begins with what was read
//! of it before. The elements of a list are known as far as its text is that of the one before.

use super::super::eight::Eight;
use super::super::values::ValueId;

/// Lists that are remembered.
const LISTS: usize = 32;
/// Elements of a list that are.
const ELEMENTS: usize = 1 << 10;

/// The lists that were read last, by what they were read of.
#[derive(Default)]
pub(super) struct Lists(Vec<List>);

impl Lists {
    /// The one to begin with for a list of this key: perhaps that of another, which does no harm.
    #[inline]
    pub(super) fn of(&mut self, key: ValueId) -> &mut List {
        if self.0.is_empty() {
            self.0.resize_with(LISTS, List::default);
        }
        &mut self.0[key.raw() as usize % LISTS]
    }
}

/// The begin of a list of small integers without blanks. What they are called depends on no
/// interner.
#[derive(Default)]
pub(super) struct List {
    /// From behind the bracket to the end of the last element.
    text: Vec<u8>,
    elements: Vec<ValueId>,
    /// Where each of them ends in the text.
    ends: Vec<u32>,
}

impl List {
    /// The elements at the begin of a text that are known, and the bytes they take; each of them
    /// is followed by what follows an element.
    #[inline]
    pub(super) fn shared(&self, text: &[u8]) -> (&[ValueId], usize) {
        let same = same(&self.text, text);
        let mut count = self.before(same);
        // The digits of the last may go on.
        let is_whole = |end: u32| matches!(text.get(end as usize), Some(b',' | b']'));
        count -= usize::from(count > 0 && !is_whole(self.ends[count - 1]));
        let end = count.checked_sub(1).map_or(0, |last| self.ends[last]);
        (&self.elements[..count], end as usize)
    }

    /// Another list begins with `kept` bytes of this one.
    #[inline]
    pub(super) fn keep(&mut self, kept: usize) {
        let count = self.before(kept);
        self.text.truncate(kept);
        self.ends.truncate(count);
        self.elements.truncate(count);
    }

    /// How many elements end in so many bytes.
    #[inline]
    fn before(&self, bytes: usize) -> usize {
        match bytes == self.text.len() {
            true => self.ends.len(),
            false => self.ends.partition_point(|&end| end as usize <= bytes),
        }
    }

    /// The next element; `text` are the bytes before it which follow the last.
    #[inline]
    pub(super) fn push(&mut self, element: ValueId, text: &[u8]) {
        if self.elements.len() < ELEMENTS {
            self.elements.push(element);
            self.text.extend_from_slice(text);
            self.ends.push(self.text.len() as u32);
        }
    }
}

/// How many bytes two texts have in common.
#[inline]
fn same(one: &[u8], other: &[u8]) -> usize {
    let length = one.len().min(other.len());
    let mut at = 0;
    while at < length {
        let same = Eight::at(one, at).same(Eight::at(other, at));
        at += same;
        if same < size_of::<u64>() {
            break;
        }
    }
    at.min(length)
}
