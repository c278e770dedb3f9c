//! Which calls are live when: for each completion, in order, the calls that may take effect
//! before it.

use super::Call;

/// A completed call keeps one slot while it is live; slots are reused, so their number is the
/// greatest concurrency.
pub(super) struct Timeline {
    /// The completed calls, in order of completion.
    pub endings: Vec<Ending>,
    /// Per slot its tenants: (completion rank, invocation rank, call), in order.
    slots: Vec<Vec<(u32, u32, u32)>>,
}

#[derive(Clone, Copy)]
pub(super) struct Ending {
    pub call: u32,
    pub slot: u32,
    pub rank: u32,
}

impl Timeline {
    /// `calls` in order of invocation.
    pub(super) fn new<O>(calls: &[Call<O>]) -> Self {
        let mut endings: Vec<Ending> = (0..)
            .zip(calls)
            .filter(|(_, call)| !call.is_open())
            .map(|(number, call)| Ending { call: number, slot: 0, rank: call.completed })
            .collect();
        endings.sort_by_key(|ending| ending.rank);
        let mut slots: Vec<Vec<(u32, u32, u32)>> = Vec::new();
        let mut slot_of = vec![0; calls.len()];
        let mut free: Vec<u32> = Vec::new();
        let mut ended = 0;
        for (number, call) in (0..).zip(calls).filter(|(_, call)| !call.is_open()) {
            while ended < endings.len() && endings[ended].rank < call.invoked {
                free.push(slot_of[endings[ended].call as usize]);
                ended += 1;
            }
            let slot = free.pop().unwrap_or_else(|| {
                slots.push(Vec::new());
                slots.len() as u32 - 1
            });
            slots[slot as usize].push((call.completed, call.invoked, number));
            slot_of[number as usize] = slot;
        }
        for ending in &mut endings {
            ending.slot = slot_of[ending.call as usize];
        }
        Self { endings, slots }
    }

    pub(super) fn width(&self) -> usize {
        self.slots.len()
    }

    /// (slot, call) of the calls invoked before the `event`th ending and not ended before it.
    pub(super) fn live(&self, event: usize, into: &mut Vec<(u32, u32)>) {
        into.clear();
        let Some(ending) = self.endings.get(event) else { return };
        for (slot, tenants) in (0..).zip(&self.slots) {
            let first = tenants.partition_point(|&(completed, ..)| completed < ending.rank);
            if let Some(&(_, invoked, call)) = tenants.get(first)
                && invoked < ending.rank
            {
                into.push((slot, call));
            }
        }
    }
}
