//! The load: workers side by side, paced by a rate (open loop) or by the answers (closed loop).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use isobar_checkers::Nanos;
use isobar_workloads::Invocation;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::worker::{Shared, Worker};

/// When the operations of an open loop are due.
///
/// Arrival `k` of worker `w` is at `(k · workers + w) / rate`: the workers take turns. Latency
/// counts from this moment, so that a system which stalls cannot hide it (no coordinated
/// omission). A worker held up for longer than the time-out skips what is long past: a burst of
/// late operations would not be the load that was asked for.
#[derive(Clone, Copy, Debug)]
struct Arrivals {
    period: Duration,
    next: Duration,
    skip_after: Duration,
}

impl Arrivals {
    fn new(worker: u32, workers: u32, rate: f64, skip_after: Duration) -> Self {
        let gap = Duration::from_secs_f64(1.0 / rate);
        Self { period: gap * workers, next: gap * worker, skip_after }
    }

    /// The next arrival and how many were skipped, at `now` since the start.
    fn take(&mut self, now: Duration) -> (Duration, u64) {
        let mut skipped = 0;
        if now > self.next + self.skip_after {
            let behind = (now - self.next).as_nanos() / self.period.as_nanos().max(1);
            skipped = u64::try_from(behind).unwrap_or(u64::MAX);
            self.next += self.period * u32::try_from(behind).unwrap_or(u32::MAX);
        }
        let arrival = self.next;
        self.next += self.period;
        (arrival, skipped)
    }
}

/// When operations begin.
#[derive(Clone, Debug)]
pub enum Pace {
    /// Each worker begins the next operation when the last has ended (closed loop).
    Answers,
    /// So many a second, whatever the system does (open loop).
    Rate(f64),
    /// Per worker, at these times from the beginning of the load; late ones at once.
    Recorded(Vec<Vec<Duration>>),
}

/// When the operations of one worker are due.
enum Due {
    Rate(Arrivals),
    Recorded(std::vec::IntoIter<Duration>),
}

impl Due {
    /// The next time and how many were skipped; `None` when nothing is left.
    fn take(&mut self, now: Duration) -> Option<(Duration, u64)> {
        match self {
            Self::Rate(arrivals) => Some(arrivals.take(now)),
            Self::Recorded(times) => times.next().map(|time| (time, 0)),
        }
    }
}

/// A running load.
pub struct Load {
    workers: JoinSet<Worker>,
    stop: watch::Sender<bool>,
    missed: Arc<AtomicU64>,
}

/// Where a worker connects: the node's name and its `host:port` for clients.
pub type Endpoint = (String, String);

impl Load {
    /// Starts `shared.concurrency` workers, spread over `endpoints` in turn. Call inside a tokio
    /// runtime.
    pub fn start(shared: &Arc<Shared>, endpoints: &[Endpoint], pace: &Pace) -> Self {
        let (stop, stopped) = watch::channel(false);
        let missed = Arc::new(AtomicU64::new(0));
        let mut workers = JoinSet::new();
        let start = (Instant::now(), shared.recorder.clock().now());
        for number in 0..shared.concurrency {
            let (node, address) = endpoints[number as usize % endpoints.len()].clone();
            let worker = Worker::new(number, node, address, Arc::clone(shared));
            let due = match pace {
                Pace::Answers => None,
                Pace::Rate(rate) => {
                    let skip_after = shared.timeout;
                    let arrivals = Arrivals::new(number, shared.concurrency, *rate, skip_after);
                    Some(Due::Rate(arrivals))
                }
                Pace::Recorded(times) => {
                    let times = times.get(number as usize).cloned().unwrap_or_default();
                    Some(Due::Recorded(times.into_iter()))
                }
            };
            workers.spawn(drive(worker, due, start, stopped.clone(), Arc::clone(&missed)));
        }
        Self { workers, stop, missed }
    }

    /// Lets every worker finish its operation; the workers, and the number of skipped arrivals.
    pub async fn stop(mut self) -> (Vec<Worker>, u64) {
        self.stop.send_replace(true);
        let mut workers = Vec::new();
        while let Some(worker) = self.workers.join_next().await {
            match worker {
                Ok(worker) => workers.push(worker),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => {}
            }
        }
        workers.sort_by_key(|worker| worker.number);
        (workers, self.missed.load(Ordering::Relaxed))
    }
}

/// Performs `invocations`, shared among `workers`. What failed is tried again by those whose node
/// did not fail them, as long as there are any: what is never read is never judged.
pub async fn perform_all(mut workers: Vec<Worker>, mut invocations: Vec<Invocation>) {
    while !invocations.is_empty() && !workers.is_empty() {
        (workers, invocations) = perform_once(workers, invocations).await;
    }
}

/// Performs each invocation once; the workers that nothing failed, and what failed.
async fn perform_once(
    workers: Vec<Worker>,
    invocations: Vec<Invocation>,
) -> (Vec<Worker>, Vec<Invocation>) {
    let queue = Arc::new(Mutex::new(invocations.into_iter()));
    let mut tasks = JoinSet::new();
    for mut worker in workers {
        let queue = Arc::clone(&queue);
        tasks.spawn(async move {
            let mut failed = Vec::new();
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(invocation) = next else { break };
                if !worker.perform(&invocation, None).await {
                    failed.push(invocation);
                }
            }
            (worker, failed)
        });
    }
    let (mut sound, mut left) = (Vec::new(), Vec::new());
    for (worker, failed) in tasks.join_all().await {
        if failed.is_empty() {
            sound.push(worker);
        }
        left.extend(failed);
    }
    (sound, left)
}

async fn drive(
    mut worker: Worker,
    mut due: Option<Due>,
    start: (Instant, Nanos),
    mut stopped: watch::Receiver<bool>,
    missed: Arc<AtomicU64>,
) -> Worker {
    let (started, started_at) = start;
    while !*stopped.borrow() {
        let mut scheduled = None;
        if let Some(due) = &mut due {
            let Some((arrival, skipped)) = due.take(started.elapsed()) else { break };
            missed.fetch_add(skipped, Ordering::Relaxed);
            tokio::select! {
                () = sleep_until(started + arrival) => {}
                _ = stopped.changed() => break,
            }
            let nanos = u64::try_from(arrival.as_nanos()).unwrap_or(u64::MAX);
            scheduled = Some(Nanos(started_at.0.saturating_add(nanos)));
        }
        if !worker.step(scheduled).await {
            break;
        }
    }
    worker
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn workers_take_turns_at_the_rate_asked_for() {
        let mut first = Arrivals::new(0, 2, 100.0, ms(50));
        let mut second = Arrivals::new(1, 2, 100.0, ms(50));
        let take = |arrivals: &mut Arrivals| arrivals.take(ms(0)).0;
        assert_eq!([take(&mut first), take(&mut first)], [ms(0), ms(20)]);
        assert_eq!([take(&mut second), take(&mut second)], [ms(10), ms(30)]);
    }

    #[test]
    fn a_worker_held_up_a_little_catches_up_and_held_up_long_skips() {
        let mut arrivals = Arrivals::new(0, 1, 100.0, ms(50));
        assert_eq!(arrivals.take(ms(45)), (ms(0), 0));
        assert_eq!(arrivals.take(ms(45)), (ms(10), 0));
        assert_eq!(arrivals.take(ms(205)), (ms(200), 18));
        assert_eq!(arrivals.take(ms(205)), (ms(210), 0));
    }
}
