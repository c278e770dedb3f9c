//! How many of the places before one are marked.

/// A bit per place, and per word of 64 how many are set before it.
#[derive(Default)]
pub(super) struct Rank {
    words: Vec<u64>,
    before: Vec<u32>,
    places: u32,
    marked: u32,
}

impl Rank {
    pub(super) fn with_capacity(places: usize) -> Self {
        let words = places / 64 + 1;
        Self {
            words: Vec::with_capacity(words),
            before: Vec::with_capacity(words),
            ..Self::default()
        }
    }

    /// Adds the next place.
    pub(super) fn push(&mut self, is_marked: bool) {
        let bit = self.places % 64;
        if bit == 0 {
            self.words.push(0);
            self.before.push(self.marked);
        }
        if let (true, Some(word)) = (is_marked, self.words.last_mut()) {
            *word |= 1 << bit;
            self.marked += 1;
        }
        self.places += 1;
    }

    /// How many places before this one, which may be the one after the last, are marked.
    pub(super) fn before(&self, place: u32) -> u32 {
        match self.words.get(place as usize / 64) {
            Some(word) => {
                let lower = word & ((1 << (place % 64)) - 1);
                self.before[place as usize / 64] + lower.count_ones()
            }
            None => self.marked,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_are_counted(marks in prop::collection::vec(any::<bool>(), 0..300)) {
            let mut rank = Rank::with_capacity(marks.len());
            marks.iter().for_each(|&mark| rank.push(mark));
            for place in 0..=marks.len() {
                let count = marks[..place].iter().filter(|&&mark| mark).count();
                prop_assert_eq!(rank.before(place as u32) as usize, count);
            }
        }
    }
}
