//! Calls whose values are numbers: what algorithms look at where a history is long.

use crate::linearizability::Call;

/// A call; `W` is what it did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deed<W> {
    pub what: W,
    pub invoked: u32,
    /// [`OPEN`] while nobody knows.
    pub completed: u32,
}

/// As [`Call::OPEN`].
pub(super) const OPEN: u32 = Call::<()>::OPEN;

impl<W> Deed<W> {
    pub(super) fn is_open(&self) -> bool {
        self.completed == OPEN
    }
}

/// Times to a call from which on they are counted anew.
const SPARSE: usize = 4;

/// Sees to it that tables by time are not much longer than the calls, which are in order of
/// invocation; returns a time later than all.
pub(super) fn settle<W>(deeds: &mut [Deed<W>]) -> u32 {
    let ended = deeds.iter().map(|deed| if deed.is_open() { 0 } else { deed.completed });
    let latest = deeds.iter().map(|deed| deed.invoked).chain(ended).max().unwrap_or(0);
    if latest as usize / SPARSE > deeds.len() { condense(deeds) } else { latest + 1 }
}

/// Counts time in events of these calls alone; returns the end.
fn condense<W>(deeds: &mut [Deed<W>]) -> u32 {
    let mut ends: Vec<(u32, u32)> = (0..)
        .zip(&*deeds)
        .filter(|(_, deed)| !deed.is_open())
        .map(|(number, deed)| (deed.completed, number))
        .collect();
    ends.sort_unstable();
    let mut ended = 0;
    for place in 0..deeds.len() {
        while ended < ends.len() && ends[ended].0 < deeds[place].invoked {
            deeds[ends[ended].1 as usize].completed = (place + ended) as u32;
            ended += 1;
        }
        deeds[place].invoked = (place + ended) as u32;
    }
    let begun = deeds.len();
    for (more, &(_, number)) in ends[ended..].iter().enumerate() {
        deeds[number as usize].completed = (begun + ended + more) as u32;
    }
    (begun + ends.len()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_far_apart_are_counted_anew_in_their_order() {
        let deed = |(invoked, completed)| Deed { what: (), invoked, completed };
        let mut deeds = [(10, 400), (20, 30), (50, OPEN), (60, 70)].map(deed);
        assert_eq!(settle(&mut deeds), 7);
        let times = deeds.map(|deed| (deed.invoked, deed.completed));
        assert_eq!(times, [(0, 6), (1, 2), (3, OPEN), (4, 5)]);
        assert_eq!(settle(&mut deeds), 7, "near enough already");
    }
}
