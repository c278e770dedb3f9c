//! Configurations none of which another one can stand in for.

use rustc_hash::FxHashMap;

use super::bits::Bits;
use super::configuration::Configuration;
use super::moment::Moment;

/// Grows in one moment; what is dominated stays in its place and is marked.
pub(super) struct Antichain<const W: usize> {
    entries: Vec<Configuration<W>>,
    dominated: Vec<bool>,
    /// By value and the slots in which they must be alike.
    alike: FxHashMap<(u32, Bits<W>), Vec<u32>>,
    exact: Bits<W>,
    /// Comparisons made.
    pub work: u64,
}

impl<const W: usize> Antichain<W> {
    /// Configurations that differ in one of the slots `exact` cannot stand in for each other.
    pub(super) fn new(exact: Bits<W>) -> Self {
        let (entries, dominated) = (Vec::new(), Vec::new());
        Self { entries, dominated, alike: FxHashMap::default(), exact, work: 0 }
    }

    /// False: there is one already that can do all that `new` can.
    pub(super) fn add(&mut self, new: Configuration<W>, moment: &Moment<'_, W>) -> bool {
        let alike = self.alike.entry((new.value, new.done & self.exact)).or_default();
        self.work += 1 + alike.len() as u64 / 16;
        for &place in &*alike {
            if self.entries[place as usize].dominates(&new, moment, self.exact) {
                return false;
            }
        }
        alike.retain(|&place| {
            let worse = new.dominates(&self.entries[place as usize], moment, self.exact);
            self.dominated[place as usize] |= worse;
            !worse
        });
        alike.push(self.entries.len() as u32);
        self.entries.push(new);
        self.dominated.push(false);
        true
    }

    /// The entry at `place`; `None` when it is dominated. Places go by arrival.
    pub(super) fn get(&self, place: usize) -> Option<&Configuration<W>> {
        self.entries.get(place).filter(|_| !self.dominated[place])
    }

    /// Including the dominated ones.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn into_frontier(self) -> Vec<Configuration<W>> {
        let entries = self.entries.into_iter().zip(self.dominated);
        entries.filter(|(_, dominated)| !dominated).map(|(entry, _)| entry).collect()
    }
}
