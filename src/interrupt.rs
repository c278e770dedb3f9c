//! Ctrl-C and SIGTERM: a wish to end well, noticed by whoever waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Set once, seen everywhere.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Catches SIGINT, SIGTERM and SIGHUP for the rest of the program.
    ///
    /// # Errors
    /// When a handler was set before.
    pub fn catch() -> Result<Self, ctrlc::Error> {
        let interrupt = Self::default();
        let seen = interrupt.clone();
        ctrlc::set_handler(move || {
            let again = seen.0.swap(true, Ordering::SeqCst);
            crate::terminal::note(if again {
                "still mending the cluster; kill -9 leaves that to the nodes' watchdogs"
            } else {
                "interrupted: healing faults and taking the test down"
            });
        })?;
        Ok(interrupt)
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// The flag itself, for those who only know flags.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Waits until `done` says so, `limit` has passed, or somebody interrupts; whether `done`.
    pub fn wait_until(
        &self,
        limit: Duration,
        every: Duration,
        mut done: impl FnMut() -> bool,
    ) -> bool {
        let start = Instant::now();
        loop {
            if done() {
                return true;
            }
            if self.is_set() || start.elapsed() >= limit {
                return false;
            }
            std::thread::sleep(every.min(limit.saturating_sub(start.elapsed())));
        }
    }
}
