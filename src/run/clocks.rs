//! `clocks.jsonl`: how far each node's clock is from ours, every few seconds of a run.
//!
//! ```json
//! {"time":5000123456,"node":"n1","offset_ms":0.412,"error_ms":1.9}
//! ```
//!
//! The node's time lies between those at which we asked and were answered: it is compared with the
//! middle, and is off by half of the round trip at most (Cristian 1989). A node that shares this
//! machine's clock has one line, of offset 0.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Clock;
use crate::cluster::{Cluster, Command, Member, boot_id};
use crate::store::ClockReading;

const EVERY: Duration = Duration::from_secs(3);
const DEADLINE: Duration = Duration::from_secs(2);
/// A clock that tells nanoseconds, and whose kernel it is.
const ASK: &str = "date +%s%N; read -r id </proc/sys/kernel/random/boot_id && echo $id";

/// Reads the clocks of all nodes until it is dropped.
#[derive(Debug)]
pub struct Clocks {
    stops: Vec<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Clocks {
    /// Creates `path`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn watch(cluster: &Cluster, path: &Path, clock: Clock) -> std::io::Result<Self> {
        let file = Arc::new(Mutex::new(File::create(path)?));
        let mut clocks = Self { stops: Vec::new(), threads: Vec::new() };
        for member in &cluster.members {
            let (stop, stopped) = channel();
            let (file, member) = (Arc::clone(&file), member.clone());
            clocks.stops.push(stop);
            clocks.threads.push(std::thread::spawn(move || {
                watch(&member, &file, clock, &stopped);
            }));
        }
        Ok(clocks)
    }
}

impl Drop for Clocks {
    fn drop(&mut self) {
        self.stops.clear();
        for thread in self.threads.drain(..) {
            // A panic there has been printed; the run does not depend on it.
            let _ = thread.join();
        }
    }
}

fn watch(member: &Member, file: &Mutex<File>, clock: Clock, stopped: &Receiver<()>) {
    loop {
        let (before, asked) = (SystemTime::now(), clock.now());
        let answer = member.remote.run(&Command::shell(ASK).deadline(DEADLINE));
        let round_trip = clock.now().0.saturating_sub(asked.0);
        // Who does not answer has no line: it is paused, cut off or switched off.
        if let Ok(answer) = answer {
            let text = answer.text();
            let mut lines = text.lines();
            let Some(theirs) = lines.next().and_then(|line| line.parse().ok()) else { return };
            let shared = lines.next().is_some_and(|id| id == boot_id());
            let (offset_ms, error_ms) = match shared {
                true => (0.0, 0.0),
                false => offset(before, round_trip, theirs),
            };
            let node = member.node.name.clone();
            let reading = ClockReading { time: clock.now(), node, offset_ms, error_ms };
            write(file, &reading);
            if shared {
                return;
            }
        }
        if stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// Of a clock that said `theirs` (ns since 1970) within `round_trip` ns after `before`: how far it
/// is from ours, and the most by which that may be wrong, in ms.
fn offset(before: SystemTime, round_trip: u64, theirs: i128) -> (f64, f64) {
    let since = before.duration_since(UNIX_EPOCH).unwrap_or_default();
    let middle = since.as_nanos() as i128 + i128::from(round_trip / 2);
    let ms = |ns: f64| (ns / 1e3).round() / 1e3;
    (ms((theirs - middle) as f64), ms(round_trip as f64 / 2.0))
}

fn write(file: &Mutex<File>, reading: &ClockReading) {
    let Ok(mut line) = serde_json::to_vec(reading) else { return };
    line.push(b'\n');
    // A reading that is missing makes a plot poorer, and no verdict wrong.
    let _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_against_the_middle_of_the_round_trip() {
        let before = UNIX_EPOCH + Duration::from_millis(1_000);
        assert_eq!(offset(before, 4_000_000, 1_002_000_000), (0.0, 2.0));
        assert_eq!(offset(before, 4_000_000, 500_000_000), (-502.0, 2.0));
        assert_eq!(offset(before, 1_000_000, 61_000_500_000), (60_000.0, 0.5));
    }
}
