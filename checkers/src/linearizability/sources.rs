//! What each call may have observed.

/// Per call, the calls whose effect it may have observed: in the order of the calls, numbered as
/// they are. A list in one piece, since there are as many as calls.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    numbers: Vec<u32>,
    /// Where those of each call end.
    ends: Vec<u32>,
}

impl Sources {
    /// For none of so many calls yet.
    pub(super) fn with_capacity(calls: usize) -> Self {
        Self { numbers: Vec::new(), ends: Vec::with_capacity(calls) }
    }

    /// Those of the next call are the numbers that `add` puts behind the others.
    pub(super) fn push(&mut self, add: impl FnOnce(&mut Vec<u32>)) {
        add(&mut self.numbers);
        self.ends.push(self.numbers.len() as u32);
    }

    /// Those of a call.
    pub fn of(&self, call: usize) -> &[u32] {
        let start = call.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.numbers[start as usize..self.ends[call] as usize]
    }
}

impl FromIterator<Vec<u32>> for Sources {
    /// A list per call.
    fn from_iter<I: IntoIterator<Item = Vec<u32>>>(lists: I) -> Self {
        let mut sources = Self::default();
        for list in lists {
            sources.push(|numbers| numbers.extend(list));
        }
        sources
    }
}
