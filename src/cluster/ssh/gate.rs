//! A counting semaphore whose waiting has an end.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// Lets so many pass at a time.
pub(super) struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

/// Held while inside; given back on drop.
pub(super) struct Permit<'a>(&'a Gate);

impl Gate {
    pub fn new(permits: usize) -> Self {
        Self { free: Mutex::new(permits), freed: Condvar::new() }
    }

    /// Waits for a permit; `None` when there was none until `until`.
    pub fn enter(&self, until: Instant) -> Option<Permit<'_>> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.saturating_duration_since(Instant::now());
        let (mut free, timeout) = self
            .freed
            .wait_timeout_while(free, left, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() && *free == 0 {
            return None;
        }
        *free -= 1;
        Some(Permit(self))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;

    #[test]
    fn nobody_waits_past_the_deadline_and_a_permit_comes_back() {
        let gate = Gate::new(1);
        let soon = || Instant::now() + Duration::from_millis(20);
        let first = gate.enter(soon()).unwrap();
        assert!(gate.enter(soon()).is_none());
        drop(first);
        assert!(gate.enter(soon()).is_some());
    }
}
