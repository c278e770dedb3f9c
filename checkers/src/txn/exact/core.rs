//! The fewest transactions that contradict each other: first enough of those around a conflict,
//! then without every one that is not needed.

use super::Budget;
use super::input::{Input, Rules};
use super::judge::{Answer, judge};

/// For a few transactions; one more exact answer is not worth more.
const BUDGET: Budget = Budget { conflicts: 20_000, steps: 20_000_000 };
/// Transactions judged again, all in all.
const WORK_MAX: usize = 20_000_000;

/// Whether these transactions alone contradict each other. Removing some from a history that has an
/// execution leaves one that has, so those of the whole do, too.
pub(super) fn contradicts(input: &Input, rules: Rules, txns: &[u32]) -> bool {
    let few = input.restrict(txns);
    matches!(judge(&few, rules, &BUDGET).answer, Answer::Impossible(_))
}

struct Shrink<'a> {
    input: &'a Input,
    rules: Rules,
    work: usize,
}

impl Shrink<'_> {
    fn contradicts(&mut self, txns: &[u32]) -> bool {
        self.work += txns.len();
        self.work <= WORK_MAX && contradicts(self.input, self.rules, txns)
    }

    /// Ever more of what was invoked around the suspects.
    fn enough(&mut self, suspects: &[u32]) -> Option<Vec<u32>> {
        let len = self.input.spans.len() as u32;
        let mut radius = 0;
        loop {
            let mut near: Vec<u32> = suspects
                .iter()
                .flat_map(|&txn| txn.saturating_sub(radius)..(txn + radius + 1).min(len))
                .filter(|&txn| self.input.sources.is_present(txn as usize))
                .collect();
            near.sort_unstable();
            near.dedup();
            if self.contradicts(&near) {
                return Some(near);
            }
            if radius >= len || self.work > WORK_MAX {
                return None;
            }
            radius = 4 * radius + 8;
        }
    }

    /// Without ever smaller parts; at the end no single one can go.
    fn fewest(&mut self, mut core: Vec<u32>) -> Vec<u32> {
        let mut size = core.len().div_ceil(2);
        loop {
            let (mut start, mut any) = (0, false);
            while start < core.len() && core.len() > 1 {
                let end = (start + size).min(core.len());
                let without = [&core[..start], &core[end..]].concat();
                if self.contradicts(&without) {
                    core = without;
                    any = true;
                } else {
                    start += size;
                }
            }
            if size == 1 && !any || self.work > WORK_MAX {
                return core;
            }
            size = size.div_ceil(2).max(1);
        }
    }
}

/// Transactions that contradict each other, in order of invocation; the suspects themselves if that
/// takes too long to find out.
pub(super) fn shrink(input: &Input, rules: Rules, mut suspects: Vec<u32>) -> Vec<u32> {
    suspects.sort_unstable();
    suspects.dedup();
    let mut shrink = Shrink { input, rules, work: 0 };
    match shrink.enough(&suspects) {
        Some(near) => shrink.fewest(near),
        None => suspects,
    }
}
