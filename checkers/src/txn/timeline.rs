//! Real time, as a line of moments.

use std::ops::Range;

use rayon::prelude::*;

use super::Transactions;
use super::transactions::NONE;
use crate::history::Completion;

/// Completions between two invocations are one moment.
pub(crate) struct Timeline {
    /// Per transaction the moment at which it was over, or [`NONE`].
    pub over: Vec<u32>,
    /// Per moment the first transaction invoked after it.
    next: Vec<u32>,
}

impl Timeline {
    pub(crate) fn of(txns: &Transactions<'_>) -> Self {
        let count = txns.len();
        if txns.history().untimed {
            return Self { over: vec![NONE; count], next: Vec::new() };
        }
        let first_after = |txn| first_after(txns, txn).map_or(NONE, |next| next as u32);
        let mut over: Vec<u32> = (0..count).into_par_iter().map(first_after).collect();
        // Per transaction the moment that is right before it: first whether there is one.
        let mut moments = vec![NONE; count];
        for &next in &over {
            if let Some(moment) = moments.get_mut(next as usize) {
                *moment = 0;
            }
        }
        let mut next = Vec::new();
        for (txn, moment) in (0..).zip(&mut moments).filter(|(_, moment)| **moment != NONE) {
            *moment = next.len() as u32;
            next.push(txn);
        }
        over.par_iter_mut().for_each(|over| {
            *over = moments.get(*over as usize).copied().unwrap_or(NONE);
        });
        Self { over, next }
    }

    /// How many moments there are.
    pub(crate) fn len(&self) -> usize {
        self.next.len()
    }

    /// The transactions that were invoked after a moment and before the next.
    pub(crate) fn after(&self, moment: usize) -> Range<u32> {
        let end = self.next.get(moment + 1).copied().unwrap_or(self.over.len() as u32);
        self.next[moment]..end
    }
}

/// Within so many places behind one, most of those are that were under way with it; few in tests.
const NEAR: usize = if cfg!(test) { 2 } else { 16 };

/// The first transaction that was invoked after another was over, if that is known.
fn first_after(txns: &Transactions<'_>, txn: usize) -> Option<usize> {
    let over = txns.operation(txn).completed_rank();
    let over = over.filter(|_| txns.completion(txn) == Completion::Ok)?;
    let is_before = |txn: &usize| txns.operation(*txn).invoked_rank() < over;
    // Counted, since how many are near nobody can foresee; from the last of them on in steps that
    // double.
    let near = txn + 1..txns.len().min(txn + 1 + NEAR);
    let (mut before, mut step) = (txn + near.filter(is_before).count(), 1);
    while before + step < txns.len() && is_before(&(before + step)) {
        before += step;
        step *= 2;
    }
    // All from `end` on were invoked after.
    let mut end = txns.len().min(before + step);
    while end - before > 1 {
        let middle = before + (end - before) / 2;
        if is_before(&middle) {
            before = middle;
        } else {
            end = middle;
        }
    }
    (end < txns.len()).then_some(end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::notation::history;
    use super::*;

    #[test]
    fn completions_between_two_invocations_are_one_moment() {
        // 0 and 1 are over before 2 begins, 2 before 4 does; 3 fails, and nobody comes after 4.
        let history = history("0-3 ax1 | 1-4 ax2 | 5-8 ax3 | 6-7! ax4 | 9-10 ax5 | 9-? ax6");
        let txns = Transactions::of(&history).unwrap();
        let timeline = Timeline::of(&txns);
        assert_eq!(timeline.over, [0, 0, 1, NONE, NONE, NONE]);
        let after: Vec<_> = (0..timeline.len()).map(|moment| timeline.after(moment)).collect();
        assert_eq!(after, [2..4, 4..6]);
    }

    #[test]
    fn who_is_under_way_for_long_is_over_before_whoever_comes_after() {
        for others in 0..40 {
            let meanwhile = (1..=others).map(|n| format!("{}-{} ax{n}", 2 * n, 2 * n + 1));
            let items: Vec<_> = [format!("0-{} ay1", 2 * others + 2)]
                .into_iter()
                .chain(meanwhile)
                .chain((1..4).map(|n| format!("{0}-{0} az{n}", 2 * others + 2 + n)))
                .collect();
            let history = history(&items.join(" | "));
            let timeline = Timeline::of(&Transactions::of(&history).unwrap());
            let moment = timeline.over[0] as usize;
            assert_eq!(timeline.after(moment), others + 1..others + 2, "{others}");
        }
    }
}
