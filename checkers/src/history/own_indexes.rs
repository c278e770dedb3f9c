//! Indexes that each process counts for itself, as in histories written by hand.

use rustc_hash::FxHashMap;

use super::columns::Columns;

/// The last index of each process, once one was there twice.
#[derive(Default)]
pub(super) struct OwnIndexes(Option<FxHashMap<u32, u64>>);

impl OwnIndexes {
    /// Whether each process counts for itself.
    pub(super) fn known(&self) -> bool {
        self.0.is_some()
    }

    /// Takes an event that is in `columns` if it is an invocation. Whether its index goes on where
    /// that of its process had been: an invocation has a greater one than whatever came before it,
    /// a completion perhaps that of its invocation. Where it does not, it is rather another history
    /// that begins.
    pub(super) fn goes_on(
        &mut self,
        columns: &Columns,
        process: u32,
        index: u64,
        invokes: bool,
    ) -> bool {
        let last = match &mut self.0 {
            Some(last) => last,
            none => {
                let places = 0..columns.len() - usize::from(invokes);
                let mut last = FxHashMap::default();
                let begun = |place| (columns.process(place), u64::from(columns.index(place)));
                let mut begun = places.map(begun);
                if !begun.all(|(process, index)| advances(&mut last, process, index, true)) {
                    return false;
                }
                none.insert(last)
            }
        };
        advances(last, process, index, invokes)
    }
}

fn advances(last: &mut FxHashMap<u32, u64>, process: u32, index: u64, invokes: bool) -> bool {
    match last.insert(process, index) {
        Some(before) if invokes => before < index,
        Some(before) => before <= index,
        None => true,
    }
}
