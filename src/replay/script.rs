//! Recorded operations as a workload: nothing is drawn.

use std::collections::VecDeque;
use std::time::Duration;

use isobar_workloads::{Invocation, Outcome, Workload};

use super::Schedule;

/// Each worker performs what it performed, in that order.
pub struct Script {
    /// What was drawn then: it knows what has to be there before the load.
    drawn: Box<dyn Workload>,
    /// By worker.
    queues: Vec<VecDeque<Invocation>>,
    final_reads: Vec<Invocation>,
}

impl Script {
    pub fn of(schedule: &Schedule, drawn: Box<dyn Workload>) -> Self {
        let mut queues = vec![VecDeque::new(); schedule.workers as usize];
        for operation in &schedule.operations {
            if let Some(queue) = queues.get_mut(operation.worker as usize) {
                queue.push_back(operation.request.invocation());
            }
        }
        let final_reads = schedule.final_reads.iter().map(|read| read.invocation()).collect();
        Self { drawn, queues, final_reads }
    }

    /// Per worker, when its operations are due, from the beginning of the load.
    pub fn times(schedule: &Schedule) -> Vec<Vec<Duration>> {
        let mut times = vec![Vec::new(); schedule.workers as usize];
        for operation in &schedule.operations {
            if let Some(times) = times.get_mut(operation.worker as usize) {
                times.push(Duration::from_nanos(operation.at.0));
            }
        }
        times
    }
}

impl Workload for Script {
    fn preparation(&mut self) -> Vec<Invocation> {
        self.drawn.preparation()
    }

    fn next(&mut self, worker: u32) -> Option<Invocation> {
        self.queues.get_mut(worker as usize)?.pop_front()
    }

    fn observe(&mut self, _invocation: &Invocation, _outcome: &Outcome) {}

    fn final_reads(&mut self) -> Vec<Invocation> {
        std::mem::take(&mut self.final_reads)
    }
}
