//! Two trees over places: the least key in a range, and counts that fall to zero.

/// Keys by place, in a complete binary tree: node n has the lesser key of 2n and 2n + 1.
pub(super) struct MinTree {
    leaves: usize,
    keys: Vec<u32>,
}

impl MinTree {
    pub(super) fn new(keys: impl ExactSizeIterator<Item = u32>) -> Self {
        let leaves = keys.len().next_power_of_two();
        let mut tree = vec![u32::MAX; 2 * leaves];
        for (leaf, key) in tree[leaves..].iter_mut().zip(keys) {
            *leaf = key;
        }
        for node in (1..leaves).rev() {
            tree[node] = tree[2 * node].min(tree[2 * node + 1]);
        }
        Self { leaves, keys: tree }
    }

    /// The first place from `from` on with a key less than `bound`.
    pub(super) fn first(&self, from: u32, bound: u32) -> Option<u32> {
        if from as usize >= self.leaves {
            return None;
        }
        let mut node = from as usize + self.leaves;
        // The greatest node that begins at this place, or the one after it.
        loop {
            node >>= node.trailing_zeros();
            if self.keys[node] < bound {
                break;
            }
            node += 1;
            if node.is_power_of_two() {
                return None;
            }
        }
        while node < self.leaves {
            node = 2 * node + usize::from(self.keys[2 * node] >= bound);
        }
        Some((node - self.leaves) as u32)
    }

    /// Takes out a key of at most `limit` from places `from..to`: its place.
    pub(super) fn take(&mut self, from: u32, to: u32, limit: u32) -> Option<u32> {
        let mut node = self.find(from as usize + self.leaves, to as usize + self.leaves, limit)?;
        while node < self.leaves {
            node = 2 * node + usize::from(self.keys[2 * node] > limit);
        }
        let place = (node - self.leaves) as u32;
        self.keys[node] = u32::MAX;
        while node > 1 {
            node /= 2;
            let least = self.keys[2 * node].min(self.keys[2 * node + 1]);
            if self.keys[node] == least {
                break;
            }
            self.keys[node] = least;
        }
        Some(place)
    }

    /// A node wholly within the leaves `from..to` with such a key.
    fn find(&self, mut from: usize, mut to: usize, limit: u32) -> Option<usize> {
        while from < to {
            if from % 2 == 1 {
                if self.keys[from] <= limit {
                    return Some(from);
                }
                from += 1;
            }
            if to % 2 == 1 {
                to -= 1;
                if self.keys[to] <= limit {
                    return Some(to);
                }
            }
            from /= 2;
            to /= 2;
        }
        None
    }
}

/// Out of the way: a count that was taken.
const GONE: u32 = u32::MAX / 2;

/// Counts by place. The count of a place is the sum of `own` from its leaf to the root; `least` of
/// a node is the least count below it, without what is above it.
#[derive(Default)]
pub(super) struct CountTree {
    leaves: usize,
    least: Vec<u32>,
    /// What was subtracted from everything below a node that is no leaf, itself included in
    /// `least`.
    lowered: Vec<u32>,
}

impl CountTree {
    pub(super) fn new(counts: &[u32]) -> Self {
        let leaves = counts.len().next_power_of_two();
        let mut least = vec![GONE; 2 * leaves];
        least[leaves..leaves + counts.len()].copy_from_slice(counts);
        for node in (1..leaves).rev() {
            least[node] = least[2 * node].min(least[2 * node + 1]);
        }
        Self { leaves, least, lowered: vec![0; leaves] }
    }

    /// One less at places `from..to`, all of which are more than zero.
    pub(super) fn lower(&mut self, from: u32, to: u32) {
        let (first, last) = (from as usize + self.leaves, to as usize + self.leaves);
        let (mut from, mut to) = (first, last);
        while from < to {
            if from % 2 == 1 {
                self.lower_node(from);
                from += 1;
            }
            if to % 2 == 1 {
                to -= 1;
                self.lower_node(to);
            }
            from /= 2;
            to /= 2;
        }
        self.renew(first);
        self.renew(last - 1);
    }

    fn lower_node(&mut self, node: usize) {
        self.least[node] -= 1;
        if let Some(lowered) = self.lowered.get_mut(node) {
            *lowered += 1;
        }
    }

    /// Computes anew what is above a node.
    fn renew(&mut self, mut node: usize) {
        while node > 1 {
            node /= 2;
            let below = self.least[2 * node].min(self.least[2 * node + 1]);
            self.least[node] = below - self.lowered[node];
        }
    }

    /// The first place in `from..to` with a count of zero, which is then gone.
    pub(super) fn take_zero(&mut self, from: u32, to: u32) -> Option<u32> {
        if from >= to {
            return None;
        }
        let (from, to) = (from as usize + self.leaves, to as usize + self.leaves);
        let mut node = self.first_zero(from, to)?;
        // What was subtracted above this node: its least count has to reach that.
        let mut above = self.above(node);
        while node < self.leaves {
            above += self.lowered[node];
            node = 2 * node + usize::from(self.least[2 * node] > above);
        }
        self.least[node] = GONE + self.above(node);
        self.renew(node);
        Some((node - self.leaves) as u32)
    }

    fn above(&self, mut node: usize) -> u32 {
        let mut above = 0;
        while node > 1 {
            node /= 2;
            above += self.lowered[node];
        }
        above
    }

    /// The first of the nodes that make up the leaves `from..to` with a zero below.
    fn first_zero(&self, mut from: usize, to: usize) -> Option<usize> {
        while from < to {
            // The greatest node that begins here and ends within.
            let mut node = from;
            let mut size = 1;
            while node.is_multiple_of(2) && from + 2 * size <= to {
                node /= 2;
                size *= 2;
            }
            if self.least[node] <= self.above(node) {
                return Some(node);
            }
            from += size;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_are_taken_while_they_are_low(
            keys in prop::collection::vec(0..20_u32, 1..40),
            asks in prop::collection::vec((0..40_u32, 0..40_u32, 0..20_u32), 1..40),
        ) {
            let mut tree = MinTree::new(keys.iter().copied());
            let mut plain: Vec<Option<u32>> = keys.into_iter().map(Some).collect();
            for (from, to, limit) in asks {
                let first = (from..plain.len() as u32)
                    .find(|&place| plain[place as usize].is_some_and(|key| key < limit));
                prop_assert_eq!(tree.first(from, limit), first);
                let to = to.min(plain.len() as u32);
                let is_low = |place: u32| plain[place as usize].is_some_and(|key| key <= limit);
                match tree.take(from, to, limit) {
                    Some(place) => {
                        prop_assert!(from <= place && place < to && is_low(place));
                        plain[place as usize] = None;
                    }
                    None => prop_assert!(!(from..to).any(is_low)),
                }
            }
        }

        #[test]
        fn zeros_come_once_each_in_order(
            ranges in prop::collection::vec((0..40_u32, 1..40_u32), 1..20),
        ) {
            let mut plain = [0_u32; 40];
            let ends = |(from, size): (u32, u32)| (from, (from + size).min(40));
            for (from, to) in ranges.iter().copied().map(ends) {
                (from..to).for_each(|place| plain[place as usize] += 1);
            }
            let mut tree = CountTree::new(&plain);
            let mut gone = [false; 40];
            for (from, to) in ranges.iter().copied().map(ends) {
                tree.lower(from, to);
                (from..to).for_each(|place| plain[place as usize] -= 1);
                for (low, high) in [(from, to), (0, 40)] {
                    let zero = |place: &u32| plain[*place as usize] == 0 && !gone[*place as usize];
                    let first = (low..high).find(zero);
                    prop_assert_eq!(tree.take_zero(low, high), first);
                    first.into_iter().for_each(|place| gone[place as usize] = true);
                }
            }
        }
    }
}
