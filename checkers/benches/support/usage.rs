//! Memory and processor time of this process, as Linux counts them; elsewhere 0.

use std::fs;
use std::time::Duration;

/// On a processor, this thread alone.
pub fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split_whitespace().next().and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// In use now.
pub fn now() -> u64 {
    field("VmRSS:")
}

/// Most in use since the last [`forget_peak`].
pub fn peak() -> u64 {
    field("VmHWM:")
}

/// Starts the count of [`peak`] again.
pub fn forget_peak() {
    // Without it the peak is that of the whole run: too much, never too little.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn field(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let kilobytes = line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// On processors, all threads, to a hundredth of a second.
pub fn process_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = after_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
