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
        if lives(owner) {
            last_seen = Instant::now();
        }
    }
}

fn lives(process: Pid) -> bool {
    // One that has ended stays until its parent asks for it; where there is /proc, it shows.
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let state = status.lines().find_map(|line| line.strip_prefix("State:"));
    let ended = state.is_some_and(|state| state.trim_start().starts_with(['Z', 'X']));
    // A process of another user answers EPERM: it is there.
    !ended && test_kill_process(process) != Err(Errno::SRCH)
}
