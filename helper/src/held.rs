//! Packets that wait for their time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// By the time when they are due; of those due at once, the one that came first.
#[derive(Default)]
pub struct Held {
    packets: BinaryHeap<Reverse<(Instant, u64, u32)>>,
    came: u64,
}

impl Held {
    pub fn hold(&mut self, id: u32, until: Instant) {
        self.packets.push(Reverse((until, self.came, id)));
        self.came += 1;
    }

    /// One that is due, until there is none.
    pub fn due(&mut self, now: Instant) -> Option<u32> {
        let Reverse((until, _, _)) = self.packets.peek()?;
        if *until > now {
            return None;
        }
        self.any()
    }

    /// The next, due or not.
    pub fn any(&mut self) -> Option<u32> {
        self.packets.pop().map(|Reverse((_, _, id))| id)
    }

    /// How long until the next is due; at most `limit`.
    pub fn wait(&self, now: Instant, limit: Duration) -> Duration {
        let next = self.packets.peek();
        next.map_or(limit, |Reverse((until, _, _))| until.saturating_duration_since(now).min(limit))
    }

    pub fn count(&self) -> usize {
        self.packets.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_leave_when_they_are_due_and_in_order() {
        let (now, ms) = (Instant::now(), Duration::from_millis);
        let mut held = Held::default();
        held.hold(1, now + ms(20));
        held.hold(2, now + ms(10));
        held.hold(3, now + ms(10));
        assert_eq!(held.due(now), None);
        assert_eq!(held.wait(now, ms(50)), ms(10));
        assert_eq!(held.due(now + ms(10)), Some(2));
        assert_eq!(held.due(now + ms(10)), Some(3));
        assert_eq!(held.due(now + ms(10)), None);
        assert_eq!((held.count(), held.any(), held.any()), (1, Some(1), None));
        assert_eq!(held.wait(now, ms(50)), ms(50));
    }
}
