//! Processor time and memory of this process, as the system counts them. Memory: Linux only.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Of all threads so far.
pub fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

/// Bytes of memory in use; `None` where the system does not say.
pub fn resident_bytes() -> Option<u64> {
    status_bytes("VmRSS:")
}

/// The most bytes of memory in use since the start, or since [`forget_peak`]; `None` where the
/// system does not say.
pub fn peak_bytes() -> Option<u64> {
    status_bytes("VmHWM:")
}

/// The peak begins anew.
pub fn forget_peak() {
    // Where that cannot be done the peak is that of the whole process: too much, never too little.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn status_bytes(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}
