//! Ways to give each of some places its own call, one after another.

/// Ways tried before the general search is left to decide.
const WAYS_MAX: usize = 1024;

/// For each group, the ordered choices of so many of its calls, and the one taken now.
pub(super) struct Choices {
    groups: Vec<(Vec<Vec<u32>>, usize)>,
}

impl Choices {
    /// `groups`: for each place of a group the calls it may have, the likely ones first. Begins
    /// with the likeliest of each; `None` if there are too many ways.
    pub(super) fn new(groups: impl Iterator<Item = Vec<Vec<u32>>>) -> Option<Self> {
        let mut ways = 1_usize;
        let mut choices = Vec::new();
        for places in groups {
            let of_group = arrangements(&places)?;
            ways = ways.saturating_mul(of_group.len().max(1));
            if ways > WAYS_MAX {
                return None;
            }
            choices.push((of_group, 0));
        }
        Some(Self { groups: choices })
    }

    /// The first group that there is no way for.
    pub(super) fn impossible(&self) -> Option<usize> {
        self.groups.iter().position(|(ways, _)| ways.is_empty())
    }

    /// The calls chosen now for a group.
    pub(super) fn of(&self, group: usize) -> &[u32] {
        let (ways, now) = &self.groups[group];
        &ways[*now]
    }

    /// The next way that differs for one of `groups` which refute this one; false if there is
    /// none. Ways differ in the first groups first, so those that differ only before the first of
    /// `groups` are skipped.
    pub(super) fn advance(&mut self, groups: impl Iterator<Item = usize>) -> bool {
        let open = groups.filter(|&group| self.groups[group].0.len() > 1).min();
        let Some(open) = open else { return false };
        self.groups[..open].iter_mut().for_each(|group| group.1 = 0);
        for (ways, now) in &mut self.groups[open..] {
            *now += 1;
            if *now < ways.len() {
                return true;
            }
            *now = 0;
        }
        false
    }
}

/// All ways to give each place a call of its own.
fn arrangements(places: &[Vec<u32>]) -> Option<Vec<Vec<u32>>> {
    let mut ways: Vec<Vec<u32>> = vec![Vec::new()];
    for calls in places {
        let longer = |way: &Vec<u32>| {
            let unused = calls.iter().filter(|call| !way.contains(call)).copied();
            let longer = unused.map(|call| way.iter().copied().chain([call]).collect());
            longer.collect::<Vec<Vec<u32>>>()
        };
        ways = ways.iter().flat_map(longer).collect();
        if ways.len() > WAYS_MAX {
            return None;
        }
    }
    Some(ways)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_way_comes_once() {
        let groups = [vec![vec![1, 2, 3], vec![2, 3]], vec![vec![7, 8]], vec![]];
        let mut choices = Choices::new(groups.into_iter()).unwrap();
        assert_eq!(choices.impossible(), None);
        let mut seen = Vec::new();
        loop {
            seen.push((choices.of(0).to_vec(), choices.of(1).to_vec(), choices.of(2).to_vec()));
            if !choices.advance(0..3) {
                break;
            }
        }
        assert_eq!(seen[0], (vec![1, 2], vec![7], vec![]));
        assert_eq!(seen.len(), 8);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 8);
        assert!(choices.advance(1..2) && !choices.advance(1..2), "two ways of the second");
        assert!(!choices.advance(2..3), "no other way of the third");
        let many: Vec<u32> = (0..50).collect();
        assert!(Choices::new([vec![many.clone(), many.clone(), many]].into_iter()).is_none());
        let short = Choices::new([vec![vec![1], vec![1]]].into_iter()).unwrap();
        assert_eq!(short.impossible(), Some(0));
    }
}
