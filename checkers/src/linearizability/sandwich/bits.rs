//! A set of slots: 64 per word, as many words as the concurrency needs.

use std::ops::{BitAnd, BitOr, BitXor};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bits<const W: usize>([u64; W]);

impl<const W: usize> Bits<W> {
    pub(super) const EMPTY: Self = Self([0; W]);

    pub(super) fn one(slot: u32) -> Self {
        let mut bits = Self::EMPTY;
        bits.0[slot as usize / 64] = 1 << (slot % 64);
        bits
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    pub(super) fn meets(self, other: Self) -> bool {
        !(self & other).is_empty()
    }

    /// Whether every slot of this set is in `other`.
    pub(super) fn within(self, other: Self) -> bool {
        self.without(other).is_empty()
    }

    pub(super) fn without(mut self, other: Self) -> Self {
        for (word, gone) in self.0.iter_mut().zip(other.0) {
            *word &= !gone;
        }
        self
    }

    pub(super) fn count(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// In ascending order.
    pub(super) fn slots(self) -> impl Iterator<Item = u32> {
        (0..).zip(self.0).flat_map(|(place, mut word): (u32, u64)| {
            std::iter::from_fn(move || {
                let slot = (word != 0).then(|| place * 64 + word.trailing_zeros());
                word &= word.wrapping_sub(1);
                slot
            })
        })
    }

    fn combine(mut self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word = with(*word, other);
        }
        self
    }
}

impl<const W: usize> BitAnd for Bits<W> {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        self.combine(other, |left, right| left & right)
    }
}

impl<const W: usize> BitOr for Bits<W> {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.combine(other, |left, right| left | right)
    }
}

impl<const W: usize> BitXor for Bits<W> {
    type Output = Self;
    fn bitxor(self, other: Self) -> Self {
        self.combine(other, |left, right| left ^ right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_beyond_the_first_word_are_kept_apart() {
        let far = Bits::<3>::one(130) | Bits::one(64) | Bits::one(2);
        assert_eq!(far.slots().collect::<Vec<_>>(), [2, 64, 130]);
        assert_eq!(far.count(), 3);
        assert!(Bits::one(130).within(far) && !Bits::one(131).meets(far));
        assert_eq!(far.without(Bits::one(64)), Bits::one(2) | Bits::one(130));
        assert_eq!(far ^ far, Bits::EMPTY);
    }
}
