//! The moments that nothing covers.

/// Moments from 0 on, all there at first, in words of 64; then words that are not empty, in words
/// of 64, and so on. So the next one is found in a few steps, whatever lies between.
pub(super) struct Moments {
    levels: Vec<Vec<u64>>,
}

impl Moments {
    /// All from 0 to `last`.
    pub(super) fn up_to(last: u32) -> Self {
        let mut levels = Vec::new();
        let mut count = last as usize + 1;
        loop {
            let mut words = vec![u64::MAX; count.div_ceil(64)];
            if let (Some(word), rest @ 1..) = (words.last_mut(), count % 64) {
                *word = (1 << rest) - 1;
            }
            count = words.len();
            levels.push(words);
            if count == 1 {
                return Self { levels };
            }
        }
    }

    /// The first one that is `from` or later.
    pub(super) fn next(&self, from: u32) -> Option<u32> {
        let (mut level, mut place) = (0, from as usize);
        let mut found = loop {
            let words = self.levels.get(level)?;
            let later = words.get(place / 64).map_or(0, |word| word & (u64::MAX << (place % 64)));
            if later != 0 {
                break place / 64 * 64 + later.trailing_zeros() as usize;
            }
            place = place / 64 + 1;
            level += 1;
        };
        for words in self.levels[..level].iter().rev() {
            found = found * 64 + words[found].trailing_zeros() as usize;
        }
        Some(found as u32)
    }

    /// Takes away those strictly between. As many steps as words lose some.
    pub(super) fn cover(&mut self, from: u32, to: u32) {
        let mut least = from + 1;
        while let Some(moment) = self.next(least).filter(|&moment| moment < to) {
            let word = moment / 64;
            let end = to.min((word + 1) * 64);
            let these = (u64::MAX >> (64 - (end - moment))) << (moment % 64);
            self.clear(word as usize, these);
            least = end;
        }
    }

    fn clear(&mut self, mut word: usize, mut these: u64) {
        for words in &mut self.levels {
            words[word] &= !these;
            if words[word] != 0 {
                break;
            }
            these = 1 << (word % 64);
            word /= 64;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_covered_is_passed_over(
            last in prop_oneof![0..200_u32, 4_000..9_000_u32],
            covers in prop::collection::vec((0..9_000_u32, 0..5_000_u32), 0..20),
            asks in prop::collection::vec(0..9_100_u32, 1..40),
        ) {
            let mut moments = Moments::up_to(last);
            let mut plain = vec![true; last as usize + 1];
            for (from, size) in covers {
                moments.cover(from, from + size);
                plain.iter_mut().take((from + size) as usize).skip(from as usize + 1)
                    .for_each(|there| *there = false);
            }
            for from in asks {
                let next = (from..=last).find(|&moment| plain[moment as usize]);
                prop_assert_eq!(moments.next(from), next);
            }
        }
    }
}
