//! A node must not outlive the test it belongs to.

use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

const ASK_EVERY: Duration = Duration::from_millis(250);

/// Returns when the process `owner` has been gone for `lease`.
pub async fn gone(owner: Pid, lease: Duration) {
    let mut last_seen = Instant::now();
    while last_seen.elapsed() < lease {
        tokio::time::sleep(ASK_EVERY.min(lease)).await;
        // A process of another user answers EPERM: it is there.
        if test_kill_process(owner) != Err(Errno::SRCH) {
            last_seen = Instant::now();
        }
    }
}
