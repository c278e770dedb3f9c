//! Many short lists in two columns: the edges of a graph, the readers of a version.

/// Lists of numbers by number, side by side.
#[derive(Default)]
pub(crate) struct Lists {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    /// `pairs` is gone through twice.
    pub(crate) fn of(len: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        // One behind where it belongs, each start is the place of its next item while there are
        // any.
        let mut starts = vec![0; len + 2];
        for (from, _) in pairs.clone() {
            starts[from as usize + 2] += 1;
        }
        for node in 0..len {
            starts[node + 2] += starts[node + 1];
        }
        let mut items = vec![0; starts[len + 1] as usize];
        for (from, to) in pairs {
            let place = &mut starts[from as usize + 1];
            items[*place as usize] = to;
            *place += 1;
        }
        starts.truncate(len + 1);
        Self { starts, items }
    }

    /// For each number the lists that it is in, where all numbers are below how many there are.
    pub(crate) fn turned(&self) -> Self {
        let of = |from: u32| self.at(from).iter().map(move |&to| (to, from));
        Self::of(self.len(), (0..self.len() as u32).flat_map(of))
    }

    /// What is in all of them.
    pub(crate) fn items(&self) -> &[u32] {
        &self.items
    }

    /// How many lists.
    pub(crate) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(crate) fn at(&self, node: u32) -> &[u32] {
        let node = node as usize;
        &self.items[self.starts[node] as usize..self.starts[node + 1] as usize]
    }
}
