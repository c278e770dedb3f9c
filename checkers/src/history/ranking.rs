//! The place of each event in the order of [`pairing`](super::pairing): usually that of the file.

use super::EventType;
use super::columns::{Columns, NEVER};

/// What orders an event: time in ns, whether it completes something, position in the file.
type Order = (u64, bool, u32);

#[derive(Default)]
pub(super) struct Ranking {
    last: (u64, bool),
    unsorted: bool,
    /// Events earlier than the one before them.
    back: usize,
    /// Invocations with the time of the completion before them.
    touching: usize,
    /// Events that are in no operation.
    nemesis: Vec<Order>,
}

impl Ranking {
    /// Learns of the next event.
    pub(super) fn see(&mut self, time: u64, kind: EventType) {
        let next = (time, kind != EventType::Invoke);
        if next < self.last {
            self.unsorted = true;
            self.back += usize::from(next.0 < self.last.0);
            self.touching += usize::from(next.0 == self.last.0);
        }
        self.last = next;
    }

    pub(super) fn nemesis(&mut self, position: u32, time: u64, kind: EventType) {
        self.nemesis.push((time, kind != EventType::Invoke, position));
    }

    /// Turns positions in the file into ranks, and tells of what was out of order.
    pub(super) fn finish(self, columns: &mut Columns, remarks: &mut Vec<String>) {
        if !self.unsorted {
            return;
        }
        if self.back > 0 {
            let them = if self.back == 1 { "event is" } else { "events are" };
            remarks.push(format!(
                "{} {them} earlier than the one before in the file: put in order of time",
                self.back
            ));
        }
        if self.touching > 0 {
            remarks.push(format!(
                "{} invocations have the time of the completion before them: taken as concurrent \
                 with it",
                self.touching
            ));
        }
        rank(columns, self.nemesis);
    }
}

/// Ranks events anew by time. Positions are those which `columns` hold as ranks.
pub(super) fn rank(columns: &mut Columns, others: Vec<Order>) {
    columns.keep_indexes();
    let mut order: Vec<Order> = others;
    order.reserve(columns.len() * 2);
    for place in 0..columns.len() {
        order.push((columns.invoked_at(place), false, columns.invoked[place]));
        if columns.ended[place] != NEVER {
            order.push((columns.ended_at(place), true, columns.ended[place]));
        }
    }
    order.sort_unstable();
    let events = order.iter().map(|&(.., position)| position as usize + 1).max().unwrap_or(0);
    let mut ranks = vec![0; events];
    for (rank, &(.., position)) in (0..).zip(&order) {
        ranks[position as usize] = rank;
    }
    for rank in columns.invoked.iter_mut() {
        *rank = ranks[*rank as usize];
    }
    for rank in columns.ended.iter_mut().filter(|rank| **rank != NEVER) {
        *rank = ranks[*rank as usize];
    }
}
